"""The judge against planted fakes, known surfaces, and confirmed transition states."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mepbench.frames import read_frames
from mepbench.irc import STEP
from mepbench.judge import judge
from mepbench.oracle import Oracle
from mepbench.path import Path, Peak
from mepbench.potentials import mueller_brown
from mepbench.potentials.xtb_python import load
from mepbench.reaction import Reaction
from mepbench.relax import relax
from mepbench.tangency import path_quality

KNOWN = mueller_brown.KNOWN[0]

# Reactions of the zimmerman_xtb set, and what independent checks find for the given geometry.
CONFIRMED = ["27_zm_xtb", "28_zm_xtb", "32_zm_xtb", "33_zm_xtb", "59_zm_xtb", "61_zm_xtb"]
REFUTED = {
    "07_zm_xtb": ("other", "bonds differ"),
    "14_zm_xtb": ("other", "permuted"),
    "60_zm_xtb": ("half-intended", "leads to the product only"),
}


def surface():
    return Oracle(mueller_brown.load(np.array([1]), 0, 1))


def given(folder, name):
    """Return the reaction with relaxed ends, its given saddle, and an oracle."""
    frames = {
        role: read_frames(folder / "zimmerman_xtb" / name / f"{role}.xyz")[0]
        for role in ("reactant", "product", "ts")
    }
    numbers = frames["ts"].numbers
    oracle = Oracle(load(numbers, 0, 1))
    ends = [relax(oracle, numbers, frames[role].positions) for role in ("reactant", "product")]
    reaction = Reaction(
        name,
        numbers,
        *(end.positions for end in ends),
        energies=np.array([end.energy for end in ends]),
    )
    return reaction, Peak(frames["ts"].positions), oracle


def inversion():
    """Ammonia's umbrella: its ends, mirror images, are kept apart by their distance alone."""
    numbers = np.array([7, 1, 1, 1])
    oracle = Oracle(load(numbers, 0, 1))
    flat = np.array([[0, 0, 0], [1, 0, 0], [-0.5, 0.8660254, 0], [-0.5, -0.8660254, 0]])
    up = relax(oracle, numbers, flat + np.array([[0, 0, 0.3], *[[0, 0, -0.1]] * 3]))
    down = up.positions * [1, 1, -1]
    return Reaction("umbrella", numbers, up.positions, down), oracle, flat


def test_the_saddle_of_mueller_brown_is_intended_with_its_irc_in_order():
    oracle = surface()
    judgement = judge(KNOWN.reaction, oracle, Peak(KNOWN.saddle))
    assert judgement.verdict == "intended"
    assert np.abs(judgement.irc[0] - KNOWN.reaction.reactant).max() < 0.01
    assert np.abs(judgement.irc[-1] - KNOWN.reaction.product).max() < 0.01
    assert judgement.irc_energies.max() == judgement.energy
    assert np.abs(judgement.end_gaps).max() < 1e-3
    assert (judgement.mode * (KNOWN.reaction.product - KNOWN.saddle)).sum() > 0
    assert judgement.imaginary_frequency_cm > 0


def test_swapping_the_ends_turns_the_irc_and_the_mode_round():
    r = KNOWN.reaction
    swapped = replace(r, reactant=r.product, product=r.reactant, energies=r.energies[::-1].copy())
    there = judge(r, surface(), Peak(KNOWN.saddle))
    back = judge(swapped, surface(), Peak(KNOWN.saddle))
    assert back.verdict == "intended"
    assert np.allclose(there.irc, back.irc[::-1])
    assert np.allclose(there.mode, -back.mode)


def test_a_minimum_is_a_minimum():
    judgement = judge(KNOWN.reaction, surface(), Peak(KNOWN.reaction.product))
    assert judgement.verdict == "minimum"
    assert np.isnan(judgement.imaginary_frequency_cm)


def test_a_geometry_with_forces_is_unconverged_and_costs_one_evaluation():
    oracle = surface()
    judgement = judge(KNOWN.reaction, oracle, Peak(KNOWN.saddle + 0.02, converged=True))
    assert judgement.verdict == "unconverged"
    assert oracle.evaluations == 1
    assert "eV/A" in judgement.reason


