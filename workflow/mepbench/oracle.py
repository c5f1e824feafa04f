"""The oracle: the only way a method reaches a potential, and the meter of its cost.

A gradient evaluation is one call of the potential at one geometry; a round is one batch of
them that could run in parallel. The endpoints are free for every method. What fails is tried
once more, since disks, licences and queues fail too: each try is an evaluation.

No way round it stays unseen: what a thread asks of any potential is counted where it is asked,
and `Oracle.audit` compares that with what this oracle has booked, and the one beside it: that of a
prior, a cheaper level, whose evaluations and seconds are an account of their own.
"""

import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import wraps

import numpy as np
from ase.calculators.calculator import Calculator, all_changes

from .errors import BudgetExhausted, InputError, SCFFailure
from .landscape.scale import ORDINARY, Scale
from .path import Path
from .reaction import Reaction
from .registry import check_options, load, module_of, options, plugin_files, source_file

TRACE_LENGTH = 16
SLOW = 0.5  # seconds an evaluation: a round that fails in part is then lost in part only
SAME = 1e-9  # angstrom: a geometry this near to an endpoint is the endpoint


class _Asked(threading.local):
    """Geometries that this thread asked potentials for; whether it is just asking."""

    total, within = 0, False


_asked = _Asked()


@contextmanager
def _asking(count: int) -> Iterator[None]:
    """Count `count` geometries, once however many layers of oracles and potentials answer."""
    if _asked.within:
        yield
        return
    _asked.total += count
    _asked.within = True
    try:
        yield
    finally:
        _asked.within = False


def counted(evaluate: Callable) -> Callable:
    """Decorate `evaluate` of a potential: no geometry is evaluated that nobody counts."""

    @wraps(evaluate)
    def counting(*arguments):
        with _asking(len(arguments[-1])):
            return evaluate(*arguments)

    return counting


def _differentiable():
    """Let a potential that is a network differentiate, where a method has switched that off."""
    torch = sys.modules.get("torch")
    return nullcontext() if torch is None else torch.enable_grad()


@dataclass(frozen=True)
class Checkpoint:
    """State of a method at one moment: `barrier` in eV, `residual` as the method defines it."""

    evaluations: int
    rounds: int
    seconds: float
    barrier: float
    residual: float


@dataclass(frozen=True)
class Evaluated:
    """What a potential answered: (K, N, 3) positions, (K,) energies, (K, N, 3) gradients."""

    positions: np.ndarray
    energies: np.ndarray
    gradients: np.ndarray

    def __len__(self) -> int:
        return len(self.energies)

    @classmethod
    def joined(cls, parts: Iterable["Evaluated | None"]) -> "Evaluated | None":
        """Return all evaluations of the parts, in order; None where no part has any."""
        known = [vars(part).values() for part in parts if part is not None]
        columns = zip(*known, strict=True)
        return cls(*(np.concatenate(column) for column in columns)) if known else None


@dataclass(frozen=True)
class PotentialSpec:
    """A potential's name and options; `load` makes a fresh one for one molecule."""

    name: str
    options: dict = field(default_factory=dict)

    @classmethod
    def read(cls, entry: "str | dict | PotentialSpec", where: str = "potential") -> "PotentialSpec":
        """Return what a config says: a name, or a mapping of name and options; checked.

        Raises
        ------
        InputError
            naming `where` it stands, and the nearest known name or option.
        """
        if hasattr(entry, "of"):
            return entry
        given = {"name": entry} if isinstance(entry, str) else entry
        if not isinstance(given, dict) or not isinstance(given.get("name"), str):
            raise InputError(
                f"{where}: must be the name of a potential, or {{name: ..., its options}}, it is "
                f"{entry!r}"
            )
        chosen = {key: value for key, value in given.items() if key != "name"}
        source_file("potentials", given["name"], where)
        check_options("potentials", given["name"], chosen, where)
        # A potential that knows more of its options than their types offers `check(options)`.
        check = getattr(module_of("potentials", given["name"]), "check", lambda options: None)
        try:
            check(chosen)
        except InputError as error:
            raise InputError(f"{where}: {error}") from None
        return cls(given["name"], chosen)

    @property
    def files(self) -> tuple:
        """Its code, and what that reads beside: with these changes what it computes."""
        return plugin_files("potentials", self.name, **self.options)

    @property
    def level(self) -> str:
        """Name of the Hamiltonian, whichever code computes it: the method, given or by default.

        That of the potential itself where it has no methods, what its own `level(options)` says
        where it offers that. A solvent is named behind it: `GFN2-xTB, ALPB(water)`.
        """
        chosen = {name: option.default for name, option in options("potentials", self.name).items()}
        chosen |= self.options
        say = getattr(module_of("potentials", self.name), "level", None)
        named = say(chosen) if say else str(chosen.get("method", self.name))
        return f"{named}, {chosen['solvation']}" if chosen.get("solvation") else named

    @classmethod
    def at(cls, level: str) -> "PotentialSpec":
        """Return the potential of an xTB level, by the backend that has it."""
        method, _, solvation = level.partition(", ")
        if solvation:
            return cls("tblite", {"method": method, "solvation": solvation})
        return cls("xtb-python", {"method": method})

    def load(self, numbers: np.ndarray, charge: int, multiplicity: int):
        """Return the potential of one molecule."""
        return load("potentials", self.name)(numbers, charge, multiplicity, **self.options)

    def of(self, reaction: Reaction):
        """Return the potential of a reaction's molecule."""
        return self.load(reaction.numbers, reaction.charge, reaction.multiplicity)


