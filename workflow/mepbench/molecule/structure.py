"""Whether a geometry is an end of a reaction, in the given atom order.

Where the reaction changes bonds, an end is a species (bonds, signed chirality, E/Z: `stereo`;
bonds that turn at a price: `conjugation`), in any conformer and at any distance of its fragments.
Where it changes none (rotations, inversions, ring flips, E to Z), an end is one minimum, and
nothing else is that end (`relabelling.same_length`).

A geometry that is an end only after a relabelling of equivalent atoms, or in a mirror, is no
match by itself, but flagged: two rings closing in the one and the other sense of rotation
may differ by nothing else. Both ends of an IRC together can tell: where one and the same
relabelling (and reflection) makes them the reactant and the product, it also makes the
saddle one of this very reaction, since the energy does not know the labels. Where no bonds
change, atoms that take no part may be relabelled at one end alone, such as a methyl group
that has turned by 120 degrees beside the rotation asked for: a spectator's flip.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, product

import numpy as np

from ..path import rmsd
from .conjugation import Turns, by_length, turned_bonds
from .relabelling import (
    equivalent_permutations,
    is_spectators,
    relabellings,
    rmsds,
    saddle_rmsd,
    same_length,
)
from .stereo import RIGID, bond_changes, bonds, difference, not_compared

__all__ = [
    "RIGID",
    "EndMatch",
    "ReactionMatch",
    "bond_changes",
    "bonds",
    "compare",
    "compare_both",
    "difference",
    "equivalent_permutations",
    "saddle_rmsd",
    "same_length",
]

MOST_RELABELLINGS = 2000


@dataclass(frozen=True)
class EndMatch:
    """Whether a geometry is a given end of a reaction.

    Attributes
    ----------
    matches : True only for the end itself, in the given atom order but for spectators' flips
    how : "exact", or "permuted" with such a flip; or, with `matches` False, "permuted", "mirror"
        or "permuted-mirror" where the geometry is the end after a relabelling that keeps the
        bonds of the other end, after reflection, or both; else ""
    reason : one line; of an exact match empty, or what could not be compared
    rmsd : angstrom, to the end after the best rigid alignment, in the given atom order
    """

    matches: bool
    how: str
    reason: str
    rmsd: float


@dataclass(frozen=True)
class ReactionMatch:
    """Whether two geometries are the two ends of a reaction.

    Attributes
    ----------
    reactant, product : each end's match with the geometry that was assigned to it
    swapped : whether the first geometry was assigned to the product
    how : "exact" if both match as they are; "permuted", "mirror" or "permuted-mirror" if
        they do after one relabelling, one reflection, or one of each, of both together;
        else ""
    """

    reactant: EndMatch
    product: EndMatch
    swapped: bool
    how: str


def compare(
    numbers: np.ndarray,
    geometry: np.ndarray,
    end: np.ndarray,
    other_end: np.ndarray,
    invariances: tuple[str, ...] = RIGID,
    turns: Turns | None = None,
) -> EndMatch:
    """Tell whether a relaxed geometry is one end of a reaction.

    Surfaces that are not invariant under rotation have no bonds: there distance alone decides,
    a quarter of that between the ends, since a minimum halfway is another one.

    Parameters
    ----------
    numbers : (N,) int array, atomic numbers
    geometry, end, other_end : (N, 3) arrays, angstrom; relaxed tightly where the bonds of the
        two ends are the same
    invariances : the potential's, out of "translation" and "rotation"
    turns : says why a bond between one and two may not turn, see `conjugation`; by its
        length where None
    """
    if "rotation" not in invariances:
        away, span = (rmsd(end, x, invariances) for x in (geometry, other_end))
        if away > span / 4:
            reason = f"{away:.3f} A from it, the ends are {span:.3f} A apart"
            return EndMatch(False, "", reason, away)
        return EndMatch(True, "exact", "", away)
    if bond_changes(numbers, end, other_end):
        return _compare_species(numbers, geometry, end, other_end, turns or by_length())
    return _compare_minimum(numbers, geometry, end, other_end)


def _compare_minimum(numbers, geometry, end, other_end) -> EndMatch:
    away, limit = rmsd(geometry, end, RIGID), same_length(end, other_end)
    if away <= limit:
        return EndMatch(True, "exact", "", away)
    reason = difference(numbers, geometry, end) or f"another minimum, {away:.2f} A from it"
    flagged = ""
    for sign, p in _alike(numbers, geometry, end, limit):
        if sign > 0 and is_spectators(numbers, np.array([end, other_end]), p):
            return EndMatch(True, "permuted", "equal but for a flip of equivalent atoms", away)
        flagged = flagged or _name_of(sign, p)
    if flagged:
        return EndMatch(False, flagged, f"{reason}; {_as_flagged(flagged)}", away)
    return EndMatch(False, "", reason, away)


def _alike(numbers, geometry, end, limit) -> Iterator[tuple[float, np.ndarray]]:
    """Yield (sign, p) with sign * geometry[p] the minimum `end`."""
    for sign in (1.0, -1.0):
        for p in islice(relabellings(numbers, [(sign * geometry, end)]), MOST_RELABELLINGS):
            if rmsds(sign * geometry[None, p], end, RIGID)[0] <= limit:
                yield sign, p


def _name_of(sign: float, p: np.ndarray) -> str:
    relabelled = (p != np.arange(len(p))).any()
    return "-".join(["permuted"] * bool(relabelled) + ["mirror"] * (sign < 0))


def _compare_species(numbers, geometry, end, other_end, turns: Turns) -> EndMatch:
    away = rmsd(geometry, end, RIGID)
    reason = _unlike(numbers, geometry, end, turns)
    if (
        # Only undecided bonds tell the ends apart here, so the distance must.
        not reason
        and not difference(numbers, geometry, other_end)
        and away >= rmsd(geometry, other_end, RIGID)
    ):
        reason = "undecided bonds, and nearer to the other end"
    if not reason:
        return EndMatch(True, "exact", not_compared(numbers, geometry, end), away)
    for sign in (1.0, -1.0):
        found = relabellings(numbers, [(sign * geometry, end)], keep=[other_end])
        for p in islice(found, MOST_RELABELLINGS):
            how = _name_of(sign, p)
            if how and not _unlike(numbers, sign * geometry[p], end, turns):
                return EndMatch(False, how, f"{reason}; {_as_flagged(how)}", away)
    return EndMatch(False, "", reason, away)


def _unlike(numbers, geometry, end, turns: Turns) -> str:
    """Say why a geometry is not the species of an end, "" if it is."""
    if reason := difference(numbers, geometry, end):
        return reason
    held = (turns(numbers, geometry, end, bond) for bond in turned_bonds(numbers, geometry, end))
    return next(filter(None, held), "")


def _as_flagged(how: str) -> str:
    return "its mirror image matches" if how == "mirror" else f"it matches {how}"


def compare_both(
    numbers: np.ndarray,
    geometries: np.ndarray,
    ends: np.ndarray,
    invariances: tuple[str, ...] = RIGID,
    turns: Turns | None = None,
) -> ReactionMatch:
    """Tell whether two relaxed geometries are the two ends of a reaction, in either order.

    Parameters
    ----------
    numbers : (N,) int array, atomic numbers
    geometries : (2, N, 3) array, angstrom: where the two sides of an IRC end
    ends : (2, N, 3) array, angstrom: reactant and product
    invariances, turns : as of `compare`
    """
    ends = np.asarray(ends)
    found = []
    for swapped, pair in ((False, geometries), (True, geometries[::-1])):
        r, p = (
            compare(numbers, x, end, other, invariances, turns)
            for x, end, other in zip(pair, ends, ends[::-1], strict=True)
        )
        how = ""
        if r.matches and p.matches:
            how = "exact" if r.how == p.how == "exact" else "permuted"
        elif "rotation" in invariances:
            together = _species_together if bond_changes(numbers, *ends) else _minima_together
            how = together(numbers, np.asarray(pair), ends, turns or by_length())
        found.append(ReactionMatch(r, p, swapped, how))
        if how == "exact":
            break

    def quality(match: ReactionMatch) -> tuple:
        both = (match.reactant, match.product)
        flags = sum(end.matches for end in both), sum(end.how != "" for end in both)
        return match.how == "exact", match.how != "", *flags, -sum(end.rmsd for end in both)

    return max(found, key=quality)


def _species_together(numbers, pair, ends, turns: Turns) -> str:
    for sign in (1.0, -1.0):
        both = list(zip(sign * pair, ends, strict=True))
        for p in islice(relabellings(numbers, both), MOST_RELABELLINGS):
            if not any(_unlike(numbers, x[p], end, turns) for x, end in both):
                return _name_of(sign, p)
    return ""


def _minima_together(numbers, pair, ends, turns: Turns) -> str:
    limit = same_length(*ends)
    first, second = (
        list(_alike(numbers, x, end, limit)) for x, end in zip(pair, ends, strict=True)
    )
    for (sign, p), (other_sign, q) in product(first, second):
        # Up to spectators the second is relabelled like the first.
        if sign == other_sign and is_spectators(numbers, ends, p[np.argsort(q)]):
            return _name_of(sign, p)
    return ""
