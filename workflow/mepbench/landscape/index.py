"""The index of a stationary point: how many curvatures are negative, beyond their measured error.

1. *Settle*. A force of 0.005 eV/A along a mode of 0.03 eV/A^2 leaves the point 0.2 A away, where
   the curvature may be another. Newton steps with the Hessian, updated by Bofill's formula,
   go on until what remains is less than 0.01 A along every mode.
2. *Measure*. The products of the Hessian with its softest modes V and its lowest are taken anew,
   by central differences over two steps, h and 2h, extrapolated to none (Richardson):

       H V = (4 P(h) - P(2h)) / 3 + O(h^4),    P(h) = (g(x + h V) - g(x - h V)) / 2h.

   They replace those of the Hessian, within V and between V and the rest. The error of a
   curvature is what the extrapolation changes, and twice the asymmetry of V H V, which is noise.
3. *Count*. A curvature below minus its error is negative, one above its error is positive.
4. *Decide* a doubtful one by whether the energy falls along it, both ways together, at steps
   that grow until the change is seen; all other modes follow by one Newton step,

       V(s) = E(x + s v) - g' H'^-1 g' / 2,

   where ' leaves v out. Where no change is seen the mode is flat, and not negative.

All lengths and energies are in the surface's own units (`scale`).
"""

from dataclasses import dataclass

import numpy as np

from ..path import remove_rigid_motion
from .hessian import lowest_modes, without_rigid_motion
from .scale import ORDINARY, Scale
from .steps import bofill_update
from .surface import evaluate

AT_REST = 0.01  # angstrom, along any mode: how near to the stationary point is near enough
SETTLING_STEPS = 12
LONGEST, FARTHEST = 0.1, 0.5  # angstrom, of one atom: in one step of settling, and in all
FLATTEST = 0.005  # eV/angstrom^2: no step is longer than such a curvature asks for
SOFT = 0.2  # eV/angstrom^2: modes below are measured, but
FEWEST, MOST = 3, 12  # so many at least, and at most
STEP = 0.01  # angstrom, of the whole molecule: h
FORWARD_STEP = 0.005  # angstrom, likewise, of a forward difference
FALLS = 0.02, 0.05, 0.1, 0.2  # angstrom, of the whole molecule
SEEN = 1e-6  # eV, of a change of energy: a hundred times what two SCFs differ by
FMAX = 0.01  # eV/angstrom, at a stationary point
FMAX_NOISE = 2e-4  # eV/angstrom: two SCFs of one geometry differ by this at most
ASIDE, FMAX_ASIDE = 0.3, 0.002  # angstrom, of one atom; eV/angstrom, to which to go on from there


@dataclass(frozen=True)
class Stationary:
    """A stationary point and its lowest curvatures.

    Attributes
    ----------
    position, gradient : (N, 3) arrays, angstrom and eV/angstrom, of the settled point
    energy : eV
    hessian : (3N, 3N) array without rigid motion, eV/angstrom^2, the softest modes measured
    curvatures, errors : (K,) arrays, eV/angstrom^2, ascending
    modes : (K, N, 3) array, unit vectors
    index : how many of the curvatures are negative
    doubtful : whether the energy along a mode had to decide
    complete : whether all of the Hessian was measured, not only what tells the index
    """

    position: np.ndarray
    energy: float
    gradient: np.ndarray
    hessian: np.ndarray
    curvatures: np.ndarray
    errors: np.ndarray
    modes: np.ndarray
    index: int
    doubtful: bool = False
    complete: bool = True


