"""The guess stage: the initial path that methods start from.

It calls no method and costs no evaluation; its barrier is measured for the record only.
"""

import hashlib
import time
from dataclasses import dataclass

import numpy as np

from ..errors import NotInstalled, NotSupported, SCFFailure, reported
from ..landscape.tangency import path_quality
from ..oracle import Oracle, PotentialSpec
from ..path import arc_length, check_frames
from ..reaction import Reaction
from ..registry import load

GUESS_FRAMES = 21


@dataclass(frozen=True)
class Guess:
    """An initial path, (M, N, 3) in angstrom; `barrier` is diagnostic and costs no method."""

    positions: np.ndarray | None
    wall: float = 0.0
    barrier: float = np.nan
    verdict: str = ""
    reason: str = ""

    @property
    def digest(self) -> str:
        """Hash of the path to 1e-8 A: all methods of one guess started from the same."""
        if self.positions is None:
            return ""
        grid = np.round(self.positions * 1e8).astype(np.int64)
        return hashlib.sha256(grid.tobytes()).hexdigest()[:16]

    @property
    def length(self) -> float:
        """Length of the path, angstrom (that of all atoms together, in 3N dimensions)."""
        if self.positions is None:
            return float("nan")
        return float(arc_length(self.positions)[-1])


def make_guess(reaction: Reaction, name: str, potential: PotentialSpec | None) -> Guess:
    """Interpolate the initial path; with a potential, measure its barrier for the record."""
    interpolate = load("guesses", name)
    start = time.perf_counter()
    try:
        positions = np.round(interpolate(reaction, 0, frames=GUESS_FRAMES), 8)
        check_frames(positions, reaction.ends)
    except (NotInstalled, NotSupported) as error:
        return Guess(None, verdict=error.verdict, reason=f"guess {name}: {error}")
    except Exception as error:
        return Guess(None, verdict="error", reason=f"guess {name}: {reported(error)}")
    wall = time.perf_counter() - start
    if potential is None:
        return Guess(positions, wall=wall)
    try:
        quality = path_quality(positions, Oracle(potential.of(reaction), reaction))
        barrier = quality.maximum - reaction.energies[0]
    except SCFFailure:
        barrier = np.nan
    return Guess(positions, wall=wall, barrier=float(barrier))
