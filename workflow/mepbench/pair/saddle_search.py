"""One reaction without the benchmark: from two geometries and a calculator to a judged saddle.

The stages are the benchmark's own, with its defaults: `prepare` (both ends relaxed and proven
minima), the guess, one method, the refiner, the judge. Only the potential differs: it may be
any ASE calculator, and says how far it is.
"""

import logging
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path as File
from typing import Any

import numpy as np
from ase import Atoms

from ..config import Method, check_method
from ..errors import FAILED, InputError, described
from ..files.frames import write_frames
from ..judging.activation import Activation
from ..judging.judge import FIRST_ORDER
from ..judging.verify import PROOFS, Judged, refine_and_judge
from ..landscape.thermochemistry import STANDARD, Conditions
from ..mechanism.search import STAGES, Mechanism
from ..mechanism.ways import Explored, Start, Way, explore, explore_further, told_apart
from ..molecule.state import state_text
from ..oracle import PotentialSpec
from ..potentials.ase import CalculatorRaised, is_calculator
from ..preparation.given_ends import Given, given_reaction, notes_on, whole_number
from ..preparation.prepare import Prepared, prepare
from ..reaction import Reaction
from ..registry import options as known_options
from ..solving.guess import Guess, make_guess
from ..solving.solve import Solved
from .any_calculator import CalculatorSpec, Progress, log, potential_entry
from .bill import SPIN, BillLine, bill_line
from .evaluations import FILE, Evaluations
from .free_energies import with_free_energies
from .prior import FILE as PRIOR_FILE
from .prior import STAGE as PRIOR
from .prior import prior_of

METHOD = "neural-surrogate"  # the best method that ships


@dataclass(frozen=True)
class SaddleSearch:
    """What `find_saddle` found.

    Attributes
    ----------
    verdict, reason : `intended` is a proven saddle of this reaction; docs/results.md has all
    saddle : with energy, forces and, in its arrays, the lowest `mode`; None if none was reached
    reactant, product : the ends as they were used, with energies and forces
    barrier_eV, reverse_barrier_eV, reaction_energy_eV : electronic; NaN where unknown. Barriers
        are those of a proven saddle of this reaction, or of the highest on the way of its steps
    height_eV : of the refined point above the reactant, whatever the verdict says that it is
    imaginary_frequency_cm : 1/cm, positive; NaN where there is none
    path : the method's path from end to end, energies where they were paid for
    irc : from the reactant's side over the saddle to the other; empty unless first-order
    mechanism : the steps from reactant to product, each with its proven saddle; one of an
        `intended` saddle; the saddle and its barrier are those of the highest. None where
        reactant and product were not joined
    ways : the different ways that the searches have found, the lowest first, and how often each
    evaluations : gradient evaluations of the stages ends, path, refine, verify; and thermo, where
        Hessians were computed for the thermochemistry alone; and prior, those of the cheaper level
    seconds : wall clock of these stages and of the guess, in this process
    bill : evaluations and seconds by level and stage, and what of it was on record in the folder
    charge, multiplicity, state_from : what was computed, and who said so: file, atoms, argument,
        calculator or default
    thermochemistry : zero-point and free energies, rate constants; of an `intended` saddle whose
        ends' Hessians are known, else None
    thermo_note : why there is none, or what there is to say of it
    notes : what there is to say about the ends
    inputs : absolute names of the files that were the ends; None for atoms
    prepared, guess, solved, judged : what the stages returned; `judged` is None without a path
    method, potential, backend : what computed it
    prior : level of the prior surface; empty where there was none
    """

    verdict: str
    reason: str
    saddle: Atoms | None
    reactant: Atoms
    product: Atoms
    barrier_eV: float  # noqa: N815 - as the benchmark's columns
    reverse_barrier_eV: float  # noqa: N815
    reaction_energy_eV: float  # noqa: N815
    height_eV: float  # noqa: N815
    imaginary_frequency_cm: float
    path: list[Atoms]
    irc: list[Atoms]
    evaluations: dict[str, int]
    seconds: dict[str, float]
    bill: tuple[BillLine, ...]
    notes: str
    inputs: tuple[str | None, str | None]
    prepared: Prepared = field(repr=False)
    guess: Guess = field(repr=False)
    solved: Solved = field(repr=False)
    judged: Judged | None = field(repr=False)
    method: Method = field(repr=False)
    seed: int
    potential: str
    backend: str
    thermochemistry: Activation | None = None
    thermo_note: str = ""
    prior: str = ""
    mechanism: Mechanism | None = None
    ways: tuple[Way, ...] = ()

    @property
    def charge(self) -> int:
        """Charge, in elementary charges."""
        return self.reaction.charge

    @property
    def multiplicity(self) -> int:
        """Spin multiplicity, 2S + 1."""
        return self.reaction.multiplicity

    @property
    def state_from(self) -> str:
        """Where charge and multiplicity come from."""
        return self.prepared.entry.state_from

    @property
    def reaction(self) -> Reaction:
        """Both ends with energies and gradients."""
        return self.prepared.reaction

    def write(self, folder: str | File) -> None:
        """Write the result files (see docs/find_saddle.md) to a folder."""
        from . import report
        from .saddle_files import write

        write(self, File(folder))
        steps = () if self.mechanism is None else self.mechanism.steps
        report.write(self, File(folder) / "report.html", steps if len(steps) > 1 else ())

    def __str__(self) -> str:
        from .saddle_files import summary_text

        return summary_text(self)


