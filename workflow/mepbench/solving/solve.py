"""The path stage of one reaction: one method, its budget, and what it leaves behind.

A failure becomes a verdict with a reason; nothing raises for a reaction that goes wrong.
"""

import sys
import time
from dataclasses import dataclass

import numpy as np

from ..errors import BadEndpoints, BudgetExhausted, NotInstalled, SCFFailure, reported
from ..oracle import Cheaper, Checkpoint, Evaluated, Oracle, PotentialSpec
from ..path import AT_END, Path, Peak, checked, resample
from ..reaction import Reaction
from ..registry import load
from .guess import Guess

PEAK_SEARCH = 11  # frames evaluated to find the highest point of a path without energies


@dataclass(frozen=True)
class Solved:
    """What the path stage of one method leaves behind for one reaction and seed.

    `evaluated`, `evaluations` and `wall` are without those of a prior, `below`; its own are
    `prior_...`.
    """

    path: Path | None
    peak: Peak | None
    verdict: str = ""
    reason: str = ""
    evaluations: int = 0
    rounds: int = 0
    wall: float = 0.0
    oracle_seconds: float = 0.0
    trace: tuple[Checkpoint, ...] = ()
    evaluated: Evaluated | None = None
    below: Cheaper | None = None
    prior_evaluations: int = 0
    prior_wall: float = 0.0


def solve(
    reaction: Reaction,
    guess: Guess,
    solver: str,
    options: dict,
    potential: PotentialSpec,
    budget: int | None,
    seed: int,
    known: Evaluated | None = None,
) -> Solved:
    """Run one method on one reaction, within `budget` gradient evaluations.

    Parameters
    ----------
    known : what was paid for in earlier searches of the same molecule
    """
    if guess.positions is None:
        return Solved(None, None, guess.verdict, guess.reason)
    method = load("methods", solver)
    # What a method imports or compiles at first use is no cost of it: such a file offers
    # `warm_up()`, `compilation_seconds()`.
    module = sys.modules[method.__module__]
    getattr(module, "warm_up", lambda: None)()
    compiling = getattr(module, "compilation_seconds", lambda: 0.0)
    compiled_before = compiling()
    oracle = Oracle(potential.of(reaction), reaction, budget)
    oracle.known = known
    path, verdict, reason = None, "", ""
    start = time.perf_counter()
    try:
        path = method(reaction, oracle, Path(guess.positions.copy()), seed, **options)
    except BudgetExhausted as error:
        path, reason = oracle.path, f"path stage ended at its budget: {error}"
        verdict = "" if path is not None else "budget"
    except (BadEndpoints, NotInstalled, SCFFailure) as error:
        verdict, reason = error.verdict, f"path stage: {error}"
    except Exception as error:
        verdict, reason = "error", f"path stage: {reported(error)}"
    wall = time.perf_counter() - start - (compiling() - compiled_before)
    prior_evaluations, prior_wall = oracle.spent_on_prior
    wall -= prior_wall
    peak = None
    try:
        oracle.audit(budget)
        if oracle.prior is not None and not _names_prior(options):
            raise ValueError("a prior was asked that the options do not name")
    except ValueError as error:
        verdict, reason = "error", f"path stage: {error}"
    if not verdict:
        try:
            path = checked(path, reaction.ends)
            _check_paid(path, reaction.ends, oracle.evaluations)
            reason = reason or path.message
            peak = _peak_of(path, oracle)
        except SCFFailure as error:
            verdict, reason = "scf-failure", f"no energy at the path's top: {error}"
        except Exception as error:
            verdict, reason = "error", f"path stage: {reported(error)}"
    return Solved(
        path=path if not verdict else None,
        peak=peak,
        verdict=verdict,
        reason=" ".join(reason.split()),
        evaluations=oracle.evaluations,
        rounds=oracle.rounds,
        wall=wall,
        oracle_seconds=oracle.seconds,
        trace=tuple(oracle.trace),
        evaluated=oracle.evaluated,
        below=oracle.cheaper,
        prior_evaluations=prior_evaluations,
        prior_wall=prior_wall,
    )


def _names_prior(options: dict) -> bool:
    """Whether a prior is among a method's options, or those of the method that `varied` runs."""
    return bool(options.get("prior") or (options.get("options") or {}).get("prior"))


def _check_paid(path: Path, ends: np.ndarray, evaluations: int) -> None:
    """Raise ValueError if a path has more energies than were paid for; its ends are free."""
    if path.energies is not None:
        known = np.unique(path.positions[~np.isnan(path.energies)], axis=0)
        at_ends = np.abs(known[:, None] - ends).max(axis=(2, 3)).min(axis=1) < AT_END
        paid = int((~at_ends).sum())
        if paid > evaluations:
            raise ValueError(
                f"Path.energies has {paid} energies beside the ends', the oracle was asked for "
                f"{evaluations}: only what it was asked for counts, the others must be NaN"
            )


def _peak_of(path: Path, oracle: Oracle) -> Peak:
    """Return the path's highest point, evaluating a few frames if none was."""
    peak = path.highest()
    if peak is None:
        oracle.budget = None
        frames = resample(path.positions, PEAK_SEARCH + 2)
        energies, _ = oracle(frames)
        peak = Path(frames, energies).highest()
    if peak is None:
        raise ValueError("the potential has no energy anywhere on the path")
    return peak