@dataclass(frozen=True)
class Cheaper:
    """A cheaper level of the same molecule: its potential, and what that has answered so far."""

    spec: PotentialSpec
    evaluated: Evaluated

    @classmethod
    def joined(cls, parts: Iterable["Cheaper | None"]) -> "Cheaper | None":
        """Return all that searches with one prior have left; None where none has left anything."""
        known = [part for part in parts if part is not None]
        if not known:
            return None
        return cls(known[0].spec, Evaluated.joined(part.evaluated for part in known))


class Oracle:
    """A metered, budgeted potential.

    Parameters
    ----------
    potential : an object with `evaluate(positions)`, `invariances`, `backend`; one with
        `round_begins(count)` is told how many geometries come, and asked for one at a time; one
        with `doubt(positions)` knows where it should not be believed
    reaction : its endpoints, energies and gradients are answered without a call
    budget : the most evaluations; None for no limit
    slow : seconds an evaluation, from which a round is evaluated one by one

    Attributes
    ----------
    evaluations, rounds : int, what was spent
    seconds : float, wall clock inside the potential
    path : the last path that the method recorded by `checkpoint`
    prior : `Oracle` of a cheaper level, from `beside`; None where there is none
    known : what was paid for in earlier searches of the same molecule; a method may learn from it
    wall : float, seconds of all that was done for this oracle and is no cost of the one beside it
    """

    def __init__(
        self,
        potential,
        reaction: Reaction | None = None,
        budget: int | None = None,
        slow: float = SLOW,
    ):
        self._evaluate, self._backend = counted(potential.evaluate), potential.backend
        self.invariances = tuple(potential.invariances)
        self.budget, self._slow = budget, slow
        self._round_begins = getattr(potential, "round_begins", None)
        self._doubt = getattr(potential, "doubt", None)
        self.evaluations = 0
        self.rounds = 0
        self.seconds = 0.0
        self.path: Path | None = None
        self.prior: Oracle | None = None
        self.known: Evaluated | None = None
        self.wall = 0.0
        self._rounds: list[Evaluated] = []
        self._trace: list[Checkpoint] = []
        self._started = time.perf_counter()
        self._reaction = reaction
        self._asked_before = _asked.total

    @property
    def remaining(self) -> float:
        """Evaluations left; infinite without a budget."""
        return np.inf if self.budget is None else self.budget - self.evaluations

    @property
    def spent_on_prior(self) -> tuple[int, float]:
        """Evaluations and seconds of the cheaper level, if there is one."""
        return (0, 0.0) if self.prior is None else (self.prior.evaluations, self.prior.wall)

    def __call__(self, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Evaluate one batch: one round.

        Parameters
        ----------
        positions : (B, N, 3) array, angstrom

        Returns
        -------
        energies : (B,) array, eV
        gradients : (B, N, 3) array, eV/angstrom

        Raises
        ------
        ValueError
            if a geometry is not finite; nothing is evaluated.
        BudgetExhausted
            before anything is evaluated, if the batch would exceed the budget; later, if a
            second try would.
        SCFFailure
            if the potential has no converged energy at one of the geometries, asked twice.
        """
        positions = np.asarray(positions, dtype=float)
        if positions.ndim != 3:
            raise ValueError(f"positions must be (B, N, 3), not {positions.shape}")
        if not np.isfinite(positions).all():
            raise ValueError("the oracle was asked for a geometry that is not finite")
        energies = np.empty(len(positions))
        gradients = np.empty_like(positions)
        paid = np.ones(len(positions), dtype=bool)
        if self._reaction is not None and self._reaction.energies is not None:
            for end, e, g in zip(
                self._reaction.ends, self._reaction.energies, self._reaction.gradients, strict=True
            ):
                free = np.abs(positions - end).reshape(len(positions), -1).max(axis=1) < SAME
                energies[free], gradients[free] = e, g
                paid &= ~free
        if paid.any():
            self._afford(int(paid.sum()))
            self.rounds += 1
            if self._round_begins is not None:
                self._round_begins(int(paid.sum()))
            answer = Evaluated(positions[paid], *self._evaluated(positions[paid]))
            self._rounds.append(answer)
            energies[paid], gradients[paid] = answer.energies, answer.gradients
        return energies, gradients

    def beside(self, spec: PotentialSpec, reaction: Reaction) -> "Oracle":
        """Return the oracle of a prior: another potential for the same molecule and state.

        It has this one's budget for itself, and no ends for free.

        Raises
        ------
        ValueError
            if there is one already: what it has booked would be lost.
        """
        if self.prior is not None:
            raise ValueError("an oracle has one prior")
        self.prior = Oracle(spec.of(reaction), None, self.budget, self._slow)
        self._prior_spec = spec
        return self.prior

    @property
    def cheaper(self) -> Cheaper | None:
        """The prior with what it has answered; None if there is none, or it has not answered."""
        if self.prior is None or self.prior.evaluated is None:
            return None
        return Cheaper(self._prior_spec, self.prior.evaluated)

    def doubt(self, positions: np.ndarray) -> str:
        """Why the potential itself would not be believed along a path (B, N, 3); mostly empty."""
        return "" if self._doubt is None else self._doubt(positions)

    @contextmanager
    def clocked(self) -> Iterator[None]:
        """Add the seconds spent within to `wall`, once however deep these are nested."""
        before, start = self.wall, time.perf_counter()
        try:
            yield
        finally:
            self.wall = before + time.perf_counter() - start

    @property
    def evaluated(self) -> Evaluated | None:
        """All that was paid for and answered, in order; None if nothing was."""
        return Evaluated.joined(self._rounds)

    def _afford(self, cost: int) -> None:
        if cost > self.remaining:
            raise BudgetExhausted(
                f"{self.evaluations} of {self.budget} gradient evaluations spent, "
                f"the next round needs {cost}"
            )

    def _evaluated(self, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Evaluate a round; where the potential raises or is not finite, once more, singly."""
        energies, gradients = np.full(len(positions), np.nan), np.full_like(positions, np.nan)
        slow = self.seconds >= self._slow * self.evaluations
        size = 1 if slow or self._round_begins is not None else len(positions)
        for at in range(0, len(positions), size):
            part, failure = slice(at, at + size), None
            try:
                energies[part], gradients[part] = self._booked(positions[part])
            except InputError:
                raise
            except Exception as error:
                energies[part], failure = np.nan, error  # whichever of them it was
            known = np.isfinite(energies[part]) & np.isfinite(gradients[part]).all(axis=(1, 2))
            for i in at + np.flatnonzero(~known):
                self._afford(1)
                one = slice(i, i + 1)
                try:
                    energies[one], gradients[one] = self._booked(positions[one])
                except Exception:
                    if failure is None:
                        raise
                    raise failure from failure.__cause__  # what failed first tells more
                if not (np.isfinite(energies[one]).all() and np.isfinite(gradients[one]).all()):
                    raise SCFFailure(f"{self._backend} returned no finite energy or gradient")
        return energies, gradients

    def _booked(self, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        # Booked before the call: an evaluation that fails was paid for as well.
        self.evaluations += len(positions)
        start = time.perf_counter()
        try:
            with _asking(len(positions)), _differentiable():
                return self._evaluate(positions)
        finally:
            self.seconds += time.perf_counter() - start

    def audit(self, budget: int | None, others: int = 0) -> None:
        """Compare what was booked with what this thread asked for since this oracle was made.

        Parameters
        ----------
        budget : what it was made with, whatever it says of that now
        others : what other oracles have booked since

        Raises
        ------
        ValueError
            if a potential was asked for more than was booked (by its own `evaluate`, by another
            oracle but the prior's), or more was booked than the budget.
        """
        if self.prior is not None:
            others += self.prior.evaluations
        uncounted = _asked.total - self._asked_before - self.evaluations - others
        if uncounted > 0:
            raise ValueError(f"evaluations that the oracle did not count: {uncounted}")
        if budget is not None and self.evaluations > budget:
            raise ValueError(f"{self.evaluations} evaluations, the budget was {budget}")

    def checkpoint(self, path: Path, residual: float = np.nan) -> None:
        """Record the current path: it is what remains when the budget runs out.

        Parameters
        ----------
        path : with the energies that were paid for
        residual : the method's own measure of convergence
        """
        self.path = path
        barrier = np.nan
        if path.energies is not None and np.any(~np.isnan(path.energies)):
            barrier = np.nanmax(path.energies)
        if self._reaction is not None and self._reaction.energies is not None:
            barrier -= self._reaction.energies[0]
        elapsed = time.perf_counter() - self._started
        self._trace.append(
            Checkpoint(self.evaluations, self.rounds, elapsed, float(barrier), float(residual))
        )

    @property
    def trace(self) -> list[Checkpoint]:
        """At most 16 checkpoints: the first, the last, the others evenly in the logarithm."""
        if len(self._trace) <= TRACE_LENGTH:
            return list(self._trace)
        wanted = np.geomspace(1, len(self._trace), TRACE_LENGTH)
        return [self._trace[i] for i in sorted({round(w) - 1 for w in wanted})]

    def calculator(self) -> Calculator:
        """Return an ASE calculator that books every evaluation here."""
        return _OracleCalculator(self)

    def in_units(self, scale: Scale):
        """Return this oracle as it looks in a surface's own units (`landscape.scale`)."""
        return self if scale == ORDINARY else _InUnits(self, scale)

    def torch(self, x):
        """Evaluate as a differentiable function of a torch tensor.

        Parameters
        ----------
        x : (B, N, 3) float64 tensor, angstrom

        Returns
        -------
        energy : (B,) tensor; its backward pass uses the gradient just computed, at no cost
        gradient : (B, N, 3) tensor; its backward pass is one Hessian-vector product a
            geometry, by a forward difference, and costs one evaluation each
        """
        from .landscape.torch_oracle import evaluate

        return evaluate(self, x)


class _InUnits:
    """An oracle that is asked, and answers, in other units of length and energy."""

    def __init__(self, oracle: Oracle, scale: Scale):
        self.oracle, self.scale = oracle, scale
        self.invariances = oracle.invariances

    def __call__(self, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        energies, gradients = self.oracle(self.scale.length * np.asarray(positions))
        return energies / self.scale.energy, gradients / self.scale.force

    def in_units(self, scale):
        return self if scale == ORDINARY else _InUnits(self, scale)

    def calculator(self) -> Calculator:
        return _OracleCalculator(self)


class _OracleCalculator(Calculator):
    implemented_properties = ("energy", "forces")

    def __init__(self, oracle: Oracle):
        super().__init__()
        self.oracle = oracle

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        energies, gradients = self.oracle(self.atoms.positions[None])
        self.results = {"energy": float(energies[0]), "forces": -gradients[0]}


def hand_over(atoms, energy: float, gradient: np.ndarray) -> None:
    """Tell an ASE calculator what was paid for at its atoms: it is not paid again."""
    atoms.calc.atoms = atoms.copy()
    atoms.calc.results = {"energy": float(energy), "forces": -gradient}


def evaluate_band(images: list, oracle: Oracle) -> None:
    """Evaluate all ASE images of a band in one round, and hand each its result.

    Every image must carry a calculator of `oracle.calculator()`; those whose geometry has
    not changed since their last evaluation are left alone.
    """
    stale = [
        image for image in images if image.calc.calculation_required(image, ["energy", "forces"])
    ]
    if not stale:
        return
    energies, gradients = oracle(np.array([image.positions for image in stale]))
    for image, energy, gradient in zip(stale, energies, gradients, strict=True):
        hand_over(image, energy, gradient)
