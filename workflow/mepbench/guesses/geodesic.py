"""Geodesic interpolation: the shortest path in the metric of scaled interatomic distances.

    L = sum_k |q(m_k) - q(x_k-1)| + |q(x_k) - q(m_k)|,    m_k = (x_k-1 + x_k) / 2

Zhu, Thompson, Martinez, J. Chem. Phys. 150, 164103 (2019), doi:10.1063/1.5090303, with q as in
`_scaled_distances`. Frames are put in by halving the widest gap, each where q is the mean of its
neighbours'; then all move at once until the sum of squares of the differences in L is least. The
steps are those of the authors' package, geodesic-interpolate, solved sparsely: a distance has two
atoms, and a frame meets only its neighbours (see `_least_squares`). Above 35 atoms the package
moves one frame at a time; here that is never needed.

Every frame is aligned to the one before, so the product comes out turned by some rotation; that is
undone by turning the frames back, each in proportion to its arc length, which leaves both ends
exact and the turning as slow as can be.
"""

import logging

import numpy as np
from ase.data import covalent_radii

from ..path import align, resample, superposition, turn_back
from ..reaction import Reaction
from . import idpp, linear
from ._least_squares import Linearised, banded, minimise
from ._scaled_distances import ScaledDistances, near, with_fewest

# Of a frame put in: distances (angstrom) are wide and soft, so that they lead far from its start.
SOFT, SOFT_RE, SOFT_NEAR, TOUCHING = 0.7, 2.0, 5.0, 4.0
STARTS, NUDGE = (0.02, 0.98), 0.01  # the share of its first neighbour; angstrom
HOLD = 0.1  # of its start, over sqrt(N)
# Of the geodesic.
ALPHA, NEAR, FRICTION, EVALUATIONS = 1.7, 3.0, 1e-2, 15


def interpolate(
    reaction: Reaction, seed: int, *, frames: int = 21, nodes: int = 13, tolerance: float = 2e-3
) -> np.ndarray:
    """Return (frames, N, 3) geometries in angstrom from reactant to product.

    Parameters
    ----------
    nodes : frames of the geodesic itself; a spline through them gives `frames`
    tolerance : of its length, as in the authors' program

    A single particle has no distances: it gets the straight line. If the search fails, or lets
    atoms coincide, the path is that of `idpp`.
    """
    if reaction.natoms < 2:
        return linear.interpolate(reaction, seed, frames=frames)
    # Of NumPy's generators the only one whose numbers never change.
    rng = np.random.RandomState(seed % 2**32)
    radii = covalent_radii[reaction.numbers]
    re = radii[:, None] + radii
    try:
        path = bisected(reaction.ends, re, nodes, 5 * tolerance, rng)
        path = smoothed(path, re, tolerance)
        path = resample(turn_back(path, reaction.ends), frames)
        if np.isfinite(path).all() and not collides(path):
            return path
        problem = "atoms coincide"
    except (ValueError, ArithmeticError, np.linalg.LinAlgError) as error:
        problem = f"{type(error).__name__}: {error}"
    logging.getLogger(__name__).warning("%s: geodesic -> idpp (%s)", reaction.name, problem)
    return idpp.interpolate(reaction, seed, frames=frames)


def bisected(ends: np.ndarray, re: np.ndarray, nodes: int, tolerance: float, rng) -> np.ndarray:
    """Return (nodes, N, 3) frames, put in one by one where neighbours are furthest apart.

    Parameters
    ----------
    ends : (2, N, 3) array, angstrom
    re : (N, N) array, sums of covalent radii, angstrom
    tolerance : of the least squares of each frame
    rng : draws the displacements that break symmetry
    """
    path = aligned(ends)
    while len(path) < nodes:
        k = 1 + int(np.argmax(_spread(path[1:], path[:-1])))
        middle, after = midpoint(path[k - 1], path[k], re, tolerance, rng)
        # What follows turns with the frame that is aligned to the new one.
        turn = superposition(path[k], after)
        path = np.concatenate([path[:k], middle[None], path[k:] @ turn])
    return path


def midpoint(a, b, re, tolerance, rng) -> tuple[np.ndarray, np.ndarray]:
    """Return the frame halfway between two in soft distances, and the second aligned to it.

    It is searched from near either frame; of both results the one on the shorter way is taken.
    Atoms that come into contact there, and in neither frame, join the distances.

    Parameters
    ----------
    a, b : (N, 3) arrays, angstrom
    """
    ends, soft_re = np.stack([a, b]), np.full_like(re, SOFT_RE)
    pairs, touching, last = near(ends, SOFT_NEAR), near(ends, TOUCHING), b
    while True:
        q = ScaledDistances(with_fewest(pairs, last), soft_re, SOFT)
        ways = []
        for share in STARTS:
            start = share * a + (1 - share) * b
            start += NUDGE * rng.random_sample(start.shape)
            x = _halved(q, ends, start, tolerance)
            contacts = near(x[None], TOUCHING)
            if (contacts & ~q.pairs).any():
                pairs, last = q.pairs | near(x[None], SOFT_NEAR), x
                break
            way = aligned([a, x, b])
            metric = ScaledDistances(with_fewest(touching | contacts, b), re, ALPHA)
            ways.append((length(way, metric) + _spread(ends, way[1]).max(), *way[1:]))
        else:
            return min(ways, key=lambda way: way[0])[1:]


