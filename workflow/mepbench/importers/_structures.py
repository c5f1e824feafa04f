"""Single structures from XYZ files of any origin, and streams of them from trajectories.

Comment lines of XYZ files are free text; `charge=`, `multiplicity=` and `energy=` are read where
they stand, and nothing else is.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ase.data import atomic_numbers, chemical_symbols

from ..errors import BadEndpoints, InputError
from ..files.frames import parse_block, xyz_blocks
from ._found import Geometries

XYZ_SUFFIXES = (".xyz", ".extxyz", ".trj")
LARGEST_FILE = 16 << 20  # bytes; of one structure
MOST_ATOMS = 2000  # a set is for molecules; this also bounds what a hostile file can ask for
_VALUE = r'(?:^|\s){key}\s*=\s*"?([^\s"]+)'


@dataclass(frozen=True)
class Structure:
    """One geometry: (N,) atomic numbers, (N, 3) positions in angstrom, and what was said of it."""

    numbers: np.ndarray
    positions: np.ndarray
    charge: int | None = None
    multiplicity: int | None = None
    energy: float | None = None


def read_structure(path: Path) -> Structure:
    """Read an XYZ file of one frame.

    Raises
    ------
    BadEndpoints
        if it is missing, no XYZ file, or has more frames.
    """
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise BadEndpoints(f"{path.name} is too large for one structure")
        frames = list(xyz_structures(path))
    except OSError as error:
        raise BadEndpoints(f"{path.name} cannot be read ({error.strerror})") from None
    except InputError as error:
        raise BadEndpoints(str(error).replace(str(path), path.name)) from None
    if len(frames) != 1:
        raise BadEndpoints(f"{path.name} has {len(frames)} frames, not one: give one structure")
    return frames[0]


def structures(path: Path) -> Iterator[Structure]:
    """Read the frames of an XYZ file or an ASE trajectory, one after the other."""
    if path.suffix.lower() in XYZ_SUFFIXES:
        return xyz_structures(path)
    if path.suffix.lower() == ".traj":
        return _ase_structures(path)
    raise InputError(
        f"{path}: is neither an ASE trajectory (.traj) nor an XYZ file "
        f"({', '.join(XYZ_SUFFIXES)}): convert it with `ase convert`."
    )


def xyz_structures(path: Path) -> Iterator[Structure]:
    """Read the frames of an XYZ file, plain or extended, one after the other."""
    for line, block in xyz_blocks(path):
        try:
            yield _structure(block, line)
        except ValueError as error:
            raise InputError(f"{path}: {error}") from None


def structure_of(block: list[str], line: int) -> Structure:
    """Return the structure of one frame's lines; raise `BadEndpoints` where there is none."""
    try:
        return _structure(block, line)
    except ValueError as error:
        raise BadEndpoints(str(error)) from None


def _structure(block: list[str], line: int) -> Structure:
    if len(block) - 2 > MOST_ATOMS:
        raise ValueError(f"the frame at line {line} has more than {MOST_ATOMS} atoms")
    comment = block[1]
    if "Properties=" in comment:
        try:
            atoms = parse_block(block)
        except Exception as error:
            raise ValueError(
                f"the frame at line {line} is not valid extended XYZ ({error})"
            ) from None
        numbers, positions = atoms.numbers, atoms.positions
    else:
        rows = [_atom(text, line + 2 + i) for i, text in enumerate(block[2:])]
        numbers = np.array([row[0] for row in rows], dtype=int)
        positions = np.array([row[1:] for row in rows], dtype=float).reshape(-1, 3)
    return Structure(
        numbers,
        positions,
        _number(comment, "charge", int, line),
        _number(comment, "multiplicity", int, line),
        _number(comment, "energy", float, line),
    )


def _atom(text: str, line: int) -> tuple[int, float, float, float]:
    words = text.split()
    if len(words) < 4:
        raise ValueError(
            f"line {line} is not an element and three coordinates: {text.strip()[:60]!r}"
        )
    symbol = words[0].capitalize()
    number = int(symbol) if symbol.isdecimal() else atomic_numbers.get(symbol, -1)
    if not 0 <= number < len(chemical_symbols):
        raise ValueError(f"line {line}: {words[0][:20]!r} is no element")
    try:
        x, y, z = (float(word) for word in words[1:4])
    except ValueError:
        raise ValueError(
            f"line {line} has a coordinate that is not a number: {text.strip()[:60]!r}"
        ) from None
    return number, x, y, z


def _number(comment: str, key: str, kind: type, line: int):
    match = re.search(_VALUE.format(key=key), comment)
    if match is None:
        return None
    try:
        return kind(match.group(1))
    except ValueError:
        if kind is float:
            return None
        raise ValueError(
            f"line {line + 1}: {key}={match.group(1)[:20]!r} is not an integer"
        ) from None


def _ase_structures(path: Path) -> Iterator[Structure]:
    from ase.io.trajectory import TrajectoryReader

    try:
        with np.errstate(all="ignore"):  # garbage overflows before it is found to be garbage
            opened = TrajectoryReader(str(path))
        with opened as trajectory:
            for at in range(len(trajectory)):
                yield _from_atoms(trajectory[at])
    except InputError:
        raise
    except Exception as error:  # ASE's reader of a broken file fails in many ways
        raise InputError(
            f"{path}: is not a complete ASE trajectory ({type(error).__name__}: {error})"
        ) from None


def _from_atoms(atoms) -> Structure:
    if len(atoms) > MOST_ATOMS:
        raise InputError(f"a frame has more than {MOST_ATOMS} atoms")
    values = {}
    for key in ("charge", "multiplicity"):
        value = atoms.info.get(key)
        values[key] = None if value is None else int(value)
    energy = atoms.calc.results.get("energy") if atoms.calc is not None else None
    return Structure(atoms.numbers, atoms.positions, energy=energy, **values)


def combined(by_role: dict[str, Structure], notes: tuple[str, ...] = ()) -> Geometries:
    """Put the structures of a reaction together; both ends must agree in charge and spin.

    Raises
    ------
    BadEndpoints
        if an end is missing, or the files contradict each other.
    """
    ends = {role: by_role[role] for role in ("reactant", "product") if role in by_role}
    for role in ("reactant", "product"):
        if role not in ends:
            raise BadEndpoints(f"the {role} is missing")
    said = {}
    for key in ("charge", "multiplicity"):
        values = {getattr(structure, key) for structure in ends.values()} - {None}
        if len(values) > 1:
            raise BadEndpoints(f"reactant and product differ in {key} ({sorted(values)})")
        said[key] = values.pop() if values else None
    return Geometries(
        {role: s.numbers for role, s in by_role.items()},
        {role: s.positions for role, s in by_role.items()},
        notes=notes,
        **said,
    )
