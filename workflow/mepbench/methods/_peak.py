"""Where along a path the energy is highest, from a few energies and slopes."""

import numpy as np
from scipy.interpolate import CubicHermiteSpline

from ..oracle import Oracle
from ..path import Path, Peak, arc_length, remove_rigid_motion, resample, spline


def sample(oracle: Oracle, positions: np.ndarray, evaluations: int):
    """Evaluate a path at equal arc length, in one round.

    Parameters
    ----------
    positions : (M, N, 3) array, angstrom, ends included
    evaluations : inner frames; the two ends are free

    Returns
    -------
    frames : (evaluations + 2, N, 3) array, energies (evaluations + 2,), gradients like frames
    """
    frames = resample(positions, evaluations + 2)
    return frames, *oracle(frames)


def interpolated_peak(
    frames: np.ndarray, energies: np.ndarray, gradients: np.ndarray, invariances: tuple[str, ...]
) -> Peak:
    """Return the maximum of the cubic Hermite interpolant of energies and slopes g . x'.

    The ends are never the peak. Where the maximum is a frame itself, to a hundredth of the
    distance to its neighbour, that frame is returned with what is known of it.
    """
    curve = spline(frames)
    s = arc_length(frames)
    s = s / s[-1]
    slopes = (gradients * curve(s, 1)).sum(axis=(1, 2))
    profile = CubicHermiteSpline(s, energies, slopes)
    fine = np.linspace(s[0] + 0.25 * (s[1] - s[0]), s[-1] - 0.25 * (s[-1] - s[-2]), 2001)
    top = fine[np.argmax(profile(fine))]
    near = 1 + int(np.argmin(np.abs(s[1:-1] - top)))
    exact = abs(s[near] - top) < 0.01 * (s[near] - s[near - 1])
    position = frames[near] if exact else curve(top)
    tangent = remove_rigid_motion(curve(s[near] if exact else top, 1), position, invariances)
    return Peak(
        position,
        energy=float(energies[near]) if exact else None,
        gradient=gradients[near] if exact else None,
        tangent=tangent / np.linalg.norm(tangent),
    )


def guess_peak(oracle: Oracle, guess: Path, evaluations: int = 11) -> tuple[Path, Peak]:
    """Return the guess with its energies, and its interpolated highest point."""
    frames, energies, gradients = sample(oracle, guess.positions, evaluations)
    return Path(frames, energies), interpolated_peak(
        frames, energies, gradients, oracle.invariances
    )
