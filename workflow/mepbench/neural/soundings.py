"""Does a saddle join the two ends? Asked of the surrogate, with a few evaluations as proof.

From the saddle the surrogate is descended on both sides, to where the judge's rule (`structure`)
can tell an end; where the reaction changes no bonds, to the very minimum. A side that does not
reach an end is sounded (one evaluation) at the first point where the surrogate is in doubt. Where
both do, each is sounded where the surrogate knows least, and where a barrier as high as the saddle
might hide, until there is no surprise. A prior's own level is asked along the descents first, until
it is known there.
"""

from typing import NamedTuple

import numpy as np
from ase.data import atomic_masses

from ..molecule.conjugation import by_length
from ..molecule.structure import bond_changes, compare, compare_both
from ..surrogate.surrogate import NEAR
from .follow import NEAR as BOTTOM
from .follow import descent

RIPPLE = 2.0  # deviations: a well that is shallower is sounded
MINIMUM = 0.01  # eV/angstrom: forces at which a well's minimum is reached
KNOWN, CONSULTED = 0.05, 12  # eV, deviation of a prior that is known; times that it is asked
AT_TOP = 2  # first points of a descent, which are as high as the saddle by nature


class Reached(NamedTuple):
    """Where the descents from a saddle lead.

    Attributes
    ----------
    ends : how many ends of the reaction, 2 if the saddle joins them
    elsewhere : whether one of them leads to neither end, so to another minimum
    """

    ends: int
    elsewhere: bool


def ends_reached(reaction, surrogate, saddle, observe, *, soundings, doubt, lenience) -> Reached:
    """Follow the descents from a saddle, and say which ends of the reaction they reach.

    Parameters
    ----------
    saddle : with `position`, `mode` and `energy`
    observe : pays for one geometry, returns energy, gradient and surprise; None where the
        budget allows no more
    soundings : evaluations at most
    doubt : eV, deviation above which a side that misses the ends is sounded, and surprise
        below which one that does not is believed
    lenience : a side that reaches an end is sounded above this times `doubt`
    """
    numbers, invariances = reaction.numbers, surrogate.invariances
    only_moves = surrogate.molecular and not bond_changes(numbers, *reaction.ends)
    near = MINIMUM if only_moves else BOTTOM
    turns = by_length(saddle.energy - reaction.energies.min()) if surrogate.molecular else None
    believed = [False, False]
    for paid in range(soundings + 1):
        sides = _sides(numbers, surrogate, saddle, near)
        bottoms = np.array([side[-1] for side in sides])
        match = compare_both(numbers, bottoms, reaction.ends, invariances, turns)
        joined = bool(match.how)
        points = []
        for k, side in enumerate(sides):
            if joined and believed[k]:
                continue
            at, deviation = (
                _least_known(surrogate, side, saddle.energy, lenience * doubt)
                if joined
                else _first_doubt(surrogate, side, saddle.energy, doubt)
            )
            if at is not None and surrogate.away(side[at]) > NEAR:
                points.append((deviation, k, side[at]))
        if not points or paid == soundings:
            break
        _, k, point = max(points, key=lambda one: one[0])
        answer = observe(point)
        if answer is None:
            break
        believed[k] = joined and answer[2] < doubt
    if joined:
        return Reached(2, False)
    ends = min(1, match.reactant.matches + match.product.matches)
    return Reached(ends, any(not _is_end(reaction, x, invariances, turns) for x in bottoms))


def _is_end(reaction, x: np.ndarray, invariances, turns) -> bool:
    """Whether a minimum is the reactant or the product."""
    return any(
        compare(reaction.numbers, x, one, other, invariances, turns).matches
        for one, other in (reaction.ends, reaction.ends[::-1])
    )


def _sides(numbers, surrogate, saddle, near: float) -> list[np.ndarray]:
    """Both descents, (M, N, 3) each, on a surrogate whose prior is known along them."""
    masses = atomic_masses[numbers] if surrogate.molecular else np.ones(len(numbers))
    for _ in range(CONSULTED):
        sides = [
            descent(surrogate.surface, masses, saddle.position, saddle.mode, sign, near=near)
            for sign in (1, -1)
        ]
        along = np.concatenate(sides)
        deviation = surrogate.prior.deviation(along.reshape(len(along), -1))
        least = int(np.argmax(deviation))
        if deviation[least] < KNOWN or not surrogate.consult(along[least]):
            break
    return sides


def _first_doubt(surrogate, side: np.ndarray, height: float, doubt: float):
    flat = side.reshape(len(side), -1)
    energy, _ = surrogate(flat)
    deviation = surrogate.deviation(flat)
    doubtful = deviation > doubt
    # A well as shallow as the surrogate is unsure may be a ripple of its own.
    doubtful[-1] |= energy[-1] + RIPPLE * deviation[-1] > height
    return (int(np.argmax(doubtful)) if doubtful.any() else None), deviation.max()


def _least_known(surrogate, side: np.ndarray, height: float, doubt: float):
    flat = side.reshape(len(side), -1)
    energy, _ = surrogate(flat)
    deviation = surrogate.deviation(flat)
    at = int(np.argmax(deviation))
    if deviation[at] > doubt:
        return at, deviation[at]
    hidden = energy[AT_TOP:] + deviation[AT_TOP:] > height
    return (AT_TOP + int(np.argmax(hidden)) if hidden.any() else None), deviation[at]
