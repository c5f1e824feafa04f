"""The numerical Hessian against closed forms and against ASE's own vibrations."""

import numpy as np
import pytest
from ase.build import molecule
from ase.optimize import BFGS
from ase.vibrations import Vibrations

from mepbench.errors import BudgetExhausted
from mepbench.landscape.hessian import (
    frequencies,
    hessian,
    lowest_modes,
    reaction_mode,
    without_rigid_motion,
)
from mepbench.oracle import Oracle
from mepbench.path import rigid_motions
from mepbench.potentials.xtb_python import load

RIGID = ("translation", "rotation")


class Quartic:
    """V = x^4 + 3 x^2 y + sin(y) z: second derivatives by hand, no invariances."""

    invariances = ()
    backend = "test"

    def evaluate(self, positions):
        x, y, z = positions[:, 0].T
        energies = x**4 + 3 * x**2 * y + np.sin(y) * z
        gradient = np.stack([4 * x**3 + 6 * x * y, 3 * x**2 + np.cos(y) * z, np.sin(y)], axis=-1)
        return energies, gradient[:, None]


class Springs:
    """Harmonic bonds between all atoms with given rest lengths: invariant under rigid motion."""

    invariances = RIGID
    backend = "test"

    def __init__(self, rest, stiffness=2.0):
        self.rest = np.linalg.norm(rest[:, None] - rest, axis=-1)
        self.stiffness = stiffness

    def evaluate(self, positions):
        delta = positions[:, :, None] - positions[:, None]
        length = np.linalg.norm(delta, axis=-1) + np.eye(len(self.rest))
        stretch = (length - self.rest - np.eye(len(self.rest))) * self.stiffness
        energies = (stretch**2).sum((1, 2)) / (4 * self.stiffness)
        return energies, ((stretch / length)[..., None] * delta).sum(2)


def relaxed(name):
    atoms = molecule(name)
    oracle = Oracle(load(atoms.numbers, 0, 1))
    atoms.calc = oracle.calculator()
    BFGS(atoms, logfile=None).run(fmax=1e-4, steps=200)
    return atoms, oracle


def test_hessian_of_a_known_surface_is_exact_to_a_millionth():
    x, y, z = 0.3, -0.7, 1.1
    expected = [
        [12 * x**2 + 6 * y, 6 * x, 0],
        [6 * x, -np.sin(y) * z, np.cos(y)],
        [0, np.cos(y), 0],
    ]
    oracle = Oracle(Quartic())
    found = hessian(oracle, np.array([[x, y, z]]), step=1e-4)
    assert np.abs(found - expected).max() < 1e-6
    assert (oracle.evaluations, oracle.rounds) == (6, 1)


def test_hessian_has_no_rigid_motion_even_away_from_a_stationary_point():
    rng = np.random.default_rng(0)
    rest = rng.normal(size=(5, 3))
    positions = rest + 0.2 * rng.normal(size=(5, 3))
    found = hessian(Oracle(Springs(rest)), positions)
    assert np.abs(found @ rigid_motions(positions, RIGID).T).max() < 1e-9
    assert np.sum(np.abs(np.linalg.eigvalsh(found)) < 1e-9) == 6


def test_hessian_turns_with_the_molecule():
    rng = np.random.default_rng(1)
    rest = rng.normal(size=(4, 3))
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    a = hessian(Oracle(Springs(rest)), rest)
    b = hessian(Oracle(Springs(rest)), rest @ turn + 3.0)
    assert np.allclose(np.linalg.eigvalsh(a), np.linalg.eigvalsh(b), atol=1e-3)


def test_lowest_modes_leave_out_rigid_motion():
    rest = np.random.default_rng(2).normal(size=(4, 3))
    matrix = hessian(Oracle(Springs(rest)), rest)
    values, modes = lowest_modes(matrix, rest, RIGID)
    assert values.min() > 1e-3
    assert np.all(np.diff(values) >= 0)
    assert np.allclose(matrix @ modes[0].ravel(), values[0] * modes[0].ravel(), atol=1e-8)
    assert np.allclose(np.linalg.norm(modes.reshape(3, -1), axis=1), 1)


