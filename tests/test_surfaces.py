"""The model surfaces against the numbers of their papers."""

import numpy as np
import pytest

from mepbench.potentials import double_double_well, leps_ho, mueller_brown, ring_valley
from mepbench.potentials._surfaces import stationary

SURFACES = [mueller_brown, leps_ho, double_double_well, ring_valley]


def hessian(potential, point, step=1e-5):
    shifts = step * np.eye(3)[:, None, :]
    up, down = potential.evaluate(point + shifts)[1], potential.evaluate(point - shifts)[1]
    return (up - down)[:, 0] / (2 * step)


@pytest.mark.parametrize("module", SURFACES)
def test_known_ends_are_minima_and_known_saddles_have_one_negative_mode(module):
    potential = module.load(None, 0, 1)
    for known in module.KNOWN:
        for point, negative in [*((end, 0) for end in known.reaction.ends), (known.saddle, 1)]:
            energies, gradients = potential.evaluate(point[None])
            assert np.abs(gradients).max() < 1e-10
            assert (np.linalg.eigvalsh(hessian(potential, point)) < -0.05).sum() == negative
        assert known.barrier == pytest.approx(energies[0] - known.reaction.energies[0], abs=1e-10)


def test_mueller_brown_has_the_stationary_points_of_the_paper():
    # Mueller, Brown 1979, table 1: positions to three digits, energies to two.
    potential = mueller_brown.load(None, 0, 1, scale=1.0)
    for x, y, energy in [
        (-0.558, 1.442, -146.70),
        (0.623, 0.028, -108.17),
        (-0.050, 0.467, -80.77),
        (-0.822, 0.624, -40.66),
        (0.212, 0.293, -72.25),
    ]:
        point = stationary(potential, x, y)
        assert point[0] == pytest.approx([x, y, 0], abs=6e-4)
        assert potential.evaluate(point[None])[0][0] == pytest.approx(energy, abs=6e-3)


def test_leps_ho_has_its_saddle_where_the_dimer_paper_puts_it():
    # Henkelman, Jonsson, J. Chem. Phys. 111, 7010 (1999), centre a Gaussian on this saddle.
    assert leps_ho.KNOWN[0].saddle[0, :2] == pytest.approx([2.02083, -0.172881], abs=5e-5)


def test_double_double_well_is_known_in_closed_form():
    known = double_double_well.KNOWN[0]
    assert known.saddle == pytest.approx(np.array([[0.0, -1.0, 0.0]]), abs=1e-12)
    assert known.barrier == pytest.approx(1.0, abs=1e-12)


def test_the_diagonal_of_the_double_double_well_crosses_a_second_order_saddle():
    potential = double_double_well.load(None, 0, 1)
    values = np.linalg.eigvalsh(hessian(potential, np.zeros((1, 3))))
    assert (values < 0).sum() == 2
    reaction = double_double_well.DIAGONAL
    s = np.linspace(0, 1, 21)[:, None, None]
    line = (1 - s) * reaction.reactant + s * reaction.product
    _, gradients = potential.evaluate(line)
    assert np.abs(gradients[..., 0] - gradients[..., 1]).max() < 1e-12
