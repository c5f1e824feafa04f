"""The refine and verify stages of one reaction: from a path's top to a judged saddle.

`refine` is the saddle optimisation and counts as cost; `verify` is everything that proves
the result, and the measurement of the finished path. A failure becomes a verdict. A staged proof
measures no path, unless it is left for the full one.
"""

import sys
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

import numpy as np

from ..errors import BudgetExhausted, InputError, SCFFailure, reported
from ..landscape.index import FMAX_ASIDE, sides
from ..landscape.tangency import PathQuality, path_quality
from ..oracle import Cheaper, Evaluated, Oracle, PotentialSpec
from ..path import Path, Peak
from ..reaction import Reaction
from ..registry import load
from .judge import FIRST_ORDER, FMAX, Judgement, judge
from .staged import Doubt, Evidence, Staged

SAME_ENERGY = 1e-3  # eV: two SCFs of one geometry that differ by more are two electronic states
NEAR = 0.01  # angstrom, each way along the path from its top
GOINGS_ON = 2  # from a saddle of higher order, or from one that is not at rest
KINK = -200.0  # eV/angstrom^2: hydrogens on the move have down to -120, crossings -290 and less


PROOFS = ("staged", "full")
TOLD = ("intended", "higher-order", "unconverged")  # verdicts that a staged proof may give
OF_ANY_STEP = (*FIRST_ORDER, *TOLD)  # the same where a saddle need not join reactant and product


@dataclass(frozen=True)
class Proof:
    """How a verdict was proven.

    Attributes
    ----------
    kind : "staged" or "full"
    doubt : why a staged proof was left for the full one; else ""
    evidence : what the staged proof rests on; of a full one after a doubt, how far that came
    """

    kind: str
    doubt: str = ""
    evidence: Evidence | None = None


@dataclass(frozen=True)
class Judged:
    """What the refine and verify stages add.

    The saddle's position is the refiner's, settled along its softest modes (`landscape.index`);
    its energy and forces are those of the verify stage, whose oracle has seen nothing that the
    method or the refiner did.
    """

    verdict: str
    reason: str
    saddle: Peak | None = None
    quality: PathQuality | None = None
    judgement: Judgement | None = None
    refine_evaluations: int = 0
    refine_wall: float = 0.0
    refine_oracle_seconds: float = 0.0
    verify_evaluations: int = 0
    verify_wall: float = 0.0
    prior_evaluations: int = 0
    prior_wall: float = 0.0
    proof: Proof = Proof("full")


