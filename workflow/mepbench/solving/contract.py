"""What every method promises, tried on model surfaces whose saddles are known.

`mepbench test-method ./mine.py` prints each claim; the project's own tests hold every method that
ships to them. The surfaces are those of `potentials/`: Mueller-Brown, LEPS with an oscillator, a
double double well and a valley in a ring. Nothing here needs a molecule.
"""

import contextlib
import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from ..errors import BudgetExhausted, NotInstalled, reported
from ..oracle import Oracle
from ..path import Path, checked
from ..potentials import double_double_well, leps_ho, mueller_brown, ring_valley
from ..registry import load, module_of, options

SURFACES = {
    "mueller_brown": mueller_brown,
    "leps_ho": leps_ho,
    "double_double_well": double_double_well,
    "ring_valley": ring_valley,
}
# How far the guess is bent sideways, so that its peak is more than 0.3 A from the saddle.
BEND = {"mueller_brown": 0.0, "leps_ho": 0.5, "double_double_well": 0.45, "ring_valley": -0.55}
TOLERANCE = 0.1  # angstrom, from the peak that a method returns to the saddle
BUDGET = 3000
SMALL_BUDGET = 60
MOST_CHECKPOINTS = 16
SOURCE = r"doi:\s?10\.\d{4,}/|arXiv:\d{4}"


class Broken(AssertionError):
    """A method does not keep its contract."""


def problem(surface: str) -> tuple[object, object, np.ndarray]:
    """Return a surface's module, its known reaction, and a guess (21, 2, 3) beside the saddle."""
    module = SURFACES[surface]
    known = module.KNOWN[0]
    ends = known.reaction.ends
    s = np.linspace(0, 1, 21)[:, None, None]
    along = ends[1] - ends[0]
    sideways = np.array([[-along[0, 1], along[0, 0], 0.0]]) / np.linalg.norm(along)
    skew = 4 * s * (1 - s) * (1.2 - 0.4 * s)
    guess = ends[0] + s * along + BEND[surface] * -skew * sideways
    guess[0], guess[-1] = ends
    return module, known, guess


class Counting:
    """A potential that counts for itself."""

    def __init__(self, potential):
        self._potential, self.batches = potential, []
        self.invariances, self.backend = potential.invariances, potential.backend

    def evaluate(self, positions):
        """Evaluate, and note how many geometries were asked for."""
        self.batches.append(len(positions))
        return self._potential.evaluate(positions)


@dataclass(frozen=True)
class Run:
    """A method's run on a surface: its path (None where the budget ended), oracle and potential."""

    path: Path | None
    oracle: Oracle
    potential: Counting


@dataclass
class Trial:
    """One method with its options, `further` ones by surface; each run is made once."""

    solver: str
    options: dict = field(default_factory=dict)
    further: dict[str, dict] = field(default_factory=dict)
    _runs: dict[str, Run] = field(default_factory=dict)

    def on(self, surface: str) -> Run:
        """Return the run on a surface with the whole budget."""
        if surface not in self._runs:
            self._runs[surface] = self.again(surface)
        return self._runs[surface]

    def again(self, surface: str, budget: int = BUDGET, seed: int = 0) -> Run:
        """Return another run.

        Raises
        ------
        NotInstalled
            if the method needs a package that is not there.
        """
        module, known, guess = problem(surface)
        potential = Counting(module.load(None, 0, 1))
        # Rounds go in whole, also the first, in which an oracle sees how slow a potential is.
        oracle = Oracle(potential, known.reaction, budget, slow=np.inf)
        given = {**self.further.get(surface, {}), **self.options}
        solve = load("methods", self.solver)
        try:
            return Run(solve(known.reaction, oracle, Path(guess), seed, **given), oracle, potential)
        except BudgetExhausted:
            return Run(None, oracle, potential)


def miss(positions: np.ndarray, surface: str) -> float:
    """Distance in angstrom from a geometry (N, 3) to the known saddle."""
    return float(np.linalg.norm(positions - SURFACES[surface].KNOWN[0].saddle))


def finds_the_saddle(trial: Trial, surface: str) -> None:
    """Within the budget, the highest point is within 0.1 A of the known saddle."""
    run = trial.on(surface)
    _hold(run.path is not None, f"the budget of {BUDGET} evaluations ended")
    found = miss(run.path.highest().position, surface)
    _hold(found < TOLERANCE, f"the highest point is {found:.2f} A from the saddle")


def ends_and_energies_are_exact(trial: Trial) -> None:
    """The path's ends are the reaction's, its energies those of its frames."""
    run = _finished(trial)
    module, known, _ = problem("mueller_brown")
    checked(run.path, known.reaction.ends)
    if run.path.energies is not None:
        paid = ~np.isnan(run.path.energies)
        energies, _ = module.load(None, 0, 1).evaluate(run.path.positions[paid])
        off = np.abs(run.path.energies[paid] - energies).max(initial=0.0)
        _hold(off < 1e-8, f"energies differ by {off:.1e} eV from those at the frames")