@pytest.mark.parametrize(("name", "rigid"), [("H2O", 6), ("CO2", 5)])
def test_frequencies_are_those_of_ase_vibrations(name, rigid, tmp_path):
    atoms, oracle = relaxed(name)
    found = frequencies(hessian(oracle, atoms.positions), atoms.get_masses())
    reference = Vibrations(atoms, name=str(tmp_path / "vib"), delta=0.01)
    reference.run()
    expected = reference.get_frequencies()
    expected = np.sort(np.where(expected.imag > 0, -expected.imag, expected.real))
    assert np.abs(found[-(9 - rigid) :] - expected[-(9 - rigid) :]).max() < 2.0
    assert np.sum(np.abs(found) < 1e-3) == rigid


def test_an_imaginary_frequency_is_negative():
    # k = -1 eV/A^2 at 1 u: sqrt(e 1e20 / u) / 2 pi c = 521.47 1/cm.
    matrix = np.diag([-1.0, 0.0, 4.0])
    assert np.allclose(frequencies(matrix, np.ones(1)), [-521.47, 0, 2 * 521.47], atol=0.01)


@pytest.mark.parametrize(
    ("positions", "rigid"),
    [
        ([[0.0, 0, 0]], 3),
        ([[0.0, 0, 0], [0.3, 0.2, 1.1]], 5),
        ([[0.0, 0, 0], [0, 0, 1.1], [0, 0, 2.3], [0, 0, 3.5]], 5),
        ([[0.0, 0, 0], [0, 0, 1.1], [0.9, 0, 1.6]], 6),
    ],
    ids=["atom", "diatomic", "linear", "bent"],
)
def test_as_many_modes_are_left_as_a_molecule_has_vibrations(positions, rigid):
    rest = np.array(positions) @ np.linalg.qr(np.random.default_rng(3).normal(size=(3, 3)))[0]
    matrix = hessian(Oracle(Springs(rest)), rest)
    values, _ = lowest_modes(matrix, rest, RIGID, count=99)
    assert len(values) == 3 * len(rest) - rigid
    assert np.abs(matrix @ rigid_motions(rest, RIGID).T).max() < 1e-9
    # Harmonic bonds resist stretching only; bending a linear molecule of them costs nothing.
    assert values.min(initial=0.0) > -1e-4


def test_a_linear_triatomic_vibrates_as_in_the_textbook():
    # Wilson, Decius, Cross: m_end = m, m_middle = M, both springs k; nu_1 = sqrt(k/m),
    # nu_3 = sqrt(k (1/m + 2/M)). With all pairs joined by equal springs the outer one adds 2 k.
    rest = np.array([[0.0, 0, -1.1], [0, 0, 0], [0, 0, 1.1]])
    m, middle, k = 16.0, 12.0, 2.0
    matrix = hessian(Oracle(Springs(rest, stiffness=k)), rest)
    found = frequencies(matrix, np.array([m, middle, m]))
    unit = frequencies(np.diag([1.0, 0, 0]), np.ones(1))[-1]
    expected = unit * np.sqrt([k * 3 / m, k * (1 / m + 2 / middle)])
    assert np.sort(found)[-2:] == pytest.approx(np.sort(expected), rel=1e-3)
    assert np.abs(np.sort(found)[:-2]).max() < 2


def test_the_reactions_mode_is_the_lowest_of_the_cartesian_ones_whatever_the_masses():
    # A heavy atom leaves the saddle; a hydrogen has a curvature that is negative, but does not
    # count. Weighted by mass the hydrogen's is the lower.
    matrix = np.diag([-0.5, 5.0, 5.0, -0.04, 5.0, 5.0])
    wavenumber, way = reaction_mode(matrix, np.array([79.9, 1.0]))
    assert np.abs(way[1]).max() == 0
    assert np.abs(way[0, 0]) == pytest.approx(1 / np.sqrt(79.9))
    assert wavenumber == pytest.approx(-521.47 * np.sqrt(0.5 / 79.9), rel=1e-4)
    assert frequencies(matrix, np.array([79.9, 1.0]))[0] < wavenumber


def test_one_atom_without_invariances_keeps_all_its_modes():
    matrix = without_rigid_motion(np.diag([1.0, -2.0, 3.0]), np.zeros((1, 3)), ())
    values, modes = lowest_modes(matrix, np.zeros((1, 3)), (), 3)
    assert np.allclose(values, [-2, 1, 3])
    assert np.allclose(modes[0], [[0, 1, 0]])


def test_a_hessian_beyond_the_budget_evaluates_nothing():
    oracle = Oracle(Quartic(), budget=5)
    with pytest.raises(BudgetExhausted):
        hessian(oracle, np.zeros((1, 3)))
    assert oracle.evaluations == 0
