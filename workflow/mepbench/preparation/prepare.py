"""From an entry of a set to a reaction whose ends are proven minima, or to the reason why not.

Given geometries are relaxed as they are, must be the same structures then (see `checks`), and
have their equivalent atoms renumbered (see `order`); geometries from SMILES come from
`reactive_pair`. Both ends must be minima of the potential by their Hessians, with the same atoms
in the same order, and different from each other. What is handed on is centred, the product turned
onto the reactant, and rounded to the eight decimals of the file *before* energies and gradients
are taken, so that file and memory agree exactly.
"""

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from ase import Atoms

from ..errors import BadEndpoints, InputError, NotInstalled, NotSupported, SCFFailure, plainly
from ..landscape.index import Stationary
from ..landscape.minima import Minimum, Proof, by_hessian, minima
from ..landscape.thermochemistry import thermochemistry
from ..molecule.structure import bonds
from ..oracle import Oracle, PotentialSpec
from ..path import align, rmsd
from ..reaction import Entry, Reaction
from ..surrogate.relaxation import proven_on_surrogate
from .checks import (
    ENDS,
    SAME_RMSD,
    check_bonds,
    check_distinct,
    check_electrons,
    check_minima,
    check_spin,
    check_stereo,
    check_whole,
    given_geometries,
    one_minimum,
    relaxation_changes,
)
from .order import ordered
from .reactive_pair import pair_score, reactive_pair
from .smiles import read_mappings

DECIMALS = 8


@dataclass(frozen=True)
class Prepared:
    """The outcome for one entry: a row, whatever happened, and a reaction if all is well.

    Attributes
    ----------
    entry : what was asked for
    verdict : "ok", "bad-endpoints", "not-supported", "not-installed", "scf-failure", "error" or
        "timeout"
    reason : one line; for "ok" what a user may want to know
    reaction : the prepared reaction, None unless `verdict` is "ok"
    evaluations, seconds : what preparation cost
    prior_evaluations, prior_seconds : on a cheaper level
    fmax : largest atomic force at the two ends, eV/angstrom
    checks : for each of bonds, minima, order, stereo, distinct, whole and spin "ok", what is
        wrong, or what is worth to know; those that were not reached are missing
    relaxed : by role, the given ends that were relaxed, also where one of them was refused then
    points : the stationary points of reactant and product as proven (see `Minimum`), with their
        Hessians; none where the ends were taken as given, or one of them was proven without
    proofs : that reactant and product are minima; none where they were taken as given
    """

    entry: Entry
    verdict: str
    reason: str = ""
    reaction: Reaction | None = None
    evaluations: int = 0
    seconds: float = 0.0
    prior_evaluations: int = 0
    prior_seconds: float = 0.0
    fmax: float = np.nan
    checks: dict[str, str] = field(default_factory=dict)
    relaxed: dict[str, Minimum] = field(default_factory=dict)
    points: tuple[Stationary, ...] = ()
    proofs: tuple[Proof, ...] = ()
    invariances: tuple[str, ...] = field(default=("translation", "rotation"))

    @property
    def changed(self) -> str:
        """In what the ends are not as given: bonds that relaxation changed, atoms renumbered."""
        notes = (self.checks.get(name, "ok") for name in ("bonds", "order"))
        return "; ".join(note for note in notes if note != "ok")

    def row(self) -> dict:
        """Return the reaction's line in `endpoints.csv`, keyed by `ENDPOINT_COLUMNS`."""
        entry, reaction = self.entry, self.reaction
        row = {
            "set": entry.set,
            "reaction": entry.name,
            "verdict": self.verdict,
            "reason": self.reason,
            "class": entry.reaction_class,
            "charge": entry.charge,
            "multiplicity": entry.multiplicity,
            "state_from": entry.state_from,
            "fmax_eV_A": self.fmax,
            "evaluations": self.evaluations,
            "seconds": round(self.seconds, 3),
            "literature": entry.literature,
            **{f"check_{name}": verdict for name, verdict in self.checks.items()},
        }
        if reaction is not None:
            row |= {
                "ends_note": self.changed,
                "natoms": reaction.natoms,
                "formula": Atoms(reaction.numbers).get_chemical_formula(),
                "reaction_energy_eV": float(reaction.energies[1] - reaction.energies[0]),
                "rmsd_A": rmsd(reaction.product, reaction.reactant, self.invariances),
            }
            if "rotation" in self.invariances:
                before, after = (bonds(reaction.numbers, end) for end in reaction.ends)
                row["bonds_changed"] = len(before ^ after)
                row |= self._thermal_cells()
        return row

    def _thermal_cells(self) -> dict:
        """Zero-point energies, and free energies less energies at 298.15 K and 1 bar."""
        cells = {}
        for end, point in zip(ENDS, self.points, strict=False):
            try:
                found = thermochemistry(self.reaction.numbers, point, self.reaction.multiplicity)
            except ValueError:  # a free rotation of light atoms, left on its top
                continue
            cells[f"{end}_zero_point_eV"] = found.zero_point
            cells[f"{end}_free_energy_eV"] = found.free_energy
        return cells


