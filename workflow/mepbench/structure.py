"""Which molecule a geometry is: bonds, signed chirality, E/Z; and which relabellings keep it.

Two geometries are the same structure when, in the given atom order,

* the same pairs of atoms are bonded: nearer than 1.3 times the sum of ASE's covalent radii
  (Cordero et al., Dalton Trans. 2832 (2008), doi:10.1039/b801115j). A pair that lies between
  1.2 and 1.4 in both geometries is undecided, and makes no difference;
* every centre with four neighbours, and every pyramidal P, As, Sb, S, Se, Te with three, has
  the same handedness. Its sign is that of a determinant over the neighbours in atom order,
  so two swapped hydrogens of a CH2 or CH3 group count as well: without breaking a bond they
  cannot swap. Pyramidal N, O and C invert without breaking one, and do not count;
* every double bond has the same of E and Z. Double is what is shorter than 0.91 times the
  sum of the radii (C=C up to 1.38, C=N up to 1.34 angstrom; amides and aromatic bonds are
  longer) between two of C, N, Si, P, S with two or three neighbours.

So conformers are one structure: rotamers, the mirror image of a conformer of a molecule
without stereocentre (rotation alone reaches it), an inverted amine, fragments further apart.
Flat centres, twisted double bonds and all else that has no clear sign make no difference.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
from ase.data import chemical_symbols, covalent_radii

from .path import rmsd

BOND, UNDECIDED = 1.3, (1.2, 1.4)
DOUBLE_BOND = 0.91
DOUBLE_BONDED = frozenset({6, 7, 14, 15, 16})
STABLE_PYRAMIDS = frozenset({15, 33, 51, 16, 34, 52})
MOST_PLACEMENTS = 100_000
RIGID = ("translation", "rotation")


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


def bonds(numbers: np.ndarray, positions: np.ndarray) -> frozenset[tuple[int, int]]:
    """Return the bonded pairs (i, j), i < j, of one geometry (N, 3) in angstrom."""
    i, j = np.triu_indices(len(numbers), 1)
    bonded = _relative_distances(numbers, positions)[i, j] < BOND
    return frozenset(zip(i[bonded].tolist(), j[bonded].tolist(), strict=True))


def compare(
    numbers: np.ndarray,
    geometry: np.ndarray,
    end: np.ndarray,
    other_end: np.ndarray,
    invariances: tuple[str, ...] = RIGID,
) -> EndMatch:
    """Tell whether a relaxed geometry is one end of a reaction.

    It must be the same structure (see the module). Where both ends are one structure, the
    reaction is a change of conformer: then it must also be nearer to `end` than to
    `other_end`, and nearer than half the distance between these. Surfaces that are not
    invariant under rotation have no bonds: there distance alone decides.

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
        here = _rmsds(variants, end, invariances)
        return (here > span / 2) | (here >= _rmsds(variants, other_end, invariances))

    if "rotation" not in invariances:
        if far(geometry[None])[0]:
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


def difference(numbers: np.ndarray, a: np.ndarray, b: np.ndarray) -> str:
    """Say in one line how the structure of geometry `a` differs from that of `b`; "" if not."""
    at, bt = _relative_distances(numbers, a), _relative_distances(numbers, b)
    low, high = UNDECIDED
    undecided = (at > low) & (at < high) & (bt > low) & (bt < high)
    changed = np.triu(((at < BOND) != (bt < BOND)) & ~undecided, 1)
    if changed.any():
        pairs = [
            f"{_name(numbers, i)}-{_name(numbers, j)} {'extra' if at[i, j] < BOND else 'missing'}"
            for i, j in np.argwhere(changed)
        ]
        more = f" and {len(pairs) - 4} more" if len(pairs) > 4 else ""
        return "bonds differ: " + ", ".join(pairs[:4]) + more
    common = (at < BOND) & (bt < BOND)
    for centre, neighbours in _stereocentres(numbers, common):
        if _handedness(a, centre, neighbours) * _handedness(b, centre, neighbours) < 0:
            return f"{_name(numbers, centre)} has the opposite handedness"
    double = common & (at < DOUBLE_BOND) & (bt < DOUBLE_BOND)
    for atoms in _double_bonds(numbers, common, double):
        if _cis(a, *atoms) * _cis(b, *atoms) < 0:
            i, j = atoms[1:3]
            return f"{_name(numbers, i)}={_name(numbers, j)} has the opposite of E and Z"
    return ""


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
        source += (_relative_distances(numbers, a) < BOND) << k
        target += (_relative_distances(numbers, b) < BOND) << k
    np.fill_diagonal(source, 0)
    np.fill_diagonal(target, 0)
    colour_s, colour_t = _refined_colours(numbers, source, target)
    order = _search_order(target)
    rank = np.argsort(order)
    checks = [[] for _ in range(n)]
    for a, b in pairs:
        relative = _relative_distances(numbers, b)
        bonded = relative < BOND
        np.fill_diagonal(bonded, False)
        for centre, neighbours in _stereocentres(numbers, bonded):
            atoms, sign = [centre, *neighbours], _handedness(b, centre, neighbours)
            if sign:
                last = max(atoms, key=lambda i: rank[i])
                checks[last].append((a, atoms, sign, _handedness_of))
        for atoms in _double_bonds(numbers, bonded, bonded & (relative < DOUBLE_BOND)):
            sign = _cis(b, *atoms)
            if sign:
                last = max(atoms, key=lambda i: rank[i])
                checks[last].append((a, list(atoms), sign, _cis_of))
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


