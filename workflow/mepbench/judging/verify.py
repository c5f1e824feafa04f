"""The refine and verify stages of one reaction: from a path's top to a judged saddle.

`refine` is the saddle optimisation and counts as cost; `verify` is everything that proves
the result, and the measurement of the finished path. A failure becomes a verdict.
"""

import sys
import time
from dataclasses import dataclass

import numpy as np

from ..errors import BudgetExhausted, SCFFailure, reported
from ..landscape.tangency import PathQuality, path_quality
from ..oracle import Oracle, PotentialSpec
from ..path import Path, Peak
from ..reaction import Reaction
from ..registry import load
from .judge import Judgement, judge

SAME_ENERGY = 1e-3  # eV: two SCFs of one geometry that differ by more are two electronic states
NEAR = 0.01  # angstrom, each way along the path from its top
KINK = -200.0  # eV/angstrom^2: hydrogens on the move have down to -120, crossings -290 and less


@dataclass(frozen=True)
class Judged:
    """What the refine and verify stages add.

    The saddle's position is the refiner's; its energy and forces are those of the verify
    stage, whose oracle has seen nothing that the method or the refiner did.
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


def refine_and_judge(
    reaction: Reaction,
    path: Path,
    peak: Peak,
    refiner: str,
    potential: PotentialSpec,
    budget: int,
    seed: int,
) -> Judged:
    """Optimise the saddle from the path's highest point, then prove or refute it."""
    refine = load("refiners", refiner)
    # A refiner may compile or import at first use; it says for how long, that is no cost.
    compiling = getattr(sys.modules[refine.__module__], "compilation_seconds", lambda: 0.0)
    compiled_before = compiling()
    oracle = Oracle(potential.of(reaction), reaction, budget)
    saddle, verdict, reason = None, "", ""
    start = time.perf_counter()
    try:
        saddle = refine(reaction, oracle, peak, seed)
        if not saddle.converged:
            verdict, reason = "unconverged", f"refiner {refiner} stopped before 0.01 eV/A"
    except BudgetExhausted as error:
        verdict, reason = "budget", f"refinement ended at its budget: {error}"
    except SCFFailure as error:
        verdict, reason = error.verdict, f"refinement: {error}"
    except Exception as error:
        verdict, reason = "error", f"refinement: {reported(error)}"
    try:
        oracle.audit(budget)
    except ValueError as error:
        verdict, reason = "error", f"refinement: {error}"
    refine_wall = time.perf_counter() - start - (compiling() - compiled_before)

    verifier = Oracle(potential.of(reaction), reaction)
    quality, judgement, notes = None, None, []
    start = time.perf_counter()
    if path.is_path:
        try:
            quality = path_quality(path.positions, verifier)
        except SCFFailure as error:
            notes.append(f"the finished path has no energy everywhere: {error}")
        except Exception as error:
            notes.append(f"the finished path was not measured: {reported(error)}")
    if not verdict:
        try:
            judgement = judge(reaction, verifier, saddle, quality, path)
            verdict, reason = judgement.verdict, judgement.reason
        except SCFFailure as error:
            verdict, reason = "scf-failure", f"verification: {error}"
        except Exception as error:
            verdict, reason = "error", f"verification: {reported(error)}"
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
        saddle = Peak(
            saddle.position,
            judgement.energy,
            judgement.gradient,
            saddle.tangent,
            converged=judgement.verdict != "unconverged",
        )
    return Judged(
        verdict=verdict,
        reason="; ".join(text for text in (reason, *notes) if text),
        saddle=saddle,
        quality=quality,
        judgement=judgement,
        refine_evaluations=oracle.evaluations,
        refine_wall=refine_wall,
        refine_oracle_seconds=oracle.seconds,
        verify_evaluations=verifier.evaluations,
        verify_wall=time.perf_counter() - start,
    )


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
