"""A saddle of the surrogate, and where it leads: no evaluation of the potential.

Partitioned rational function steps (Banerjee, Adams, Simons, Shepard, J. Phys. Chem. 89, 52
(1985), doi:10.1021/j100247a015) with the surrogate's exact Hessian, uphill along the mode
nearest the path's tangent, as far as the surrogate can be trusted.
"""

from dataclasses import dataclass

import numpy as np

from ..judging.irc import _local_quadratic_step
from ..landscape.hessian import lowest_modes, without_rigid_motion
from ..path import remove_rigid_motion
from ..refiners.prfo import _rational_step

STEP = 0.15  # angstrom, of one atom


@dataclass(frozen=True)
class Followed:
    """Where following ended: position (N, 3), mode, its curvature (eV/A^2), if at a saddle."""

    position: np.ndarray
    mode: np.ndarray
    curvature: float
    converged: bool


def follow_saddle(
    surrogate, x, tangent, invariances, *, reach, fmax: float = 2e-3, steps: int = 40
) -> Followed:
    """Follow a mode up to a saddle of the surrogate.

    Parameters
    ----------
    x, tangent : (N, 3) arrays
    reach : function of (N, 3) geometries: whether the surrogate may be trusted there; the
        first where it may not, at most one step beyond, is where following ends
    """
    mode, longest, before = tangent, STEP, None
    for _ in range(steps):
        _, gradient = surrogate(x.reshape(1, -1))
        g = remove_rigid_motion(gradient[0].reshape(x.shape), x, invariances)
        H = without_rigid_motion(surrogate.hessian(x.reshape(1, -1))[0], x, invariances)
        values, modes = lowest_modes(H, x, invariances, count=x.size)
        overlaps = np.abs(np.einsum("kij,ij->k", modes, mode))
        k = int(np.argmax(overlaps * (np.arange(len(values)) < max(3, len(values) // 3))))
        mode = modes[k]
        force = np.linalg.norm(g, axis=1).max()
        if force < fmax:
            return Followed(x, mode, float(values[k]), True)
        step = _rational_step(values, modes, g, k)
        if before is not None and (step * before).sum() < 0:
            longest = max(0.5 * longest, 0.01)
        size = np.linalg.norm(step, axis=1).max()
        if not np.isfinite(size):
            break
        step = step * min(1.0, longest / size)
        if not reach(x + step):
            return Followed(x + step, mode, float(values[k]), False)
        x, before = x + step, step
    return Followed(x, mode, float(values[k]), False)


def descend(
    surrogate, masses, saddle, mode, sign, invariances, *, step=0.15, near=0.05, steps=80
) -> np.ndarray:
    """Steepest descent of the surrogate from a saddle, mass-weighted: (M, N, 3) geometries.

    Each step solves dq/dt = -g on the local quadratic model, like the intrinsic reaction
    coordinate of `irc`, with the exact Hessian.
    """
    root = np.sqrt(np.repeat(masses, 3))
    weights = np.outer(root, root)
    x = saddle + sign * 0.1 * mode / np.linalg.norm(mode, axis=1).max()
    track, length, energy = [x], step, np.inf
    for _ in range(steps):
        e, gradient = surrogate(x.reshape(1, -1))
        if e[0] > energy + 1e-4:
            length *= 0.5
        energy = e[0]
        g = remove_rigid_motion(gradient[0].reshape(x.shape), x, invariances)
        H = without_rigid_motion(surrogate.hessian(x.reshape(1, -1))[0], x, invariances)
        # Beside a flat saddle the forces are small as well: a well also bends upwards.
        in_well = np.linalg.norm(g, axis=1).max() < near and g.ravel() @ H @ g.ravel() > 0
        if in_well or length < 5e-3:
            break
        move, _ = _local_quadratic_step(g.ravel() / root, H / weights, length)
        if not np.isfinite(move).all():
            break
        x = x + (move / root).reshape(x.shape)
        track.append(x)
        length = min(1.15 * length, 3 * step)
    return np.array(track)
