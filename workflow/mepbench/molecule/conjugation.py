"""Bonds between one and two: what turning them costs, and so whether turned they are an isomer.

Amides, esters, enamines with an acceptor, allyl and iminium ions, aminoboranes lie on the one or
the other side of a dihedral, as double bonds do, but some of them turn all the time. What counts
is the reaction's own scale: what turns at a lower cost than the reaction's barrier turns as often
as it reacts, and is a conformer (Seeman, Chem. Rev. 83, 83 (1983), doi:10.1021/cr00054a001);
what costs more is another isomer.

A bond is one of these where each of its atoms is flat or has two neighbours, both geometries have
a clear dihedral about it, and it is shorter than 0.95 times the sum of the covalent radii: esters
(0.93) and amides (0.92) count; butadiene (0.952), vinyl ethers and biaryls always turn. Below
0.895 in both geometries it is double, whatever the scale (`stereo`).

The cost falls with the length d/r as Pauling's bond order does (J. Am. Chem. Soc. 69, 542 (1947),
doi:10.1021/ja01195a024): 1.39 eV exp((0.89 - d/r)/0.038). On forty bonds with GFN2-xTB this
is mostly within 0.25 eV of what `judging.turning` measures; where the donor of a push-pull
ethylene holds the acceptor by hydrogen bonds it is half of it.
"""

from collections.abc import Callable, Iterator

import numpy as np

from .stereo import BOND, DOUBLE_BOND, cis, label, relative_distances

SINGLE_BOND = 0.95
CONJUGATED = frozenset({5, 6, 7, 8, 14, 15, 16, 33, 34})
FLAT = 0.5  # volume of three unit vectors: 11 degrees out of the plane
COST, LENGTH, DECAY = 1.39, 0.89, 0.038  # eV; d/r
ALWAYS_TURNS = 0.4  # eV: what a bond may cost that turns, where a reaction's barrier is not known

Bond = tuple[int, int, int, int]
Turns = Callable[[np.ndarray, np.ndarray, np.ndarray, Bond], str]


def turned_bonds(numbers: np.ndarray, a: np.ndarray, b: np.ndarray) -> Iterator[Bond]:
    """Yield (k, i, j, l) of each bond i-j about which geometries `a` and `b` lie on other sides.

    k and l are the first other neighbours of i and j.
    """
    lengths = np.stack([relative_distances(numbers, x) for x in (a, b)])
    bonded = (lengths < BOND).all(axis=0)
    between = (lengths < SINGLE_BOND).all(axis=0) & (lengths > DOUBLE_BOND).any(axis=0)
    for i, j in np.argwhere(np.triu(bonded & between, 1)):
        sides = [
            [int(k) for k in np.flatnonzero(bonded[one]) if k != two]
            for one, two in ((i, j), (j, i))
        ]
        if all(
            numbers[c] in CONJUGATED
            and 1 <= len(side) <= 2
            and all(_is_flat(x, [*side, other], c) for x in (a, b))
            for c, other, side in zip((i, j), (j, i), sides, strict=True)
        ):
            atoms = sides[0][0], int(i), int(j), sides[1][0]
            if cis(a, *atoms) * cis(b, *atoms) < 0:
                yield atoms


def estimated_cost(numbers: np.ndarray, a: np.ndarray, b: np.ndarray, bond: Bond) -> float:
    """Cost of turning a bond, eV, from the longer of its lengths in geometries `a` and `b`."""
    i, j = bond[1:3]
    longest = max(relative_distances(numbers, x)[i, j] for x in (a, b))
    return float(COST * np.exp((LENGTH - longest) / DECAY))


def by_length(barrier: float = ALWAYS_TURNS) -> Turns:
    """Return the rule that says why a bond may not turn, "" if it may, by its length alone.

    Parameters
    ----------
    barrier : eV, of the reaction
    """

    def rule(numbers, a, b, bond: Bond) -> str:
        return refusal(numbers, bond, estimated_cost(numbers, a, b, bond), barrier)

    return rule


def refusal(numbers: np.ndarray, bond: Bond, cost: float, barrier: float) -> str:
    """Say why a bond that costs so much, eV, does not turn in the reaction; "" if it does."""
    if cost <= barrier:
        return ""
    name = "-".join(label(numbers, i) for i in bond[1:3])
    return f"{name} is turned, which costs {cost:.2f} eV, and the reaction {barrier:.2f}"


def _is_flat(x: np.ndarray, neighbours: list[int], centre: int) -> bool:
    arms = x[neighbours] - x[centre]
    arms = arms / np.linalg.norm(arms, axis=1)[:, None]
    return len(arms) == 2 or abs(np.linalg.det(arms)) < FLAT