@dataclass(frozen=True)
class Wanted:
    """How a saddle is sought: `proof`, `steps` (the argument `mechanism`) and `ways`."""

    seed: int
    proof: str
    steps: bool
    ways: int


class EndsRefused(InputError):
    """Between these ends nothing can be sought.

    Attributes
    ----------
    verdict, reason : as in a row of the benchmark, `bad-endpoints` mostly
    ends : list of ASE atoms, what was relaxed of reactant and product; its `info` says the role
    """

    def __init__(self, message: str, prepared: Prepared, ends: list[Atoms]):
        super().__init__(message)
        self.verdict, self.reason, self.ends = prepared.verdict, prepared.reason, ends


def find_saddle(
    reactant: Atoms | str | File,
    product: Atoms | str | File,
    calculator: Any = None,
    *,
    charge: int | None = None,
    multiplicity: int | None = None,
    relax: bool = True,
    accept_relaxed: bool = False,
    keep_order: bool = False,
    method: str = METHOD,
    options: dict | None = None,
    guess: str | None = None,
    refiner: str | None = None,
    budget: dict[str, int] | None = None,
    proof: str = "staged",
    prior: Any = None,
    mechanism: bool = True,
    ways: int = 1,
    seed: int = 0,
    thermo: bool = False,
    temperature: float = STANDARD.temperature,
    pressure: float = STANDARD.pressure,
    name: str = "reaction",
    folder: str | File | None = None,
    verbose: bool = False,
) -> SaddleSearch:
    """Find the saddle between two minima, and prove or refute it.

    Parameters
    ----------
    reactant, product : the same atoms in the same order, not periodic; or XYZ files of them
    calculator : an ASE calculator; a function of (numbers, charge, multiplicity) that makes one;
        its name, "module:function"; a potential that ships ("xtb-python", "tblite"), or what
        `potential:` is in a config. The shipped config's, GFN2-xTB, if None
    charge, multiplicity : where not given, those in the atoms' `info`, initial charges and
        magnetic moments, in the files' comment lines, or that the calculator was made with;
        else 0 and 1. All that say one must agree. An ASE calculator that exists gets them in the
        atoms, or has its own.
    relax : relax both ends and prove them to be minima (a Hessian each, 6N evaluations);
        otherwise they are taken as they are
    accept_relaxed : go on between the relaxed ends where these have other bonds than those given
    keep_order : leave equivalent atoms of the product numbered as they are, though another order
        be nearer to the reactant
    method, guess, refiner : files of methods/, guesses/, refiners/; the shipped config's if None
    options : of the method
    budget : gradient evaluations of the stages `path` and `refine`
    proof : "staged", on a surrogate that is fed where it is not sure, and in full where that
        leaves a doubt; or "full", as the benchmark proves (some 6N + 300 evaluations)
    prior : a cheaper calculator of the same molecule, whatever `calculator` may be: the search is
        done with it first, and what it has learned is where the one with `calculator` begins. Its
        evaluations are booked, and kept, apart
    thermo : compute the Hessians for the thermochemistry that a staged proof, or `relax=False`,
        has left unknown (3N evaluations each and some more); without it, it is given where all
        are known
    mechanism : where no saddle joins reactant and product, search the steps between them
    ways : how many searches, each from another start; the lowest way that any finds is the result
    temperature, pressure : of the thermochemistry, K and bar
    name : of the reaction
    folder : where to write the result files and, each before the next begins, all evaluations,
        which the same call asks for no second time; nothing is written if None
    verbose : say on standard error how far it is

    Raises
    ------
    InputError
        if the ends or an argument are not what they must be; `EndsRefused` if relaxation has shown
        that; if the folder has another molecule's evaluations, is in use, or full.
        What else goes wrong later is a verdict.
    """
    from .saddle_files import folder_made

    row = {**(options or {}), "solver": method}
    prior = row.pop("prior", prior)
    for key, value in (("guess", guess), ("refiner", refiner), ("budget", budget)):
        if value is not None:
            row[key] = value
    if (seed := whole_number("seed", seed)) < 0:
        raise InputError(f"seed: must not be negative, it is {seed}")
    if proof not in PROOFS:
        raise InputError(f"proof: {proof!r} is neither {' nor '.join(map(repr, PROOFS))}")
    if (ways := whole_number("ways", ways)) < 1:
        raise InputError(f"ways: must be at least 1, it is {ways}")
    at = Conditions(temperature, pressure)
    entry = potential_entry(calculator)
    chosen, potential = check_method(method, row, entry)
    if not mechanism and "mechanism" in known_options("methods", method):
        chosen = replace(chosen, options=chosen.options | {"mechanism": False})
    existing = calculator if is_calculator(calculator) else None
    given = given_reaction(name, reactant, product, charge, multiplicity, existing)
    spec = PotentialSpec(*potential)
    if calculator is not None and entry is None:
        spec = CalculatorSpec(calculator, given.atoms)
    cheaper, note = None, ""
    if prior is not None:
        cheaper, note = prior_of(prior, method, (reactant, product), given)
        given = replace(given, note="; ".join(text for text in (given.note, note) if text))
    folder = None if folder is None else File(folder)
    how = {"relaxed": not relax, "accept_relaxed": accept_relaxed, "keep_order": keep_order}
    with ExitStack() as stack:
        stack.enter_context(_told(verbose))
        stack.enter_context(folder_made(folder))
        progress = Progress(spec, stack.enter_context(_kept(folder, given, FILE)))
        below = None
        if cheaper is not None:
            kept = stack.enter_context(_kept(folder, given, PRIOR_FILE))
            below = Progress(cheaper, kept).announce(PRIOR)
        wanted = Wanted(seed, proof, mechanism, ways)
        found = _search(given, chosen, progress, below, wanted, how, folder)
        found = with_free_energies(found, progress, at, thermo, folder)
        if folder is not None:
            found.write(folder)
    return found


