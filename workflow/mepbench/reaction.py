"""A reaction, as asked for (`Entry`) and as prepared (`Reaction`), and the sets they come in.

A set is one of: a `.yaml` list of atom-mapped reaction SMILES, an extended XYZ file whose
frames carry `reaction` and `role`, or a folder of `NAME/reactant.xyz`, `NAME/product.xyz`
and optionally `NAME/ts.xyz`. Reading a set checks the file; whether an entry makes sense
as chemistry is decided in `prepare`, where a bad one costs only its own row.
"""

import difflib
import hashlib
import re
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import yaml

from .errors import BadEndpoints, InputError, refuse
from .files.checksums import verify
from .files.frames import comment_text, read_frames
from .files.shipped import WORKFLOW
from .files.xyz_text import Block, xyz_blocks
from .molecule.geometry import Geometry, geometry_of, read_geometry, says_otherwise, state_of
from .molecule.state import DEFAULT, origin_text
from .registry import nearest

SHIPPED = WORKFLOW / "reactions"
PUBLIC = SHIPPED / "public"  # what others have published, a file each: see importing.public_sets
SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
ROLES = ("reactant", "product", "ts")


@dataclass(frozen=True)
class Entry:
    """A reaction as its set asks for it, before preparation.

    Either `smiles` is given, or `numbers`, `reactant` and `product` are. Element lists are
    kept per role, so that a mismatch can be reported instead of hidden. `state_from` says where
    charge and multiplicity come from: file, atoms, argument, calculator or default; `problem` why
    it can't be prepared, and `ts_problem` why its transition state, which is optional, can't serve.
    """

    set: str
    name: str
    origin: str
    charge: int = 0
    multiplicity: int = 1
    state_from: str = "default"
    smiles: str | None = None
    reaction_class: str = ""
    literature: str = ""
    numbers: dict[str, np.ndarray] = field(default_factory=dict)
    positions: dict[str, np.ndarray] = field(default_factory=dict)
    problem: str | None = None
    ts_problem: str | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reaction:
    """Two minima of one potential with the same atoms in the same order.

    Attributes
    ----------
    numbers : (N,) int array, atomic numbers
    reactant, product : (N, 3) arrays, angstrom; the product is aligned to the reactant
    charge, multiplicity : int
    energies : (2,) array, eV, of reactant and product
    gradients : (2, N, 3) array, eV/angstrom
    """

    name: str
    numbers: np.ndarray
    reactant: np.ndarray
    product: np.ndarray
    charge: int = 0
    multiplicity: int = 1
    set: str = ""
    energies: np.ndarray | None = None
    gradients: np.ndarray | None = None

    @property
    def natoms(self) -> int:
        """Number of atoms."""
        return len(self.numbers)

    @property
    def ends(self) -> np.ndarray:
        """Both endpoints, (2, N, 3) array, angstrom."""
        return np.stack([self.reactant, self.product])

    @property
    def state(self) -> dict[str, int]:
        """What a frame says of its electrons: without, it would be another molecule."""
        return {"charge": self.charge, "multiplicity": self.multiplicity}

    @property
    def digest(self) -> str:
        """Hash of what every method is given: elements, charge, spin, endpoints to 1e-8 A."""
        text = hashlib.sha256()
        text.update(np.asarray(self.numbers, dtype=np.int64).tobytes())
        text.update(np.array([self.charge, self.multiplicity], dtype=np.int64).tobytes())
        text.update(np.round(self.ends * 1e8).astype(np.int64).tobytes())
        return text.hexdigest()[:16]


def shipped_sets() -> list[str]:
    """Names of the sets that ship with mepbench."""
    return sorted(path.stem for end in ("yaml", "xyz") for path in SHIPPED.glob(f"*.{end}"))


def locate_set(name: str, spec: str, base: Path | None = None) -> Path:
    """Return the file or folder that a set's `spec` in the config stands for.

    Raises
    ------
    InputError
        if there is no such set, naming the nearest shipped one.
    """
    if not SAFE_NAME.fullmatch(name):
        raise InputError(
            f"set {name!r}: a set's name may only have letters, digits, '_' and '-', and must "
            "start with a letter or digit, because it becomes a folder. Rename it in `sets:`."
        )
    if spec in shipped_sets():
        return next(file for end in ("yaml", "xyz") if (file := SHIPPED / f"{spec}.{end}").exists())
    path = (base or Path.cwd()) / Path(spec).expanduser()
    if not path.exists() and (PUBLIC / f"{path.stem}.yaml").exists():
        raise InputError(
            f"set {name!r}: {spec!r} is not there, since this set does not ship: "
            f"`mepbench data {path.stem}` says of which public repository it is made, and how."
        )
    if not path.exists():
        raise InputError(
            f"set {name!r}: {spec!r} is neither a shipped set nor a file or folder "
            f"({path} does not exist). {nearest(spec, shipped_sets())}"
        )
    return path