def stationary_point(
    oracle,
    positions: np.ndarray,
    matrix: np.ndarray,
    scale: Scale = ORDINARY,
    *,
    step: float = STEP,
) -> Stationary:
    """Settle at the stationary point beside `positions` and count its negative curvatures.

    Parameters
    ----------
    oracle : `Oracle`; pays 1, one a step of settling, and four a measured mode
    positions : (N, 3) array, angstrom, where the forces are small
    matrix : (3N, 3N) Hessian there without rigid motion, eV/angstrom^2
    scale : the surface's units
    step : of the differences along a mode, in the unit of length

    Raises
    ------
    SCFFailure, BudgetExhausted
        from the oracle.
    """
    view = oracle.in_units(scale)
    x, energy, gradient, matrix = settled(view, positions / scale.length, matrix / scale.curvature)
    matrix, rough = _measured(view, x, matrix, step)
    wanted = min(len(x) * 3, MOST)
    curvatures, modes = lowest_modes(matrix, x, oracle.invariances, count=wanted)
    coarse, _ = lowest_modes(rough.matrix, x, oracle.invariances, count=wanted)
    errors = np.abs(curvatures - coarse) + rough.noise
    negative = curvatures < -errors
    doubts = np.flatnonzero(np.abs(curvatures) <= errors)
    for k in doubts:
        negative[k] = energy_falls(view, x, energy, matrix, modes[k])
    return Stationary(
        x * scale.length,
        energy * scale.energy,
        gradient * scale.force,
        matrix * scale.curvature,
        curvatures * scale.curvature,
        errors * scale.curvature,
        modes,
        int(negative.sum()),
        bool(len(doubts)),
    )


def settled(
    oracle, start: np.ndarray, matrix: np.ndarray, known: tuple[float, np.ndarray] | None = None
) -> tuple[np.ndarray, float, np.ndarray, np.ndarray]:
    """Return the stationary point beside `start`, its energy, gradient and updated Hessian.

    `start` itself where the steps get nowhere: a point on a slope of its softest mode, beyond
    the reach of its Hessian. `known` are its energy and gradient without rigid motion.
    """
    x, (energy, gradient) = start, known or evaluate(oracle, start)
    first = x, energy, gradient, matrix
    for _ in range(SETTLING_STEPS):
        values, modes = lowest_modes(matrix, x, oracle.invariances, count=x.size)
        slopes = np.einsum("kij,ij->k", modes, gradient)
        if _at_rest(values, slopes, gradient):
            return x, energy, gradient, matrix
        move = _step(-slopes / _at_least(values), modes)
        if np.linalg.norm(x + move - start, axis=1).max() > FARTHEST:
            break
        x, energy, gradient, matrix = _moved(oracle, x, gradient, matrix, move)
    return first


def sides(point: Stationary, k: int, scale: Scale = ORDINARY) -> np.ndarray:
    """Return where to go on from, down mode `k` of a stationary point: both sides, (2, N, 3).

    They lie so far off that the forces on the way are seen: 0.1 A beside a methyl group that
    is eclipsed, they are below 0.01 eV/A.
    """
    return point.position + np.array([1, -1])[:, None, None] * aside(point.modes[k], scale)


def aside(mode: np.ndarray, scale: Scale = ORDINARY) -> np.ndarray:
    """Return the step along a mode by which `sides` lie off."""
    return ASIDE * scale.length * mode / np.linalg.norm(mode, axis=1).max()


def _at_rest(values: np.ndarray, slopes: np.ndarray, gradient: np.ndarray) -> bool:
    away = np.abs(slopes / _at_least(values)).max(initial=0.0)
    return bool(away < AT_REST and np.linalg.norm(gradient, axis=1).max() <= FMAX)


def _step(lengths: np.ndarray, modes: np.ndarray) -> np.ndarray:
    # The clipped step along a soft mode must not shorten those along stiff ones, which correct it.
    move = np.einsum("k,kij->ij", np.clip(lengths, -LONGEST, LONGEST), modes)
    return move * min(1.0, LONGEST / np.linalg.norm(move, axis=1).max())


def _moved(oracle, x, gradient, matrix, move):
    """Return position, energy, gradient and Hessian after a step."""
    energy, new = evaluate(oracle, x + move)
    matrix = bofill_update(matrix, move.ravel(), (new - gradient).ravel())
    return x + move, energy, new, without_rigid_motion(matrix, x + move, oracle.invariances)


