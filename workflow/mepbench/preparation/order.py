"""The order of equivalent atoms in files: which hydrogen of the reactant is which of the product.

Ends that were drawn independently have equivalent atoms exchanged: hydrogens of a methyl group,
oxygens of a nitro group, those of two molecules alike. Then atoms travel that need not, a centre
is turned inside out, and the saddle found is that of a longer way. Where bonds change, the
product's atoms are renumbered by what keeps the bonds of one end or the other (see `shortest`),
such that no centre is inverted and the ends are nearest; the bonds that break and form are the
same ones up to equivalent atoms. Ends in line may look nearer when a group is turned against the
rest, so the geodesic between them (the guess that methods start from) must be clearly shorter
too, and its top lower. The reactant's numbering is that of all results.

Where no bonds change, the order of the atoms may be all that the reaction is (a methyl group
turns, a ring flips): it is left as given, and a nearer one is named.
"""

from dataclasses import replace

import numpy as np
from ase.data import chemical_symbols

from ..errors import SCFFailure
from ..landscape.minima import Minimum
from ..molecule.shortest import inverted, shortest_orders
from ..molecule.stereo import bonds
from ..path import align, arc_length, rmsd
from ..reaction import Reaction
from ..registry import load
from .checks import one_minimum

STARTS = 16
GUESS, FRAMES = "geodesic", 11
# The guess of another order must be shorter by this factor, and lower by this much (eV).
SHORTER, LOWER = 0.95, 0.05
MOST_NAMED = 3


def ordered(oracle, numbers: np.ndarray, reactant: Minimum, product: Minimum):
    """Return the product in the best order, and a note on what was done, "" if there is none.

    Parameters
    ----------
    oracle : `Oracle`; pays the energies along two guesses, 18 evaluations, where the ends are
        nearer in another order
    """
    x, y = reactant.positions, product.positions
    best, *others = shortest_orders(numbers, x, y, STARTS)
    notes = []
    if (best != np.arange(len(best))).any():
        renumbered = replace(product, positions=y[best], model=None)
        what = f"{exchanges(numbers, best)} of the product"
        if bonds(numbers, x) == bonds(numbers, y):
            gain = f"{rmsd(y[best], x):.2f} instead of {rmsd(y, x):.2f} A"
            one = one_minimum(numbers, reactant, renumbered)
            return product, f"left as no bond changes, though nearer: {what} ({gain})" * (not one)
        why = _warrant(oracle, numbers, x, y, y[best])
        if not why:
            return product, ""
        product = renumbered
        notes.append(f"relabelled: {what} ({why})")
    if names := dict.fromkeys(exchanges(numbers, np.argsort(best)[order]) for order in others):
        notes.append(f"as short, by another way: {' or '.join([*names][:MOST_NAMED])}")
    return product, "; ".join(notes)


def _warrant(oracle, numbers, x, y, renumbered) -> str:
    """Say why another order of the product `y` is better for reactant `x`; "" if it is not."""
    before, after = (inverted(numbers, x, end) for end in (y, renumbered))
    if len(after) < len(before):
        return f"else {', '.join(mark.name(numbers) for mark in before[:4])} inverted"
    (length, top), (new_length, new_top) = (
        _guessed(oracle, numbers, x, end) for end in (y, renumbered)
    )
    if new_length > SHORTER * length or not new_top < top - LOWER:
        return ""
    return f"the guess is {new_length:.2f} instead of {length:.2f} A long and lower"


def _guessed(oracle, numbers, x, y) -> tuple[float, float]:
    """Length of the guess between two geometries, angstrom, and its highest energy, eV."""
    x = x - x.mean(axis=0)
    reaction = Reaction("order of atoms", numbers, x, align(y, x))
    path = load("guesses", GUESS)(reaction, 0, frames=FRAMES)
    try:
        energies, _ = oracle(path[1:-1])
    except SCFFailure:
        return float(arc_length(path)[-1]), np.inf
    return float(arc_length(path)[-1]), float(energies.max())


def exchanges(numbers: np.ndarray, order: np.ndarray) -> str:
    """Name the cycles of a renumbering, from the old number to the new: `H6<->H7`, `H3->H4->...`.

    Parameters
    ----------
    order : (N,) int array; atom `order[i]` becomes atom i
    """
    new, seen, names = np.argsort(order), set(), []
    for first in range(len(order)):
        cycle, at = [], first
        while at not in seen:
            seen.add(at)
            cycle.append(at)
            at = int(new[at])
        labels = [f"{chemical_symbols[numbers[i]]}{i + 1}" for i in cycle]
        if len(cycle) == 2:
            names.append("<->".join(labels))
        elif len(cycle) > 2:
            names.append("->".join([*labels, labels[0]]))
    return ", ".join(names)
