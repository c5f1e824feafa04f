"""The judge against known surfaces: verdicts, numbers to a millionth, order of its IRC, speed."""

import time
from dataclasses import replace

import numpy as np
import pytest
from known import XTB, over, shipped
from scipy.optimize import root

from mepbench.judging.connection import VisitedMinima
from mepbench.judging.judge import judge
from mepbench.judging.measured import Measured
from mepbench.landscape.tangency import Well, path_quality
from mepbench.oracle import Oracle
from mepbench.path import Path, Peak
from mepbench.potentials import double_double_well, leps_ho, mueller_brown, ring_valley

KNOWN = mueller_brown.KNOWN[0]


def surface():
    return Oracle(mueller_brown.load(np.array([1]), 0, 1))


def mueller_brown_hessian(x, y):
    """Second derivatives of the formula in the paper."""
    m = mueller_brown
    dx, dy = x - m.X, y - m.Y
    terms = 0.01 * m.A * np.exp(m.a * dx**2 + m.b * dx * dy + m.c * dy**2)
    px, py = 2 * m.a * dx + m.b * dy, m.b * dx + 2 * m.c * dy
    xx, yy = (terms * (px**2 + 2 * m.a)).sum(), (terms * (py**2 + 2 * m.c)).sum()
    xy = (terms * (px * py + m.b)).sum()
    return np.array([[xx, xy], [xy, yy]])


def leps_hessian(x, y):
    """Fourth-order differences of the gradient."""
    g = lambda x, y: np.array(leps_ho.surface(x, y)[1:])  # noqa: E731
    h = 1e-3
    return np.array(
        [
            (8 * (g(*up) - g(*down)) - (g(*far_up) - g(*far_down))) / (12 * h)
            for up, down, far_up, far_down in (
                ((x + h, y), (x - h, y), (x + 2 * h, y), (x - 2 * h, y)),
                ((x, y + h), (x, y - h), (x, y + 2 * h), (x, y - 2 * h)),
            )
        ]
    )


HESSIANS = {
    mueller_brown: mueller_brown_hessian,
    leps_ho: leps_hessian,
    double_double_well: lambda x, y: np.diag([12 * x**2 - 4, 12 * y**2 - 4]),
    ring_valley: lambda x, y: np.array(
        [[60 * x**2 + 20 * y**2 - 20, 40 * x * y], [40 * x * y, 20 * x**2 + 60 * y**2 - 18.4]]
    ),
}


@pytest.mark.parametrize("module", HESSIANS, ids=lambda module: module.__name__.split(".")[-1])
def test_saddle_energies_and_eigenvalues_of_analytic_surfaces_are_right_to_a_millionth(module):
    known = module.KNOWN[0]
    potential = module.load(None, 0, 1)

    def gradient(xy):
        return potential.evaluate(np.array([[[*xy, 0.0]]]))[1][0, 0, :2]

    independent = root(gradient, known.saddle[0, :2] + 0.01, tol=1e-12).x
    assert known.saddle[0, :2] == pytest.approx(independent, abs=1e-6)
    judgement = judge(
        known.reaction, Oracle(potential), Peak(known.saddle), means=Measured(hessian_step=1e-4)
    )
    assert judgement.verdict == "intended"
    barrier = judgement.energy - known.reaction.energies[0]
    assert barrier == pytest.approx(known.barrier, abs=1e-6)
    expected = np.sort(np.append(np.linalg.eigvalsh(HESSIANS[module](*independent)), 10.0))
    assert judgement.eigenvalues == pytest.approx(expected, abs=1e-6)
    assert np.abs(judgement.end_gaps).max() < 1e-4  # ends are relaxed to 0.01 eV/angstrom


def test_mueller_browns_saddle_has_the_energy_of_the_literature():
    # -40.664843 in the units of the paper, as given by many to six digits.
    assert judge(KNOWN.reaction, surface(), Peak(KNOWN.saddle)).energy == pytest.approx(
        -0.40664843, abs=1e-7
    )


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
    assert np.allclose(there.end_gaps, back.end_gaps[::-1])


def test_a_minimum_is_a_minimum():
    judgement = judge(KNOWN.reaction, surface(), Peak(KNOWN.reaction.product))
    assert judgement.verdict == "minimum"
    assert np.isnan(judgement.imaginary_frequency_cm)


def test_the_saddle_of_another_reaction_is_not_intended():
    judgement = judge(mueller_brown.WHOLE, surface(), Peak(KNOWN.saddle))
    assert judgement.verdict == "half-intended"
    assert "reactant only" in judgement.reason


def test_ammonia_inverts_through_its_planar_saddle():
    # Its ends are mirror images, and the same bonds: distance alone keeps them apart.
    judgement = judge(*_parts("ammonia-inversion"))
    assert judgement.verdict == "intended", judgement.reason
    assert 500 < judgement.imaginary_frequency_cm < 1500


@pytest.mark.parametrize("name", ["hcn-isomerisation", "formamide-tautomerism"])
def test_half_and_a_quarter_of_the_ircs_step_change_no_verdict(name):
    from mepbench.landscape.descent import STEP

    judged = [
        judge(*_parts(name), means=Measured(step=step)) for step in (STEP, STEP / 2, STEP / 4)
    ]
    assert {judgement.verdict for judgement in judged} == {"intended"}
    for judgement in judged:
        assert np.abs(judgement.end_gaps).max() < 2e-3


def test_a_saddle_of_13_atoms_is_judged_in_5_seconds_of_one_core_t_and_x_included():
    reaction, saddle = shipped("butenol-retro-ene")
    assert reaction.natoms == 13
    path = Path(over(reaction, saddle, 11))
    oracle = Oracle(XTB.of(reaction), reaction)
    start = time.process_time()
    quality = path_quality(path.positions, oracle)
    judgement = judge(reaction, oracle, Peak(saddle), quality, path)
    assert time.process_time() - start < 5
    assert judgement.verdict == "intended"
    assert oracle.evaluations < 600


def test_an_intermediate_that_a_path_visits_is_named_with_the_depth_of_its_well():
    wells = [
        Well(0.412, 0.3, 0.0124, np.zeros((1, 3))),
        Well(0.5, np.nan, np.nan, np.zeros((1, 3))),
    ]
    visited = VisitedMinima(KNOWN.reaction, surface(), wells)
    assert visited.name(0.412) == "intermediate at s = 0.41, 12 meV deep"
    assert visited.name(0.5) == "intermediate at s = 0.50"
    assert [visited.name(s) for s in (0.0, 1.0)] == ["reactant", "product"]


def _parts(name):
    reaction, saddle = shipped(name)
    return reaction, Oracle(XTB.of(reaction)), Peak(saddle)
