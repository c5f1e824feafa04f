"""Geodesic interpolation: the shortest path in the metric of scaled interatomic distances.

Zhu, Thompson, Martinez, J. Chem. Phys. 150, 164103 (2019), doi:10.1063/1.5090303, by the
authors' package. It aligns every frame to the one before, so the product comes out
turned by some rotation; that is undone by turning the frames back, each in proportion
to its arc length, which leaves both ends exact and the turning as slow as can be.
"""

import logging
from contextlib import contextmanager

import numpy as np

from ..path import resample, turn_back
from ..reaction import Reaction
from ..seeding import seeded
from . import idpp, linear

SWEEP_ABOVE = 35  # atoms: beyond, one frame at a time (the authors' choice)


def interpolate(
    reaction: Reaction, seed: int, *, frames: int = 21, nodes: int = 13, tolerance: float = 2e-3
) -> np.ndarray:
    """Return (frames, N, 3) geometries in angstrom from reactant to product.

    Parameters
    ----------
    nodes : frames of the geodesic itself, whose cost grows with their third power; a
        spline through them gives `frames`
    tolerance : of its length, as in the authors' program

    A single particle has no distances: it gets the straight line. If the package fails,
    or lets atoms coincide, the path is that of `idpp`.
    """
    if reaction.natoms < 2:
        return linear.interpolate(reaction, seed, frames=frames)
    try:
        with seeded(seed), _silent():
            path = _geodesic(reaction, nodes, tolerance)
        path = resample(turn_back(path, reaction.ends), frames)
        if np.isfinite(path).all() and not collides(path):
            return path
        problem = "atoms coincide"
    except (ValueError, ArithmeticError, np.linalg.LinAlgError) as error:
        problem = f"{type(error).__name__}: {error}"
    logging.getLogger(__name__).warning("%s: geodesic -> idpp (%s)", reaction.name, problem)
    return idpp.interpolate(reaction, seed, frames=frames)


def _geodesic(reaction: Reaction, nodes: int, tolerance: float) -> np.ndarray:
    from ase.data import chemical_symbols
    from geodesic_interpolate.geodesic import Geodesic
    from geodesic_interpolate.interpolation import redistribute

    symbols = [chemical_symbols[z] for z in reaction.numbers]
    raw = redistribute(symbols, reaction.ends, nodes, tol=5 * tolerance)
    smoother = Geodesic(symbols, raw, 1.7, threshold=3.0, friction=1e-2)
    if reaction.natoms > SWEEP_ABOVE:
        return smoother.sweep(tol=tolerance, max_iter=15, micro_iter=20)
    return smoother.smooth(tol=tolerance, max_iter=15)


def collides(path: np.ndarray) -> bool:
    """Whether two atoms come much closer than at either end, (M, N, 3)."""
    i, j = np.triu_indices(path.shape[1], 1)
    distances = linear.pair_distances(path)[:, i, j]
    return bool((distances.min(axis=0) < 0.5 * distances[[0, -1]].min()).any())


@contextmanager
def _silent():
    """Keep the package's log of every iteration out of ours."""
    logger = logging.getLogger("geodesic_interpolate")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
