"""Where a refinement stands, recorded as what remains when the budget runs out."""

import numpy as np

from ..path import Path, Peak


def largest_force(gradient: np.ndarray) -> float:
    """Return the largest force on an atom, eV/angstrom, from a gradient (N, 3)."""
    return float(np.linalg.norm(gradient, axis=1).max())


def recorded(oracle, x, energy: float, gradient, fmax: float, tangent=None) -> Peak:
    """Checkpoint a geometry (N, 3); it has converged where no force is above `fmax`."""
    force = largest_force(gradient)
    peak = Peak(x, energy, gradient, tangent, converged=force <= fmax)
    oracle.checkpoint(Path(x[None], np.array([energy]), peak=peak), residual=force)
    return peak


def started(oracle, peak: Peak, fmax: float) -> Peak:
    """Return the peak to start from, evaluated where nobody has paid for that yet."""
    energy, gradient = peak.energy, peak.gradient
    if energy is None or gradient is None:
        energies, gradients = oracle(peak.position[None])
        energy, gradient = float(energies[0]), gradients[0]
    return recorded(oracle, peak.position, energy, gradient, fmax, peak.tangent)
