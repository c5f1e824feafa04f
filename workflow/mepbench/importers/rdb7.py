"""A table of atom-mapped SMILES with geometries beside it, as RDB7 and its parent data set have it.

The CSV has a number or name (`idx`, or `rxn`, `rxn_id`, `name`) and the mapped SMILES (`rsmi` and
`psmi`, or `smiles`, `rxn_smiles`, `rxn_smiles_mapped`); the geometries stand in
`rxn000012/{r,p,ts}000012.xyz`, `000012/...` or flat, as XYZ or as Q-Chem's log.
(Grambow, Pattanaik, Green, Sci. Data 7, 137 (2020), doi:10.1038/s41597-020-0460-4; Spiekermann,
Pattanaik, Green, Sci. Data 9, 417 (2022), doi:10.1038/s41597-022-01529-6.)

The charge is that of the SMILES. The atoms of the geometries must be in the order of the map
numbers. The table is read line by line, so that a broken row costs only itself.
"""

import csv
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
from ase.units import Bohr

from ..errors import BadEndpoints, InputError
from ..molecule.geometry import Geometry
from ..molecule.structure import bonds
from ..preparation.smiles import read_smiles
from ._found import Found, Geometries, Rejected
from ._qchem import read_log
from ._structures import combined, read_structure
from .xyz_pairs import role_and_name

STATED = {"multiplicity": 1}
NAMES = ("idx", "rxn", "rxn_id", "reaction", "name", "id")
SMILES = ("rxn_smiles_mapped", "rxn_smiles", "smiles", "reaction_smiles")
LONGEST_LINE = 1 << 20  # bytes
ONE_REACTION = re.compile(r"(rxn)?\d+")
CHARGE = re.compile(r"\[[^\[\]]*?(\++|-+|[+-]\d+)(?::\d+)?\]")


def read(
    source: Path,
    *,
    table: str | None = None,
    geometries: str | None = None,
    unit: Literal["angstrom", "bohr"] = "angstrom",
) -> Iterator[Found | Rejected]:
    """Yield the reactions of a table, in its order.

    `source` is the CSV file, or a folder with one; `table` and `geometries` name the CSV file and
    the folder of geometries, relative to that folder, where they are elsewhere.
    """
    folder = source if source.is_dir() else source.parent
    file = _table(source, table)
    root = folder / geometries if geometries else folder
    if not root.is_dir():
        raise InputError(f"{root}: is not a folder; it should hold the geometries.")
    # A folder of a reaction is no place to look for others: that would be quadratic.
    below = (child for child in root.iterdir() if not ONE_REACTION.fullmatch(child.name))
    roots = [root, *sorted(child for child in below if child.is_dir())]
    scale = Bohr if unit == "bohr" else 1.0
    for line, row in _rows(file):
        if isinstance(row, str):
            yield Rejected("", f"{file.name}, line {line}", row)
            continue
        index, smiles = row
        where = f"{file.name}, line {line}"
        name = f"rxn{_padded(index)}" if _is_number(index) else index
        files = _geometry_files(roots, index)
        yield Found(
            name,
            where,
            partial(_load, index, smiles, files, scale),
            tuple(file for _, file in files),
        )


def _table(source: Path, name: str | None) -> Path:
    if not source.is_dir():
        return source
    if name:
        return source / name
    tables = sorted(source.glob("*.csv"))
    if len(tables) != 1:
        raise InputError(
            f"{source}: has {len(tables)} CSV files, not one; name it: --option table=FILE."
        )
    return tables[0]


def _rows(table: Path) -> Iterator[tuple[int, tuple[str, str] | str]]:
    """Yield the number of each line, and its name and SMILES or what is wrong with it."""
    try:
        with table.open("rb") as file:
            columns = None
            for number, raw in enumerate(iter(lambda: file.readline(LONGEST_LINE), b""), 1):
                try:
                    cells = _cells(raw)
                except ValueError as error:
                    if columns is None:
                        raise InputError(f"{table}: is not a CSV table ({error}).") from None
                    yield number, f"the row is broken: {error}"
                    continue
                if not cells:
                    continue
                if columns is None:
                    columns = _columns(table, cells)
                    width = len(cells)
                elif len(cells) != width:
                    yield number, f"the row is broken: {len(cells)} cells, the header has {width}"
                else:
                    index = cells[columns[0]].strip()
                    parts = [cells[at].strip() for at in columns[1:]]
                    if not index or not all(parts):
                        yield number, "the row is broken: no name or no SMILES"
                    else:
                        yield number, (index, ">>".join(parts))
    except OSError as error:
        raise InputError(f"{table}: cannot be read ({error.strerror}).") from None
    if columns is None:
        raise InputError(f"{table}: is empty.")


def _cells(raw: bytes) -> list[str]:
    if len(raw) >= LONGEST_LINE:
        raise ValueError("the line is too long")
    try:
        text = raw.decode("utf-8-sig")
        return next(csv.reader([text], strict=True), [])
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(str(error)) from None