@contextmanager
def _kept(folder: File | None, given: Given, name: str) -> Iterator[Evaluations | None]:
    """Open the evaluations on record in a folder, if there is one."""
    if folder is None:
        yield None
        return
    with Evaluations(folder, given.entry.numbers["reactant"], name) as kept:
        if kept.torn:
            log.warning("%s: the last evaluation was written in part and is dropped", kept.file)
        yield kept


def _search(
    given: Given,
    method: Method,
    progress: Progress,
    below: Progress | None,
    wanted: Wanted,
    how: dict,
    folder: File | None,
) -> SaddleSearch:
    from ..judging.job import irc_frames, saddle_frames
    from ..preparation.job import endpoint_frames
    from ..solving.job import path_frames
    from .saddle_files import begin

    entry, seed = given.entry, wanted.seed
    log.info("state: %s", state_text(entry.charge, entry.multiplicity, entry.state_from))
    staged = {"staged": wanted.proof == "staged", "prior": below}
    prepared = _prepared(given, progress, how | staged, folder)
    reaction = prepared.reaction
    notes = notes_on(prepared, given, not how["relaxed"])
    log.info("ends: %s, %.1f s; %s", _counted(progress, "ends", prepared), prepared.seconds, notes)

    ends = endpoint_frames(reaction)
    if folder is not None:
        begin(folder, ends)

    guess = make_guess(reaction, method.guess, None)
    identity = {"set": reaction.set, "reaction": reaction.name, "method": method.solver}
    identity |= {"seed": seed}

    searches: list[Explored] = []

    def told(result: Start | Solved | Judged) -> None:
        """Say how far the search is, and keep its first path."""
        if isinstance(result, Start):
            log.info("another way, from: %s%s", result.name, "" if result.reaction else ": none")
        elif isinstance(result, Solved):
            if below is not None and not searches:
                log.info(
                    "prior: %d evaluations, %.1f s", result.prior_evaluations, result.prior_wall
                )
                below.stop_if_nothing_is_kept()
            log.info("path: %s, %.1f s", _counted(progress, "path", result), result.wall)
            if folder is not None and not searches and result.path is not None:
                write_frames(folder / "path.xyz", path_frames(reaction, result, identity)[:-1])
        elif wanted.steps and result.verdict not in ("intended", *FAILED):
            log.info("%s: %s; steps are searched", result.verdict, result.reason)
        progress.stop_if_nothing_is_kept()

    each = {"proof": wanted.proof, "steps": wanted.steps}
    each |= {"announce": progress.announce, "told": told}
    options = method.options | ({} if below is None else {"prior": below})
    start, asked = Start(method.guess, reaction, guess), replace(method, options=options)
    searches.append(explore(start, asked, progress, seed, **each))
    progress.stop_if_nothing_is_kept()
    searches, starts = explore_further(
        searches[0], method.guess, method, progress, seed, wanted.ways, **each
    )
    progress.stop_if_nothing_is_kept()
    ways = told_apart(searches)
    best = searches[0]
    if ways:
        best = next(one for one in searches if one.mechanism is ways[0].mechanism)
    solved, found = best.solved, best.mechanism
    judged, again = _concluded(best, method, progress, seed)
    progress.stop_if_nothing_is_kept()
    verdict = solved.verdict if judged is None else judged.verdict
    reason = "; ".join(text for text in (judged and judged.reason, solved.reason) if text)
    path = [] if solved.path is None else path_frames(best.reaction, solved, identity)[:-1]
    reason = _said_once(reason, progress.failure)
    if verdict in FAILED and progress.kept is not None:
        reason += f"; {_on_record(progress)}"
    log.info("verdict: %s%s", verdict, f" ({reason})" if reason else "")

    energy = frequency = np.nan
    saddle, irc = None, []
    if judged is not None and judged.saddle is not None:
        saddle = saddle_frames(best.reaction, solved.peak, judged, identity)[-1]
        irc = irc_frames(best.reaction, judged, identity)
        if judged.saddle.converged:
            energy = judged.saddle.energy
    if judged is not None and judged.judgement is not None:
        frequency = judged.judgement.imaginary_frequency_cm
    barrier = energy if found.complete else np.nan
    counts = _added(*(one.evaluations for one in searches), again.evaluations)
    walls = _added(*(one.seconds for one in searches), again.seconds)
    stages = ("ends", "guess", *STAGES)
    relaxed = sum(start.evaluations for start in starts), sum(start.seconds for start in starts)
    evaluations = (prepared.evaluations + relaxed[0], 0, *counts)
    seconds = (prepared.seconds + relaxed[1], guess.wall, *walls)
    bill = _bill(progress, zip(stages, evaluations, seconds, strict=True))
    counted = dict(zip(stages, evaluations, strict=True))
    clocked = dict(zip(stages, seconds, strict=True))
    if below is not None:
        at = [line.stage for line in bill].index("path")
        cheap = (
            prepared.prior_evaluations + searches[0].prior_evaluations,
            prepared.prior_seconds + searches[0].prior_seconds,
        )
        bill = (*bill[:at], bill_line(below, PRIOR, *cheap), *bill[at:])
        counted[PRIOR], clocked[PRIOR] = cheap
    return SaddleSearch(
        verdict=verdict,
        reason=reason,
        saddle=saddle,
        reactant=ends[0],
        product=ends[1],
        barrier_eV=float(barrier - reaction.energies[0]),
        reverse_barrier_eV=float(barrier - reaction.energies[1]),
        reaction_energy_eV=float(reaction.energies[1] - reaction.energies[0]),
        height_eV=float(energy - reaction.energies[0]),
        imaginary_frequency_cm=float(frequency),
        path=path,
        irc=irc,
        evaluations=counted,
        seconds=clocked,
        bill=bill,
        notes=notes,
        inputs=given.inputs,
        prepared=prepared,
        guess=guess,
        solved=solved,
        judged=judged,
        method=method,
        seed=seed,
        potential=progress.spec.level,
        backend=progress.backend,
        prior="" if below is None else below.spec.level,
        mechanism=found if found.complete else None,
        ways=tuple(ways),
    )


