"""What a user may hand over as a potential, and how it says how far it is.

An ASE calculator, a function that makes one, or whatever `potential:` may be in a config.
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from ase import Atoms

from ..errors import InputError, SCFFailure
from ..oracle import PotentialSpec
from ..potentials.ase import ASEPotential, CalculatorRaised, is_calculator, made_by

SECONDS_BETWEEN_LINES = 5.0

log = logging.getLogger("mepbench")


class CalculatorSpec(PotentialSpec):
    """An ASE calculator that exists, or a function of (numbers, charge, multiplicity).

    `atoms` are evaluated at all positions: a calculator may read its charge and spin from them.
    """

    def __init__(self, calculator: Any, atoms: Atoms):
        name = getattr(calculator, "__name__", type(calculator).__name__)
        super().__init__(name=str(name), options={})
        object.__setattr__(self, "_calculator", calculator)
        object.__setattr__(self, "_atoms", atoms)
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
        made = self._calculator
        if not is_calculator(made):
            made = made_by(made, self.name, numbers, charge, multiplicity)
        return ASEPotential(self._atoms, made)


def potential_entry(calculator: Any) -> dict | None:
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
        f"calculator: {calculator!r} is no ASE calculator, nor a function that makes one, nor "
        "the name of a potential"
    )


class Progress:
    """A potential that logs, at most every five seconds, how many evaluations a stage took.

    Each potential that is loaded belongs to the next of the stages that were announced, or
    else to the last one. `failure` is what went wrong last in loading or evaluating; of failures
    in a row, when what failed is tried again, the first.
    """

    def __init__(self, spec: PotentialSpec):
        self.spec = spec
        self.backend = ""
        self.failure: InputError | CalculatorRaised | SCFFailure | None = None
        self._stage, self._stages, self._failing = "", [], False

    def announce(self, *stages: str) -> "Progress":
        """Say which stages come next."""
        self._stages = list(stages)
        return self

    def load(self, numbers: np.ndarray, charge: int, multiplicity: int):
        """Return the potential of one molecule, for the next stage."""
        if self._stages:
            self._stage = self._stages.pop(0)
            log.info("%s ...", self._stage)
        with self._watched():
            potential = self.spec.load(numbers, charge, multiplicity)
            if "rotation" not in potential.invariances:
                raise InputError(
                    f"potential {self.spec.name!r} is a model surface, none of molecules: choose "
                    "xtb-python, tblite or an ASE calculator"
                )
        self.backend = potential.backend
        return _Talking(potential, self._stage, self._watched)

    def of(self, reaction):
        """Return the potential of a reaction's molecule, for the next stage."""
        return self.load(reaction.numbers, reaction.charge, reaction.multiplicity)

    @contextmanager
    def _watched(self) -> Iterator[None]:
        try:
            yield
            self._failing = False
        except (InputError, CalculatorRaised, SCFFailure) as error:
            if not self._failing:
                self.failure = error
            self._failing = True
            raise


class _Talking:
    def __init__(self, potential, stage: str, watched: Callable):
        self.invariances, self.backend = potential.invariances, potential.backend
        self._evaluate, self._watched = potential.evaluate, watched
        self._stage, self._evaluations = stage, 0
        self._started = self._last = time.monotonic()

    def evaluate(self, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Evaluate as the potential does, and say so from time to time."""
        with self._watched():
            found = self._evaluate(positions)
        now = time.monotonic()
        self._evaluations += len(positions)
        if now - self._last > SECONDS_BETWEEN_LINES:
            self._last = now
            elapsed = now - self._started
            log.info("%s: %d evaluations, %.0f s", self._stage, self._evaluations, elapsed)
        return found
