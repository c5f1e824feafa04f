"""The order of the neighbours around a metal or a hypervalent centre.

Up to six neighbours are told by two things: which of them are opposite each other (cis and
trans of a square plane, axial and equatorial of a bipyramid, mer and fac), and the sense in
which three that are not in one plane follow (the two hands of an octahedron). Together they
count as many isomers as there are: 3 of a square plane, 12 of a see-saw, 20 of a trigonal
bipyramid, 30 of a square pyramid and of an octahedron, all neighbours different.
"""

from collections.abc import Iterator
from itertools import combinations

import numpy as np

FIRST_HYPERVALENT = 11  # atomic number: from the third row on, more than four neighbours are usual
IONIC = (11, 12, 19, 20, 37, 38, 55, 56, 87, 88)  # their bonds have no direction
MOST_NEIGHBOURS = 6
# Cosines: opposite is beyond 150 degrees, beside below 130, and between nothing is said.
OPPOSITE, BESIDE = np.cos(np.radians([150.0, 130.0]))
SOLID = 0.5  # least volume of three unit vectors that have a sense; right angles have 1


def coordination_centres(
    numbers: np.ndarray, bonded: np.ndarray, most: int = MOST_NEIGHBOURS
) -> Iterator[tuple[int, list[int]]]:
    """Yield every metal or hypervalent centre with three to `most` neighbours, and these."""
    count = bonded.sum(axis=1)
    directed = (numbers >= FIRST_HYPERVALENT) & ~np.isin(numbers, IONIC)
    for centre in np.flatnonzero(directed & (count >= 3) & (count <= most)):
        yield int(centre), np.flatnonzero(bonded[centre]).tolist()


def rearranged(a: np.ndarray, b: np.ndarray, centre: int, neighbours: list[int]) -> bool:
    """Whether the neighbours of a centre are ordered otherwise in geometry `a` than in `b`."""
    ua, ub = (_directions(x, centre, neighbours) for x in (a, b))
    ca, cb = ua @ ua.T, ub @ ub.T
    if (((ca < OPPOSITE) & (cb > BESIDE)) | ((cb < OPPOSITE) & (ca > BESIDE))).any():
        return True
    if len(neighbours) < 5:  # the handedness of four is `stereo`'s
        return False
    for three in map(list, combinations(range(len(neighbours)), 3)):
        volumes = np.linalg.det(ua[three]), np.linalg.det(ub[three])
        if min(np.abs(volumes)) > SOLID:
            return volumes[0] * volumes[1] < 0
    return False


def untold(numbers: np.ndarray, bonded: np.ndarray, a: np.ndarray, b: np.ndarray) -> Iterator[int]:
    """Yield the centres of which can't be told whether `a` and `b` have one order.

    They have more than six neighbours, or two of them are opposite in one geometry and
    neither opposite nor beside each other in the other.
    """
    for centre, neighbours in coordination_centres(numbers, bonded, most=len(numbers)):
        ua, ub = (_directions(x, centre, neighbours) for x in (a, b))
        cosines = np.stack([ua @ ua.T, ub @ ub.T])
        vague = ((cosines >= OPPOSITE) & (cosines <= BESIDE)).any(axis=0)
        clear = (cosines < OPPOSITE).any(axis=0)
        if len(neighbours) > MOST_NEIGHBOURS or (vague & clear).any():
            yield centre


def _directions(x: np.ndarray, centre: int, neighbours: list[int]) -> np.ndarray:
    arms = x[neighbours] - x[centre]
    return arms / np.linalg.norm(arms, axis=1)[:, None]