def _added(*parts: dict) -> list:
    """Return the sums of path, refine and verify."""
    return [sum(part[stage] for part in parts) for stage in STAGES]


def _concluded(
    best: Explored, method: Method, progress: Progress, seed: int
) -> tuple[Judged | None, Explored]:
    """Return the proof that the search ends with, and what was paid for it once more.

    It is that of the highest saddle of a way of several steps; where there is no way, and the first
    saddle was refused by a staged proof, it is made in full.
    """
    judged, found, nothing = best.judged, best.mechanism, Solved(None, None)
    again = Explored("", best.reaction, nothing, None, Mechanism())
    if judged is None:
        return None, again
    if len(found.steps) == 1:  # the first saddle, or one that was met beside it
        return found.highest.judged, again
    if found.complete:
        sentence = found.sentence(best.reaction)
        return replace(found.highest.judged, verdict="multistep", reason=sentence), again
    if judged.proof.kind == "staged" and judged.verdict in FIRST_ORDER:
        doubt = f"{judged.verdict}, if not in full"
        of = progress.announce("refine", "verify"), method.budget["refine"], seed
        refine = method.refiner
        full = refine_and_judge(best.reaction, best.solved.path, judged.saddle, refine, *of)
        again = replace(again, judged=full)
        judged = replace(full, proof=replace(full.proof, doubt=doubt))
    reason = "; ".join(text for text in (judged.reason, found.reason) if text)
    return replace(judged, reason=reason), again


