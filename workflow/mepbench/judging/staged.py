"""A proof for surfaces that are dear: the same questions as in full, asked of a surrogate first.

The surrogate is fitted to all that search and refinement have paid for. On it

* the index of a stationary point is told by its two lowest eigenpairs on the true surface, for
  which the surrogate's Hessian is the model (`landscape.lowest`), after Newton steps that settle
  the soft modes; a curvature within its error is decided by the energy along it, as in full;
* each side of the reaction coordinate is walked, with exact Hessians, as far as the surrogate is
  sure of energy and forces. Where it is not, the true surface is asked, a little further on where
  the doubt is greatest, and the walk goes on from the last point that was sure;
* where a side ends at the given reactant or product, these are proven; at another place the true
  forces are asked until they are small, and its softest curvature is measured like that of the
  staged ends (`landscape.softest`), by its Hessian where the sign stays open.

Where the search had a cheaper level for a prior that is asked on: for its Hessian at stationary
points, and along the walk wherever its own surrogate is not sure, before the true surface is.

Only `intended` is believed of all that: where anything is left open, or the verdict is another,
`Doubt` is raised and the proof is made in full. docs/judge.md says how often both agree.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
from ase.data import atomic_masses

from ..errors import InputError
from ..landscape.descent import STEP, descend
from ..landscape.hessian import projected
from ..landscape.index import Stationary, energy_falls, settled
from ..landscape.lowest import LowestPairs, lowest_pairs
from ..landscape.minima import (
    GENTLE_FMAX,
    GENTLE_STEP,
    SAME_MINIMUM,
    Minimum,
    minima,
    relax,
)
from ..landscape.scale import ORDINARY, Scale, length_scale, surface_scale
from ..landscape.softest import Softest, softest_curvature, softest_decided
from ..landscape.steps import bent_upwards
from ..landscape.surface import evaluate
from ..oracle import Cheaper, Evaluated
from ..path import align, remove_rigid_motion, rigid_motions, rmsd
from ..surrogate.gaussian_process import POINTS
from ..surrogate.relaxation import proven_on
from ..surrogate.surrogate import NEAR, Surrogate, learned_from
from .connection import End, only_moves
from .irc import Branch, first_step
from .measured import IN_FULL, TIGHT, TIGHT_STEPS

# Deviations above which the surrogate is not believed: of forces three times the errors met.
# Believed any further it leads to the ends that it knows (docs/judge.md).
SURE_ENERGY, SURE_FORCE = 0.05, 1.0  # eV; eV/angstrom, on an atom
# Near the saddle and on ridges, where slopes are small and the way down is decided, likewise of
# the slope.
TOP, RIDGE = 0.3, -0.05  # eV below the saddle; eV/angstrom^2, of the softest curvature across
SURE_OF_SLOPE, FLAT = 2.0, 0.1  # times the slope; eV/angstrom, at least
GENTLE_SADDLE = 0.5  # eV/angstrom^2: half as far where the way down is less curved than this
BEYOND = 3.0  # times these, as far as the walk looks ahead for the greatest doubt
EACH = 2  # steps between two points whose deviations are looked at, elsewhere
LOOK, LOOKS = 10, 300  # steps between two looks at the deviations; looks a side
BOTTOMS = 12  # evaluations at the bottom of a well, as predicted, before it is relaxed from there
LOOSE = 0.05  # eV/angstrom, at another conformer of an end, where only its bonds and index matter
MOST = 60  # evaluations of the walk
OF_PRIOR = 3.0  # times the deviations where the mean is another level's: the errors met are such
SURE_BELOW = 0.02  # eV, likewise of a cheaper level, which is asked first
SETTLED, FAR, ROUNDS = 0.03, 0.5, 3  # angstrom, of one atom: who moves less keeps its curvatures
FIRST, SHORTEST = 0.05, 1e-3  # angstrom sqrt(u), of the walk's first step, and least
UNCLEAR = 0.05  # eV/angstrom^2: a curvature with such an error is not left to the energy
FLOOR = 0.05  # eV/angstrom^2: the model of a relaxation is no softer


class Doubt(Exception):
    """What the staged proof leaves open."""


@dataclass
class Evidence:
    """What a staged proof rests on.

    Attributes
    ----------
    curvatures, errors : of the saddle's two lowest modes, eV/angstrom^2
    residuals : of these, eV/angstrom^2
    energy_deviation, force_deviation : the largest that were accepted where the walk looked, eV
        and eV/angstrom
    surprise : the largest error of a predicted energy, eV
    index, walk, ends : evaluations
    """

    curvatures: tuple[float, ...] = ()
    residuals: tuple[float, ...] = ()
    errors: tuple[float, ...] = ()
    energy_deviation: float = 0.0
    force_deviation: float = 0.0
    surprise: float = 0.0
    index: int = 0
    walk: int = 0
    ends: int = 0


@dataclass
class Staged:
    """The staged proof's means, see `measured.Measured`.

    Parameters
    ----------
    reaction : with energies and gradients of its ends
    oracle : `Oracle`; pays
    evaluated : what was paid for before, in order
    below : the search's prior, a cheaper level; None where there was none
    saddle : (N, 3) array, angstrom
    tangent : (N, 3) array, the mode that the search left the saddle along; None if unknown
    """

    reaction: object
    oracle: object
    evaluated: Evaluated | None
    saddle: np.ndarray
    tangent: np.ndarray | None = None
    below: Cheaper | None = None
    evidence: Evidence = field(default_factory=Evidence)
    tells_conformers = False

    def __post_init__(self):
        self.surrogate = Surrogate(self.reaction, self.oracle)
        self.proven: list[np.ndarray] = []  # minima
        self.rest = GENTLE_FMAX if only_moves(self.reaction, self.oracle) else LOOSE
        if self.evaluated is not None:
            kept = _chosen(self.evaluated.positions, self.saddle)
            self.surrogate.learn(*(column[kept] for column in vars(self.evaluated).values()))
        if self.below is not None and self.surrogate.molecular:
            self._believe(self.below)

    def _believe(self, below: Cheaper) -> None:
        """Take the prior for the surrogate's mean, unless it can't be asked or is contradicted."""
        try:
            cheap = self.oracle.prior or self.oracle.beside(below.spec, self.reaction)
        except InputError:
            raise
        except Exception:  # whatever a calculator raises that has answered before
            return
        answered = Evaluated.joined([below.evaluated, cheap.evaluated])
        of = self.reaction, self.surrogate.coordinates, cheap, answered
        self.surrogate.believe(learned_from(*of, self.saddle))
        if self.surrogate.contradicted:
            self.surrogate.disbelieve()

    def at(self, oracle, x: np.ndarray) -> tuple[float, np.ndarray]:
        """Energy and gradient at (N, 3), as search or refinement have paid for them already."""
        if (known := self.evaluated) is not None:
            same = np.flatnonzero((known.positions == x).all(axis=(1, 2)))
            if len(same):
                return float(known.energies[same[-1]]), known.gradients[same[-1]]
        return evaluate(oracle, x)

    def hessian(self, oracle, x, ends) -> tuple[np.ndarray, Scale]:
        """Return the surrogate's Hessian at (N, 3), and its units."""
        length = length_scale(x, ends)
        matrix = self.surrogate.surface.model_hessian(x)
        scale = surface_scale(matrix, length)
        if scale != ORDINARY:
            raise Doubt("the surface has a scale of its own")
        return matrix, scale

    def stationary_point(self, oracle, x, energy, gradient, matrix, scale) -> Stationary:
        """Settle at the saddle beside x (N, 3), and tell whether its index is one."""
        start, before = x, oracle.evaluations
        for _ in range(ROUNDS):
            pairs = lowest_pairs(oracle, x, gradient, matrix, 1, self.tangent)
            if pairs.least_index > 1:
                break
            known = energy, remove_rigid_motion(gradient, x, oracle.invariances)
            at, energy, gradient, matrix = settled(oracle, x, pairs.matrix, known)
            moved = np.linalg.norm(at - x, axis=1).max()
            x = at
            if moved <= SETTLED:
                break
        else:
            raise Doubt("the saddle does not settle")
        self.surrogate.learn(x[None], np.array([energy]), gradient[None])
        found = self.evidence
        found.curvatures = tuple(pairs.curvatures.tolist())
        found.residuals = tuple(pairs.residuals.tolist())
        found.errors = tuple(pairs.errors.tolist())
        try:
            index, doubtful = self._index(oracle, x, energy, pairs)
        finally:
            found.index += oracle.evaluations - before
        if np.linalg.norm(x - start, axis=1).max() > FAR:
            raise Doubt("the saddle settles far away")
        return Stationary(
            x,
            energy,
            gradient,
            pairs.matrix,
            pairs.curvatures,
            pairs.errors,
            pairs.modes,
            index,
            doubtful,
            complete=False,
        )

    def _index(self, oracle, x, energy, pairs: LowestPairs) -> tuple[int, bool]:
        """Return the saddle's index, and whether the energy along a mode had to tell."""
        if pairs.least_index > 1:
            return pairs.least_index, False
        if pairs.is_certain(1):
            return 1, False
        if not pairs.is_resolved(1) or pairs.errors[1] > UNCLEAR:
            raise Doubt("the lowest curvatures do not come out")
        if energy_falls(oracle, x, energy, pairs.matrix, pairs.modes[1]):
            raise Doubt("the energy seems to fall along a second mode")
        return 1, True

    def branches(self, oracle, numbers, point: Stationary, way, scale) -> tuple[Branch, Branch]:
        """Walk both sides of the reaction coordinate on the surrogate."""
        self.height = point.energy
        starts = [point.position + s * first_step(point.hessian, way) for s in (1, -1)]
        forth, back = (self._side(start) for start in starts)
        return forth, back

    def _side(self, start: np.ndarray) -> Branch:
        track = [start]
        masses, surrogate = atomic_masses[self.reaction.numbers], self.surrogate
        length, bottoms = FIRST, []
        for _ in range(LOOKS):
            if self.evidence.walk >= MOST:
                break
            ahead, _ = descend(
                surrogate.surface,
                masses,
                track[-1],
                step=STEP,
                first=length,
                near=GENTLE_FMAX / 2,
                left=0.0,
                shortest=SHORTEST,
                steps=LOOK,
            )
            if self._asked_below(ahead):
                continue
            length = 2 * FIRST
            sure, doubtful = self._looked_at(ahead)
            track.extend(ahead[1 : sure + 1])
            if doubtful is not None:
                self._ask(ahead[doubtful])
            elif len(ahead) <= LOOK and (side := self._arrived(track, bottoms)) is not None:
                return side
        raise Doubt("the walk on the surrogate does not end")

    def _asked_below(self, ahead: np.ndarray) -> bool:
        """Ask the cheaper level where its surrogate is least sure; False if it is everywhere."""
        prior = self.surrogate.prior
        unsure = prior.deviation(ahead.reshape(len(ahead), -1))
        most = int(np.argmax(unsure))
        return unsure[most] > SURE_BELOW and self.surrogate.consult(ahead[most]) > 0

    def _looked_at(self, ahead: np.ndarray) -> tuple[int, int | None]:
        """Return the last point that is sure, and which one to ask; None if all are.

        Deviations are dear, and smooth along the way: at the top and on flat ridges they are
        computed at all points, elsewhere at every `EACH`-th, whose neighbours follow it.
        """
        decides, bounds = self._bounds(ahead)
        each = np.arange(len(ahead)) % EACH == 0
        each[0], each[-1] = False, True
        looked = np.flatnonzero(decides | each)
        x, bounds = ahead[looked], bounds[looked]
        energy, forces = self.surrogate.deviations(x.reshape(len(x), -1))
        if self.surrogate.believes:
            energy, forces = OF_PRIOR * energy, OF_PRIOR * forces
        force = np.linalg.norm(forces.reshape(x.shape), axis=2).max(axis=1)
        doubt = np.maximum(energy / SURE_ENERGY, force / bounds)
        far = np.array([self.surrogate.away(one) > NEAR for one in x])
        bad = np.flatnonzero((doubt > 1) & far)
        sure = int(bad[0]) if len(bad) else len(x)
        if sure:
            found = self.evidence
            found.energy_deviation = max(found.energy_deviation, float(energy[:sure].max()))
            found.force_deviation = max(found.force_deviation, float(force[:sure].max()))
        last = int(looked[sure - 1]) if sure else 0
        if not len(bad):
            return last, None
        ask = int(bad[0])
        while ask + 1 < len(x) and doubt[ask] <= doubt[ask + 1] <= BEYOND:
            ask += 1
        return last, int(looked[ask])

    def _bounds(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Say which of points (K, N, 3) decide the way, and up to which deviation they are sure.

        (K,) bools, and (K,), eV/angstrom, of the force on an atom.
        """
        heights, gradients = self.surrogate.surface(x)
        slopes = np.linalg.norm(gradients, axis=2).max(axis=1)
        share = SURE_OF_SLOPE / (2 if self.evidence.curvatures[0] > -GENTLE_SADDLE else 1)
        bounds = np.clip(share * slopes, FLAT, SURE_FORCE)
        decides = heights > self.height - TOP
        for k in np.flatnonzero(~decides & (bounds < SURE_FORCE)):
            decides[k] = self._on_a_ridge(x[k])
        return decides, np.where(decides, bounds, SURE_FORCE)

    def _on_a_ridge(self, x: np.ndarray) -> bool:
        """Whether a molecule's surrogate bends downwards across the way at (N, 3)."""
        if not self.surrogate.molecular:
            return False
        _, gradient, matrix = self.surrogate.surface.expansion(x)
        along = gradient.ravel() / max(np.linalg.norm(gradient), 1e-9)
        fixed = np.vstack([rigid_motions(x, self.oracle.invariances), along])
        return bool(np.linalg.eigvalsh(projected(matrix, fixed))[0] < RIDGE)

    def _ask(self, x: np.ndarray) -> None:
        _, _, surprise = self.surrogate.observe(x)
        self.evidence.walk += 1
        self.evidence.surprise = max(self.evidence.surprise, surprise)

    def _arrived(self, track: list[np.ndarray], bottoms: list[Branch]) -> Branch | None:
        """Return the side that ends here; None where the way goes on.

        `bottoms` are the sides up to the earlier bottoms. The first that is loosely at rest is the
        end if its curvatures are positive, and if the way from there leads to no given end, which
        needs no proof. If not, the next that is at rest is.
        """
        surrogate, bottom = self.surrogate, track[-1]
        for end, energy, gradient in zip(
            self.reaction.ends, self.reaction.energies, self.reaction.gradients, strict=True
        ):
            known, _ = surrogate(bottom.reshape(1, -1))
            near = rmsd(bottom, end, self.oracle.invariances) < SAME_MINIMUM[0]
            if near and abs(float(known[0]) - energy) < SAME_MINIMUM[1]:
                return self._branch([*track, align(end, bottom)], energy, gradient, True)
        if surrogate.consult(bottom) > self.rest:
            return None
        if bottoms and bottoms[-1].converged and self._bends_upwards(bottoms[-1]):
            return bottoms[-1]
        rest = GENTLE_FMAX if any(one.converged for one in bottoms) else self.rest
        before = self.oracle.evaluations
        energy, gradient, _ = surrogate.observe(bottom)
        end = Minimum(bottom, energy, float(np.linalg.norm(gradient, axis=1).max()), True)
        if end.fmax > rest and len(bottoms) >= BOTTOMS:
            end = self._relaxed(bottom, GENTLE_FMAX, ORDINARY)
            gradient = end.gradient
        self.evidence.ends += self.oracle.evaluations - before
        at_rest = end.converged and end.fmax <= rest
        bottoms.append(self._branch([*track, end.positions], end.energy, gradient, at_rest))
        return bottoms[-1] if end.fmax <= GENTLE_FMAX or len(bottoms) > BOTTOMS else None

    def _bends_upwards(self, side: Branch) -> bool:
        """Whether the end of a side, loosely at rest, is seen to be a minimum."""
        if self._softest(softest_curvature, side.end, side.gradient).sign <= 0:
            return False
        self.proven.append(side.end)
        return True

    def _softest(self, ask: Callable, x: np.ndarray, gradient: np.ndarray) -> Softest:
        model = self.surrogate.surface.model_hessian(x)
        return self._booked(partial(ask, self.oracle, x, model, gradient))

    def _branch(self, track, energy: float, gradient, converged: bool) -> Branch:
        track = np.array(track)
        energies, _ = self.surrogate(track.reshape(len(track), -1))
        return Branch(track, np.append(energies[:-1], energy), gradient, converged)

    def _relaxed(self, x: np.ndarray, fmax: float, scale: Scale) -> Minimum:
        """Relax with the surrogate's Hessian to start from, bent upwards."""
        model = bent_upwards(self.surrogate.surface.hessian(x), FLOOR)
        numbers, steps = self.reaction.numbers, TIGHT_STEPS
        return relax(
            self.oracle, numbers, x, fmax, steps, model=model, longest=GENTLE_STEP, scale=scale
        )

    def is_minimum(self, oracle, x: np.ndarray, gradient: np.ndarray) -> bool:
        """Whether a stationary point (N, 3) is a minimum."""
        if any(np.array_equal(x, known) for known in self.proven):
            return True
        sign = self._softest(softest_decided, x, gradient).sign
        if not sign:
            return self._booked(lambda: IN_FULL.is_minimum(oracle, x, gradient))
        return sign > 0

    def minima_below(self, oracle, numbers, x) -> list[Minimum]:
        """Return the minima below a place that is none, relaxed and proven on the surrogate."""
        proven = proven_on(self.surrogate.surface)
        return self._booked(lambda: minima(oracle, numbers, x, proven=proven))

    def at_rest(self, end: End) -> End:
        """Relax the end of a step's saddle as the ends of a reaction are: it may become one."""
        if end.fmax <= GENTLE_FMAX:
            return end
        found = self._booked(partial(self._relaxed, end.position, GENTLE_FMAX, ORDINARY))
        return replace(end, position=found.positions, energy=found.energy, fmax=found.fmax)

    def _booked(self, work: Callable):
        before = self.oracle.evaluations
        try:
            return work()
        finally:
            self.evidence.ends += self.oracle.evaluations - before

    def tight(self, oracle, numbers, x: np.ndarray, scale: Scale = ORDINARY) -> Minimum:
        """Relax until soft modes are at rest."""
        return self._booked(lambda: self._relaxed(x, TIGHT, scale))


def _chosen(positions: np.ndarray, saddle: np.ndarray) -> np.ndarray:
    """Say which of (K, N, 3) geometries to learn: the nearest to the saddle, and the last."""
    away = np.linalg.norm(positions - saddle, axis=2).max(axis=1)
    nearest = np.argsort(away, kind="stable")[: POINTS // 2]
    last = np.arange(len(positions))[-(POINTS // 2) :]
    return np.union1d(nearest, last)
