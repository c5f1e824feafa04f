"""Which molecule a geometry is: bonds, signed chirality, E/Z, the order around a metal.

Two geometries are the same structure when, in the given atom order,

* the same pairs of atoms are bonded: nearer than 1.3 times the sum of ASE's covalent radii
  (Cordero et al., Dalton Trans. 2832 (2008), doi:10.1039/b801115j). A pair beyond that in
  one geometry only, but by less than 0.1 of that sum nearer in the other, is undecided and
  makes no difference (1,3 distances in four-membered rings lie there);
* every centre with four neighbours, and every pyramidal P, As, Sb, S, Se, Te with three, has
  the same handedness. Its sign is that of a determinant over the neighbours in atom order,
  so two swapped hydrogens of a CH2 or CH3 group count as well: without breaking a bond they
  cannot swap. Pyramidal N, O and C invert without breaking one, and do not count;
* every metal and hypervalent centre has the same neighbours opposite each other, and with five
  or six of them the same sense (`coordination`);
* every double bond has the same of E and Z. Double is what is shorter than 0.895 times the
  sum of the radii (C=C up to 1.36, C=N up to 1.32 angstrom; with GFN2-xTB that is in the gap
  below aromatic bonds, and below amides) between two of C, N, Si, P, S with two or three
  neighbours.

Bonds between one and two (amides, esters, enamines with an acceptor, allyl, iminium, B=N) turn
at a price that decides whether they are conformers or isomers: see `conjugation`.

So conformers are one structure: rotamers, the mirror image of a conformer of a molecule
without stereocentre (rotation alone reaches it), an inverted amine, fragments further apart.
Flat centres, twisted double bonds and all else that has no clear sign make no difference.
"""

from collections.abc import Iterator

import numpy as np
from ase.data import chemical_symbols, covalent_radii

from .coordination import coordination_centres, rearranged, untold

BOND, UNDECIDED = 1.3, 0.1
DOUBLE_BOND = 0.895
DOUBLE_BONDED = frozenset({6, 7, 14, 15, 16})
RIGID = ("translation", "rotation")
STABLE_PYRAMIDS = frozenset({15, 33, 51, 16, 34, 52})


def bonds(numbers: np.ndarray, positions: np.ndarray) -> frozenset[tuple[int, int]]:
    """Return the bonded pairs (i, j), i < j, of one geometry (N, 3) in angstrom."""
    i, j = np.triu_indices(len(numbers), 1)
    bonded = relative_distances(numbers, positions)[i, j] < BOND
    return frozenset(zip(i[bonded].tolist(), j[bonded].tolist(), strict=True))


def beyond_bond(bonded: np.ndarray, i: int, j: int) -> list[int]:
    """Return the atoms that hang on j when the bond i-j is cut, j included; i in a ring, too.

    Parameters
    ----------
    bonded : (N, N) bool array
    """
    found, waiting = {j}, [j]
    while waiting:
        here = waiting.pop()
        for there in np.flatnonzero(bonded[here]):
            if (here, there) != (j, i) and there not in found:
                found.add(int(there))
                waiting.append(int(there))
    return sorted(found)


def bond_changes(numbers: np.ndarray, a: np.ndarray, b: np.ndarray) -> str:
    """Say in one line which bonds geometry `a` has that `b` has not, or lacks; "" if none."""
    at, bt = relative_distances(numbers, a), relative_distances(numbers, b)
    straddles = (at < BOND) != (bt < BOND)
    near = np.minimum(at, 2 * BOND), np.minimum(bt, 2 * BOND)
    changed = np.triu(straddles & (np.abs(near[0] - near[1]) >= UNDECIDED), 1)
    pairs = [
        f"{label(numbers, i)}-{label(numbers, j)} {'extra' if at[i, j] < BOND else 'missing'}"
        for i, j in np.argwhere(changed)
    ]
    more = f" and {len(pairs) - 4} more" if len(pairs) > 4 else ""
    return "bonds differ: " + ", ".join(pairs[:4]) + more if pairs else ""


