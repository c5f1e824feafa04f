"""One geometry as somebody gives it, in a file or as ASE's atoms: what is used and what is refused.

Every way into the project goes through here: a pair of files or atoms, a set's folder, an extended
XYZ set, and the importers. Used are elements, positions, and what is said of charge and
multiplicity, in words (`state`) or atom by atom. Refused are periodicity, constraints and isotopes.
A cell without periodicity is dropped with a note.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ase import Atoms

from ..errors import BadEndpoints
from ..files.frames import frame_of
from ..files.xyz_text import Block, xyz_blocks
from .state import DEFAULT, said_in_info, said_in_text, settled

PER_ATOM = {"charge": "initial_charges", "multiplicity": "initial_magmoms"}
WHOLE = 0.01  # how far a sum over atoms may be from an integer


@dataclass(frozen=True)
class Geometry:
    """A molecule.

    Attributes
    ----------
    atoms : as they were given
    charge, multiplicity : None where nothing is said
    notes : what was dropped
    """

    atoms: Atoms
    charge: int | None = None
    multiplicity: int | None = None
    notes: tuple[str, ...] = ()

    @property
    def numbers(self) -> np.ndarray:
        """Atomic numbers, (N,) int array."""
        return self.atoms.numbers

    @property
    def positions(self) -> np.ndarray:
        """(N, 3) array, angstrom."""
        return self.atoms.positions

    @property
    def energy(self) -> float | None:
        """Energy in eV, where the source has a finite one."""
        results = {} if self.atoms.calc is None else self.atoms.calc.results
        try:
            energy = float(results["energy"])
        except (KeyError, TypeError, ValueError):
            return None
        return energy if np.isfinite(energy) else None


def geometry(atoms: Atoms, comment: str | None = None) -> Geometry:
    """Return what is used of some atoms.

    Parameters
    ----------
    comment : of the file they are from; where not given, their `info` says the state

    Raises
    ------
    BadEndpoints
        if they are periodic, constrained or isotopes, or say a state that can't be understood.
    """
    if atoms.pbc.any():
        raise BadEndpoints("periodic systems can't be treated: set pbc to false")
    if atoms.constraints:
        raise BadEndpoints("constraints can't be treated: remove them")
    masses = atoms.arrays.get("masses")
    if masses is not None and not np.allclose(
        masses, Atoms(numbers=atoms.numbers).get_masses(), atol=1e-2
    ):
        raise BadEndpoints(
            "isotopes can't be treated: remove the masses, `del atoms.arrays['masses']`"
        )
    said = said_in_info(atoms.info) if comment is None else said_in_text(comment)
    state = {key: _with_sum(atoms, key, said.get(key)) for key in DEFAULT}
    notes = ("the cell is ignored: nothing is periodic",) if atoms.cell.any() else ()
    return Geometry(atoms, **state, notes=notes)


def geometry_of(path: str | Path, block: Block) -> Geometry:
    """Return the geometry of one frame of a file.

    Raises
    ------
    InputError
        if the frame can't be read.
    BadEndpoints
        if it can't be used, with its line.
    """
    try:
        return geometry(frame_of(path, block), block.comment)
    except BadEndpoints as error:
        raise BadEndpoints(f"line {block.line + 1}: {error}") from None


def read_geometries(
    path: str | Path, wanted: Callable[[str], bool] | None = None
) -> Iterator[Geometry]:
    """Read the frames of an XYZ file, one after the other; raise as `geometry_of` does."""
    for block in xyz_blocks(path):
        if wanted is None or wanted(block.comment):
            yield geometry_of(path, block)


def read_geometry(path: str | Path) -> Geometry:
    """Read an XYZ file of one frame.

    Raises
    ------
    InputError
        if it is missing or no XYZ file.
    BadEndpoints
        if it has another number of frames, or one that can't be used.
    """
    blocks = xyz_blocks(path)
    first = next(blocks, None)
    frames = (first is not None) + sum(1 for _ in blocks)
    if frames != 1:
        raise BadEndpoints(f"has {frames} frames, not one: give one structure")
    return geometry_of(path, first)


def state_of(ends: Mapping[str, Geometry]) -> dict[str, tuple[int, str]]:
    """Return charge and multiplicity of a reaction by its ends, each with where it comes from.

    Raises
    ------
    BadEndpoints
        if the ends contradict each other.
    """
    return {
        key: settled(key, {end: getattr(of, key) for end, of in ends.items()}) for key in DEFAULT
    }


def says_otherwise(ts: Geometry, charge: int, multiplicity: int) -> bool:
    """Whether a transition state says another state than its reaction's."""
    return ts.charge not in (None, charge) or ts.multiplicity not in (None, multiplicity)


def _with_sum(atoms: Atoms, key: str, said: int | None) -> int | None:
    """Return what is said of charge or multiplicity, in words or atom by atom; None if nothing."""
    array = atoms.arrays.get(PER_ATOM[key])
    if array is None or array.ndim != 1 or not array.any():
        return said
    total = float(array.sum())
    if not abs(total - round(total)) <= WHOLE:
        raise BadEndpoints(
            f"{PER_ATOM[key]} sum up to {total:.3f}, to no integer: correct or delete them"
        )
    by_atoms = round(total) if key == "charge" else abs(round(total)) + 1
    if said not in (None, by_atoms):
        raise BadEndpoints(
            f"{key} is {said} by its info, but {by_atoms} by its {PER_ATOM[key]}: correct one"
        )
    return by_atoms
