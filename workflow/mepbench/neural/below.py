"""The same reaction on a cheaper level, searched first: what it leaves to the expensive one.

The expensive level's ends are no minima of the cheaper one: they are relaxed there, and turned
back onto where they came from. After the search both pairs of ends are part of the surrogate. Its
path, its saddle and the surrogate itself go on: the saddle is the first point to evaluate, the
path, its ends moved onto the expensive level's, the first curve, the surrogate the prior mean.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ..errors import BadEndpoints
from ..landscape.minima import SAME_MINIMUM, relax
from ..molecule.structure import bond_changes
from ..path import Path, align, rmsd
from ..surrogate.prior import Learned
from .explorer import Candidate

FRAMES = 41  # of the path that is handed on


@dataclass(frozen=True)
class Below:
    """What a search on the cheaper level leaves.

    Attributes
    ----------
    learned : its surrogate, as a prior mean
    frames : (M, N, 3) array, angstrom, its path between the ends of the expensive level
    saddle : that was accepted there; None if none was
    doubt : why the cheaper level itself would not be believed along its path; mostly empty
    """

    learned: Learned
    frames: np.ndarray
    saddle: Candidate | None
    doubt: str = ""


def searched_below(reaction, cheap, guess: Path, search: Callable) -> Below:
    """Solve a reaction of the expensive level on a cheaper one.

    Parameters
    ----------
    reaction : its ends are minima of the expensive level
    cheap : `Oracle` of the cheaper one, which pays for all
    guess : between the ends
    search : function of (reaction, oracle, guess) that returns surrogate, curve and saddle or None

    Raises
    ------
    BadEndpoints
        if both ends relax into one minimum there.
    Exception
        whatever the cheaper level's potential raises, and `BudgetExhausted`.
    """
    ends = np.array([_relaxed(reaction.numbers, x, cheap) for x in reaction.ends])
    energies, gradients = cheap(ends)
    if rmsd(*ends) < SAME_MINIMUM[0] and abs(energies[1] - energies[0]) < SAME_MINIMUM[1]:
        raise BadEndpoints("both ends relax into one minimum there")
    below = replace(
        reaction, reactant=ends[0], product=ends[1], energies=energies, gradients=gradients
    )
    frames = _moved(guess.positions, ends - reaction.ends)
    surrogate, curve, saddle = search(below, cheap, Path(frames))
    learned = Learned(surrogate, cheap)
    for x in reaction.ends:
        learned.consult(x)
    path = curve(np.linspace(0, 1, FRAMES))
    visited = path if saddle is None else np.concatenate([path, saddle.position[None]])
    return Below(learned, _moved(path, reaction.ends - ends), saddle, cheap.doubt(visited))


def _relaxed(numbers: np.ndarray, x: np.ndarray, cheap) -> np.ndarray:
    """Relax an end; it stays as it is where the cheaper level makes another molecule of it."""
    end = relax(cheap, numbers, x).positions
    return x if bond_changes(numbers, x, end) else align(end, x)


def _moved(frames: np.ndarray, by: np.ndarray) -> np.ndarray:
    """Move a path's (M, N, 3) ends by (2, N, 3), and what is between them in proportion."""
    s = np.linspace(0, 1, len(frames))[:, None, None]
    return frames + (1 - s) * by[0] + s * by[1]
