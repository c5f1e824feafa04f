"""What NEB, string and GAD are built from, against known answers."""

import numpy as np
import pytest

from mepbench.landscape.lbfgs import LBFGS
from mepbench.landscape.model_hessian import model_hessian
from mepbench.methods._peak import interpolated_peak
from mepbench.methods.gad import Metric, Mode
from mepbench.methods.string import reparametrise, upwind_tangents
from mepbench.oracle import Oracle
from mepbench.path import Path, arc_length, rigid_motions
from mepbench.potentials import mueller_brown
from mepbench.potentials.double_double_well import load
from mepbench.registry import load as load_method

WATER = np.array([[0.0, 0.05, 0.12], [0.02, 0.76, -0.47], [-0.05, -0.74, -0.5]])


def curve(s):
    return np.stack([s, 0.3 * np.sin(3 * s), 0 * s], axis=-1)[:, None, :]


def test_reparametrised_images_are_evenly_spaced_on_the_same_curve():
    frames = curve(np.linspace(0, 1, 15) ** 1.7)
    new = reparametrise(frames, None)
    steps = np.diff(arc_length(new))
    assert np.ptp(steps) < 0.02 * steps.mean()
    assert np.abs(new[:, 0, 1] - 0.3 * np.sin(3 * new[:, 0, 0])).max() < 2e-3
    assert np.array_equal(new[[0, -1]], frames[[0, -1]])


def test_the_climbing_image_stays_and_both_sides_are_even():
    frames = curve(np.linspace(0, 1, 15) ** 1.7)
    new = reparametrise(frames, 4)
    assert np.array_equal(new[4], frames[4])
    for side in (new[:5], new[4:]):
        steps = np.diff(arc_length(side))
        assert np.ptp(steps) < 0.03 * steps.mean()


def test_upwind_tangent_points_to_the_higher_neighbour():
    frames = curve(np.linspace(0, 1, 5))
    tangent = upwind_tangents(frames, np.array([0.0, 1.0, 3.0, 2.0, 0.5]))
    assert np.array_equal(tangent[1], frames[2] - frames[1])
    assert np.array_equal(tangent[3], frames[3] - frames[2])
    top = 2.0 * (frames[3] - frames[2]) + 1.0 * (frames[2] - frames[1])
    assert tangent[2] == pytest.approx(top)


def test_hermite_read_out_finds_the_maximum_between_frames():
    # On y = -1 the double double-well is (x^2 - 1)^2: its top is at x = 0, between the frames.
    x = np.array([-1.0, -0.7, -0.25, 0.35, 0.8, 1.0])
    frames = np.stack([x, -np.ones(6), 0 * x], axis=-1)[:, None, :]
    peak = interpolated_peak(frames, *load(None, 0, 1).evaluate(frames), ())
    assert np.abs(peak.position - [[0.0, -1.0, 0.0]]).max() < 0.03
    assert peak.energy is None
    assert abs(peak.tangent[0, 0]) == pytest.approx(1.0, abs=1e-6)


def test_model_hessian_is_positive_blind_to_translation_and_stiff_along_bonds():
    hessian = model_hessian(np.array([8, 1, 1]), WATER)
    assert hessian == pytest.approx(hessian.T)
    values = np.linalg.eigvalsh(hessian)
    assert values[0] == pytest.approx(2.0)
    assert 30 < values[-1] < 200
    for motion in rigid_motions(WATER, ("translation", "rotation")):
        assert hessian @ motion == pytest.approx(2.0 * motion, abs=1e-9)


def test_lbfgs_solves_a_quadratic_band_and_caps_its_step():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(4, 3, 3))
    stiffness = rng.uniform(1, 60, size=x.shape)
    optimizer = LBFGS(np.array([8, 1, 1]), max_step=0.1)
    for _ in range(200):
        step = optimizer.step(x + WATER, -stiffness * x)
        assert np.linalg.norm(step, axis=-1).max() <= 0.1 + 1e-12
        x = x + step
    assert np.abs(stiffness * x).max() < 0.02


def test_gad_direction_turns_to_the_lowest_mode():
    # At (0.1, -0.9, 0) the Hessian is diagonal: 12 x^2 - 4 < 0 along x, stiff along y and z.
    x = np.array([[0.1, -0.9, 0.0]])
    potential = load(None, 0, 1)
    oracle = Oracle(potential)
    metric = Metric(np.array([1]), x, ())
    mode = Mode(oracle, metric, metric.unit(np.array([0.5, 0.7, 0.2]), x), memory=3)
    gradient = potential.evaluate(x[None])[1][0]
    for _ in range(6):
        mode.rotate(x, gradient)
    assert oracle.evaluations == 6
    assert abs(mode.v[0]) > 0.999
    # The metric of one atom is 2 eV/A^2 times the identity.
    assert mode.curvature == pytest.approx((12 * 0.01 - 4) / 2, rel=0.02)


@pytest.mark.parametrize("method", ["neb", "string", "gad"])
def test_the_higher_of_two_mueller_brown_saddles_is_the_peak(method):
    whole, surface = mueller_brown.WHOLE, mueller_brown.load(None, 0, 1)
    guess = Path(load_method("guesses", "linear")(whole, 0))
    path = load_method("methods", method)(whole, Oracle(surface, whole, 1000), guess, 0)
    assert path.highest().energy == pytest.approx(-0.4066, abs=2e-3)
    assert path.highest().position[0, :2] == pytest.approx([-0.822, 0.624], abs=0.02)
