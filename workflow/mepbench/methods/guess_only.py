"""No method at all: the highest point of the guess goes to the refiner.

The baseline to beat. Eleven evaluations at equal arc length find the peak, read from the
cubic that has their energies and slopes (the slope comes free with the gradient).
"""

from dataclasses import replace

from ..oracle import Oracle
from ..path import Path
from ..reaction import Reaction
from ._peak import guess_peak


def solve(
    reaction: Reaction, oracle: Oracle, guess: Path, seed: int, *, evaluations: int = 11
) -> Path:
    """Return the guess, with the energies of `evaluations` frames between its ends."""
    path, peak = guess_peak(oracle, guess, evaluations)
    path = replace(path, peak=peak, converged=True)
    oracle.checkpoint(path)
    return path
