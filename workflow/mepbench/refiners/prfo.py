"""Saddle optimisation by partitioned rational functions in Cartesian coordinates.

Each step (`landscape.steps.rational_step`) is uphill along the mode nearest the path's tangent and
downhill along all others. The Hessian is measured once (6N evaluations) and then updated by
Bofill's formula. No internal coordinates are needed, so this also serves model surfaces; on
molecules `sella` is cheaper.
"""

import numpy as np

from ..landscape.hessian import hessian, lowest_modes, without_rigid_motion
from ..landscape.steps import bofill_update, rational_step
from ..path import Peak, remove_rigid_motion
from ._recorded import recorded, started

LARGEST_STEP = 0.3  # angstrom, of one atom


def refine(
    reaction,
    oracle,
    peak: Peak,
    seed: int,
    *,
    fmax: float = 0.01,
    steps: int = 500,
    trust_radius: float = 0.1,
    displacement: float = 0.01,
) -> Peak:
    """Optimise a first-order saddle from `peak`, uphill along the mode nearest its tangent.

    Parameters
    ----------
    fmax : converged when no atom feels a force above this, eV/angstrom
    steps : most steps of the optimiser
    trust_radius : largest displacement of an atom in the first step, angstrom
    displacement : of the finite differences of the Hessian, angstrom

    Raises
    ------
    BudgetExhausted, SCFFailure
        from the oracle; the last geometry has been checkpointed.
    """
    last = started(oracle, peak, fmax)
    if last.converged:
        return last
    x, energy, gradient = last.position, last.energy, last.gradient
    H = hessian(oracle, x, step=displacement)
    mode = peak.tangent
    for _ in range(steps):
        values, modes = lowest_modes(H, x, oracle.invariances, count=x.size)
        overlaps = 0 if mode is None else np.abs(np.einsum("kij,ij->k", modes, mode))
        k = int(np.argmax(overlaps))
        mode = modes[k]
        step = rational_step(values, modes, gradient, k)
        size = np.linalg.norm(step, axis=1).max()
        step *= min(1.0, trust_radius / size)
        predicted = (gradient * step).sum() + step.ravel() @ H @ step.ravel() / 2
        (new_energy,), (new_gradient,) = oracle((x + step)[None])
        ratio = (new_energy - energy) / predicted if abs(predicted) > 1e-8 else 1.0
        if 0.75 < ratio < 1.33 and size >= trust_radius:
            trust_radius = min(1.5 * trust_radius, LARGEST_STEP)
        elif not 0.25 < ratio < 1.75:
            trust_radius = max(0.5 * min(size, trust_radius), 1e-3)
        change = remove_rigid_motion(new_gradient - gradient, x, oracle.invariances)
        H = bofill_update(H, step.ravel(), change.ravel())
        x, energy, gradient = x + step, new_energy, new_gradient
        H = without_rigid_motion(H, x, oracle.invariances)
        last = recorded(oracle, x, float(energy), gradient, fmax)
        if last.converged:
            break
    return last
