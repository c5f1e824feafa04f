"""Relabellings of equivalent atoms: the automorphisms of a reaction, as molecules have them.

A permutation p is one if `x[p]` is the same structure as x (see `stereo`) for both ends x;
together with a reflection if `-x[p]` is. They are found depth first along the bonds, with
colours (element and bonds) that are first refined over the neighbours until stable
(Weisfeiler, Leman, Nauchno-Tekh. Inf. 2, 12 (1968)).
"""

from collections.abc import Iterator
from functools import lru_cache
from itertools import islice

import numpy as np

from ..path import rmsd
from .stereo import (
    BOND,
    DOUBLE_BOND,
    RIGID,
    bond_changes,
    cis,
    double_bonds,
    handedness,
    relative_distances,
    stereocentres,
)

MOST_PLACEMENTS = 100_000
# Of the mean distance of nearest neighbours, 1.1 angstrom in molecules. Relaxed to 5e-4
# eV/angstrom from different sides, a minimum is found again within 0.006 of it, and 0.06
# where a methyl group turns almost freely (toluene).
SAME = 0.07
SPECTATOR = 0.15  # likewise: what differs by less from reactant to product takes no part


def relabellings(
    numbers: np.ndarray,
    pairs: list[tuple[np.ndarray, np.ndarray]],
    keep: list[np.ndarray] = (),
) -> Iterator[np.ndarray]:
    """Find the permutations p that make `a[p]` the structure of `b` for every pair (a, b).

    Depth first along the bonds, atoms with one neighbour last, among atoms of one colour
    (element and bonds, refined over the neighbours until stable).

    Parameters
    ----------
    numbers : (N,) int array
    pairs : geometries (N, 3), angstrom; bonds, handedness and E/Z must agree
    keep : geometries (N, 3) of which p must keep the bonds only

    Yields
    ------
    (N,) int array; the identity comes first where it is one of them. The search ends after
    100,000 placements of an atom, which only molecules of many alike groups reach.
    """
    n = len(numbers)
    source, target = np.zeros((2, n, n), dtype=int)
    for k, (a, b) in enumerate([*pairs, *((x, x) for x in keep)]):
        source += (relative_distances(numbers, a) < BOND) << k
        target += (relative_distances(numbers, b) < BOND) << k
    if (np.sort(source, axis=None) != np.sort(target, axis=None)).any():
        return  # they have not even as many bonds
    colour_s, colour_t = _refined_colours(numbers, source, target)
    if (np.sort(colour_s) != np.sort(colour_t)).any():
        return
    order = _search_order(target)
    checks = _stereo_checks(numbers, pairs, np.argsort(order))
    p = np.full(n, -1)
    used = np.zeros(n, dtype=bool)
    anchors = [
        next((j for j in order[:depth] if target[i, j]), None) for depth, i in enumerate(order)
    ]
    placements = 0

    def place(depth: int) -> Iterator[np.ndarray]:
        nonlocal placements
        if depth == n:
            yield p.copy()
            return
        i, anchor = order[depth], anchors[depth]
        allowed = ~used & (colour_s == colour_t[i])
        if anchor is not None:
            allowed &= source[p[anchor]] == target[anchor, i]
        candidates = np.flatnonzero(allowed)
        before = order[:depth]
        for candidate in sorted(candidates, key=lambda c: c != i):
            if (source[candidate, p[before]] != target[i, before]).any():
                continue
            placements += 1
            if placements > MOST_PLACEMENTS:
                return
            p[i] = candidate
            if all(sign * value(a, p[atoms]) >= 0 for a, atoms, sign, value in checks[i]):
                used[candidate] = True
                yield from place(depth + 1)
                used[candidate] = False
            p[i] = -1

    yield from place(0)


def equivalent_permutations(
    numbers: np.ndarray, ends: np.ndarray, limit: int = 5000, *, mirror: bool = False
) -> np.ndarray:
    """Permutations of equivalent atoms: those that keep the structure of every end.

    Parameters
    ----------
    numbers : (N,) int array, atomic numbers
    ends : (E, N, 3) array, angstrom; one end or both
    limit : the most that are returned
    mirror : whether the permutation comes together with a reflection

    Returns
    -------
    (K, N) int array; x[p] is the relabelled geometry. The identity comes first, except
    with `mirror` where the mirror image of an end is not that end; then K may be 0.
    """
    sign = -1.0 if mirror else 1.0
    found = relabellings(numbers, [(sign * x, x) for x in ends])
    return np.array(list(islice(found, limit)), dtype=int).reshape(-1, len(numbers))


def same_length(end: np.ndarray, other_end: np.ndarray) -> float:
    """Return the RMSD, angstrom, within which a relaxed geometry is the minimum `end`.

    It goes with the distances of the atoms, and is never more than a quarter of the way to
    the other end of the reaction.
    """
    return min(SAME * _neighbour_distance(end), rmsd(end, other_end, RIGID) / 4)


def is_spectators(numbers: np.ndarray, ends: np.ndarray, p: np.ndarray) -> bool:
    """Whether a relabelling moves only atoms that take no part in a reaction.

    Reactant and product are alike there, and up to three bonds around. In hydrazine, where both
    nitrogens invert, no hydrogen is a spectator.

    Parameters
    ----------
    ends : (2, N, 3) array, angstrom
    p : (N,) int array
    """
    around = p != np.arange(len(p))
    if not around.any():
        return True
    bonded = relative_distances(numbers, ends[0]) < BOND
    for _ in range(3):  # bonds, as far as a dihedral reaches
        around = around | bonded[around].any(axis=0)
    limit = SPECTATOR * _neighbour_distance(ends[0])
    return rmsd(ends[0][around], ends[1][around], RIGID) <= limit


