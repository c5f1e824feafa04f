"""A reaction that was found is checked, mapped where that was asked for, and given its spin."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ase.data import chemical_symbols

from ..errors import BadEndpoints
from ..files.xyz_text import MOST_ATOMS
from ..importers._found import Found, Geometries
from ..molecule.mapping import find_map, orders_differ
from ..molecule.state import DEFAULT, origin_text
from ..molecule.stereo import bonds
from ..preparation.checks import check_electrons, given_geometries
from ..reaction import Entry

MOST_CHANGES = 6  # bonds; more change in none of 209 reactions of four published sets
FARTHEST = 1e4  # angstrom, of an atom from the origin
ASSUMED = DEFAULT
ORIGINS = {
    "source": "file",
    "given": "argument",
    "stated": "data set",
    "assumed": "default",
}


@dataclass(frozen=True)
class Choice:
    """Which reactions of a source are wanted, and what is done to them.

    Attributes
    ----------
    select : names; all where None
    max_atoms : larger ones are left out
    sample, seed : how many are drawn, of those that can be imported
    map_atoms : whether ends in different atom orders are mapped, where the map is unique
    charge, multiplicity : of reactions whose source does not say
    """

    select: frozenset[str] | None = None
    max_atoms: int | None = None
    sample: int | None = None
    seed: int = 0
    map_atoms: bool = False
    charge: int | None = None
    multiplicity: int | None = None


@dataclass(frozen=True)
class Accepted:
    """A reaction that is sound, and ready to be written.

    Attributes
    ----------
    numbers : (N,) int array, atomic numbers
    positions : (N, 3) arrays, angstrom, by role
    charge_from, multiplicity_from : "source", "given" (on the command line), "stated" (by the
        importer, of its data set) or "assumed"
    """

    name: str
    where: str
    numbers: np.ndarray
    positions: dict[str, np.ndarray]
    charge: int
    multiplicity: int
    charge_from: str
    multiplicity_from: str
    mapped: bool
    notes: tuple[str, ...]
    files: tuple[Path, ...]

    @property
    def state_from(self) -> str:
        """Where charge and multiplicity come from, in the words of a table."""
        return origin_text(ORIGINS[self.charge_from], ORIGINS[self.multiplicity_from])


class TooLarge(Exception):
    """More atoms than were asked for: the reaction is left out, nothing is wrong with it."""


def accept(item: Found, choice: Choice, stated: dict[str, int]) -> Accepted:
    """Load a reaction and check it.

    Raises
    ------
    TooLarge
        if it has more atoms than wanted.
    BadEndpoints
        if it can't be a reaction; the message has the remedy.
    """
    _check_name(item.name)
    found = item.load()
    natoms = max(len(numbers) for numbers in found.numbers.values())
    if choice.max_atoms is not None and natoms > choice.max_atoms:
        raise TooLarge
    if natoms > MOST_ATOMS:
        raise BadEndpoints(f"has {natoms} atoms; more than {MOST_ATOMS} are not read")
    for role, numbers in found.numbers.items():
        if np.any((numbers < 1) | (numbers >= len(chemical_symbols))):
            raise BadEndpoints(f"the {role} has an atom that is no element: correct the file")
        if np.any(np.abs(found.positions[role]) > FARTHEST):
            raise BadEndpoints(f"the {role} has an atom more than {FARTHEST:g} A away: correct it")
    found, mapped = _in_one_order(found, choice.map_atoms)
    entry = Entry("", item.name, item.where, numbers=found.numbers, positions=found.positions)
    numbers, (reactant, product) = given_geometries(entry)
    notes = list(found.notes)
    changes = len(bonds(numbers, reactant) ^ bonds(numbers, product))
    if changes > MOST_CHANGES:
        notes.append(f"{changes} bonds change from end to end: are the atoms in one order?")
    positions = {"reactant": reactant, "product": product}
    if "ts" in found.positions:
        ts = found.positions["ts"]
        if not np.array_equal(found.numbers["ts"], numbers):
            notes.append("ts left out: its atoms are not those of the ends, in their order")
        elif not np.isfinite(ts).all():
            notes.append("ts left out: a coordinate is not a number")
        else:
            positions["ts"] = ts
    said = {"charge": found.charge, "multiplicity": found.multiplicity}
    given = {"charge": choice.charge, "multiplicity": choice.multiplicity}
    origins = {"source": said, "given": given, "stated": stated, "assumed": ASSUMED}
    values, origin = {}, {}
    for key in said:
        origin[key] = next(word for word, of in origins.items() if of.get(key) is not None)
        values[key] = origins[origin[key]][key]
    _check_spin(numbers, values, origin)
    return Accepted(
        item.name,
        item.where,
        numbers,
        positions,
        charge_from=origin["charge"],
        multiplicity_from=origin["multiplicity"],
        mapped=mapped,
        notes=tuple(notes),
        files=item.files,
        **values,
    )


def _check_name(name: str) -> None:
    if not name.strip():
        raise BadEndpoints("has no name: give it one in the source")
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        raise BadEndpoints("its name is not valid UTF-8: rename it in the source") from None


def _check_spin(numbers: np.ndarray, values: dict[str, int], origin: dict[str, str]) -> None:
    try:
        check_electrons(numbers, values["charge"], values["multiplicity"])
    except BadEndpoints as error:
        unsaid = [f"--{key}" for key in values if origin[key] != "source"]
        hint = f" in the source, or give {' or '.join(unsaid)}" if unsaid else ""
        raise BadEndpoints(f"{error}{hint}") from None


def _in_one_order(found: Geometries, map_atoms: bool) -> tuple[Geometries, bool]:
    """Return the reaction with its product in the reactant's order, and if that was changed."""
    numbers, positions = found.numbers, found.positions
    ends = [(numbers[end], positions[end]) for end in ("reactant", "product")]
    if len(ends[0][0]) != len(ends[1][0]) or not all(np.isfinite(x).all() for _, x in ends):
        return found, False  # the checks that follow say what is wrong
    disorder = found.disorder or orders_differ(*ends[0], *ends[1])
    if not disorder:
        return found, False
    if not map_atoms:
        raise BadEndpoints(
            f"{disorder}: put both in one order, or let `mepbench import ... --map` find the map"
        )
    try:
        p = find_map(*ends[0], *ends[1]).permutation
    except BadEndpoints as error:
        raise BadEndpoints(f"{disorder}, and {error}") from None
    numbers, positions = dict(numbers), dict(positions)
    if "ts" in numbers and _has_the_products_order(numbers, positions, p):
        numbers["ts"], positions["ts"] = numbers["ts"][p], positions["ts"][p]
    numbers["product"], positions["product"] = numbers["product"][p], positions["product"][p]
    return Geometries(numbers, positions, found.charge, found.multiplicity, found.notes), True


def _has_the_products_order(numbers: dict, positions: dict, p: np.ndarray) -> bool:
    ts, reactant = numbers["ts"], numbers["reactant"]
    if len(ts) != len(p) or not np.array_equal(ts[p], reactant):
        return False
    if not np.array_equal(ts, reactant):
        return True
    at_reactant = bonds(reactant, positions["reactant"])
    changes = [len(bonds(reactant, x) ^ at_reactant) for x in (positions["ts"], positions["ts"][p])]
    return changes[1] < changes[0]
