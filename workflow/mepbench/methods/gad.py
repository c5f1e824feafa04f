"""Gentlest ascent dynamics: a flow whose stable fixed points are the index-1 saddles.

E, Zhou, Nonlinearity 24, 1831 (2011), doi:10.1088/0951-7715/24/6/008:

    dx/dt = -g + 2 (v . g) v,        dv/dt = -H v + (v . H v) v,        |v| = 1

H v is a forward difference of gradients, one evaluation. Position and direction live in
the metric of a model Hessian P = L L^T, in y = L^T x: the dynamics keep their form and their
fixed points, and stiff bonds no longer force tiny steps on soft motions. The step of x is
that of an adaptive pair of orders 1 and 2 (Makri, Ortner, Kermode, J. Chem. Phys. 150,
094109 (2019), doi:10.1063/1.5064465). The flow of v is sped up: v is the lowest Ritz vector of
the last few directions, whose products are known, and moves by its residual.
"""

from collections import deque
from typing import Literal

import numpy as np

from ..landscape.model_hessian import model_hessian
from ..oracle import Oracle
from ..path import Path, Peak, resample, rigid_motions, tangents
from ..reaction import Reaction
from ._peak import guess_peak

DIFFERENCE = 5e-3  # angstrom, largest displacement of an atom in H v
FRAMES = 101
SHORTEST = 1e-3  # time step that is taken whatever its error


def solve(
    reaction: Reaction,
    oracle: Oracle,
    guess: Path,
    seed: int,
    *,
    start: Literal["peak", "reactant"] = "peak",
    fmax: float = 0.05,
    rotations: int = 6,
    memory: int = 3,
    max_step: float = 0.1,
    tolerance: float = 0.05,
    displacement: float = 0.3,
) -> Path:
    """Follow the dynamics to a saddle; return the trajectory.

    Parameters
    ----------
    start : from the guess's highest point (11 evaluations), or uphill from the reactant
    fmax : eV/angstrom, largest force on an atom at the end
    rotations : moves of v before x first moves
    memory : directions whose products H v are used again
    max_step : angstrom, largest displacement of an atom in one step
    tolerance : angstrom, error of an atom's position in one step
    displacement : angstrom, from the reactant along the guess's tangent
    """
    if start == "peak":
        _, peak = guess_peak(oracle, guess)
        x, direction = peak.position, peak.tangent
    else:
        direction = tangents(resample(guess.positions, 41))[0]
        x = reaction.reactant + displacement * direction
    metric = Metric(reaction.numbers, x, oracle.invariances)
    mode = Mode(oracle, metric, metric.unit(metric.factor.T @ direction.ravel(), x), memory)
    energy, gradient = _evaluate(oracle, x)
    for _ in range(rotations):
        mode.rotate(x, gradient)
    h, trajectory = 0.5, []
    while True:
        mode.rotate(x, gradient)
        residual = _largest(gradient)
        done = residual < fmax and mode.curvature < 0
        trajectory.append((x, energy))
        tangent = metric.to_cartesian(mode.v)
        peak = Peak(x, energy, gradient, tangent / np.linalg.norm(tangent), done)
        path = _thinned(trajectory, peak)
        oracle.checkpoint(path, residual)
        if done:
            return path
        x, energy, gradient, h = _move(oracle, metric, mode, x, gradient, h, max_step, tolerance)


def _move(oracle, metric, mode, x, gradient, h, max_step: float, tolerance: float):
    """One accepted step of x with v held; return x, its energy and gradient, and the next h.

    The error is half of what the velocity changes over the step; the step that would
    have minimised the velocity bounds the next one.
    """
    velocity = metric.to_cartesian(mode.ascent(gradient))
    h = min(h, max_step / max(_largest(velocity), 1e-12))
    while True:
        energy, gradient = _evaluate(oracle, x + h * velocity)
        change = metric.to_cartesian(mode.ascent(gradient)) - velocity
        error = 0.5 * h * _largest(change)
        wanted = 0.5 * h * np.sqrt(tolerance / max(error, 1e-12))
        best = -h * np.vdot(velocity, change) / max(np.vdot(change, change), 1e-12)
        if best > 0:
            wanted = min(wanted, best)
        if error <= tolerance or h < SHORTEST:
            return x + h * velocity, energy, gradient, float(np.clip(wanted, h / 4, 4 * h))
        h = float(np.clip(wanted, h / 10, h / 2))