def _neighbour_distance(x: np.ndarray) -> float:
    distances = np.linalg.norm(x[:, None] - x[None], axis=-1) + np.diag(np.full(len(x), np.inf))
    return float(distances.min(axis=1).mean())


def saddle_rmsd(
    numbers: np.ndarray,
    a: np.ndarray,
    b: np.ndarray,
    ends: np.ndarray,
    invariances: tuple[str, ...] = RIGID,
) -> float:
    """Distance of two saddles of one reaction, angstrom, after the best rigid alignment.

    It is the least over permutations of equivalent atoms and mirror images that keep both
    ends; where the reaction changes no bonds, those that keep the minima, or move spectators.

    Parameters
    ----------
    numbers : (N,) int array, atomic numbers
    a, b : (N, 3) arrays, angstrom
    ends : (2, N, 3) array, angstrom
    invariances : the potential's; without rotation, the plain distance is returned
    """
    if "rotation" not in invariances:
        return rmsd(a, b, invariances)
    ends = np.ascontiguousarray(ends, dtype=float)
    numbers = np.ascontiguousarray(numbers, dtype=np.int64)
    best = rmsd(a, b, invariances)
    for sign, p in _symmetries(numbers.tobytes(), ends.tobytes()):
        if len(p):
            best = min(best, float(rmsds(sign * a[p], b, invariances).min()))
    return best


@lru_cache(maxsize=32)
def _symmetries(numbers: bytes, ends: bytes) -> tuple[tuple[float, np.ndarray], ...]:
    """Permutations without and with reflection that keep a reaction's ends, found once."""
    numbers = np.frombuffer(numbers, dtype=np.int64)
    ends = np.frombuffer(ends).reshape(2, len(numbers), 3)
    changing = bond_changes(numbers, *ends)
    limit = same_length(*ends)
    found = []
    for sign in (1.0, -1.0):
        p = equivalent_permutations(numbers, ends, mirror=sign < 0)
        if not changing and len(p):
            kept = np.all([rmsds(sign * x[p], x, RIGID) <= limit for x in ends], axis=0)
            kept |= [sign > 0 and is_spectators(numbers, ends, one) for one in p]
            p = p[kept]
        found.append((sign, p))
    return tuple(found)


def rmsds(variants: np.ndarray, b: np.ndarray, invariances: tuple[str, ...]) -> np.ndarray:
    """RMSD of each of (K, N, 3) geometries to one, by the singular values of the covariance."""
    if "rotation" not in invariances:
        return np.sqrt(((variants - b) ** 2).sum(axis=(1, 2)) / len(b))
    moved = variants - variants.mean(axis=1, keepdims=True)
    fixed = b - b.mean(axis=0)
    covariance = np.einsum("kni,nj->kij", moved, fixed)
    values = np.linalg.svd(covariance, compute_uv=False)
    values[:, 2] *= np.sign(np.linalg.det(covariance)) + (np.linalg.det(covariance) == 0)
    square = (moved**2).sum(axis=(1, 2)) + (fixed**2).sum() - 2 * values.sum(axis=1)
    return np.sqrt(np.maximum(square, 0) / len(b))


def _stereo_checks(numbers, pairs, rank) -> list[list]:
    """List for each atom the signs that are settled once it and all before it are placed."""
    checks = [[] for _ in numbers]
    for a, b in pairs:
        relative = relative_distances(numbers, b)
        bonded = relative < BOND
        signs = [
            ([centre, *neighbours], _handedness)
            for centre, neighbours in stereocentres(numbers, bonded)
        ]
        double = bonded & (relative < DOUBLE_BOND)
        signs += [(list(atoms), _cis) for atoms in double_bonds(numbers, bonded, double)]
        for atoms, sign_of in signs:
            if sign := sign_of(b, atoms):
                last = max(atoms, key=lambda i: rank[i])
                checks[last].append((a, atoms, sign, sign_of))
    return checks


def _handedness(x, atoms):
    return handedness(x, atoms[0], atoms[1:])


def _cis(x, atoms):
    return cis(x, *atoms)


def _refined_colours(numbers, source, target):
    """Colour the atoms of both graphs by element and bonds (Weisfeiler, Leman 1968)."""
    graphs = (source, target)
    bonds = [
        [[(int(row[j]), int(j)) for j in np.flatnonzero(row)] for row in graph] for graph in graphs
    ]
    colours = [np.asarray(numbers).tolist() for _ in graphs]
    for _ in range(len(numbers)):
        keys = [
            [(c[i], tuple(sorted((kind, c[j]) for kind, j in of))) for i, of in enumerate(side)]
            for side, c in zip(bonds, colours, strict=True)
        ]
        palette = {key: k for k, key in enumerate(sorted(set(keys[0] + keys[1])))}
        refined = [[palette[key] for key in side] for side in keys]
        if len(palette) == len(set(colours[0] + colours[1])):
            break
        colours = refined
    return [np.array(side) for side in refined]


def _search_order(graph: np.ndarray) -> list[int]:
    degree = (graph > 0).sum(axis=1)
    order: list[int] = []
    for start in np.argsort(-degree, kind="stable"):
        queue = [int(start)] if start not in order else []
        while queue:
            i = queue.pop(0)
            order.append(i)
            queue += [int(j) for j in np.flatnonzero(graph[i]) if j not in order and j not in queue]
    # Leaves come last, single ones first: what can fail fails before methyl groups branch.
    alike = {
        i: sum(degree[j] <= 1 for j in np.flatnonzero(graph[np.argmax(graph[i])])) for i in order
    }
    return sorted(order, key=lambda i: alike[i] if degree[i] <= 1 else 0)
