"""Refiners on surfaces with known saddles and on molecules, and how they stop."""

import numpy as np
import pytest
from known import XTB, shipped

from mepbench.errors import BudgetExhausted
from mepbench.files.frames import read_frames
from mepbench.landscape.hessian import hessian, lowest_modes
from mepbench.landscape.steps import bofill_update
from mepbench.oracle import Oracle
from mepbench.path import Peak
from mepbench.potentials import mueller_brown
from mepbench.potentials.xtb_python import load as xtb
from mepbench.reaction import Reaction
from mepbench.refiners import prfo, sella
from mepbench.registry import available, load

KNOWN = mueller_brown.KNOWN[0]
REFINERS = [load("refiners", name) for name in available("refiners")]


def hcn():
    """HCN to HNC, with a guess of its saddle and of the mode."""
    numbers = np.array([6, 7, 1])
    linear = np.array([[0, 0, 0], [0, 0, 1.15], [0, 0, -1.07]])
    bent = np.array([[0, 0, 0], [0, 0, 1.18], [1.15, 0, 0.45]])
    tangent = np.zeros((3, 3))
    tangent[2] = [0, 0, 1]
    return Reaction("hcn", numbers, linear, linear[::-1]), Peak(bent, tangent=tangent)


def surface(budget=None):
    return Oracle(mueller_brown.load(None, 0, 1), budget=budget)


@pytest.mark.parametrize("refine", REFINERS)
def test_finds_the_known_saddle_of_mueller_brown(refine):
    rough = Peak(KNOWN.saddle + np.array([[0.1, 0.08, 0.0]]))
    oracle = surface()
    saddle = refine(KNOWN.reaction, oracle, rough, 0)
    assert saddle.converged
    assert np.abs(saddle.position - KNOWN.saddle).max() < 1e-3
    assert oracle.evaluations < 40


@pytest.mark.parametrize("refine", REFINERS)
def test_finds_the_saddle_of_hcn_isomerisation(refine):
    reaction, rough = hcn()
    oracle = Oracle(xtb(reaction.numbers, 0, 1))
    saddle = refine(reaction, oracle, rough, 0)
    assert saddle.converged
    assert np.linalg.norm(saddle.gradient, axis=1).max() <= 0.01
    values = np.linalg.eigvalsh(hessian(oracle, saddle.position))
    assert (values < -0.05).sum() == 1
    energies, _ = oracle(saddle.position[None])
    assert saddle.energy == pytest.approx(energies[0], abs=1e-5)


@pytest.mark.parametrize("refine", REFINERS)
def test_a_converged_peak_costs_nothing(refine):
    reaction, rough = hcn()
    saddle = refine(reaction, Oracle(xtb(reaction.numbers, 0, 1)), rough, 0)
    oracle = Oracle(xtb(reaction.numbers, 0, 1), budget=0)
    again = refine(reaction, oracle, saddle, 0)
    assert again.converged
    assert oracle.evaluations == 0
    assert np.array_equal(again.position, saddle.position)


@pytest.mark.parametrize("refine", REFINERS)
def test_out_of_budget_leaves_the_last_geometry_behind(refine):
    reaction, rough = hcn()
    oracle = Oracle(xtb(reaction.numbers, 0, 1), budget=20 if refine is prfo.refine else 6)
    with pytest.raises(BudgetExhausted):
        refine(reaction, oracle, rough, 0, fmax=1e-9)
    assert oracle.evaluations <= oracle.budget
    assert oracle.path.positions.shape == (1, 3, 3)


@pytest.mark.parametrize("refine", REFINERS)
def test_the_same_seed_gives_the_same_saddle_and_leaves_the_global_state_alone(refine):
    reaction, rough = hcn()
    np.random.seed(5)  # noqa: NPY002
    expected = np.random.get_state()[1].copy()  # noqa: NPY002
    found = [refine(reaction, Oracle(xtb(reaction.numbers, 0, 1)), rough, 7) for _ in range(2)]
    assert np.array_equal(found[0].position, found[1].position)
    assert np.array_equal(np.random.get_state()[1], expected)  # noqa: NPY002


def test_sella_is_silent(capsys):
    reaction, rough = hcn()
    sella.refine(reaction, Oracle(xtb(reaction.numbers, 0, 1)), rough, 0)
    assert capsys.readouterr() == ("", "")


def test_sella_books_its_compilation_apart():
    reaction, rough = hcn()
    sella.refine(reaction, Oracle(xtb(reaction.numbers, 0, 1)), rough, 0)
    before = sella.compilation_seconds()
    assert before > 0
    sella.refine(reaction, Oracle(xtb(reaction.numbers, 0, 1)), rough, 0)
    assert sella.compilation_seconds() - before < 0.5 * before