def _columns(table: Path, header: list[str]) -> list[int]:
    at = {name.strip().lower(): i for i, name in reversed(list(enumerate(header)))}
    index = next((at[name] for name in NAMES if name in at), None)
    if "rsmi" in at and "psmi" in at:
        smiles = [at["rsmi"], at["psmi"]]
    else:
        smiles = [at[name] for name in SMILES if name in at][:1]
    if index is None or not smiles:
        raise InputError(
            f"{table}: has the columns {', '.join(header)[:200]}; it needs one of "
            f"{', '.join(NAMES)} and either rsmi and psmi or one of {', '.join(SMILES)}."
        )
    return [index, *smiles]


def _is_number(index: str) -> bool:
    return re.fullmatch("[0-9]{1,12}", index) is not None


def _padded(index: str) -> str:
    return index.zfill(6) if _is_number(index) else index


def _geometry_files(roots: list[Path], index: str) -> list[tuple[str, Path]]:
    """Return the roles and files of a reaction's geometries; an index is never a path."""
    if not re.fullmatch(r"\w[\w.\-]*", index):
        return []
    padded = _padded(index)
    for root in roots:
        for folder in dict.fromkeys((f"rxn{padded}", padded, index)):
            if (root / folder).is_dir():
                return _roles(root / folder, ("", padded, index))
    for root in roots:
        names = [f"{role}{padded}{end}" for role in ("r", "p", "ts") for end in (".xyz", ".log")]
        files = [root / name for name in names if (root / name).is_file()]
        if files:
            return [(role_and_name(file.stem)[0], file) for file in files]
    return []


def _roles(folder: Path, rests: tuple[str, ...]) -> list[tuple[str, Path]]:
    found = []
    for file in sorted(folder.iterdir()):
        if file.suffix.lower() not in (".xyz", ".log", ".out"):
            continue
        said = role_and_name(file.stem)
        if said and said[1] in rests:
            found.append((said[0], file))
        elif part := re.fullmatch(r"([rp])\w*?[_\-]\d+", file.stem):
            found.append(("part of the " + role_and_name(part.group(1))[0], file))
    return found


def _load(index: str, smiles: str, files: list[tuple[str, Path]], scale: float) -> Geometries:
    charge = sum(map(_charge, CHARGE.findall(smiles.split(">")[0])))
    mapped = read_smiles(smiles, charge)
    by_role: dict[str, Geometry] = {}
    notes = []
    for role, file in files:
        if role.startswith("part"):
            raise BadEndpoints(
                f"{file.name} is only a {role}: one file must hold all its fragments"
            )
        if role in by_role:
            continue  # the log of an XYZ file
        try:
            read = read_structure if file.suffix.lower() == ".xyz" else read_log
            by_role[role] = read(file)
        except BadEndpoints as error:
            if role != "ts":
                raise
            notes.append(f"ts left out: {error}")
    if not by_role:
        raise BadEndpoints(f"has no geometries (no folder or files for {index!r})")
    found = combined(by_role)
    positions = {role: x * scale for role, x in found.positions.items()}
    disorder = ""
    for side in mapped.sides:
        wrong, note = _compare(side, mapped.numbers, found.numbers[side.name], positions[side.name])
        disorder = disorder or wrong
        notes += [note] if note else []
    if found.charge not in (None, charge):
        raise BadEndpoints(f"the SMILES has charge {charge}, the geometries say {found.charge}")
    return Geometries(
        found.numbers, positions, charge, found.multiplicity, tuple(notes), disorder=disorder
    )


def _charge(text: str) -> int:
    sign = 1 if text[0] == "+" else -1
    return sign * (int(text[1:]) if text[1:].isdecimal() else len(text))


def _compare(side, mapped: np.ndarray, numbers: np.ndarray, x: np.ndarray) -> tuple[str, str]:
    """Say whether a geometry is not in the order of the map numbers, and what else differs."""
    if sorted(mapped) != sorted(numbers):
        raise BadEndpoints(f"the geometry of the {side.name} has other atoms than its SMILES")
    if not np.array_equal(mapped, numbers):
        at = int(np.flatnonzero(mapped != numbers)[0]) + 1
        return f"atom {at} of the {side.name} is another element than map number {at}", ""
    if not np.isfinite(x).all():
        return "", ""
    found = bonds(numbers, x)
    missing, more = side.bonds - found, found - side.bonds
    if side.bonds and not found:
        raise BadEndpoints(
            f"no atoms of the {side.name} are near enough to bond: are the files in bohr "
            "(--option unit=bohr)?"
        )
    if 2 * len(missing) > len(side.bonds):
        return f"the {side.name} has {len(missing)} of its SMILES' bonds elsewhere", ""
    if missing or more:
        return "", f"{side.name}: {len(missing)} bonds of the SMILES are missing, {len(more)} added"
    return "", ""
