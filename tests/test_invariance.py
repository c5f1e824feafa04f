"""A verdict and its numbers belong to the reaction: not to where it lies, how its atoms are
numbered, or which program computed the energy.
"""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from known import TBLITE, XTB, over, shipped
from scipy.spatial.transform import Rotation

from mepbench.judging.judge import judge
from mepbench.landscape.tangency import path_quality
from mepbench.oracle import Oracle
from mepbench.path import Path, Peak
from mepbench.reaction import Reaction

SEEDS = st.integers(0, 2**32 - 1)
FEW = settings(max_examples=3, deadline=None, derandomize=True)


def everything(reaction: Reaction, saddle, frames, potential=XTB) -> dict:
    """Return all that the verify stage says, signs and directions aside."""
    oracle = Oracle(potential.of(reaction), reaction)
    path = Path(frames)
    quality = path_quality(frames, oracle)
    judgement = judge(reaction, oracle, Peak(saddle), quality, path)
    return {
        "verdict": judgement.verdict,
        "match": judgement.end_match,
        "barrier": judgement.energy - reaction.energies[0],
        "eigenvalues": judgement.eigenvalues,
        "frequency": judgement.imaginary_frequency_cm,
        "gaps": judgement.end_gaps,
        "path": [quality.tangency_defect, quality.excess, quality.maximum - reaction.energies[0]],
    }


def assert_same(a: dict, b: dict, stiffness=5e-3):
    assert (a["verdict"], a["match"]) == (b["verdict"], b["match"])
    assert a["barrier"] == pytest.approx(b["barrier"], abs=1e-5)
    assert a["eigenvalues"] == pytest.approx(b["eigenvalues"], rel=1e-3, abs=stiffness)
    assert a["frequency"] == pytest.approx(b["frequency"], rel=1e-3)
    assert a["gaps"] == pytest.approx(b["gaps"], abs=2e-3)
    assert a["path"] == pytest.approx(b["path"], rel=0.01, abs=1e-3)


def moved(reaction: Reaction, turn, shift) -> Reaction:
    return replace(
        reaction,
        reactant=reaction.reactant @ turn + shift,
        product=reaction.product @ turn + shift,
        gradients=reaction.gradients @ turn,
    )


def renumbered(reaction: Reaction, p) -> Reaction:
    return replace(
        reaction,
        numbers=reaction.numbers[p],
        reactant=reaction.reactant[p],
        product=reaction.product[p],
        gradients=reaction.gradients[:, p],
    )


def planted(name: str):
    """Return a reaction, a geometry to judge, and a path."""
    reaction, saddle = shipped(name)
    frames = over(reaction, saddle)
    if name == "hydroxymethylene-formaldehyde":  # the saddle of another reaction
        saddle = shipped("formaldehyde-dissociation")[1]
    return reaction, saddle, frames


NAMES = ["formamide-tautomerism", "hydroxymethylene-formaldehyde", "ammonia-inversion"]
VERDICTS = dict(zip(NAMES, ["intended", "half-intended", "intended"], strict=True))


@pytest.mark.parametrize("name", NAMES)
@given(seed=SEEDS)
@FEW
def test_turning_and_shifting_everything_changes_nothing(name, seed):
    reaction, saddle, frames = planted(name)
    here = everything(reaction, saddle, frames)
    assert here["verdict"] == VERDICTS[name]
    rng = np.random.default_rng(seed)
    turn, shift = Rotation.random(random_state=rng).as_matrix(), rng.normal(scale=5, size=3)
    assert_same(
        here, everything(moved(reaction, turn, shift), saddle @ turn, frames @ turn + shift)
    )


@pytest.mark.parametrize("name", NAMES)
@given(seed=SEEDS)
@FEW
def test_renumbering_ends_saddle_and_path_alike_changes_nothing(name, seed):
    reaction, saddle, frames = planted(name)
    p = np.random.default_rng(seed).permutation(reaction.natoms)
    here = everything(reaction, saddle, frames)
    assert_same(here, everything(renumbered(reaction, p), saddle[p], frames[:, p]))


@given(seed=SEEDS)
@FEW
def test_where_the_saddle_lies_with_respect_to_the_ends_does_not_matter(seed):
    reaction, saddle, frames = planted("vinyl-alcohol-acetaldehyde")
    rng = np.random.default_rng(seed)
    turn = Rotation.random(random_state=rng).as_matrix()
    other = saddle @ turn + rng.normal(scale=5, size=3)
    assert_same(everything(reaction, saddle, frames), everything(reaction, other, frames))


def test_a_mirror_image_of_everything_changes_nothing():
    reaction, saddle, frames = planted("propenol-acetone")
    mirrored = replace(
        reaction,
        reactant=-reaction.reactant,
        product=-reaction.product,
        gradients=-reaction.gradients,
    )
    assert_same(everything(reaction, saddle, frames), everything(mirrored, -saddle, -frames))


@pytest.mark.parametrize("name", ["formamide-tautomerism", "sn2-chloride-bromomethane"])
def test_both_xtb_backends_come_to_one_verdict_and_the_same_numbers(name):
    reaction, saddle, frames = planted(name)
    ends = Oracle(TBLITE.of(reaction))(reaction.ends)
    by_tblite = replace(reaction, energies=ends[0], gradients=ends[1])
    assert_same(everything(reaction, saddle, frames), everything(by_tblite, saddle, frames, TBLITE))
