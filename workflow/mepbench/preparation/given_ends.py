"""Two ends as a user has them, Atoms or XYZ files, as an entry of the benchmark's sets."""

from pathlib import Path

import numpy as np
from ase import Atoms

from ..errors import InputError
from ..frames import read_frames
from ..molecule.mapping import AtomMap, describe
from ..molecule.stereo import bonds
from ..prepare import Prepared
from ..reaction import Entry

FMAX_OF_A_MINIMUM = 0.05  # eV/angstrom: above, ends taken as given are worth a remark


def given_entry(
    name: str,
    reactant: Atoms | str | Path,
    product: Atoms | str | Path,
    charge: int | None,
    multiplicity: int | None,
    own_electrons: bool,
) -> Entry:
    """Return the reaction as the benchmark's sets have it.

    Parameters
    ----------
    charge, multiplicity : None for what the ends' `info` says, else 0 and 1
    own_electrons : a calculator that exists was told its spin, or knows of none: where no
        `multiplicity` is given, the lowest possible one stands for it

    Raises
    ------
    InputError
        if a file can't be read, is periodic or constrained, or the ends differ in charge.
    """
    ends = [_atoms(end, role) for end, role in ((reactant, "reactant"), (product, "product"))]
    (reactant, origin_r), (product, origin_p) = ends
    given = {"charge": charge, "multiplicity": multiplicity}
    for key in given:
        default = 0
        if key == "multiplicity":
            electrons = int(reactant.numbers.sum()) - given["charge"]
            default = 1 + electrons % 2 if own_electrons else 1
        if given[key] is None:
            found = {str(atoms.info.get(key, default)) for atoms, _ in ends}
            if len(found) > 1:
                raise InputError(
                    f"{origin_r}, {origin_p}: reactant and product differ in {key} "
                    f"({' and '.join(sorted(found))}): give one {key} for both"
                )
            given[key] = found.pop()
        try:
            given[key] = int(given[key])
        except ValueError:
            raise InputError(f"{key}: must be an integer, it is {given[key]!r}") from None
    return Entry(
        set="single",
        name=name,
        origin=f"{origin_r}, {origin_p}",
        numbers={"reactant": reactant.numbers, "product": product.numbers},
        positions={"reactant": reactant.positions, "product": product.positions},
        **given,
    )


def notes_on(prepared: Prepared, relax: bool) -> str:
    """Say what reacts, what relaxation changed, and whether ends taken as given are minima."""
    numbers = prepared.reaction.numbers
    before, after = (bonds(numbers, x) for x in prepared.reaction.ends)
    changes = "same bonds, another arrangement"
    if before != after:
        broken, formed = sorted(before - after), sorted(after - before)
        changes = describe(numbers, AtomMap(np.arange(len(numbers)), tuple(broken), tuple(formed)))
    notes = [changes, prepared.reason]
    if not relax and prepared.fmax > FMAX_OF_A_MINIMUM:
        notes.append(
            f"the ends as given are no minima of this potential (largest force "
            f"{prepared.fmax:.2f} eV/A): relax them"
        )
    return "; ".join(note for note in notes if note)


def _atoms(end: Atoms | str | Path, role: str) -> tuple[Atoms, str]:
    """Return one end and where it is from."""
    if isinstance(end, Atoms):
        atoms, origin = end, role
    else:
        frames, origin = read_frames(end), str(end)
        if len(frames) != 1:
            raise InputError(f"{origin}: has {len(frames)} frames, the {role} must be one")
        atoms = frames[0]
    if atoms.pbc.any():
        raise InputError(f"{origin}: periodic systems can't be treated: set pbc to false")
    if atoms.constraints:
        raise InputError(f"{origin}: constraints can't be treated: remove them")
    return atoms, origin
