"""Whether a geometry is an end of a reaction, in the given atom order.

It is if it is the same structure (bonds, signed chirality, E/Z: see `stereo`); conformers
and the distance of fragments matter only where they are the reaction.

A geometry that is an end only after a relabelling of equivalent atoms, or in a mirror, is no
match by itself, but flagged: two rings closing in the one and the other sense of rotation
may differ by nothing else. Both ends of an IRC together can tell: where one and the same
relabelling (and reflection) makes them the reactant and the product, it also makes the
saddle one of this very reaction, since the energy does not know the labels.
"""

from dataclasses import dataclass
from itertools import islice

import numpy as np

from ..path import rmsd
from .relabelling import equivalent_permutations, relabellings, rmsds, saddle_rmsd
from .stereo import RIGID, bonds, difference

__all__ = [
    "RIGID",
    "EndMatch",
    "ReactionMatch",
    "bonds",
    "compare",
    "compare_both",
    "difference",
    "equivalent_permutations",
    "saddle_rmsd",
]


@dataclass(frozen=True)
class EndMatch:
    """Whether a geometry is a given end of a reaction.

    Attributes
    ----------
    matches : True only for the end itself, in the given atom order
    how : "exact"; or, with `matches` False, "permuted", "mirror" or "permuted-mirror" where
        the geometry is the end after a relabelling that keeps the bonds of the other end,
        after reflection, or both; else ""
    reason : one line, empty for an exact match
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
) -> EndMatch:
    """Tell whether a relaxed geometry is one end of a reaction.

    It must be the same structure. Where both ends are one structure, the
    reaction is a change of conformer: then it must also be nearer to `end` than to
    `other_end`, and nearer than half the distance between these. Surfaces that are not
    invariant under rotation have no bonds: there distance alone decides, a quarter of that
    between the ends, since a minimum halfway is another one.

    Parameters
    ----------
    numbers : (N,) int array, atomic numbers
    geometry, end, other_end : (N, 3) arrays, angstrom
    invariances : the potential's, out of "translation" and "rotation"
    """
    away = rmsd(geometry, end, invariances)
    span = rmsd(end, other_end, invariances)

    def far(variants: np.ndarray) -> np.ndarray:
        """Say which of (K, N, 3) are not on this end's side of a change of conformer."""
        here = rmsds(variants, end, invariances)
        return (here > span / 2) | (here >= rmsds(variants, other_end, invariances))

    if "rotation" not in invariances:
        if away > span / 4:
            return EndMatch(
                False, "", f"{away:.3f} A from it, the ends are {span:.3f} A apart", away
            )
        return EndMatch(True, "exact", "", away)

    reason = difference(numbers, geometry, end)
    conformers = not difference(numbers, end, other_end)
    if not reason:
        if conformers and far(geometry[None])[0]:
            reason = f"conformer {away:.2f} A from it, the two ends are {span:.2f} A apart"
        elif (
            # Only undecided bonds tell the ends apart here, so the distance must.
            not conformers
            and not difference(numbers, geometry, other_end)
            and away >= rmsd(geometry, other_end, invariances)
        ):
            reason = "undecided bonds, and nearer to the other end"
    if not reason:
        return EndMatch(True, "exact", "", away)

    for image, mirrored in ((geometry, False), (-geometry, True)):
        other_side = conformers and far(image[None])[0]
        if mirrored and not other_side and not difference(numbers, image, end):
            return EndMatch(False, "mirror", f"{reason}; its mirror image matches", away)
        how = "permuted-mirror" if mirrored else "permuted"
        found = relabellings(numbers, [(image, end)], keep=[other_end])
        for p in islice(found, 2000 if conformers else 2):
            relabelled = (p != np.arange(len(p))).any()
            if relabelled and not (conformers and far(image[p][None])[0]):
                return EndMatch(False, how, f"{reason}; it matches {how}", away)
    return EndMatch(False, "", reason, away)


def compare_both(
    numbers: np.ndarray,
    geometries: np.ndarray,
    ends: np.ndarray,
    invariances: tuple[str, ...] = RIGID,
) -> ReactionMatch:
    """Tell whether two relaxed geometries are the two ends of a reaction, in either order.

    Parameters
    ----------
    numbers : (N,) int array, atomic numbers
    geometries : (2, N, 3) array, angstrom: where the two sides of an IRC end
    ends : (2, N, 3) array, angstrom: reactant and product
    invariances : the potential's
    """
    found = []
    for swapped, (first, second) in ((False, geometries), (True, geometries[::-1])):
        r = compare(numbers, first, ends[0], ends[1], invariances)
        p = compare(numbers, second, ends[1], ends[0], invariances)
        how = "exact" if r.matches and p.matches else ""
        if not how and "rotation" in invariances:
            how = _how_together(numbers, np.array([first, second]), np.asarray(ends))
        found.append(ReactionMatch(r, p, swapped, how))

    def quality(match: ReactionMatch) -> tuple:
        both = (match.reactant, match.product)
        flags = sum(end.matches for end in both), sum(end.how != "" for end in both)
        return match.how == "exact", match.how != "", *flags, -sum(end.rmsd for end in both)

    return max(found, key=quality)


def _how_together(numbers: np.ndarray, geometries: np.ndarray, ends: np.ndarray) -> str:
    span = rmsd(ends[0], ends[1], RIGID)
    conformers = not difference(numbers, ends[0], ends[1])
    for sign, how in ((1.0, "permuted"), (-1.0, "permuted-mirror")):
        images = sign * geometries
        for p in islice(relabellings(numbers, list(zip(images, ends, strict=True))), 2000):
            near = [rmsd(x[p], end, RIGID) <= span / 2 for x, end in zip(images, ends, strict=True)]
            if conformers and not all(near):
                continue
            unchanged = (p == np.arange(len(p))).all()
            return "mirror" if unchanged and sign < 0 else how
    return ""