def test_the_top_of_a_double_double_well_is_of_higher_order():
    class Egg:
        """V = (x^2 - 1)^2 + (y^2 - 1)^2: the origin has two negative modes."""

        invariances = ()
        backend = "test"

        def evaluate(self, positions):
            q = positions[:, 0] * [1, 1, 0]
            z = positions[:, 0, 2]
            energies = ((q[:, :2] ** 2 - 1) ** 2).sum(1) + z**2
            gradients = 4 * q * (q**2 - 1)
            gradients[:, 2] = 2 * z
            return energies, gradients[:, None]

    ends = np.array([[[-1.0, -1, 0]], [[1.0, 1, 0]]])
    reaction = Reaction("diagonal", np.array([1]), *ends)
    assert judge(reaction, Oracle(Egg()), Peak(np.zeros((1, 3)))).verdict == "higher-order"
    # One of its true saddles, (-1, 0), joins the reactant to a well that is not the product.
    judgement = judge(reaction, Oracle(Egg()), Peak(np.array([[-1.0, 0, 0]])))
    assert judgement.verdict == "half-intended"
    # The same saddle is a step of a path that visits that well.
    corner = np.array([[-1.0, 1, 0]])
    line = np.linspace(0, 1, 11)[:, None, None]
    path = Path(
        np.concatenate(
            [(1 - line) * ends[0] + line * corner, (corner + line * (ends[1] - corner))[1:]]
        )
    )
    quality = path_quality(path.positions, Oracle(Egg()))
    judgement = judge(reaction, Oracle(Egg()), Peak(np.array([[-1.0, 0, 0]])), quality, path)
    assert judgement.verdict == "multistep"
    assert "reactant and intermediate" in judgement.reason


def test_the_saddle_of_another_reaction_is_not_intended():
    other = mueller_brown.WHOLE
    judgement = judge(other, surface(), Peak(KNOWN.saddle))
    assert judgement.verdict == "half-intended"
    assert "reactant only" in judgement.reason


def test_ammonia_inverts_through_its_planar_saddle():
    reaction, oracle, flat = inversion()
    planar = relax(oracle, reaction.numbers, flat)
    judgement = judge(reaction, oracle, Peak(planar.positions))
    assert judgement.verdict == "intended", judgement.reason
    assert 500 < judgement.imaginary_frequency_cm < 1500


def test_linear_water_is_of_higher_order():
    numbers = np.array([8, 1, 1])
    oracle = Oracle(load(numbers, 0, 1))
    linear = relax(oracle, numbers, np.array([[0.0, 0, 0], [0, 0, 0.95], [0, 0, -0.95]]))
    reaction = Reaction("through linear water", numbers, linear.positions, linear.positions)
    judgement = judge(reaction, oracle, Peak(linear.positions))
    assert judgement.verdict == "higher-order"
    assert judgement.eigenvalues[0] == pytest.approx(judgement.eigenvalues[1], abs=0.01)


@pytest.mark.parametrize("name", CONFIRMED)
def test_confirmed_transition_states_are_intended(development_reactions, name):
    judgement = judge(*_arguments(*given(development_reactions, name)))
    assert judgement.verdict == "intended", judgement.reason


@pytest.mark.parametrize("name", sorted(REFUTED))
def test_refuted_transition_states_are_refused_with_the_reason(development_reactions, name):
    judgement = judge(*_arguments(*given(development_reactions, name)))
    verdict, reason = REFUTED[name]
    assert judgement.verdict == verdict
    assert reason in judgement.reason
    assert "\n" not in judgement.reason


@pytest.mark.parametrize("name", ["27_zm_xtb", "60_zm_xtb"])
def test_verdicts_do_not_depend_on_the_step_of_the_irc(development_reactions, name):
    reaction, peak, oracle = given(development_reactions, name)
    verdicts = {
        judge(reaction, oracle, peak, step=step).verdict for step in (STEP, STEP / 2, STEP / 4)
    }
    assert len(verdicts) == 1


@pytest.mark.parametrize("name", ["32_zm_xtb", "60_zm_xtb"])
def test_verdicts_do_not_depend_on_where_the_molecule_lies(development_reactions, name):
    reaction, peak, oracle = given(development_reactions, name)
    here = judge(reaction, oracle, peak)
    turn = Rotation.from_euler("xyz", [0.4, -1.1, 2.0]).as_matrix()
    there = judge(reaction, oracle, Peak(peak.position @ turn + [1.0, -2.0, 3.0]))
    assert there.verdict == here.verdict
    assert there.imaginary_frequency_cm == pytest.approx(here.imaginary_frequency_cm, abs=2)


def test_a_saddle_is_judged_in_seconds(development_reactions):
    reaction, peak, oracle = given(development_reactions, "34_zm_xtb")
    assert reaction.natoms == 13
    before = oracle.seconds
    oracle.evaluations = 0
    assert judge(reaction, oracle, peak).verdict == "intended"
    assert oracle.evaluations < 500
    assert oracle.seconds - before < 5


def _arguments(reaction, peak, oracle):
    return reaction, oracle, peak