def reaction_names(name: str, spec: str) -> list[str]:
    """Return the names of a set's reactions, in order, without reading any geometry.

    Every job of a cluster asks for them, so that thousands must be read in a second.
    """
    path = locate_set(name, spec)
    if path.is_dir():
        names = [folder.name for folder in _reaction_folders(path)]
        if not names:
            raise InputError(f"{path}: set {name!r} has no reactions (no NAME/reactant.xyz in it).")
        return names
    if path.suffix in (".yaml", ".yml"):
        return [entry.name for entry in read_set(name, spec)]
    roles: dict[str, dict] = {}
    for block in xyz_blocks(path):
        reaction, role = _check_role(path, block, roles)
        roles[reaction][role] = block.line
    if not roles:
        raise InputError(f"{path}: set {name!r} has no reactions.")
    return list(roles)


def read_set(
    name: str, spec: str, base: Path | None = None, *, only: Collection[str] | None = None
) -> list[Entry]:
    """Read the entries of a set, in the order of its file (folders: sorted by name).

    Parameters
    ----------
    name : the set's name in the config
    spec : a shipped set's name, or a path, absolute or relative to `base`
    base : folder for relative paths; the working directory where not given
    only : names of the reactions that are wanted; all where not given

    Raises
    ------
    InputError
        if the set is missing, unreadable, empty, or has two reactions of one name.
    """
    path = locate_set(name, spec, base)
    if path.is_dir():
        entries = _read_folder(name, path, only)
    elif path.suffix in (".yaml", ".yml"):
        entries = _read_yaml(name, path)
    else:
        entries = _read_extxyz(name, path, only)
    if not entries:
        raise InputError(f"{path}: set {name!r} has no reactions.")
    twice = [reaction for reaction, n in Counter(e.name for e in entries).items() if n > 1]
    if twice:
        raise InputError(
            f"{path}: set {name!r} has two reactions of the name {twice[0]!r}. Rename one of them."
        )
    return entries if only is None else [entry for entry in entries if entry.name in only]


def _read_yaml(set_name: str, path: Path) -> list[Entry]:
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), Loader=_TextLoader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError(f"{path}: is not valid YAML ({error})") from None
    if isinstance(document, dict) and {"subset_of", "reactions"} == set(document):
        return _read_subset(set_name, path, document)
    if document is None or document == []:
        return []
    if not isinstance(document, list):
        raise InputError(f"{path}: must be a list of reactions, each a mapping with name, smiles.")
    entries, mistakes = [], []
    for at, item in enumerate(document, start=1):
        try:
            entries.append(_smiles_entry(set_name, path, item, at))
        except InputError as error:
            mistakes.append(f"{path}: {error}")
    refuse(mistakes)
    return entries


def _smiles_entry(set_name: str, path: Path, item: object, at: int) -> Entry:
    if not isinstance(item, dict):
        raise InputError(f"reaction number {at} is no mapping with name, smiles.")
    name = item.get("name")
    if not isinstance(name, str) or not name:
        raise InputError(f"reaction number {at} has no `name`.")
    known = {"name", "smiles", "class", "charge", "multiplicity", "literature", "note"}
    for key in item:
        if key not in known:
            raise InputError(f"reaction {name!r}: unknown key {key!r}. {nearest(str(key), known)}")
    if not isinstance(item.get("smiles"), str):
        raise InputError(f"reaction {name!r} has no `smiles` (reactants>>products).")
    return Entry(
        set=set_name,
        name=name,
        origin=str(path),
        charge=_integer(item.get("charge", 0), name, "charge"),
        multiplicity=_integer(item.get("multiplicity", 1), name, "multiplicity"),
        state_from=origin_text(
            *("file" if key in item else "default" for key in ("charge", "multiplicity"))
        ),
        smiles=item["smiles"],
        reaction_class=str(item.get("class", "")),
        literature=str(item.get("literature", "")),
    )