def _halved(q, ends, start, tolerance) -> np.ndarray:
    """Return the frame, (N, 3), whose q are nearest to the mean of two others', held at a start."""
    target, hold = q(ends)[0].mean(axis=0), HOLD / np.sqrt(len(start))

    def problem(x):
        values, slopes = q(x)
        off, moved = values - target, hold * (x - start)

        def linearise():
            gradient = q.gradient(off[..., None] * slopes) + hold * moved.reshape(1, -1)
            blocks = q.hessian(_outer(slopes, slopes))
            blocks[0] += np.diag(np.full(start.size, hold**2))
            return Linearised(gradient, banded(blocks))

        return ((off**2).sum() + (moved**2).sum()) / 2, linearise

    most = 100 * start.size
    return minimise(problem, start[None], tolerance=tolerance, evaluations=most)[0]


def smoothed(path: np.ndarray, re: np.ndarray, tolerance: float) -> np.ndarray:
    """Return the geodesic, (M, N, 3) frames, each aligned to the one before.

    Parameters
    ----------
    path : (M, N, 3) array, angstrom, such frames to start from
    re, tolerance : as of `bisected`
    """
    q = ScaledDistances(with_fewest(near(path, NEAR), path[-1]), re, ALPHA)
    problem = _differences(q, path)
    inner = minimise(problem, path[1:-1], tolerance=tolerance, evaluations=EVALUATIONS)
    return aligned([path[0], *inner, path[-1]])


def _differences(q, path):
    """Least squares of all differences of q along the path, held weakly where it is.

    A residual r costs sqrt(1 + r^2) - 1, which grows like |r|: a bond that breaks does not
    outweigh all others.
    """

    def problem(inner):
        x = np.concatenate([path[:1], inner, path[-1:]])
        at_x, by_x = q(x)
        at_m, by_m = q((x[1:] + x[:-1]) / 2)
        left, right, moved = at_m - at_x[:-1], at_x[1:] - at_m, FRICTION * (inner - path[1:-1])
        roots = [np.sqrt(1 + r**2) for r in (left, right, moved)]

        def linearise():
            # The residual `left` has the derivatives a and b by the frames before and after it,
            # `right` -b and c; f, g, h are the first derivatives of the cost by left, right and
            # moved, u, v, w the second.
            b = by_m / 2
            a, c = b - by_x[:-1], by_x[1:] - b
            f, g, h = (r / root for r, root in zip((left, right, moved), roots, strict=True))
            u, v, w = (root**-3 for root in roots)
            f, g, u, v = (each[..., None] for each in (f, g, u, v))
            gradient = q.gradient((f * b + g * c)[:-1] + (f * a - g * b)[1:])
            gradient += FRICTION * h.reshape(gradient.shape)
            after = _outer(u * b, b) + _outer(v * c, c)
            before = _outer(u * a, a) + _outer(v * b, b)
            both = _outer(u * a, b) - _outer(v * b, c)
            frames, n = gradient.shape
            blocks = np.zeros((frames, n, 2 * n))
            blocks[:, :, :n] = q.hessian(after[:-1] + before[1:])
            blocks[:-1, :, n:] = q.hessian(both[1:-1])
            diagonal = np.arange(n)
            blocks[:, diagonal, diagonal] += FRICTION**2 * w.reshape(frames, n)
            return Linearised(gradient, banded(blocks))

        return sum((root - 1).sum() for root in roots), linearise

    return problem


def _outer(a, b):
    return a[..., :, None] * b[..., None, :]


def length(path: np.ndarray, q: ScaledDistances) -> float:
    """Return L of (M, N, 3) frames."""
    x = np.empty((2 * len(path) - 1, *path.shape[1:]))
    x[::2], x[1::2] = path, (path[1:] + path[:-1]) / 2
    return float(np.linalg.norm(np.diff(q(x)[0], axis=0), axis=1).sum())


def aligned(path) -> np.ndarray:
    """Return frames, the first centred, each of the others turned onto the one before."""
    turned = [path[0] - path[0].mean(axis=0)]
    for x in path[1:]:
        turned.append(align(x, turned[-1]))
    return np.stack(turned)


def collides(path: np.ndarray) -> bool:
    """Whether two atoms come much closer than at either end, (M, N, 3)."""
    i, j = np.triu_indices(path.shape[1], 1)
    distances = linear.pair_distances(path)[:, i, j]
    return bool((distances.min(axis=0) < 0.5 * distances[[0, -1]].min()).any())


def _spread(a, b):
    """Root mean square difference of coordinates, frame by frame."""
    return np.sqrt(((a - b) ** 2).mean(axis=(-2, -1)))
