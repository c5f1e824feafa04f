"""A saddle of the surrogate, and where it leads: no evaluation of the potential.

Partitioned rational function steps (`landscape.steps.rational_step`) with the surrogate's exact
Hessian, uphill along the mode nearest the path's tangent, as far as the surrogate can be trusted;
then its steepest descent on both sides (`landscape.descent`).
"""

from dataclasses import dataclass

import numpy as np

from ..landscape.descent import descend
from ..landscape.hessian import lowest_modes
from ..landscape.steps import rational_step
from ..landscape.surface import Surface, expand

STEP = 0.15  # angstrom, of one atom
OFF = 0.1  # angstrom, of the atom that moves most: where a descent starts beside the saddle
FIRST, LONGEST, SHORTEST = 0.15, 0.45, 5e-3  # angstrom sqrt(u), steps of a descent
NEAR, STEPS = 0.05, 80  # eV/angstrom at which a descent ends; its most steps


@dataclass(frozen=True)
class Followed:
    """Where following ended: position (N, 3), mode, its curvature (eV/A^2), if at a saddle."""

    position: np.ndarray
    mode: np.ndarray
    curvature: float
    converged: bool


def follow_saddle(
    surface: Surface, x, tangent, *, reach, fmax: float = 2e-3, steps: int = 40
) -> Followed:
    """Follow a mode up to a saddle of a surface with an exact Hessian.

    Parameters
    ----------
    surface : of the surrogate
    x, tangent : (N, 3) arrays
    reach : function of (N, 3) geometries: whether the surrogate may be trusted there; the
        first where it may not, at most one step beyond, is where following ends
    """
    mode, longest, before = tangent, STEP, None
    for _ in range(steps):
        _, g, H = expand(surface, x)
        values, modes = lowest_modes(H, x, surface.invariances, count=x.size)
        overlaps = np.abs(np.einsum("kij,ij->k", modes, mode))
        k = int(np.argmax(overlaps * (np.arange(len(values)) < max(3, len(values) // 3))))
        mode = modes[k]
        force = np.linalg.norm(g, axis=1).max()
        if force < fmax:
            return Followed(x, mode, float(values[k]), True)
        step = rational_step(values, modes, g, k)
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


def descent(
    surface: Surface,
    masses: np.ndarray,
    saddle: np.ndarray,
    mode: np.ndarray,
    sign: int,
    *,
    near: float = NEAR,
) -> np.ndarray:
    """Follow one side of a saddle of the surrogate down: (M, N, 3) geometries.

    Parameters
    ----------
    surface : of the surrogate
    masses : (N,) array, u
    saddle, mode : (N, 3) arrays
    sign : 1 or -1, which side
    near : largest force on an atom at which it ends, eV/angstrom
    """
    start = saddle + sign * OFF * mode / np.linalg.norm(mode, axis=1).max()
    lengths = {"step": LONGEST, "first": FIRST, "shortest": SHORTEST}
    return descend(surface, masses, start, near=near, left=0.0, steps=STEPS, **lengths)[0]
