"""Two ends as a user has them, Atoms or XYZ files, as an entry of the benchmark's sets."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms

from ..errors import InputError
from ..files.frames import read_frames
from ..molecule.mapping import AtomMap, describe
from ..molecule.stereo import bonds
from ..reaction import Entry
from .prepare import Prepared

FMAX_OF_A_MINIMUM = 0.05  # eV/angstrom: above, ends taken as given are worth a remark
# What is said of charge and multiplicity: in a calculator's parameters, and atom by atom.
PARAMETERS = {"charge": ("charge",), "multiplicity": ("multiplicity", "mult")}
PER_ATOM = {"charge": "initial_charges", "multiplicity": "initial_magmoms"}
WHOLE = 0.01  # how far a sum over atoms may be from an integer


@dataclass(frozen=True)
class Given:
    """What a user asks for.

    Attributes
    ----------
    entry : the reaction as the benchmark's sets have it
    atoms : the reactant for a calculator, with the user's `info`, initial charges and magnetic
        moments; charge and multiplicity are in each of them
    note : what an existing calculator may not have been told; mostly empty
    inputs : absolute names of the files that are reactant and product; None for atoms
    """

    entry: Entry
    atoms: Atoms
    note: str
    inputs: tuple[str | None, str | None]


def given_reaction(
    name: str,
    reactant: Atoms | str | Path,
    product: Atoms | str | Path,
    charge: int | None,
    multiplicity: int | None,
    calculator: Any = None,
) -> Given:
    """Return the reaction that a user asks for.

    Parameters
    ----------
    charge, multiplicity : None for what the ends or the calculator say, else 0 and 1
    calculator : an ASE calculator that exists, None for one to be made. Where nobody says a
        multiplicity, the lowest possible one stands for what it computes

    Raises
    ------
    InputError
        if an end can't be read or treated, or ends and calculator differ in charge or spin.
    """
    ends = [_atoms(end, role) for end, role in ((reactant, "reactant"), (product, "product"))]
    inputs = tuple(
        None if isinstance(end, Atoms) else str(Path(end).resolve()) for end in (reactant, product)
    )
    (reactant, origin_r), (product, origin_p) = ends
    state, notes, atoms = {}, [], Atoms(reactant.numbers, reactant.positions, info=reactant.info)
    calculator_name = type(calculator).__name__
    for key, argument in (("charge", charge), ("multiplicity", multiplicity)):
        default = int(key == "multiplicity")
        if key == "multiplicity" and calculator is not None:
            default += (int(reactant.numbers.sum()) - state["charge"]) % 2
        said = {origin: _said(end, origin, key) for end, origin in ends}
        if argument is not None:
            said = {"argument": whole_number(key, argument)}
        stated = {where: n for where, n in said.items() if n is not None}
        own = _own(calculator, key)
        if own is None:
            said = {where: stated.get(where, default) for where in said}
        else:
            said = {**stated, f"calculator {calculator_name}": own}
        if len(set(said.values())) > 1:
            places = " and ".join(f"{where} ({n})" for where, n in said.items())
            raise InputError(f"{places} differ in {key}: give one {key} for all")
        state[key] = next(iter(said.values()))
        sum_over_atoms = state[key] - (key == "multiplicity")
        array = reactant.arrays.get(PER_ATOM[key])
        if argument is None and array is not None and array.any():
            atoms.set_array(PER_ATOM[key], array)
        elif stated and sum_over_atoms:
            array = np.zeros(len(atoms))
            array[atoms.numbers.argmax()] = sum_over_atoms
            atoms.set_array(PER_ATOM[key], array)
        if calculator is not None and own is None and stated and sum_over_atoms:
            notes.append(
                f"{calculator_name} has no {key} of its own: it must read {key} {state[key]} from "
                f"the atoms' info or {PER_ATOM[key]}"
            )
    atoms.info |= state
    entry = Entry(
        set="single",
        name=name,
        origin=f"{origin_r}, {origin_p}",
        numbers={"reactant": reactant.numbers, "product": product.numbers},
        positions={"reactant": reactant.positions, "product": product.positions},
        **state,
    )
    return Given(entry, atoms, "; ".join(notes), inputs)


def whole_number(name: str, value: Any) -> int:
    """Return an integer that may be written as text or as a float, or raise `InputError`."""
    try:
        if float(value) == int(float(value)):
            return int(float(value))
    except (TypeError, ValueError, OverflowError):
        pass
    raise InputError(f"{name}: must be an integer, it is {value!r}")


def _said(atoms: Atoms, origin: str, key: str) -> int | None:
    """What the atoms say of their charge or multiplicity; None if nothing."""
    said, array = [], atoms.arrays.get(PER_ATOM[key])
    if key in atoms.info:
        said.append(whole_number(f"{origin}: {key}", atoms.info[key]))
    if array is not None and array.ndim == 1 and array.any():
        total = float(array.sum())
        if abs(total - round(total)) > WHOLE:
            raise InputError(
                f"{origin}: {PER_ATOM[key]} sum up to {total:.3f}, to no integer: correct "
                "or delete them"
            )
        said.append(round(total) if key == "charge" else abs(round(total)) + 1)
    if len(set(said)) > 1:
        raise InputError(
            f"{origin}: {key} is {said[0]} by its info, but {said[1]} by its {PER_ATOM[key]}: "
            "correct one"
        )
    return said[0] if said else None


def _own(calculator: Any, key: str) -> int | None:
    """Return the charge or multiplicity that a calculator was made with; None if it says none."""
    parameters = getattr(calculator, "parameters", None)
    if isinstance(parameters, Mapping):
        for parameter in PARAMETERS[key]:
            if parameters.get(parameter) is not None:
                return whole_number(f"{type(calculator).__name__}: {key}", parameters[parameter])
    return None


def notes_on(prepared: Prepared, given: Given, relax: bool) -> str:
    """Say what reacts, what relaxation changed, what of the ends as given one should know."""
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
    return "; ".join(note for note in (*notes, given.note) if note)


def _atoms(end: Atoms | str | Path, role: str) -> tuple[Atoms, str]:
    """Return one end and where it is from."""
    if isinstance(end, Atoms):
        atoms, origin = end, role
    elif isinstance(end, (str, Path)):
        frames, origin = read_frames(end), str(end)
        if len(frames) != 1:
            raise InputError(f"{origin}: has {len(frames)} frames, the {role} must be one")
        atoms = frames[0]
    else:
        raise InputError(f"{role}: must be ASE atoms or an XYZ file, it is {end!r}")
    if atoms.pbc.any():
        raise InputError(f"{origin}: periodic systems can't be treated: set pbc to false")
    if atoms.constraints:
        raise InputError(f"{origin}: constraints can't be treated: remove them")
    if not np.allclose(atoms.get_masses(), Atoms(numbers=atoms.numbers).get_masses(), atol=1e-2):
        raise InputError(
            f"{origin}: isotopes can't be treated: remove the masses, `del atoms.arrays['masses']`"
        )
    return atoms, origin