def prepare(
    entry: Entry,
    load_potential: Callable,
    *,
    relaxed: bool = False,
    accept_relaxed: bool = False,
    keep_order: bool = False,
    staged: bool = False,
    prior: PotentialSpec | None = None,
) -> Prepared:
    """Prepare one entry. Nothing is raised: whatever goes wrong is a verdict and a reason.

    Parameters
    ----------
    entry : from `reaction.read_set`
    load_potential : `load_potential(numbers, charge, multiplicity)` returns a potential
    relaxed : take given geometries for minima of this potential, unproven
    accept_relaxed : take what given geometries relax to, be it another structure
    keep_order : leave equivalent atoms of given geometries numbered as they are
    staged : relax given geometries on a surrogate and prove them by their lowest mode, in full
        only where that leaves doubt; see `surrogate.relaxation`
    prior : a cheaper level, for the mean of that surrogate
    """
    start = time.perf_counter()
    meter: list[Oracle] = []
    below: list[Oracle] = []
    checks: dict[str, str] = {}
    found: dict[str, Minimum] = {}

    def outcome(verdict: str, reason: str, **result) -> Prepared:
        return Prepared(
            entry,
            verdict,
            " ".join(reason.split())[:400],
            evaluations=sum(oracle.evaluations for oracle in meter),
            seconds=time.perf_counter() - start - sum(oracle.wall for oracle in below),
            prior_evaluations=sum(oracle.evaluations for oracle in below),
            prior_seconds=sum(oracle.wall for oracle in below),
            checks=checks,
            relaxed={end: replace(m, model=None, point=None) for end, m in found.items()},
            **result,
        )

    def proving(numbers, starts, invariances) -> tuple[Callable, str]:
        """Return how given geometries are relaxed and proven, and what there is to say of it."""
        if not staged:
            return by_hessian, ""
        of = numbers, starts, invariances
        if prior is None or "rotation" not in invariances:
            return proven_on_surrogate(*of), ""
        try:
            below.append(Oracle(prior.load(numbers, entry.charge, entry.multiplicity)))
            return proven_on_surrogate(*of, below[0]), ""
        except InputError:
            raise
        except Exception as error:  # whatever a calculator raises
            return proven_on_surrogate(*of), f"the prior failed at the ends: {plainly(error)}"

    wanted = _Wanted(relaxed, accept_relaxed, keep_order)
    try:
        reaction, ends, notes, invariances = _prepare(
            entry, load_potential, proving, meter, checks, found, wanted
        )
    except (BadEndpoints, NotInstalled, NotSupported) as error:
        return outcome(error.verdict, str(error))
    except SCFFailure as error:
        return outcome("scf-failure", f"an energy on the way to the ends failed: {error}")
    except InputError as error:
        return outcome("error", str(error))
    except Exception as error:
        return outcome("error", f"{type(error).__name__}: {error}")
    points = tuple(end.point for end in ends if end.point is not None)
    return outcome(
        "ok",
        "; ".join(notes),
        reaction=reaction,
        fmax=float(np.linalg.norm(reaction.gradients, axis=-1).max()),
        points=points if len(points) == len(ends) else (),
        proofs=tuple(end.proof for end in ends if end.proof is not None),
        invariances=invariances,
    )


class _Wanted(NamedTuple):
    """How given geometries are taken, see `prepare`."""

    relaxed: bool
    accept_relaxed: bool
    keep_order: bool