def refine_and_judge(
    reaction: Reaction,
    path: Path,
    peak: Peak,
    refiner: str,
    potential: PotentialSpec,
    budget: int,
    seed: int,
    proof: str = "full",
    evaluated: Evaluated | None = None,
    below: Cheaper | None = None,
    believed: Collection[str] = TOLD,
) -> Judged:
    """Optimise the saddle from the path's highest point, then prove or refute it.

    Where the proof finds a saddle of higher order the refinement goes on, down its second mode
    to one of first order; where it finds a surface so soft that 0.01 eV/A is much, to smaller
    forces. What is reached is proven anew.

    Parameters
    ----------
    proof : "full", or "staged" (see `staged`), which becomes full where it leaves a doubt
    evaluated : what the search has paid for, for the surrogate of a staged proof
    below : its prior, a cheaper level, which a staged proof asks on
    believed : verdicts that a staged proof may give
    """
    refine = load("refiners", refiner)
    oracle = Oracle(potential.of(reaction), reaction, budget)
    verifier = Oracle(potential.of(reaction), reaction)

    def audit() -> None:
        oracle.audit(budget, verifier.evaluations + verifier.spent_on_prior[0])

    saddle, verdict, reason, refine_wall = _refined(
        lambda: refine(reaction, oracle, peak, seed), refine, refiner, audit
    )
    start, going_on = time.perf_counter(), 0.0
    prover = _Prover(reaction, path, verifier, proof, evaluated, below, believed)
    notes, judgement, left, beside = prover.notes, None, [], []
    if verdict:
        prover.measure()
    while not verdict:
        judgement, verdict, reason = prover.proven(saddle, oracle.evaluated, beside)
        further = _further(reaction, refine, oracle, saddle, judgement, seed)
        if further is None or len(left) == GOINGS_ON:
            break
        lower, failed, why, seconds = _refined(further, refine, refiner, audit)
        going_on += seconds
        if failed:
            notes.append(f"the refinement went on from there, but {why}")
            break
        left.append(judgement)
        if judgement.verdict == "higher-order":
            beside.extend(sides(judgement.point, 1, judgement.scale))
        saddle, verdict = lower, ""
    if left and judgement is not None:
        what = "a saddle of higher order" if beside else "a point not at rest on so soft a surface"
        rise = left[0].energy - judgement.energy
        notes.append(f"the refinement went on from {what}, {rise:.2g} eV above")
    if verdict != "intended":
        try:
            notes += crossing(peak, verifier)
        except Exception as error:
            notes.append(f"the slopes at the path's top were not measured: {reported(error)}")
    if judgement is not None:
        if saddle.energy is not None and abs(judgement.energy - saddle.energy) > SAME_ENERGY:
            notes.append(
                f"its energy is {judgement.energy - saddle.energy:+.3f} eV from the refiner's"
            )
        at = judgement if judgement.point is None else judgement.point
        saddle = Peak(
            saddle.position if judgement.point is None else judgement.point.position,
            at.energy,
            at.gradient,
            saddle.tangent,
            converged=judgement.verdict != "unconverged",
        )
    prior_evaluations, prior_wall = verifier.spent_on_prior
    return Judged(
        verdict=verdict,
        reason="; ".join(text for text in (reason, *notes) if text),
        saddle=saddle,
        quality=prover.quality,
        judgement=judgement,
        refine_evaluations=oracle.evaluations,
        refine_wall=refine_wall + going_on,
        refine_oracle_seconds=oracle.seconds,
        verify_evaluations=verifier.evaluations,
        verify_wall=time.perf_counter() - start - going_on - prior_wall,
        prior_evaluations=prior_evaluations,
        prior_wall=prior_wall,
        proof=prover.proof,
    )


def _refined(
    work: Callable[[], Peak], refine: Callable, refiner: str, audit: Callable[[], None]
) -> tuple[Peak | None, str, str, float]:
    """Return the saddle, the verdict and reason where there is none, and the seconds taken."""
    # A refiner may compile or import at first use; it says for how long, that is no cost.
    compiling = getattr(sys.modules[refine.__module__], "compilation_seconds", lambda: 0.0)
    start, compiled_before = time.perf_counter(), compiling()
    saddle, verdict, reason = None, "", ""
    try:
        saddle = work()
        if not saddle.converged:
            verdict, reason = "unconverged", f"refiner {refiner} stopped before 0.01 eV/A"
    except BudgetExhausted as error:
        verdict, reason = "budget", f"refinement ended at its budget: {error}"
    except SCFFailure as error:
        verdict, reason = error.verdict, f"refinement: {error}"
    except Exception as error:
        verdict, reason = "error", f"refinement: {reported(error)}"
    try:
        audit()
    except ValueError as error:
        verdict, reason = "error", f"refinement: {error}"
    return saddle, verdict, reason, time.perf_counter() - start - (compiling() - compiled_before)