def saddle_rmsd(
    numbers: np.ndarray,
    a: np.ndarray,
    b: np.ndarray,
    ends: np.ndarray,
    invariances: tuple[str, ...] = RIGID,
) -> float:
    """Distance of two saddles of one reaction, angstrom, after the best rigid alignment.

    It is the least over permutations of equivalent atoms and mirror images that keep both
    ends; where the reaction is a change of conformer, those that keep the conformers.

    Parameters
    ----------
    numbers : (N,) int array, atomic numbers
    a, b : (N, 3) arrays, angstrom
    ends : (2, N, 3) array, angstrom
    invariances : the potential's; without rotation, the plain distance is returned
    """
    if "rotation" not in invariances:
        return rmsd(a, b, invariances)
    ends = np.asarray(ends, dtype=float)
    best = rmsd(a, b, invariances)
    span = rmsd(ends[0], ends[1], invariances)
    conformers = not difference(numbers, ends[0], ends[1])
    for sign in (1.0, -1.0):
        p = equivalent_permutations(numbers, ends, mirror=sign < 0)
        for x in ends if conformers else ():
            p = p[_rmsds(sign * x[p], x, invariances) <= span / 2]
        if len(p):
            best = min(best, float(_rmsds(sign * a[p], b, invariances).min()))
    return best


def _relative_distances(numbers: np.ndarray, x: np.ndarray) -> np.ndarray:
    radii = covalent_radii[numbers]
    distances = np.linalg.norm(x[:, None] - x[None], axis=-1)
    np.fill_diagonal(distances, np.inf)
    return distances / (radii[:, None] + radii[None])


def _stereocentres(numbers, bonded):
    for centre in np.flatnonzero(np.isin(bonded.sum(axis=1), (3, 4))):
        neighbours = np.flatnonzero(bonded[centre])
        if len(neighbours) == 4 or numbers[centre] in STABLE_PYRAMIDS:
            yield int(centre), neighbours.tolist()


def _handedness(x: np.ndarray, centre: int, neighbours: list[int]) -> int:
    """Sign of the volume that the unit vectors to the neighbours span; 0 where it is flat."""
    unit = x[neighbours] - x[centre]
    unit = unit / np.linalg.norm(unit, axis=1)[:, None]
    edges = unit[1:] - unit[0] if len(unit) == 4 else unit
    volume = np.linalg.det(edges)
    flat = 0.5 if len(unit) == 4 else 0.2  # a regular tetrahedron has 3.1, right angles have 1
    return 0 if abs(volume) < flat else int(np.sign(volume))


def _double_bonds(numbers, bonded, double):
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


def _cis(x: np.ndarray, a: int, i: int, j: int, b: int) -> int:
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


def _handedness_of(x, atoms):
    return _handedness(x, atoms[0], atoms[1:])


def _cis_of(x, atoms):
    return _cis(x, *atoms)


def _refined_colours(numbers, source, target):
    """Colour the atoms of both graphs by element and bonds (Weisfeiler, Leman 1968)."""
    graphs = (source, target)
    colours = [np.asarray(numbers).copy() for _ in graphs]
    for _ in range(len(numbers)):
        keys = [
            [
                (c[i], tuple(sorted((g[i, j], c[j]) for j in np.flatnonzero(g[i]))))
                for i in range(len(c))
            ]
            for g, c in zip(graphs, colours, strict=True)
        ]
        palette = {key: k for k, key in enumerate(sorted(set(keys[0] + keys[1])))}
        refined = [np.array([palette[key] for key in side]) for side in keys]
        if len(palette) == len(set(colours[0].tolist() + colours[1].tolist())):
            return refined
        colours = refined
    return colours


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


def _rmsds(variants: np.ndarray, b: np.ndarray, invariances: tuple[str, ...]) -> np.ndarray:
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


def _name(numbers: np.ndarray, i: int) -> str:
    """Element and number from 1, as chemists count."""
    return f"{chemical_symbols[numbers[i]]}{i + 1}"