def difference(numbers: np.ndarray, a: np.ndarray, b: np.ndarray) -> str:
    """Say in one line how the structure of geometry `a` differs from that of `b`; "" if not."""
    if changes := bond_changes(numbers, a, b):
        return changes
    at, bt = relative_distances(numbers, a), relative_distances(numbers, b)
    common = (at < BOND) & (bt < BOND)
    for centre, neighbours in stereocentres(numbers, common):
        if handedness(a, centre, neighbours) * handedness(b, centre, neighbours) < 0:
            return f"{label(numbers, centre)} has the opposite handedness"
    for centre, neighbours in coordination_centres(numbers, common):
        if rearranged(a, b, centre, neighbours):
            return f"the neighbours of {label(numbers, centre)} are arranged otherwise"
    double = common & (at < DOUBLE_BOND) & (bt < DOUBLE_BOND)
    for atoms in double_bonds(numbers, common, double):
        if cis(a, *atoms) * cis(b, *atoms) < 0:
            i, j = atoms[1:3]
            return f"{label(numbers, i)}={label(numbers, j)} has the opposite of E and Z"
    return ""


def not_compared(numbers: np.ndarray, a: np.ndarray, b: np.ndarray) -> str:
    """Say around which centres the order of the neighbours can't be told, "" if around all."""
    bonded = relative_distances(numbers, a) < BOND
    bonded &= relative_distances(numbers, b) < BOND
    names = ", ".join(label(numbers, centre) for centre in untold(numbers, bonded, a, b))
    return f"the arrangement around {names} can't be told" if names else ""


def relative_distances(numbers: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Distances (N, N) over the sums of covalent radii; infinite on the diagonal."""
    radii = covalent_radii[numbers]
    distances = np.linalg.norm(x[:, None] - x[None], axis=-1)
    np.fill_diagonal(distances, np.inf)
    return distances / (radii[:, None] + radii[None])


def stereocentres(numbers: np.ndarray, bonded: np.ndarray) -> Iterator[tuple[int, list[int]]]:
    """Yield every centre that may have a handedness, with its neighbours in atom order."""
    for centre in np.flatnonzero(np.isin(bonded.sum(axis=1), (3, 4))):
        neighbours = np.flatnonzero(bonded[centre])
        if len(neighbours) == 4 or numbers[centre] in STABLE_PYRAMIDS:
            yield int(centre), neighbours.tolist()


def handedness(x: np.ndarray, centre: int, neighbours: list[int]) -> int:
    """Sign of the volume that the unit vectors to the neighbours span; 0 where it is flat."""
    unit = x[neighbours] - x[centre]
    unit = unit / np.linalg.norm(unit, axis=1)[:, None]
    edges = unit[1:] - unit[0] if len(unit) == 4 else unit
    volume = np.linalg.det(edges)
    flat = 0.5 if len(unit) == 4 else 0.2  # a regular tetrahedron has 3.1, right angles have 1
    return 0 if abs(volume) < flat else int(np.sign(volume))


def double_bonds(
    numbers: np.ndarray, bonded: np.ndarray, double: np.ndarray
) -> Iterator[tuple[int, int, int, int]]:
    """Yield (a, i, j, b): double bond i=j with the first other neighbour of each side."""
    for i, j in np.argwhere(np.triu(double, 1)):
        if numbers[i] not in DOUBLE_BONDED or numbers[j] not in DOUBLE_BONDED:
            continue
        sides = [
            [int(k) for k in np.flatnonzero(bonded[one]) if k != two]
            for one, two in ((i, j), (j, i))
        ]
        if all(1 <= len(side) <= 2 for side in sides):
            yield sides[0][0], int(i), int(j), sides[1][0]


def cis(x: np.ndarray, a: int, i: int, j: int, b: int) -> int:
    """+1 if a and b are on the same side of the bond i=j, -1 if opposite, 0 if unclear."""
    axis = (x[j] - x[i]) / np.linalg.norm(x[j] - x[i])
    sides = []
    for end, start in ((a, i), (b, j)):
        arm = (x[end] - x[start]) / np.linalg.norm(x[end] - x[start])
        arm = arm - (arm @ axis) * axis
        if np.linalg.norm(arm) < 0.3:  # less than 17 degrees off the axis
            return 0
        sides.append(arm / np.linalg.norm(arm))
    cosine = sides[0] @ sides[1]
    return 0 if abs(cosine) < 0.5 else int(np.sign(cosine))


def label(numbers: np.ndarray, i: int) -> str:
    """Element and number from 1, as chemists count."""
    return f"{chemical_symbols[numbers[i]]}{i + 1}"