class _Prover:
    """Proves the saddles of one path, staged as long as that leaves no doubt.

    Attributes
    ----------
    quality : of the path; None where it was not measured
    notes : what there is to say of that
    proof : of the last saddle
    """

    def __init__(self, reaction, path: Path, oracle: Oracle, proof, evaluated, below, believed):
        self.believed = believed
        self.reaction, self.path, self.oracle = reaction, path, oracle
        self.evaluated, self.below = evaluated, below
        self.quality, self.notes, self.proof = None, [], Proof(proof)
        if proof == "full":
            self.measure()

    def measure(self) -> None:
        """Measure the path, if it is one."""
        if not self.path.is_path:
            return
        try:
            self.quality = path_quality(self.path.positions, self.oracle)
        except SCFFailure as error:
            self.notes.append(f"the finished path has no energy everywhere: {error}")
        except Exception as error:
            self.notes.append(f"the finished path was not measured: {reported(error)}")

    def proven(self, saddle: Peak, refined: Evaluated | None, beside: list):
        """Return what is proven, the verdict and its reason."""
        try:
            judgement = self._staged(saddle, refined) if self.proof.kind == "staged" else None
            if judgement is None:
                judgement = judge(
                    self.reaction, self.oracle, saddle, self.quality, self.path, beside=beside
                )
            return judgement, judgement.verdict, judgement.reason
        except SCFFailure as error:
            return None, "scf-failure", f"verification: {error}"
        except Exception as error:
            return None, "error", f"verification: {reported(error)}"

    def _staged(self, saddle: Peak, refined: Evaluated | None) -> Judgement | None:
        means = Staged(
            self.reaction,
            self.oracle,
            Evaluated.joined([self.evaluated, refined]),
            saddle.position,
            saddle.tangent,
            self.below,
        )
        try:
            judgement = judge(self.reaction, self.oracle, saddle, means=means)
            told = judgement.verdict
            doubt = "" if told in self.believed else f"{told}, if not in full"
            if not doubt and told != "intended" and judgement.ends is not None:
                ends = tuple(means.at_rest(end) for end in judgement.ends)
                judgement = replace(judgement, ends=ends)
        except Doubt as error:
            doubt = str(error)
        except (SCFFailure, InputError):
            raise
        except Exception as error:  # a surrogate of hopeless data; the full proof needs none
            doubt = reported(error)
        self.proof = Proof("full" if doubt else "staged", doubt, means.evidence)
        if doubt:
            self.measure()
        return None if doubt else judgement


def _further(
    reaction, refine: Callable, oracle: Oracle, saddle: Peak, judgement: Judgement | None, seed: int
) -> Callable[[], Peak] | None:
    """Return how the refinement goes on from what was judged; None where it does not.

    That there is a second mode, and which, is the proof's finding, so that it costs nothing
    where there is none; every evaluation from there is the refinement's.
    """
    if judgement is None:
        return None
    scale = judgement.scale
    if judgement.verdict == "higher-order":

        def go_down() -> Peak:
            starts = sides(judgement.point, 1, scale)
            energies, gradients = oracle(starts)
            lower = int(np.argmin(energies))
            mode, fmax = judgement.point.modes[0], FMAX_ASIDE * min(1.0, scale.force)
            start = Peak(starts[lower], float(energies[lower]), gradients[lower], mode)
            return refine(reaction, oracle, start, seed, fmax=fmax)

        return go_down
    if judgement.verdict == "unconverged" and scale.force < 1.0:
        again = replace(saddle, energy=judgement.energy, gradient=judgement.gradient)
        return lambda: refine(reaction, oracle, again, seed, fmax=FMAX * scale.force)
    return None


def crossing(peak: Peak, oracle: Oracle) -> list[str]:
    """Say in a sentence if two electronic states cross at a path's top, where no saddle may be.

    There the slope along the path falls like at an edge, rounded on xTB by the electronic
    temperature only: the path may well be right, and optimisers of saddles slide off. What is
    sought then is a point of lowest energy on the seam (Bearpark, Robb, Schlegel, Chem. Phys.
    Lett. 223, 269 (1994), doi:10.1016/0009-2614(94)00433-1). Costs two evaluations.
    """
    if peak.tangent is None:
        return []
    tangent = peak.tangent / np.linalg.norm(peak.tangent)
    _, gradients = oracle(peak.position + NEAR * np.array([-1, 1])[:, None, None] * tangent)
    before, after = (gradients * tangent).sum(axis=(1, 2))
    if not (after - before) / (2 * NEAR) < KINK:
        return []
    return [
        f"the path's top is an edge, as where two electronic states cross: the slope along it "
        f"falls from {before:+.1f} to {after:+.1f} eV/A within {2 * NEAR:g} A"
    ]