@pytest.mark.parametrize("name", ["27_zm_xtb", "34_zm_xtb"])
def test_sella_returns_to_a_displaced_transition_state(development_reactions, name):
    atoms = read_frames(development_reactions / "zimmerman_xtb" / name / "ts.xyz")[0]
    oracle = Oracle(xtb(atoms.numbers, 0, 1), budget=200)
    reaction = Reaction(name, atoms.numbers, atoms.positions, atoms.positions)
    noise = np.random.default_rng(0).normal(scale=0.03, size=atoms.positions.shape)
    saddle = sella.refine(reaction, oracle, Peak(atoms.positions + noise), 0)
    known = oracle(atoms.positions[None])[0][0]
    assert saddle.converged
    assert saddle.energy == pytest.approx(known, abs=2e-3)


def test_sella_gives_up_internal_coordinates_that_get_nowhere(development_reactions):
    # Formaldehyde to H2 + CO: planar, and stuck for hundreds of steps in internals.
    atoms = read_frames(development_reactions / "baker" / "03_h2co" / "ts.xyz")[0]
    oracle = Oracle(xtb(atoms.numbers, 0, 1), budget=200)
    reaction = Reaction("03_h2co", atoms.numbers, atoms.positions, atoms.positions)
    assert sella.refine(reaction, oracle, Peak(atoms.positions), 0).converged


@pytest.mark.parametrize(
    ("at_end", "curvature", "mode", "again"),
    [
        (False, -0.02, "stiff", True),
        (False, -0.02, "negative", False),
        (True, -2, "negative", True),
        (False, -2, "negative", False),
    ],
)
def test_sella_starts_again_where_internal_coordinates_led_to_a_minimum(
    monkeypatch, at_end, curvature, mode, again
):
    reaction, saddle = shipped("hcn-isomerisation")
    oracle = Oracle(XTB.of(reaction))
    energies, gradients = oracle(np.array([reaction.product, saddle]))
    found = reaction.product if at_end else saddle + 0.1
    in_internals = Peak(found, energies[0 if at_end else 1], gradients[0], converged=True)
    modes = lowest_modes(hessian(oracle, saddle), saddle, oracle.invariances)[1]
    lowest = curvature, modes[0 if mode == "negative" else -1]
    in_cartesians = sella._optimise
    starts = []

    def optimise(reaction, oracle, start, fmax, steps, patience, **options):
        starts.append(start.position)
        if patience is not None:
            return in_internals, lowest, steps - 7
        assert steps == 500 - 7
        return in_cartesians(reaction, oracle, start, fmax, steps, patience, **options)

    monkeypatch.setattr(sella, "_optimise", optimise)
    rough = saddle + 0.02 * np.random.default_rng(0).standard_normal(saddle.shape)
    refined = sella.refine(reaction, oracle, Peak(rough), 0)
    assert all((start == rough).all() for start in starts)
    assert len(starts) == 1 + again
    if again:
        assert refined.energy == pytest.approx(energies[1], abs=1e-3)
    else:
        assert refined is in_internals


def test_sella_knows_the_curvature_where_it_ends():
    reaction, saddle = shipped("vinyl-alcohol-acetaldehyde")
    rough = saddle + 0.02 * np.random.default_rng(0).standard_normal(saddle.shape)
    oracle = Oracle(XTB.of(reaction))
    energies, gradients = oracle(rough[None])
    options = {"delta0": 0.1, "eta": 1e-3, "gamma": 0.4}
    start = Peak(rough, energies[0], gradients[0])
    for patience in (None, 40):
        end, lowest, _ = sella._optimise(reaction, oracle, start, 0.01, 500, patience, **options)
        matrix = hessian(oracle, end.position)
        true, _ = lowest_modes(matrix, end.position, oracle.invariances, count=1)
        assert end.converged
        curvature, mode = lowest
        assert curvature == pytest.approx(true[0], rel=0.2) if patience is None else curvature < 0
        assert mode.ravel() @ matrix @ mode.ravel() < 0


def test_bofill_update_satisfies_the_secant_condition_and_learns_a_quadratic():
    rng = np.random.default_rng(0)
    true = rng.normal(size=(5, 5))
    true = true + true.T
    guess = np.eye(5)
    for _ in range(60):
        step = rng.normal(size=5)
        guess = bofill_update(guess, step, true @ step)
        assert np.allclose(guess @ step, true @ step)
        assert np.allclose(guess, guess.T)
    assert np.abs(guess - true).max() < 1e-3