def _prepared(given: Given, progress: Progress, how: dict, folder: File | None) -> Prepared:
    """Prepare the ends, or keep what was relaxed of them and raise `InputError`."""
    from .saddle_files import relaxed_frames, write_refused

    prepared = prepare(given.entry, progress.announce("ends").load, **how)
    if prepared.reaction is not None:
        return prepared
    progress.stop_if_nothing_is_kept()
    ends, where = relaxed_frames(prepared), ""
    if folder is not None and ends:
        bill = _bill(progress, [("ends", prepared.evaluations, prepared.seconds)])
        write_refused(prepared, given.inputs, ends, bill, folder)
        where = f" (relaxed: {folder / 'ends.xyz'})"
    if prepared.verdict in FAILED and progress.kept:
        where += f"; {_on_record(progress)}"
    failure = progress.failure
    if prepared.verdict == "error" and isinstance(failure, InputError):
        raise failure
    if prepared.verdict == "error" and isinstance(failure, CalculatorRaised):
        log.info("%s", failure, exc_info=failure.__cause__)
        raise InputError(f"ends: {failure}{where}") from failure.__cause__
    raise EndsRefused(
        f"{given.entry.origin}: {prepared.verdict}: {prepared.reason}{where}", prepared, ends
    )


def _counted(progress: Progress, stage: str, result: Prepared | Solved) -> str:
    reused = progress.asked[stage].reused
    return f"{result.evaluations} evaluations" + (f", {reused} of them on record" if reused else "")


def _on_record(progress: Progress) -> str:
    return (
        f"{len(progress.kept)} evaluations stay in {progress.kept.file}, the same command goes on "
        "from there"
    )


def _bill(progress: Progress, stages) -> tuple[BillLine, ...]:
    """Return the bill of stages, each with its evaluations and its seconds in this process."""
    stages = list(stages)
    if spin := progress.asked.get(SPIN):
        # Their seconds here are those of the stage that asks for them, the ends.
        stages.insert(1, (SPIN, spin.evaluated + spin.reused, 0.0))
    return tuple(bill_line(progress, *stage) for stage in stages)


def _said_once(reason: str, failure: Exception | None) -> str:
    """Say what was wrong with the potential only once, where several stages met it."""
    reason = reason.replace(described(failure), str(failure)) if failure else reason
    if not failure or str(failure) not in reason:
        return reason
    head, text, tail = reason.partition(str(failure))
    return head + text + tail.replace(text, "the same")


@contextmanager
def _told(verbose: bool) -> Iterator[None]:
    """Send the log to standard error, if it is wanted."""
    if not verbose:
        yield
        return
    handler, level = logging.StreamHandler(sys.stderr), log.level
    handler.setFormatter(logging.Formatter("mepbench: %(message)s"))
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        yield
    finally:
        log.removeHandler(handler)
        log.setLevel(level)