class Metric:
    """y = L^T x with L L^T the model Hessian at one geometry."""

    def __init__(self, numbers: np.ndarray, x: np.ndarray, invariances: tuple[str, ...]):
        self.factor = np.linalg.cholesky(model_hessian(numbers, x))
        self.inverse = np.linalg.inv(self.factor)
        self.invariances = invariances

    def to_cartesian(self, v: np.ndarray) -> np.ndarray:
        """Displacement (N, 3) in x that is (3N,) in y."""
        return (self.inverse.T @ v).reshape(-1, 3)

    def gradient(self, g: np.ndarray) -> np.ndarray:
        """Gradient (3N,) along y that is (N, 3) along x."""
        return self.inverse @ g.ravel()

    def unit(self, v: np.ndarray, x: np.ndarray) -> np.ndarray:
        """Take rigid motion at x out of v, (3N,) in y, and normalise it."""
        rigid = rigid_motions(x, self.invariances) @ self.factor
        if len(rigid):
            basis = np.linalg.qr(rigid.T)[0]
            v = v - basis @ (basis.T @ v)
        return v / np.linalg.norm(v)


class Mode:
    """The direction v, its curvature, and the products H v of the last few directions."""

    def __init__(self, oracle: Oracle, metric: Metric, v: np.ndarray, memory: int):
        self.oracle, self.metric, self.next = oracle, metric, v
        self.known: deque = deque(maxlen=memory)
        self.v, self.curvature = v, np.nan

    def rotate(self, x: np.ndarray, gradient: np.ndarray) -> None:
        """Set v to the lowest Ritz vector after one more product, at x; one evaluation."""
        self.known.append((self.next, self._product(x, gradient, self.next)))
        directions = np.array([v for v, _ in self.known])
        products = np.array([hv for _, hv in self.known])
        # Rows of `basis` combine the directions to an orthonormal set; newest weigh most.
        u, size, _ = np.linalg.svd(directions, full_matrices=False)
        basis = (u[:, size > 1e-2] / size[size > 1e-2]).T
        projected = basis @ directions @ products.T @ basis.T
        values, vectors = np.linalg.eigh((projected + projected.T) / 2)
        lowest = vectors[:, 0] @ basis
        self.v, product = lowest @ directions, lowest @ products
        self.curvature = values[0]
        residual = product - self.curvature * self.v
        gap = max(values[-1] - values[0], np.linalg.norm(residual), 0.1)
        self.next = self.metric.unit(self.v - residual / gap, x)

    def ascent(self, gradient: np.ndarray) -> np.ndarray:
        """-g + 2 (v . g) v, (3N,) in y."""
        g = self.metric.gradient(gradient)
        return -g + 2 * (self.v @ g) * self.v

    def _product(self, x, gradient, v) -> np.ndarray:
        u = self.metric.to_cartesian(v)
        step = DIFFERENCE / _largest(u)
        _, displaced = _evaluate(self.oracle, x + step * u)
        return self.metric.gradient(displaced - gradient) / step


def _evaluate(oracle: Oracle, x: np.ndarray) -> tuple[float, np.ndarray]:
    energies, gradients = oracle(x[None])
    return float(energies[0]), gradients[0]


def _largest(vectors: np.ndarray) -> float:
    """Length of the longest of (N, 3) vectors."""
    return float(np.sqrt((vectors**2).sum(axis=1)).max())


def _thinned(trajectory: list, peak: Peak) -> Path:
    every = np.unique(np.linspace(0, len(trajectory) - 1, FRAMES).round().astype(int))
    positions = np.array([trajectory[i][0] for i in every])
    energies = np.array([trajectory[i][1] for i in every])
    return Path(positions, energies, peak=peak, converged=peak.converged, is_path=False)
