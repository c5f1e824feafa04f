"""A folder of XYZ files, two or three for each reaction.

A file's name says its role by a word at its start or end: `reactant, product, ts`, or what the
field also writes for them (`r, p`, `start, end`, `initial, final`, `educt`, `saddle`, ...), in
upper or lower case. The reaction's name is the folder's (`NAME/reactant.xyz`, `NAME/r.xyz`,
`rxn000012/r000012.xyz`), or what remains of the file's (`NAME_r.xyz`, `NAME.product.xyz`,
`ts-NAME.xyz`, `r000012.xyz`). Folders are searched one level deep; other files are ignored.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from ..errors import BadEndpoints, InputError
from ._found import Found, Geometries, Rejected
from ._structures import combined, read_structure

WORDS = {
    "reactant": "reactants reactant educts educt react reac rct initial start r",
    "product": "products product prod prd final end p",
    "ts": "transition_state transition-state saddle_point saddle ts",
}
_ROLE_OF = {word: role for role, words in WORDS.items() for word in words.split()}
_WORD = "|".join(sorted(_ROLE_OF, key=len, reverse=True))
_PATTERNS = (
    re.compile(rf"(?P<role>{_WORD})", re.IGNORECASE),
    re.compile(rf"(?P<role>{_WORD})(?P<name>\d+)", re.IGNORECASE),
    re.compile(rf"(?P<name>.+)[._\- ](?P<role>{_WORD})", re.IGNORECASE | re.DOTALL),
    re.compile(rf"(?P<role>{_WORD})[._\- ](?P<name>.+)", re.IGNORECASE | re.DOTALL),
)


def role_and_name(stem: str) -> tuple[str, str] | None:
    """Return what a file's name says: the role, and the reaction's name (may be empty)."""
    for pattern in _PATTERNS:
        if match := pattern.fullmatch(stem):
            parts = match.groupdict()
            return _ROLE_OF[parts["role"].lower()], parts.get("name", "")
    return None


def read(source: Path) -> Iterator[Found | Rejected]:
    """Yield the reactions of a folder, those of subfolders last, sorted by name."""
    if not source.is_dir():
        raise InputError(f"{source}: is not a folder; xyz-pairs reads a folder of XYZ files.")
    yield from _reactions(source, source)
    for folder in sorted(child for child in source.iterdir() if child.is_dir()):
        yield from _reactions(folder, source)


def _reactions(folder: Path, source: Path) -> Iterator[Found | Rejected]:
    groups: dict[str, list[tuple[str, Path]]] = {}
    for file in sorted(folder.iterdir()):
        said = role_and_name(file.stem) if file.suffix.lower() == ".xyz" else None
        if said and file.is_file():
            groups.setdefault(said[1], []).append((said[0], file))
    for rest, files in groups.items():
        where = folder.name if folder != source else files[0][1].name
        name = rest
        if folder != source:
            name = folder.name if len(groups) == 1 else f"{folder.name}_{rest}".rstrip("_")
        elif not rest:
            name = source.resolve().name
        yield Found(name, where, _loader(files), tuple(file for _, file in files))


def _loader(files: list[tuple[str, Path]]):
    def load() -> Geometries:
        by_role: dict[str, Path] = {}
        for role, file in files:
            if role in by_role:
                raise BadEndpoints(
                    f"two files are its {role}: {by_role[role].name} and {file.name}: remove one"
                )
            by_role[role] = file
        notes = ()
        read = {}
        for role, file in by_role.items():
            try:
                read[role] = read_structure(file)
            except BadEndpoints as error:
                if role != "ts":
                    raise
                notes = (f"ts left out: {error}",)
        return combined(read, notes)

    return load
