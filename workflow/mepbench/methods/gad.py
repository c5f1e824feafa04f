"""Gentlest ascent dynamics: a flow whose stable fixed points are the index-1 saddles.

E, Zhou, Nonlinearity 24, 1831 (2011), doi:10.1088/0951-7715/24/6/008:

    dx/dt = -g + 2 (v . g) v,        dv/dt = -H v + (v . H v) v,        |v| = 1

H v is a forward difference of gradients, one evaluation. Position and direction live in
the metric of a model Hessian (x -> L^T x with L L^T = P): the dynamics keep their form and fixed
points, and stiff bonds no longer force tiny steps on soft motions. The time step is the
inverse of the largest curvature found by the Lanczos steps that align v at the start.
"""

from typing import Literal

import numpy as np

from ..oracle import Oracle
from ..path import Path, Peak, resample, rigid_motions, tangents
from ..reaction import Reaction
from ._model_hessian import model_hessian
from ._peak import guess_peak

DIFFERENCE = 5e-3  # angstrom, largest displacement of an atom in H v
FRAMES = 101


def solve(
    reaction: Reaction,
    oracle: Oracle,
    guess: Path,
    seed: int,
    *,
    start: Literal["peak", "reactant"] = "peak",
    fmax: float = 0.05,
    rotations: int = 6,
    max_step: float = 0.1,
    displacement: float = 0.3,
) -> Path:
    """Follow the dynamics to a saddle; return the trajectory.

    Parameters
    ----------
    start : from the guess's highest point (11 evaluations), or uphill from the reactant
    fmax : eV/angstrom, largest force on an atom at the end
    rotations : Lanczos steps that align v with the lowest mode before the start
    max_step : angstrom, largest displacement of an atom in one step
    displacement : angstrom, from the reactant along the guess's tangent
    """
    if start == "peak":
        _, peak = guess_peak(oracle, guess)
        x, direction = peak.position, peak.tangent
    else:
        direction = tangents(resample(guess.positions, 41))[0]
        x = reaction.reactant + displacement * direction
    metric = model_hessian(reaction.numbers, x)
    lower = np.linalg.cholesky(metric)
    v = _unit(lower.T @ direction.ravel(), x, lower, oracle)
    inverse = np.linalg.inv(metric)
    trajectory = []
    while True:
        energy, gradient = (value[0] for value in oracle(x[None]))
        if not trajectory:
            v, stiffest = _lanczos(oracle, x, gradient, v, lower, rotations)
        product = _hessian_times(oracle, x, gradient, v, lower)
        curvature = v @ product
        residual = np.sqrt((gradient**2).sum(axis=1)).max()
        trajectory.append((x, energy))
        done = residual < fmax and curvature < 0
        mode = np.linalg.solve(lower.T, v).reshape(x.shape)
        peak = Peak(x, float(energy), gradient, mode / np.linalg.norm(mode), done)
        path = _thinned(trajectory, peak, done)
        oracle.checkpoint(path, residual)
        if done:
            return path
        g = np.linalg.solve(lower, gradient.ravel())
        force = -gradient + (2 * (v @ g) * (lower @ v)).reshape(x.shape)
        velocity = (inverse @ force.ravel()).reshape(x.shape)
        longest = np.sqrt((velocity**2).sum(axis=1)).max()
        x = x + velocity * min(1.0 / stiffest, max_step / longest)
        v = _unit(v - (product - curvature * v) / stiffest, x, lower, oracle)


def _hessian_times(oracle, x, gradient, v, lower) -> np.ndarray:
    """L^-1 H L^-T v by a forward difference, (3N,); one evaluation."""
    u = np.linalg.solve(lower.T, v).reshape(x.shape)
    step = DIFFERENCE / np.sqrt((u**2).sum(axis=1)).max()
    displaced = oracle((x + step * u)[None])[1][0]
    return np.linalg.solve(lower, (displaced - gradient).ravel()) / step


def _unit(v, x, lower, oracle) -> np.ndarray:
    """Take rigid motion out of v, in the metric, and normalise it."""
    rigid = rigid_motions(x, oracle.invariances) @ lower
    if len(rigid):
        basis = np.linalg.qr(rigid.T)[0]
        v = v - basis @ (basis.T @ v)
    return v / np.linalg.norm(v)


def _lanczos(oracle, x, gradient, v, lower, rotations: int) -> np.ndarray:
    """Return the lowest mode in a Krylov space of v: the fixed point of dv/dt, sooner."""
    basis, products = [], []
    for _ in range(min(rotations, v.size - len(rigid_motions(x, oracle.invariances)))):
        basis.append(v)
        products.append(_hessian_times(oracle, x, gradient, v, lower))
        projected = np.array(basis) @ np.array(products).T
        values, vectors = np.linalg.eigh((projected + projected.T) / 2)
        lowest = vectors[:, 0]
        residual = lowest @ np.array(products) - values[0] * (lowest @ np.array(basis))
        for _ in range(2):
            residual -= np.array(basis).T @ (np.array(basis) @ residual)
        if np.linalg.norm(residual) < 1e-2:
            break
        v = _unit(residual, x, lower, oracle)
    return _unit(lowest @ np.array(basis), x, lower, oracle), values[-1]


def _thinned(trajectory: list, peak: Peak, done: bool) -> Path:
    every = np.unique(np.linspace(0, len(trajectory) - 1, FRAMES).round().astype(int))
    positions = np.array([trajectory[i][0] for i in every])
    energies = np.array([trajectory[i][1] for i in every])
    return Path(positions, energies, peak=peak, converged=done, is_path=False)