@dataclass(frozen=True)
class _Rough:
    """The Hessian with products over the shorter step alone, and their noise, eV/angstrom^2."""

    matrix: np.ndarray
    noise: float


def _measured(oracle, x, matrix, step: float) -> tuple[np.ndarray, _Rough]:
    """Return the Hessian with its products along the softest modes taken anew."""
    values, modes = lowest_modes(matrix, x, oracle.invariances, count=MOST)
    if not len(modes):
        return matrix, _Rough(matrix, 0.0)
    modes = modes[: max(FEWEST, int((values < SOFT).sum()))]
    products, near = hessian_products(oracle, x, modes, step)
    V = modes.reshape(len(modes), -1)
    within = V @ products.T
    noise = np.abs(within - within.T).max()
    return _with_products(matrix, V, products), _Rough(_with_products(matrix, V, near), noise)


def hessian_products(
    oracle, x: np.ndarray, modes: np.ndarray, step: float = STEP
) -> tuple[np.ndarray, np.ndarray]:
    """Products (K, 3N) of the Hessian with modes (K, N, 3): extrapolated, and those over `step`."""
    shifts = np.concatenate([sign * h * modes for h in (step, 2 * step) for sign in (1, -1)])
    _, gradients = oracle(x + shifts)
    gradients = remove_rigid_motion(
        gradients, np.broadcast_to(x, gradients.shape), oracle.invariances
    )
    forth, back, farther_forth, farther_back = gradients.reshape(4, len(modes), -1)
    near, far = (forth - back) / (2 * step), (farther_forth - farther_back) / (4 * step)
    return (4 * near - far) / 3, near


def forward_product(oracle, x: np.ndarray, gradient: np.ndarray, v: np.ndarray) -> np.ndarray:
    """H v, (3N,), of a unit vector v (3N,): one evaluation, and the gradient (N, 3) at x."""
    _, (ahead,) = oracle((x + FORWARD_STEP * v.reshape(x.shape))[None])
    rest = remove_rigid_motion(gradient, x, oracle.invariances)
    change = remove_rigid_motion(ahead, x, oracle.invariances) - rest
    return change.ravel() / FORWARD_STEP


def _with_products(matrix: np.ndarray, V: np.ndarray, products: np.ndarray) -> np.ndarray:
    """Return the symmetric matrix nearest to `matrix` whose products with V (K, n) are given."""
    within = V @ products.T
    within = (within + within.T) / 2
    outside = products - (products @ V.T) @ V
    rest = matrix - V.T @ (V @ matrix)
    rest -= (rest @ V.T) @ V
    cross = V.T @ outside
    return V.T @ within @ V + cross + cross.T + rest


def energy_falls(
    oracle, x: np.ndarray, energy: float, matrix: np.ndarray, mode: np.ndarray
) -> bool:
    """Whether the energy falls along a mode (N, 3), all others following; up to 8 evaluations."""
    v = mode.ravel()
    without = np.eye(len(v)) - np.outer(v, v)
    values, vectors = np.linalg.eigh(without @ matrix @ without)
    inverse = np.divide(1.0, values, out=np.zeros_like(values), where=np.abs(values) > FLATTEST)
    for s in FALLS:
        energies, gradients = oracle(x + s * np.array([1, -1])[:, None, None] * mode)
        gradients = remove_rigid_motion(
            gradients, np.broadcast_to(x, gradients.shape), oracle.invariances
        ).reshape(2, -1)
        across = (gradients - np.outer(gradients @ v, v)) @ vectors
        valley = energies - (across**2 @ inverse) / 2
        change = valley.sum() - 2 * energy
        if abs(change) > SEEN:
            return bool(change < 0)
    return False


def _at_least(values: np.ndarray) -> np.ndarray:
    """Return curvatures no flatter than `FLATTEST`, of the same sign."""
    return np.where(values < 0, -1.0, 1.0) * np.maximum(np.abs(values), FLATTEST)
