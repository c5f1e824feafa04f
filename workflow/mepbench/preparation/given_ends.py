"""Two ends as a user has them, Atoms or XYZ files, as an entry of the benchmark's sets."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms

from ..errors import BadEndpoints, InputError
from ..molecule.geometry import PER_ATOM, Geometry, geometry, read_geometry
from ..molecule.mapping import AtomMap, describe
from ..molecule.state import DEFAULT, is_state_key, origin_text, settled
from ..molecule.stereo import bonds
from ..reaction import Entry
from .prepare import Prepared

FMAX_OF_A_MINIMUM = 0.05  # eV/angstrom: above, ends taken as given are worth a remark
# What is said of charge and multiplicity: in a calculator's parameters, and atom by atom.
PARAMETERS = {"charge": ("charge",), "multiplicity": ("multiplicity", "mult")}


@dataclass(frozen=True)
class Given:
    """What a user asks for.

    Attributes
    ----------
    entry : the reaction as the benchmark's sets have it
    atoms : the reactant for a calculator, with the user's `info`, initial charges and magnetic
        moments; charge and multiplicity are in each of them, as `spin` too (FAIRChem)
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
    given = {"reactant": reactant, "product": product}
    files = {role: None if isinstance(end, Atoms) else str(end) for role, end in given.items()}
    ends = {files[role] or role: _geometry(end, role) for role, end in given.items()}
    if len(ends) < 2:
        ends = {role: _geometry(end, role) for role, end in given.items()}
    (reactant, product), calculator_name = ends.values(), type(calculator).__name__
    state, state_from, notes = {}, {}, []
    info = {key: of for key, of in reactant.atoms.info.items() if not is_state_key(key)}
    atoms = Atoms(reactant.numbers, reactant.positions, info=info)
    for key, argument in (("charge", charge), ("multiplicity", multiplicity)):
        default = DEFAULT[key]
        if key == "multiplicity" and calculator is not None:
            default += (int(reactant.numbers.sum()) - state["charge"]) % 2
        said, own = {where: getattr(end, key) for where, end in ends.items()}, _own(calculator, key)
        try:
            state[key], state_from[key] = settled(
                key,
                said,
                "file" if any(files.values()) else "atoms",
                argument=None if argument is None else whole_number(key, argument),
                calculator=None if own is None else (f"calculator {calculator_name}", own),
                default=default,
            )
        except BadEndpoints as error:
            raise InputError(str(error)) from None
        stated = state_from[key] not in ("default", "calculator")
        sum_over_atoms = state[key] - (key == "multiplicity")
        array = reactant.atoms.arrays.get(PER_ATOM[key])
        if array is not None and array.any():
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
    atoms.info |= state | {"spin": state["multiplicity"]}
    entry = Entry(
        set="single",
        name=name,
        origin=", ".join(ends),
        numbers={"reactant": reactant.numbers, "product": product.numbers},
        positions={"reactant": reactant.positions, "product": product.positions},
        state_from=origin_text(*state_from.values()),
        notes=tuple(f"{role}: {note}" for role, end in ends.items() for note in end.notes),
        **state,
    )
    inputs = tuple(file if file is None else str(Path(file).resolve()) for file in files.values())
    return Given(entry, atoms, "; ".join(notes), inputs)


def whole_number(name: str, value: Any) -> int:
    """Return an integer that may be written as text or as a float, or raise `InputError`."""
    try:
        if not isinstance(value, bool | np.bool_) and float(value) == int(float(value)):
            return int(float(value))
    except (TypeError, ValueError, OverflowError):
        pass
    raise InputError(f"{name}: must be an integer, it is {value!r}")


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
    left = prepared.checks.get("minima", "ok")
    notes = [changes, prepared.reason, left if left != "ok" else ""]
    if not relax and prepared.fmax > FMAX_OF_A_MINIMUM:
        notes.append(
            f"the ends as given are no minima of this potential (largest force "
            f"{prepared.fmax:.2f} eV/A): relax them"
        )
    return "; ".join(note for note in (*notes, given.note) if note)


def _geometry(end: Atoms | str | Path, role: str) -> Geometry:
    if not isinstance(end, Atoms | str | Path):
        raise InputError(f"{role}: must be ASE atoms or an XYZ file, it is {end!r}")
    try:
        return geometry(end) if isinstance(end, Atoms) else read_geometry(end)
    except BadEndpoints as error:
        raise InputError(f"{role if isinstance(end, Atoms) else end}: {error}") from None
