"""Nonlinear least squares for a chain of frames, each of which meets only its neighbours.

With residuals r, their Jacobian J and half the sum of squares as cost, a step p solves

    (J^T J + a) p = -J^T r

where the damping a is nought, or keeps p within a radius in which the linear model is to be
trusted: Moré, Lecture Notes in Mathematics 630, 105 (1978), doi:10.1007/BFb0067700. J^T J is block
tridiagonal: a step takes one banded Cholesky factorisation, whose cost is linear in the frames.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import as_strided
from scipy.linalg import cho_solve_banded, cholesky_banded

ROOT_STEPS, ROOT_TOLERANCE = 10, 0.01  # the latter of a step's length, relative to the radius
TOO_SHORT = 1e-8  # of a step, relative to x


@dataclass(frozen=True)
class Linearised:
    """The model of least squares at one point.

    Attributes
    ----------
    gradient : (M, n) array, J^T r
    band : (bandwidth, M n) array, the lower triangle of J^T J as LAPACK stores it, see `banded`
    """

    gradient: np.ndarray
    band: np.ndarray

    def step(self, radius: float, damping: float) -> tuple[np.ndarray, float, float]:
        """Return the step within `radius`, its damping, and by how much it should lower the cost.

        Parameters
        ----------
        damping : where the search for it begins
        """
        g = self.gradient.ravel()

        def damped(a):
            shifted = self.band.copy(order="F")
            shifted[0] += a
            factor = cholesky_banded(shifted, overwrite_ab=True, lower=True), True
            p = -cho_solve_banded(factor, g)
            return p, np.linalg.norm(p), factor

        def excess_over_fall(p, length, factor):
            """How much too long a step is, and that over how fast its length falls with a."""
            fall = p @ cho_solve_banded(factor, p) / length
            return length - radius, (length - radius) / fall

        p, length, factor = damped(0.0)
        if length <= radius:
            return p, 0.0, -(g @ p) / 2
        _, low = excess_over_fall(p, length, factor)
        high = np.linalg.norm(g) / radius
        for _ in range(ROOT_STEPS):
            if not low <= damping <= high:
                damping = max(1e-3 * high, np.sqrt(low * high))
            p, length, factor = damped(damping)
            excess, newton = excess_over_fall(p, length, factor)
            if excess < 0:
                high = damping
            low = max(low, damping + newton)
            damping += newton * length / radius
            if abs(excess) < ROOT_TOLERANCE * radius:
                break
        p, length, _ = damped(damping)
        scale = radius / length
        return scale * p, damping, scale * (scale / 2 - 1) * (g @ p) + damping * radius**2 / 2


def banded(blocks: np.ndarray) -> np.ndarray:
    """Return a symmetric block tridiagonal matrix as a band, (w, M n).

    Parameters
    ----------
    blocks : (M, n, w) array; the rows of each frame from its own columns on: w = 2n, or n of one
        frame
    """
    frames, n, width = blocks.shape
    padded = np.zeros((frames, n, width + n))
    padded[:, :, :width] = blocks
    frame, row, column = padded.strides
    diagonals = as_strided(padded, (frames, n, width), (frame, row + column, column))
    return diagonals.reshape(-1, width).T


def minimise(
    problem: Callable[[np.ndarray], tuple[float, Callable[[], Linearised]]],
    x: np.ndarray,
    *,
    tolerance: float,
    evaluations: int,
) -> np.ndarray:
    """Return the frames of least cost, (M, N, 3).

    Parameters
    ----------
    problem : returns of frames their cost, and a function that linearises there
    x : (M, N, 3) array, where to start
    tolerance : of the gradient's largest component, and of the cost's relative decrease
    evaluations : the most of them
    """
    cost, linearise = problem(x)
    model = linearise()
    radius, damping = np.linalg.norm(x) or 1.0, 0.0
    for _ in range(evaluations - 1):
        if np.abs(model.gradient).max() < tolerance:
            break
        p, damping, promised = model.step(radius, damping)
        moved = x + p.reshape(x.shape)
        new_cost, linearise = problem(moved)
        gained, length, trusted = cost - new_cost, np.linalg.norm(p), radius
        ratio = gained / promised
        if ratio < 0.25:
            radius = length / 4
        elif ratio > 0.75 and length > 0.95 * radius:
            radius *= 2
        damping *= trusted / radius
        settled = ratio > 0.25 and gained < tolerance * cost
        if gained > 0:
            x, cost = moved, new_cost
        if settled or length < TOO_SHORT * (TOO_SHORT + np.linalg.norm(x)):
            break
        if gained > 0:
            model = linearise()
    return x