def _read_subset(set_name: str, path: Path, document: dict) -> list[Entry]:
    of, names = document["subset_of"], document["reactions"]
    named = isinstance(names, list) and all(isinstance(name, str) for name in names)
    if not (named and isinstance(of, str) and SAFE_NAME.fullmatch(of) and of != path.stem):
        raise InputError(
            f"{path}: a subset needs `subset_of`, the name of another set beside it, and "
            "`reactions`, a list of names."
        )
    parent = {e.name: e for e in _read_yaml(set_name, path.parent / f"{of}.yaml")}
    missing = [name for name in document["reactions"] if name not in parent]
    if missing:
        raise InputError(
            f"{path}: {document['subset_of']!r} has no reaction {missing[0]!r}. "
            f"{nearest(missing[0], parent)}"
        )
    return [parent[name] for name in document["reactions"]]


def parent_set(path: Path) -> str | None:
    """Return the name of the set of which a shipped `path` is a subset, None if of none."""
    if path.suffix != ".yaml":
        return None
    document = yaml.load(path.read_text(encoding="utf-8"), Loader=_TextLoader)
    return document.get("subset_of") if isinstance(document, dict) else None


def reference_file(spec: str, potential: str) -> Path | None:
    """Return the file of references for a shipped set, None for any other set.

    Parameters
    ----------
    spec : of the set, as in the config; a subset has its parent's references
    potential : name of the Hamiltonian, such as GFN2-xTB, whichever backend computes it
    """
    path = locate_set("references", spec)
    if path.parent != SHIPPED:
        return None
    return SHIPPED / "references" / potential / f"{parent_set(path) or path.stem}.xyz"


def irc_file(file: Path) -> Path:
    """Return the file of IRCs beside a file of references."""
    return file.with_suffix(".irc.xyz")


def verify_references(file: Path) -> None:
    """Compare a file of references, and its IRCs, with the checksums beside them.

    Raises
    ------
    InputError
        if one is missing or another.
    """
    remedy = (
        f"Restore the references (`git checkout -- {file.parent}`), or write new ones with "
        "`mepbench reference RESULTS --update` after removing them"
    )
    verify(file, irc_file(file), remedy=remedy)


def _read_extxyz(set_name: str, path: Path, only: Collection[str] | None) -> list[Entry]:
    groups: dict[str, dict[str, Geometry]] = {}
    roles: dict[str, dict] = {}
    problems: dict[str, dict[str, str]] = {}
    state_from: dict[str, str] = {}
    for block in xyz_blocks(path):
        said = comment_text(block.comment, "reaction")
        if only is not None and said is not None and said not in only:
            continue
        name, role = _check_role(path, block, roles)
        roles[name][role] = block.line
        group = groups.setdefault(name, {})
        try:
            group[role] = geometry_of(path, block)
        except (BadEndpoints, InputError) as error:
            text = str(error).removeprefix(f"{path}: ")
            problems.setdefault(name, {})[role] = f"{role}, {text}"
            continue
        if origin := group[role].atoms.info.get("state_from"):
            state_from[name] = " ".join(origin.split())[:80]
    return [
        _entry(set_name, name, group, path, problems.get(name, {}), state_from.get(name))
        for name, group in groups.items()
    ]


def _check_role(path: Path, block: Block, known: dict[str, dict]) -> tuple[str, str]:
    """Return whose a frame is, and which; refuse it if it is nobody's or given twice."""
    name, role = (comment_text(block.comment, key) for key in ("reaction", "role"))
    if name is None or role not in ROLES:
        raise InputError(
            f"{path}: the frame at line {block.line} needs `reaction=` and `role=` (reactant, "
            f"product or ts) in its comment line; it has reaction={name!r}, role={role!r}."
        )
    if role in known.setdefault(name, {}):
        raise InputError(
            f"{path}: two reactions of the name {name!r} (two frames {role!r}): rename one, or "
            "let `mepbench import extxyz` leave the second out."
        )
    return name, role


def _reaction_folders(path: Path) -> list[Path]:
    ends = ("reactant.xyz", "product.xyz")
    return sorted(child for child in path.iterdir() if any((child / end).is_file() for end in ends))