def peak_is_what_it_says(trial: Trial) -> None:
    """Energy and gradient of the peak are those at its position, its tangent has length one."""
    peak = _finished(trial).path.highest()
    energies, gradients = mueller_brown.load(None, 0, 1).evaluate(peak.position[None])
    if peak.energy is not None:
        off = abs(peak.energy - energies[0])
        _hold(off < 1e-8, f"its energy is {off:.1e} eV off")
    if peak.gradient is not None:
        off = np.abs(peak.gradient - gradients[0]).max()
        _hold(off < 1e-8, f"its gradient is {off:.1e} eV/A off")
    if peak.tangent is not None:
        length = np.linalg.norm(peak.tangent)
        _hold(abs(length - 1) < 1e-6, f"its tangent has length {length:.6f}")


def every_evaluation_is_booked(trial: Trial) -> None:
    """The potential is reached through the oracle alone."""
    run = trial.on("mueller_brown")
    asked = sum(run.potential.batches)
    _hold(asked > 0, "the potential was never asked")
    _hold(asked == run.oracle.evaluations, f"{asked} asked, {run.oracle.evaluations} booked")
    _hold(len(run.potential.batches) == run.oracle.rounds, "rounds differ")


def budget_is_kept(trial: Trial) -> None:
    """A small budget is not exceeded, and leaves a path, by a checkpoint."""
    run = trial.again("leps_ho", budget=SMALL_BUDGET)
    _hold(run.oracle.evaluations <= SMALL_BUDGET, f"{run.oracle.evaluations} of {SMALL_BUDGET}")
    if run.path is None:
        _hold(run.oracle.path is not None, "no oracle.checkpoint(path) before the budget ended")
        checked(run.oracle.path, leps_ho.KNOWN[0].reaction.ends)


def same_seed_same_result(trial: Trial) -> None:
    """Twice the same: positions to the last bit, and evaluations."""
    first, again = trial.on("ring_valley"), trial.again("ring_valley")
    same = first.oracle.evaluations == again.oracle.evaluations
    _hold(same, f"{first.oracle.evaluations} evaluations, then {again.oracle.evaluations}")
    _hold((first.path is None) == (again.path is None), "a path, then none")
    same = first.path is None or np.array_equal(first.path.positions, again.path.positions)
    _hold(same, "other positions at the second time")


def guess_is_left_as_it_was(trial: Trial) -> None:
    """The frames of the guess, which other methods share, are not written to."""
    module, known, guess = problem("double_double_well")
    kept = guess.copy()
    oracle = Oracle(module.load(None, 0, 1), known.reaction, 200)
    with contextlib.suppress(BudgetExhausted, NotInstalled):
        load("methods", trial.solver)(known.reaction, oracle, Path(guess), 0, **trial.options)
    _hold(np.array_equal(guess, kept), "it was changed")


def checkpoints_give_a_trace(trial: Trial) -> None:
    """There are one to sixteen checkpoints, at growing costs."""
    trace = trial.on("mueller_brown").oracle.trace
    _hold(1 <= len(trace) <= MOST_CHECKPOINTS, f"there are {len(trace)}")
    spent = [point.evaluations for point in trace]
    _hold(spent == sorted(spent), f"evaluations {spent}")


def options_have_types_and_defaults(trial: Trial) -> None:
    """So that a config is checked before a job starts."""
    for option in options("methods", trial.solver).values():
        for what in ("default", "annotation"):
            _hold(getattr(option, what) is not inspect.Parameter.empty, f"{option.name}: no {what}")


def docstring_cites_a_source(trial: Trial) -> None:
    """The module's docstring names a DOI or an arXiv number."""
    text = module_of("methods", trial.solver).__doc__ or ""
    _hold(re.search(SOURCE, text) is not None, "cite author, journal and doi:")


CLAIMS: dict[str, Callable[[Trial], None]] = {
    **{
        f"finds the saddle of {surface.replace('_', ' ')}": partial(
            finds_the_saddle, surface=surface
        )
        for surface in SURFACES
    },
    **{
        claim.__name__.replace("_", " "): claim
        for claim in (
            ends_and_energies_are_exact,
            peak_is_what_it_says,
            every_evaluation_is_booked,
            budget_is_kept,
            same_seed_same_result,
            guess_is_left_as_it_was,
            checkpoints_give_a_trace,
            options_have_types_and_defaults,
            docstring_cites_a_source,
        )
    },
}


def tried(trial: Trial) -> Iterator[tuple[str, str]]:
    """Yield each claim with why it does not hold, '' where it does.

    Raises
    ------
    NotInstalled
        if the method needs a package that is not there.
    """
    for claim, holds in CLAIMS.items():
        try:
            holds(trial)
        except NotInstalled:
            raise
        except Broken as error:
            yield claim, str(error)
        except Exception as error:
            yield claim, reported(error)
        else:
            yield claim, ""


def _finished(trial: Trial) -> Run:
    run = trial.on("mueller_brown")
    _hold(run.path is not None, f"the budget of {BUDGET} evaluations ended")
    return run


def _hold(claim: bool, otherwise: str) -> None:
    if not claim:
        raise Broken(otherwise)
