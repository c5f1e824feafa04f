"""Guess and refinement, asked where their saddle leads, and tried again from other guesses.

`neural-surrogate` asks of each saddle, before it answers, whether the surrogate's descents from
it end in the reactant and in the product, with a few evaluations as proof, and tries on if they
do not. Here the plainest of all methods does the same: the guess's peak is refined by Sella, a
surrogate of the same class is fitted to what that has evaluated, and the same rule with the same
numbers (neural/soundings.py) is asked; where it says no, the guesses `idpp` and `linear` follow.
Beside `guess-only` it says what asking and trying again are worth, beside `neural-surrogate`
what the search on the surrogate is worth.

Sella: Hermes, Sargsyan, Najm, Zador, J. Chem. Theory Comput. 15, 6536 (2019),
doi:10.1021/acs.jctc.9b00869. Gaussian processes in saddle search: Denzel, Kaestner, J. Chem.
Phys. 148, 094114 (2018), doi:10.1063/1.5017103.
"""

from dataclasses import replace

from ..errors import BudgetExhausted, SCFFailure
from ..neural import search
from ..neural.curves import FixedCurve
from ..neural.explorer import Explorer
from ..oracle import Oracle
from ..path import Path
from ..registry import load, module_of
from ..surrogate.surrogate import Surrogate
from . import neural_surrogate
from ._peak import guess_peak

REFINER = "sella"
RULE = neural_surrogate.solve.__kwdefaults__  # the numbers of the check and of its surrogate


def solve(
    reaction, oracle, guess: Path, seed: int, *, evaluations: int = 11, refinement: int = 200
) -> Path:
    """Return the guess whose saddle was accepted, with this saddle as its peak.

    Where none was: the guess whose saddle leads to the most ends, the first of these.

    Parameters
    ----------
    evaluations : along each guess, between its ends
    refinement : evaluations of each refinement, at most

    Raises
    ------
    SCFFailure
        if all guesses end in one.
    """
    refine, tried, failure = load("refiners", REFINER), [], None
    shape = {name: RULE[name] for name in ("kernel", "length", "noise")}
    surrogate = Surrogate(reaction, oracle, **shape)
    explorer = Explorer(reaction, surrogate, RULE)
    explorer.limit = oracle.evaluations + oracle.remaining
    guesses = search.guesses(reaction, guess, seed, surrogate.molecular)
    for name, frames in guesses:
        frames[0], frames[-1] = reaction.ends
        explorer.curve = FixedCurve(frames)
        within = Oracle(_Within(oracle), reaction, min(evaluations + refinement, oracle.remaining))
        path = Path(frames)
        try:
            path, peak = guess_peak(within, path, evaluations)
            path = replace(path, peak=peak)
            oracle.checkpoint(path)
            peak = refine(reaction, within, peak, seed)
        except SCFFailure as error:
            failure = error
            continue
        except BudgetExhausted:
            tried.append((-1, path))
            continue
        surrogate.forget(peak.position[None])
        surrogate.recall(within.evaluated, peak.position[None])
        saddle = explorer.asked(peak)
        path = replace(path, peak=saddle.peak(peak.converged))
        if saddle.accepted(RULE["fmax"]):
            message = search.notes(explorer.rejected, saddle, name)
            return replace(path, converged=True, message=message)
        explorer.rejected.append(saddle)
        tried.append((saddle.ends, path))
    if not tried:
        raise failure
    _, best = max(tried, key=lambda one: one[0])
    return replace(best, message=search.notes(explorer.rejected, None, ""))


class _Within:
    """The oracle as the potential of another one, of a smaller budget."""

    backend = ""

    def __init__(self, oracle):
        self.invariances, self.evaluate = oracle.invariances, oracle.__call__


def compilation_seconds() -> float:
    """Return what the refiner's is; see `refiners.sella`."""
    return module_of("refiners", REFINER).compilation_seconds()
