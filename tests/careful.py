"""What a stationary point is, calculated with care and with code of its own.

It judges the judge, so it shares nothing with the package but the potential: exact Hessians at
every step where the package updates models, error bars where it has thresholds, and small steps
of a plain implicit integrator where it takes long ones. It is slow and simple.

A surface is a potential's `evaluate`: positions (B, N, 3) in angstrom to energies (B,) in eV and
gradients (B, N, 3) in eV/angstrom.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.optimize import brentq

Surface = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]

STEPS = 0.0025, 0.005, 0.01  # angstrom: displacements of the differences
FORCE = 5e-5  # eV/angstrom
NOISE = 1e-4  # eV/angstrom^2: that of the potential's gradient over the shortest displacement
NEAR = 0.02  # angstrom: the longest Newton step that is still to go along a mode
LONGEST = 0.1  # angstrom, of one atom in one step
ALONG = 0.05, 0.1, 0.2  # angstrom: how far the energy is followed along a doubtful mode
MOST_DESCENT = 400  # steps
SOFTEST = 4  # curvatures measured with error bars


@dataclass(frozen=True)
class Stationary:
    """A stationary point.

    Attributes
    ----------
    x, gradient : (N, 3) arrays, angstrom and eV/angstrom
    energy : eV
    curvatures, errors : (k,) arrays, eV/angstrom^2: the lowest, k = 4 where there are so many
    modes : (k, N, 3) array of unit vectors
    index : number of negative curvatures
    decided_by : "curvature", or "energy" where one is within three errors of zero
    """

    x: np.ndarray
    energy: float
    gradient: np.ndarray
    curvatures: np.ndarray
    errors: np.ndarray
    modes: np.ndarray
    index: int
    decided_by: str

    @property
    def fmax(self) -> float:
        """Largest atomic force, eV/angstrom."""
        return float(np.linalg.norm(self.gradient, axis=1).max())


def internal(x: np.ndarray, rigid: bool = True) -> np.ndarray:
    """Orthonormal basis (3N, f) of all displacements that are no rigid motion."""
    n = len(x)
    if not rigid:
        return np.eye(3 * n)
    arms = x - x.mean(axis=0)
    turns = [np.cross(axis, arms).ravel() for axis in np.eye(3)]
    shifts = [np.tile(axis, n) for axis in np.eye(3)]
    u, s, _ = np.linalg.svd(np.array(shifts + turns).T)
    return u[:, int((s > 0.05).sum()) :]  # a linear molecule has only two turns


def hessian(surface: Surface, x: np.ndarray, basis: np.ndarray, step: float) -> np.ndarray:
    """Second derivatives (f, f) in a basis (3N, f), by central differences."""
    moves = step * basis.T.reshape(-1, *x.shape)
    forwards, backwards = surface(x + moves)[1], surface(x - moves)[1]
    matrix = (forwards - backwards).reshape(len(moves), -1) @ basis / (2 * step)
    return (matrix + matrix.T) / 2


def newton(
    surface: Surface,
    x: np.ndarray,
    index: int | None = None,
    *,
    rigid: bool = True,
    longest: float = LONGEST,
    force: float = FORCE,
    most: int = 60,
) -> tuple[np.ndarray, bool]:
    """Go to a stationary point by Newton steps with an exact Hessian each.

    Parameters
    ----------
    x : (N, 3) array, angstrom
    index : how many of the lowest modes are climbed, all others descended: 0 relaxes to a minimum,
        1 climbs to a first-order saddle (Cerjan, Miller 1981, doi:10.1063/1.442352); None keeps
        the signs that the curvatures have, and so the nearest stationary point of any order
    longest : of one atom in one step, angstrom; shortened where the quadratic model errs

    Returns
    -------
    the point, and whether the forces vanished there
    """
    reach, steps = longest, 0
    _, (gradient,) = surface(x[None])
    while steps < most:
        basis = internal(x, rigid)
        values, modes = np.linalg.eigh(hessian(surface, x, basis, STEPS[1]))
        modes = basis @ modes
        slope = gradient.ravel() @ modes
        signs = (
            np.sign(values) if index is None else np.where(np.arange(len(values)) < index, -1, 1)
        )
        full = -signs * slope / np.maximum(np.abs(values), 1e-3)
        wrong = signs != np.sign(values)
        if np.linalg.norm(gradient, axis=1).max() < force and np.abs(full).max() < NEAR:
            if not wrong.any():
                return x, True
            full[wrong] = np.copysign(longest, full[wrong])  # off a symmetry element, or a flat top
        while steps < most:
            steps += 1
            move = (modes @ full).reshape(x.shape)
            size = np.linalg.norm(move, axis=1).max()
            factor = min(1.0, reach / size)
            _, (found,) = surface(x[None] + factor * move)
            error = np.linalg.norm(found.ravel() @ modes - slope - values * full * factor)
            expected = np.linalg.norm(values * full * factor) + 10 * force
            if error > expected and reach > 1e-3:
                reach = min(reach, factor * size) / 2
                continue
            x, gradient = x + factor * move, found
            reach = min(longest, reach * (1.5 if error < 0.3 * expected else 1.0))
            break
    return x, bool(np.linalg.norm(gradient, axis=1).max() < force)


def classify(surface: Surface, x: np.ndarray, *, rigid: bool = True) -> Stationary:
    """Count the negative curvatures of a stationary point, each with its error.

    The lowest modes span a space in which the Hessian is taken anew with three displacements.
    Central differences err with the square of theirs: the value is extrapolated from the two
    shortest, its error what the two longest would have given instead, or the noise.
    """
    (energy,), (gradient,) = surface(x[None])
    basis = internal(x, rigid)
    _, modes = np.linalg.eigh(hessian(surface, x, basis, STEPS[1]))
    modes = basis @ modes[:, :SOFTEST]
    matrices = [hessian(surface, x, modes, step) for step in STEPS]
    best, longer = ((4 * a - b) / 3 for a, b in pairwise(matrices))
    curvatures, turn = np.linalg.eigh(best)
    errors = np.abs(np.diag(turn.T @ longer @ turn) - curvatures) + NOISE
    modes = (modes @ turn).T.reshape(-1, *x.shape)
    doubtful = np.abs(curvatures) < 3 * errors
    negative = [
        falls(surface, x, mode) if doubt else value < 0
        for mode, value, doubt in zip(modes, curvatures, doubtful, strict=True)
    ]
    decided_by = "energy" if doubtful.any() else "curvature"
    return Stationary(
        x, float(energy), gradient, curvatures, errors, modes, int(np.sum(negative)), decided_by
    )


def falls(surface: Surface, x: np.ndarray, mode: np.ndarray) -> bool:
    """Whether the energy falls along a mode, in the mean of both ways, at any of `ALONG`."""
    lengths = np.array([0.0, *ALONG, *(-length for length in ALONG)])
    energies, _ = surface(x + lengths[:, None, None] * mode)
    k = len(ALONG)
    even = (energies[1 : k + 1] + energies[k + 1 :]) / 2 - energies[0]
    return bool((even < -1e-6).any())


def below(surface: Surface, point: Stationary, *, rigid: bool = True) -> list[Stationary]:
    """What lies one order lower, down the highest negative mode, both ways."""
    mode, index = point.modes[point.index - 1], point.index - 1
    found = [newton(surface, point.x + way * mode, index, rigid=rigid) for way in (0.1, -0.1)]
    return [classify(surface, x, rigid=rigid) for x, converged in found if converged]


def descend(
    surface: Surface,
    x: np.ndarray,
    mode: np.ndarray,
    masses: np.ndarray,
    *,
    step: float = 0.1,
    rigid: bool = True,
) -> tuple[Stationary, np.ndarray]:
    """Go down one side of a saddle, and relax what lies at its foot to a minimum.

    The steepest descent dq/dt = -g in q = sqrt(m) x (Fukui 1981, doi:10.1021/ar00072a001) by the
    linearly implicit Euler method, dq = -(H + 1/t)^-1 g, with the t that makes all steps equally
    long; the Hessian is exact at every fifth.

    Parameters
    ----------
    mode : (N, 3) array, the way to leave along
    masses : (N,) array, u
    step : angstrom sqrt(u)

    Returns
    -------
    the minimum, and the way to it (M, N, 3)
    """
    root = np.repeat(np.sqrt(masses), 3)
    way = [x, x + 0.05 * mode]
    for i in range(MOST_DESCENT):
        y = way[-1]
        if i % 5 == 0:
            matrix = hessian(surface, y, np.eye(y.size), STEPS[1]) / np.outer(root, root)
            values, modes = np.linalg.eigh(matrix)
        slope = (surface(y[None])[1].ravel() / root) @ modes

        def too_long(shift, slope=slope, values=values):
            return np.linalg.norm(slope / (values + shift)) - step

        least = max(-values[0], 0.0) + 1e-6
        if too_long(least) < 0:
            break
        shift = brentq(too_long, least, least + np.linalg.norm(slope) / step + abs(values[0]))
        way.append(y - (modes @ (slope / (values + shift)) / root).reshape(y.shape))
    foot, _ = newton(surface, way[-1], 0, rigid=rigid, longest=0.05, most=150)
    return classify(surface, foot, rigid=rigid), np.array([*way, foot])