def misnamed_folders(spec: str) -> list[str]:
    """Return folders of a set that are no reaction, though a file's name is nearly that of an end.

    Their names come with the file's, as in `ring-opening/reactants.xyz`.
    """
    path = locate_set("checked", spec)
    if not path.is_dir():
        return []
    found, reactions = [], set(_reaction_folders(path))
    for folder in sorted(child for child in path.iterdir() if child not in reactions):
        stems = {file.stem.lower(): file.name for file in folder.glob("*.[xX][yY][zZ]")}
        for role in ROLES[:2]:
            if near := difflib.get_close_matches(role, sorted(stems), n=1, cutoff=0.75):
                found.append(f"{folder.name}/{stems[near[0]]}")
                break
    return found


def _read_folder(set_name: str, path: Path, only: Collection[str] | None) -> list[Entry]:
    entries = []
    for folder in _reaction_folders(path):
        if only is not None and folder.name not in only:
            continue
        group, problems = {}, {}
        for role in ROLES:
            file = folder / f"{role}.xyz"
            if not file.is_file():
                if role != "ts" or file.exists():
                    problems[role] = f"{file.name} is {'no file' * file.exists() or 'missing'}"
                continue
            try:
                group[role] = read_geometry(file)
            except (InputError, BadEndpoints) as error:
                problems[role] = f"{file.name}: {str(error).removeprefix(f'{file}: ')}"
        entries.append(_entry(set_name, folder.name, group, folder, problems))
    return entries


def _entry(
    set_name: str,
    name: str,
    group: dict[str, Geometry],
    origin: Path,
    problems: dict[str, str],
    state_from: str | None = None,
) -> Entry:
    """Put the geometries of a reaction together; a `ts` of another state is left out.

    `problems`, by role, says why a geometry that there should be is not among them.
    """
    ends = {role: of for role, of in group.items() if role != "ts"}
    problem = next((problems[role] for role in ROLES[:2] if role in problems), None)
    ts_problem = problems.get("ts")
    for role in ("reactant", "product"):
        if role not in ends:
            problem = problem or f"the {role} is missing"
    state = {}
    try:
        state = state_of(ends)
    except BadEndpoints as error:
        problem = problem or str(error)
    if not state_from:
        state_from = origin_text(*(where for _, where in state.values())) if state else ""
    charge, multiplicity = (state.get(key, (of, ""))[0] for key, of in DEFAULT.items())
    if "ts" in group and says_otherwise(group["ts"], charge, multiplicity):
        group, ts_problem = ends, "ts: its charge or multiplicity is not that of the ends"
    elif "ts" in group and any(
        sorted(group["ts"].numbers) != sorted(e.numbers) for e in ends.values()
    ):
        ts_problem = "ts: its atoms are not those of the ends"
    return Entry(
        set=set_name,
        name=name,
        origin=str(origin),
        charge=charge,
        multiplicity=multiplicity,
        state_from=state_from,
        numbers={role: of.numbers for role, of in group.items()},
        positions={role: of.positions for role, of in group.items()},
        problem=problem,
        ts_problem=ts_problem,
        notes=tuple(f"{role}: {note}" for role, of in ends.items() for note in of.notes),
    )


def _integer(value: object, name: str, key: str) -> int:
    try:
        return int(str(value))
    except ValueError:
        raise InputError(f"reaction {name!r}: {key} must be an integer, it is {value!r}.") from None


class _TextLoader(getattr(yaml, "CBaseLoader", yaml.BaseLoader)):
    """Safe, and every scalar is text: a reaction named `001` or `NA` keeps its name."""


def read_endpoints(path: str | Path) -> list[Reaction]:
    """Read prepared reactions from an `endpoints.xyz`."""
    pairs: dict[str, dict] = {}
    for atoms in read_frames(path):
        pairs.setdefault(atoms.info["reaction"], {})[atoms.info["role"]] = atoms
    reactions = []
    for name, pair in pairs.items():
        r, p = pair["reactant"], pair["product"]
        reactions.append(
            Reaction(
                name=name,
                set=r.info.get("set", ""),
                numbers=r.numbers,
                reactant=r.positions,
                product=p.positions,
                charge=int(r.info.get("charge", 0)),
                multiplicity=int(r.info.get("multiplicity", 1)),
                energies=np.array([a.get_potential_energy() for a in (r, p)]),
                gradients=np.array([-a.get_forces() for a in (r, p)]),
            )
        )
    return reactions