def _prepare(
    entry, load_potential, proving, meter, checks, found, wanted: _Wanted
) -> tuple[Reaction, tuple[Minimum, Minimum], list[str], tuple[str, ...]]:
    if entry.problem:
        raise BadEndpoints(entry.problem)
    if entry.smiles is None:
        numbers, starts = given_geometries(entry)
    else:
        mappings = read_mappings(entry.smiles, entry.charge)
        numbers, starts = mappings[0].numbers, None
    state = entry.charge, entry.multiplicity

    def check(name: str, ask: Callable, *about) -> str:
        try:
            note = ask(*about) or ""
        except BadEndpoints as error:
            checks[name] = str(error)
            raise
        checks[name] = note or "ok"
        return note

    check("spin", check_electrons, numbers, *state)
    oracle = Oracle(load_potential(numbers, *state))
    meter.append(oracle)
    molecular = "rotation" in oracle.invariances
    notes, changes = [], {}
    if starts is None:
        ends = check("minima", reactive_pair, mappings, oracle)
        checks["bonds"] = checks["order"] = checks["stereo"] = "ok"
    elif wanted.relaxed:
        ends = _as_given(oracle, starts)
    else:
        proven, note = proving(numbers, np.array(starts), oracle.invariances)
        notes.append(note)
        ends = check("minima", _relaxed_pair, oracle, numbers, starts, found, proven)
        changes = relaxation_changes(numbers, starts, ends) if molecular else {}
    if not wanted.relaxed:
        check("minima", check_minima, ends)
    check("whole", check_whole, numbers, *ends)
    check("distinct", check_distinct, numbers, *ends, oracle.invariances, changes)
    if molecular and starts is not None:
        if not wanted.relaxed:
            notes.append(check("bonds", check_bonds, numbers, starts, ends, wanted.accept_relaxed))
        if not wanted.keep_order:
            product, note = ordered(oracle, numbers, *ends)
            ends, checks["order"] = (ends[0], product), note or "ok"
            notes.append(note)
        notes.append(check("stereo", check_stereo, numbers, *ends))
    if molecular and not wanted.relaxed:
        check("spin", check_spin, numbers, *state, ends, load_potential)
    reaction = _finish(entry, numbers, *ends, oracle)
    notes = [note for note in (*notes, *entry.notes) if note]
    return reaction, ends, notes, oracle.invariances


def _relaxed_pair(oracle, numbers, starts, found, proven) -> tuple[Minimum, Minimum]:
    """Relax both given ends; where a way down forks, take the pair that belongs together.

    `found`, by role, gets the lowest of each end as soon as there is one.
    """
    pools = []
    for x, end in zip(starts, ENDS, strict=True):
        pools.append(_minima_of(oracle, numbers, x, end, proven))
        found[end] = min(pools[-1], key=lambda minimum: minimum.energy)
    pairs = list(itertools.product(*pools))
    if rmsd(*starts, oracle.invariances) > SAME_RMSD:
        # Two ends that were given as two, on saddles, are not the same well beside them.
        apart = (pair for pair in pairs if not one_minimum(numbers, *pair, oracle.invariances))
        pairs = list(apart) or pairs
    pair = min(pairs, key=lambda pair: pair_score(*pair, oracle.invariances))
    found.update(zip(ENDS, pair, strict=True))
    return pair


def _as_given(oracle, starts) -> list[Minimum]:
    energies, gradients = oracle(np.array(starts))
    forces = np.linalg.norm(gradients, axis=-1).max(axis=-1)
    return [Minimum(*end, True) for end in zip(starts, energies, forces, strict=True)]


def _minima_of(oracle, numbers, positions, end: str, proven: Callable) -> list[Minimum]:
    """Return the minima below an end; none is refused, nor another molecule, but by the Hessian."""
    found, refused = [], None
    try:
        found = minima(oracle, numbers, positions, proven=proven)
    except BadEndpoints as error:
        refused = BadEndpoints(f"the {end} {error}")
    kept = [m for m in found if bonds(numbers, m.positions) == bonds(numbers, positions)]
    if not kept and proven is not by_hessian:
        return _minima_of(oracle, numbers, positions, end, by_hessian)
    if refused is not None:
        raise refused
    return kept or found


def _finish(entry, numbers, reactant, product, oracle) -> Reaction:
    ends = np.stack([reactant.positions, product.positions])
    if "translation" in oracle.invariances:
        ends = ends - ends.mean(axis=1, keepdims=True)
    if "rotation" in oracle.invariances:
        ends[1] = align(ends[1], ends[0])
    ends = np.round(ends, DECIMALS) + 0.0
    energies, gradients = oracle(ends)
    return Reaction(
        name=entry.name,
        set=entry.set,
        numbers=numbers,
        reactant=ends[0],
        product=ends[1],
        charge=entry.charge,
        multiplicity=entry.multiplicity,
        energies=energies,
        gradients=gradients,
    )
