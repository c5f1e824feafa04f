"""Sets that others have published: where each comes from, and how it is made of that.

One file of `workflow/reactions/public` is one set: repository, commit, licence, and the options of
`mepbench import` that make the set file. Those whose licence allows it ship as that file,
`workflow/reactions/NAME.xyz`; the others are made of a clone that the user has. The checksum of the
set file says whether it is the one that docs/bench was computed with.
"""

import shlex
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from ..errors import InputError
from ..files.checksums import sha256
from ..reaction import PUBLIC, SHIPPED
from ..registry import nearest

PREPARED = Path("results", "data")  # as the configs of docs/bench name them


@dataclass(frozen=True)
class PublicSet:
    """One published set.

    Attributes
    ----------
    about : what it is, and who computed it
    repository, commit : address, and the commit whose files these are
    licence, note : of the source, and whose it is; what else is to be said of it
    literature : where it was published
    format, source, options, charge, multiplicity, select : what `mepbench import` is given, the
        source as a path in the repository
    reactions : their number
    sha256 : of the set file
    """

    name: str
    about: str
    repository: str
    commit: str
    licence: str
    literature: str
    format: str
    source: str
    reactions: int
    sha256: str
    options: dict = field(default_factory=dict)
    charge: int | None = None
    multiplicity: int | None = None
    select: tuple[str, ...] = ()
    note: str = ""

    @property
    def shipped(self) -> Path | None:
        """The file that ships, None where there is none."""
        file = SHIPPED / f"{self.name}.xyz"
        return file if file.exists() else None

    @property
    def prepared(self) -> Path:
        """Where the configs of docs/bench expect it if it does not ship."""
        return PREPARED / f"{self.name}.xyz"

    @property
    def clone(self) -> str:
        """Name of a folder into which the repository is cloned."""
        return self.repository.rsplit("/", 1)[-1]

    def is_same(self, file: Path) -> bool:
        """Whether a prepared file is this set, byte for byte."""
        return sha256(file) == self.sha256

    def import_arguments(self, root: str | Path, output: Path) -> list[str]:
        """Return what `mepbench import` is given to make the set of a clone at `root`."""
        arguments = [self.format, str(Path(root) / self.source), "-o", str(output)]
        for key, value in self.options.items():
            arguments += ["--option", f"{key}={value}"]
        for key in ("charge", "multiplicity"):
            if getattr(self, key) is not None:
                arguments += [f"--{key}", str(getattr(self, key))]
        arguments += ["--licence", self.licence]
        arguments += ["--source", f"{self.repository} at {self.commit}"]
        return arguments + (["--select", *self.select] if self.select else [])

    def get_clone(self) -> str:
        """Return the commands that get the repository as it was."""
        return f"git clone {self.repository} && git -C {self.clone} checkout {self.commit[:12]}"

    def command(self, *, whole: bool = True) -> str:
        """Return the import as one types it; without `whole` a long list of names is left out."""
        arguments = self.import_arguments(self.clone, self.prepared)
        names = len(self.select)
        if names and not whole:
            arguments = [*arguments[:-names], f"[{names} names: mepbench data {self.name}]"]
        return "mepbench import " + " ".join(
            word if word.startswith("[") else shlex.quote(word) for word in arguments
        )


def public_sets() -> dict[str, PublicSet]:
    """Return the published sets by name."""
    found = {}
    for file in sorted(PUBLIC.glob("*.yaml")):
        fields = yaml.safe_load(file.read_text(encoding="utf-8"))
        fields["select"] = tuple(fields.get("select", ()))
        found[file.stem] = PublicSet(file.stem, **fields)
    return found


def public_set(name: str) -> PublicSet:
    """Return one published set.

    Raises
    ------
    InputError
        if there is none of this name.
    """
    known = public_sets()
    if name not in known:
        raise InputError(f"data: no public set is called {name!r}. {nearest(name, known)}")
    return known[name]
