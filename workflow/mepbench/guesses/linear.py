"""Straight lines in Cartesian coordinates from reactant to product.

Where a line would carry one atom through another (HCN to HNC) there is no energy, and no
gradient that points aside: there, and only there, the path is bent.
"""

import numpy as np

from ..reaction import Reaction

CLOSEST = 0.3  # of two atoms' shorter distance at the ends


def interpolate(reaction: Reaction, seed: int, *, frames: int = 21) -> np.ndarray:
    """Return (frames, N, 3) geometries in angstrom, evenly spaced from reactant to product."""
    s = np.linspace(0, 1, frames)[:, None, None]
    path = (1 - s) * reaction.reactant + s * reaction.product
    path[0], path[-1] = reaction.ends
    return step_aside(path, seed, CLOSEST)


def pair_distances(positions: np.ndarray) -> np.ndarray:
    """Distances of all pairs of atoms, (M, N, 3) -> (M, N, N)."""
    return np.linalg.norm(positions[:, :, None] - positions[:, None], axis=-1)


def step_aside(path: np.ndarray, seed: int, closest: float) -> np.ndarray:
    """Bend a straight path, (M, N, 3), off itself where atoms collide or all lie on one line.

    Symmetry has to be broken by hand: a colliding atom is led half an angstrom aside, in
    a random direction across its way, and all atoms by some hundredths; the same for a given
    seed. Two atoms collide where their distance falls below `closest` times the shorter
    of the two at the ends.
    """
    n = path.shape[1]
    if n < 3:
        return path
    i, j = np.triu_indices(n, 1)
    distances = pair_distances(path)[:, i, j]
    colliding = distances.min(axis=0) < closest * distances[[0, -1]].min(axis=0)
    centred = (path - path.mean(axis=1, keepdims=True)).reshape(-1, 3)
    on_a_line = np.linalg.svd(centred, compute_uv=False)[1] < 1e-2
    if not colliding.any() and not on_a_line:
        return path
    rng = np.random.default_rng(seed)
    displacement = path[-1] - path[0]
    travel = np.linalg.norm(displacement, axis=1)
    aside = 0.02 * rng.normal(size=(n, 3))
    way = displacement[np.argmax(travel)] / max(travel.max(), 1e-12)
    across = rng.normal(size=3)
    across -= way * (way @ across)
    for a, b in zip(i[colliding], j[colliding], strict=True):
        aside[a if travel[a] > travel[b] else b] = 0.5 * across / np.linalg.norm(across)
    s = np.linspace(0, 1, len(path))[:, None, None]
    return path + 4 * s * (1 - s) * (aside - aside.mean(axis=0))
