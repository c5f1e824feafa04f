"""What a user may hand over as a potential, and how it is asked: once, and audibly.

An ASE calculator, a function that makes one, or whatever `potential:` may be in a config. What is
on record is not asked for again, what is evaluated is kept, and every five seconds it is said how
far a stage is.
"""

import logging
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from ase import Atoms

from ..errors import InputError, SCFFailure
from ..oracle import PotentialSpec
from ..potentials.ase import ASEPotential, CalculatorRaised, is_calculator, made_by
from .bill import SPIN
from .evaluations import Evaluations, Kept
from .identity import identity

SECONDS_BETWEEN_LINES = 5.0

log = logging.getLogger("mepbench")


class CalculatorSpec(PotentialSpec):
    """An ASE calculator that exists, or a function of (numbers, charge, multiplicity).

    `atoms` are evaluated at all positions: a calculator may read its charge and spin from them.
    """

    def __init__(self, calculator: Any, atoms: Atoms):
        name = getattr(calculator, "__name__", type(calculator).__name__)
        super().__init__(name=str(name), options={})
        object.__setattr__(self, "calculator", calculator)
        object.__setattr__(self, "atoms", atoms)
        object.__setattr__(self, "_states", set())

    @property
    def level(self) -> str:
        """Its name: what it computes it alone knows."""
        return self.name

    def load(self, numbers: np.ndarray, charge: int, multiplicity: int) -> ASEPotential:
        """Return the calculator behind the contract of potentials.

        Raises
        ------
        SCFFailure
            for another charge or multiplicity than at first: that would cost a user's
            evaluations, and an existing calculator can't change them.
        """
        self._states.add((charge, multiplicity))
        if len(self._states) > 1:
            self._states.remove((charge, multiplicity))
            raise SCFFailure("a calculator that was handed over is asked for one state only")
        made = self.calculator
        if not is_calculator(made):
            made = made_by(made, self.name, numbers, charge, multiplicity)
        return ASEPotential(self.atoms, made)


def potential_entry(calculator: Any, what: str = "calculator") -> dict | None:
    """Return what a config would say for it; None for the default, or an object of Python.

    Raises
    ------
    InputError
        if it is nothing that can be a potential.
    """
    if isinstance(calculator, dict):
        return calculator
    if isinstance(calculator, str) and ":" in calculator:
        return {"name": "ase", "factory": calculator}
    if isinstance(calculator, str):
        return {"name": calculator}
    if calculator is None or is_calculator(calculator) or callable(calculator):
        return None
    raise InputError(
        f"{what}: {calculator!r} is no ASE calculator, nor a function that makes one, nor "
        "the name of a potential"
    )


@dataclass
class Asked:
    """What one stage was answered: from the record, and by the potential in how many seconds."""

    reused: int = 0
    reused_seconds: float = 0.0
    evaluated: int = 0
    seconds: float = 0.0


