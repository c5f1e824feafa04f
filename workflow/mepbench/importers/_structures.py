"""Single structures from files of any origin, and streams of them from trajectories."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from ..errors import BadEndpoints, InputError
from ..files.xyz_text import MOST_ATOMS
from ..molecule.geometry import Geometry, geometry, read_geometries, read_geometry, says_otherwise
from ..molecule.state import DEFAULT, settled
from ._found import Geometries

XYZ_SUFFIXES = (".xyz", ".extxyz", ".trj")
LARGEST_FILE = 16 << 20  # bytes; of one structure


def read_structure(path: Path) -> Geometry:
    """Read an XYZ file of one frame.

    Raises
    ------
    BadEndpoints
        if it is missing, no XYZ file, or has more frames.
    """
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise BadEndpoints(f"{path.name} is too large for one structure")
        return read_geometry(path)
    except OSError as error:
        raise BadEndpoints(f"{path.name} cannot be read ({error.strerror})") from None
    except InputError as error:
        raise BadEndpoints(str(error).replace(str(path), path.name)) from None
    except BadEndpoints as error:
        raise BadEndpoints(f"{path.name}: {error}") from None


def structures(path: Path) -> Iterator[Geometry]:
    """Read the frames of an XYZ file or an ASE trajectory, one after the other."""
    if path.suffix.lower() in XYZ_SUFFIXES:
        return _named(path, read_geometries(path))
    if path.suffix.lower() == ".traj":
        return _named(path, _ase_structures(path))
    raise InputError(
        f"{path}: is neither an ASE trajectory (.traj) nor an XYZ file "
        f"({', '.join(XYZ_SUFFIXES)}): convert it with `ase convert`."
    )


def _named(path: Path, frames: Iterable[Geometry]) -> Iterator[Geometry]:
    try:
        yield from frames
    except BadEndpoints as error:
        raise BadEndpoints(f"{path.name}: {error}") from None


def _ase_structures(path: Path) -> Iterator[Geometry]:
    from ase.io.trajectory import TrajectoryReader

    try:
        with np.errstate(all="ignore"):  # garbage overflows before it is found to be garbage
            opened = TrajectoryReader(str(path))
        with opened as trajectory:
            for at in range(len(trajectory)):
                atoms = trajectory[at]
                if len(atoms) > MOST_ATOMS:
                    raise BadEndpoints(f"frame {at + 1} has more than {MOST_ATOMS} atoms")
                yield geometry(atoms)
    except (BadEndpoints, GeneratorExit):
        raise
    except Exception as error:  # ASE's reader of a broken file fails in many ways
        raise InputError(
            f"{path}: is not a complete ASE trajectory ({type(error).__name__}: {error})"
        ) from None


def combined(by_role: dict[str, Geometry], notes: tuple[str, ...] = ()) -> Geometries:
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
    for key in DEFAULT:
        value, origin = settled(key, {role: getattr(of, key) for role, of in ends.items()})
        said[key] = None if origin == "default" else value
    state = {key: DEFAULT[key] if n is None else n for key, n in said.items()}
    if "ts" in by_role and says_otherwise(by_role["ts"], **state):
        by_role, notes = ends, (*notes, "ts left out: it says another charge or multiplicity")
    return Geometries(
        {role: s.numbers for role, s in by_role.items()},
        {role: s.positions for role, s in by_role.items()},
        notes=(*notes, *(f"{role}: {note}" for role, s in ends.items() for note in s.notes)),
        **said,
    )
