"""Steepest descent in mass-weighted coordinates: one side of an intrinsic reaction coordinate.

In coordinates q = sqrt(m) x the path obeys dq/dt = -g(q) (Fukui, Acc. Chem. Res. 14, 363
(1981), doi:10.1021/ar00072a001). Each step solves this equation exactly on the local
quadratic model (`steps.quadratic_step`), up to the wanted arc length. The model's Hessian is the
surface's own where it has one; else it starts from a given one and is updated along the path
by Bofill's formula, as in Hratchian, Schlegel, J. Chem. Theory Comput. 1, 61 (2005),
doi:10.1021/ct0499783. There a step whose gradient the model predicts badly, or that goes uphill,
is taken again at half its length, with a Hessian that has learned from the failure. With the
surface's own Hessian every step is taken, and the next is half as long where one went uphill.

Limits: where the true path branches (a valley-ridge inflection) it follows one branch, or,
on a symmetry element, ends at a stationary point that is no minimum.
"""

import numpy as np

from .hessian import without_rigid_motion
from .steps import bofill_update, quadratic_step
from .surface import Surface, evaluate, expand

STEP = 0.15  # angstrom sqrt(u): longest step, along the mass-weighted path
LEFT = 0.5  # angstrom sqrt(u): a descent longer than this has left the saddle
TOLERANCE = 0.3  # largest error of the predicted gradient, relative to the gradient
SHORTEST = 1e-3  # angstrom sqrt(u)
GROWTH, UPHILL = 1.15, 1e-4  # of the steps on an exact Hessian; eV
NEAR = 0.1  # eV/angstrom: largest force on an atom at which the descent ends
SMALLEST = 0.01  # eV/angstrom: at which it ends wherever it is
STEPS = 200  # most evaluations


def descend(
    surface: Surface,
    masses: np.ndarray,
    start: np.ndarray,
    matrix: np.ndarray | None = None,
    *,
    step: float = STEP,
    first: float | None = None,
    near: float = NEAR,
    left: float = LEFT,
    shortest: float = SHORTEST,
    steps: int = STEPS,
) -> tuple[np.ndarray, np.ndarray]:
    """Follow the mass-weighted steepest descent from `start` until the forces are small.

    Parameters
    ----------
    surface : pays one evaluation a step
    masses : (N,) array, u
    start : (N, 3) array, angstrom
    matrix : (3N, 3N) Hessian near `start`, eV/angstrom^2; of a surface with its own not needed
    step : longest step, angstrom sqrt(u)
    first : length of the first step, if not the longest
    near : largest force on an atom at which it ends, eV/angstrom
    left : arc length before which it does not end there, angstrom sqrt(u)
    shortest : length of a step at which it gives up, angstrom sqrt(u)
    steps : most evaluations after the first

    Returns
    -------
    positions (M, N, 3) and energies (M,), from `start` on.

    Raises
    ------
    SCFFailure, BudgetExhausted
        from an oracle.
    """
    root = np.sqrt(np.repeat(masses, 3))
    weights = np.outer(root, root)
    exact = hasattr(surface, "expansion")

    def seen(x: np.ndarray) -> tuple[float, np.ndarray, np.ndarray | None]:
        return expand(surface, x) if exact else (*evaluate(surface, x), None)

    def weighted(matrix: np.ndarray) -> np.ndarray:
        return without_rigid_motion(matrix, x, surface.invariances) / weights

    x, (energy, gradient, own) = start, seen(start)
    track, length, travelled = [(x, energy)], first or step, 0.0
    steepest, curvature = 0.0, None  # eV/angstrom; of either sign, along the last step
    H = own / weights if exact else weighted(matrix)
    for _ in range(steps):
        g = gradient.ravel() / root
        # Just off a flat saddle the forces are small as well, and the path may curve upwards
        # for a moment where it leaves the straight line of the first point.
        force = np.linalg.norm(gradient, axis=1).max()
        steepest = max(steepest, force)
        limit = near if travelled >= left else SMALLEST * (steepest > 2 * SMALLEST)
        in_well = force <= limit and (g @ H @ g if curvature is None else curvature) > 0
        if in_well or length < shortest:
            break
        move, arc = quadratic_step(g, H, length)
        if not np.isfinite(move).all():
            break
        new = x + (move / root).reshape(x.shape)
        new_energy, new_gradient, own = seen(new)
        change = new_gradient.ravel() / root - g
        curvature = change @ move
        if not exact:
            error = np.linalg.norm(change - H @ move) / np.linalg.norm(g)
            taken = new_energy <= energy and error <= 2 * TOLERANCE
            H = bofill_update(H, move, change)
            if not taken:
                length = 0.5 * min(length, arc)
            elif error > TOLERANCE:
                length *= 0.7
            elif error < 0.5 * TOLERANCE:
                length = min(1.5 * length, step)
        else:
            taken, length = True, min(GROWTH * length, step)
            if new_energy > energy + UPHILL:
                length *= 0.5
        if taken:
            x, energy, gradient = new, new_energy, new_gradient
            travelled += arc
            track.append((x, energy))
        H = own / weights if exact else weighted(H * weights)
    positions, energies = (np.array(column) for column in zip(*track, strict=True))
    return positions, energies