class Progress:
    """A potential that keeps its evaluations and logs, at most every five seconds, how far it is.

    Each potential that is loaded belongs to the next of the stages that were announced, or
    else to the last one.

    Attributes
    ----------
    kept : the evaluations on record; None where none are kept
    failure : what went wrong last in loading or evaluating; of failures in a row, when what
        failed is tried again, the first
    asked : by stage; `spin` is what was asked for in other multiplicities
    """

    def __init__(self, spec: PotentialSpec, kept: Evaluations | None = None):
        self.spec, self.kept = spec, kept
        self.backend = ""
        self.failure: InputError | CalculatorRaised | SCFFailure | None = None
        self.asked: dict[str, Asked] = defaultdict(Asked)
        self._stage, self._stages, self._failing, self._state = "", [], False, None

    def announce(self, *stages: str) -> "Progress":
        """Say which stages come next."""
        self._stages = list(stages)
        return self

    def load(self, numbers: np.ndarray, charge: int, multiplicity: int):
        """Return the potential of one molecule, for the next stage."""
        if self._stages:
            self._stage = self._stages.pop(0)
            log.info("%s ...", self._stage)
        state = charge, multiplicity
        with self.watched():
            potential = self.spec.load(numbers, *state)
            if "rotation" not in potential.invariances:
                raise InputError(
                    f"potential {self.spec.name!r} is a model surface, none of molecules: choose "
                    "xtb-python, tblite or an ASE calculator"
                )
            if self._state is None:
                self._state = state
                if self.kept is not None:
                    self._take_up(self.kept, identity(self.spec, potential))
        self.backend = potential.backend
        return _Stage(self, potential, self._stage if state == self._state else SPIN, state)

    def _take_up(self, kept: Evaluations, potential: str) -> None:
        for sentence in kept.answer_for(potential):
            log.warning("%s", sentence)
        if len(kept):
            log.info("%s: %d evaluations, none is asked for again", kept.file, len(kept))

    def of(self, reaction):
        """Return the potential of a reaction's molecule, for the next stage."""
        return self.load(reaction.numbers, reaction.charge, reaction.multiplicity)

    def stop_if_nothing_is_kept(self) -> None:
        """Raise `InputError` if the search stands still since nothing more can be kept."""
        if self.kept is not None and self.kept.stopped is not None:
            raise self.kept.stopped

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Note what goes wrong."""
        try:
            yield
            self._failing = False
        except (InputError, CalculatorRaised, SCFFailure) as error:
            if not self._failing:
                self.failure = error
            self._failing = True
            raise


class _Stage:
    """The potential of one stage, for an `Oracle`, which asks it for one geometry at a time."""

    def __init__(self, progress: Progress, potential, stage: str, state: tuple[int, int]):
        self.invariances, self.backend = potential.invariances, potential.backend
        self._evaluate, self._progress, self._kept = potential.evaluate, progress, progress.kept
        self._stage, self._state, self._asked = stage, state, progress.asked[stage]
        self._answered = self._round = self._done = 0
        self._started = self._last = time.monotonic()

    def round_begins(self, count: int) -> None:
        """Say how many geometries come next."""
        self._round, self._done = count, 0

    def evaluate(self, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Answer from the record, else by the potential: energies and gradients, as one does."""
        answers = [self._answer(x) for x in positions]
        return np.array([e for e, _ in answers]), np.array([g for _, g in answers])

    def _answer(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        with self._progress.watched():
            kept = self._recall(x)
            energy, gradient = self._evaluated(x) if kept is None else (kept.energy, kept.gradient)
        self._answered += 1
        self._done += 1
        now = time.monotonic()
        if now - self._last > SECONDS_BETWEEN_LINES:
            self._last = now
            log.info("%s: %s", self._stage, self._how_far(now - self._started))
        return energy, gradient

    def _recall(self, x: np.ndarray) -> Kept | None:
        if self._kept is None:
            return None
        try:
            kept = self._kept.recall(self._state, x)
        except SCFFailure:
            self._asked.reused += 1
            raise
        if kept is not None:
            self._asked.reused += 1
            self._asked.reused_seconds += kept.seconds
        return kept

    def _evaluated(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        if self._kept is not None:
            self._kept.make_sure_of_room()
        started, sound = time.perf_counter(), False
        try:
            (energy,), (gradient,) = self._evaluate(x[None])
            sound = bool(np.isfinite(energy) and np.isfinite(gradient).all())
        finally:
            seconds = time.perf_counter() - started
            self._asked.evaluated += 1
            self._asked.seconds += seconds
            if self._kept is not None and not sound:
                self._kept.failed(self._state, x)
        if self._kept is not None and sound:
            self._kept.keep(self._state, x, float(energy), gradient, seconds)
        return energy, gradient

    def _how_far(self, elapsed: float) -> str:
        text = f"{self._answered} evaluations, {elapsed:.0f} s"
        each = self._asked.seconds / max(self._asked.evaluated, 1)
        if self._round > 1:
            text += f"; {self._done} of the {self._round} of this round"
        return text + f", {each:.2g} s each"
