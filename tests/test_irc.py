"""The intrinsic reaction coordinate against a differential-equation solver and known minima."""

import numpy as np
import pytest
from ase.data import atomic_masses
from known import XTB, shipped
from scipy.integrate import solve_ivp

from mepbench.judging.irc import irc
from mepbench.landscape.descent import descend
from mepbench.landscape.hessian import hessian, lowest_modes, reaction_mode
from mepbench.oracle import Oracle
from mepbench.path import arc_length
from mepbench.potentials import mueller_brown

KNOWN = mueller_brown.KNOWN[0]
HYDROGEN = np.array([1])


def surface():
    return Oracle(mueller_brown.load(HYDROGEN, 0, 1))


def distance_to_polyline(point, line):
    a, b = line[:-1], line[1:]
    along = np.clip(((point - a) * (b - a)).sum(1) / ((b - a) ** 2).sum(1), 0, 1)
    return np.linalg.norm(a + along[:, None] * (b - a) - point, axis=1).min()


def test_irc_on_mueller_brown_reaches_the_two_minima_of_its_saddle():
    oracle = surface()
    matrix = hessian(oracle, KNOWN.saddle)
    way = reaction_mode(matrix, atomic_masses[HYDROGEN])[1]
    ends = [branch.end for branch in irc(oracle, HYDROGEN, KNOWN.saddle, matrix, way)]
    for minimum in KNOWN.reaction.ends:
        assert min(np.linalg.norm(end - minimum) for end in ends) < 0.01
    assert oracle.evaluations < 100


def test_irc_energies_fall_from_the_saddle_to_both_ends():
    oracle = surface()
    matrix = hessian(oracle, KNOWN.saddle)
    way = reaction_mode(matrix, atomic_masses[HYDROGEN])[1]
    top = oracle(KNOWN.saddle[None])[0][0]
    for branch in irc(oracle, HYDROGEN, KNOWN.saddle, matrix, way):
        assert branch.converged
        assert branch.energies[0] < top
        assert np.diff(branch.energies).max() < 1e-4


@pytest.mark.parametrize("step", [0.15, 0.05])
def test_descent_follows_the_exact_steepest_descent(step):
    oracle = surface()
    top = hessian(oracle, KNOWN.saddle)
    start = KNOWN.saddle + 0.05 * lowest_modes(top, KNOWN.saddle, ())[1][0]
    matrix = hessian(oracle, start)
    positions, _ = descend(oracle, atomic_masses[HYDROGEN], start, matrix, step=step, left=0.0)

    def slope(_, q):
        return -oracle(q.reshape(1, 1, 3))[1].ravel()

    exact = solve_ivp(slope, (0, 5), start.ravel(), method="LSODA", rtol=1e-9, atol=1e-10)
    away = [distance_to_polyline(point.ravel(), exact.y.T) for point in positions]
    assert len(positions) > 3
    assert max(away) < (0.015 if step > 0.1 else 0.008)


def test_descent_in_a_quadratic_well_is_exact_whatever_its_stiffness():
    stiffness = np.array([1.0, 40.0, 400.0])

    class Quadratic:
        invariances = ()
        backend = "test"

        def evaluate(self, positions):
            x = positions[:, 0]
            return 0.5 * (x**2 @ stiffness), (x * stiffness)[:, None]

    start = np.array([[1.0, 0.3, 0.1]])
    matrix = np.diag(stiffness)
    positions, _ = descend(Oracle(Quadratic()), np.ones(1), start, matrix)
    # x_i(t) = x_i(0) exp(-k_i t): x_2 is fixed by x_1 all along the path.
    x, y, _ = positions[:, 0].T
    assert np.allclose(y, 0.3 * x**40, atol=1e-9)
    assert arc_length(positions)[-1] > 0.9


def test_heavy_atoms_move_less_than_light_ones():
    class Pull:
        """A bond that wants to shrink from 2 to 1 angstrom."""

        invariances = ("translation", "rotation")
        backend = "test"

        def evaluate(self, positions):
            bond = positions[:, 1] - positions[:, 0]
            length = np.linalg.norm(bond, axis=1)
            pull = ((length - 1) / length)[:, None] * bond
            return 0.5 * (length - 1) ** 2, np.stack([-pull, pull], axis=1)

    numbers = np.array([1, 17])
    start = np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 2.0]])
    oracle = Oracle(Pull())
    positions, _ = descend(oracle, atomic_masses[numbers], start, hessian(oracle, start))
    moved = np.abs(positions[-1] - start).max(axis=1)
    assert moved[0] / moved[1] == pytest.approx(atomic_masses[17] / atomic_masses[1], rel=1e-6)


def test_the_irc_leaves_along_the_reactions_mode_where_masses_reorder_two():
    class Ridge:
        """A heavy particle's double well in x; a light one on a curvature of -0.04 in y."""

        invariances = ()
        backend = "test"

        def evaluate(self, positions):
            x, rest = positions[:, 0, 0], positions[:, 1:].copy()
            other = np.concatenate([positions[:, :1, 1:].reshape(len(x), -1), rest[:, 0]], axis=1)
            stiff = np.array([5.0, 5.0, 5.0, -0.04, 5.0])
            quartic = other[:, 3] ** 4
            energies = (x**2 - 1) ** 2 + 0.5 * other**2 @ stiff + quartic
            slope = other * stiff
            slope[:, 3] += 4 * other[:, 3] ** 3
            gradients = np.zeros_like(positions)
            gradients[:, 0, 0] = 4 * x * (x**2 - 1)
            gradients[:, 0, 1:] = slope[:, :2]
            gradients[:, 1] = slope[:, 2:]
            return energies, gradients

    numbers, saddle = np.array([35, 1]), np.zeros((2, 3))
    oracle = Oracle(Ridge())
    matrix = hessian(oracle, saddle)
    way = reaction_mode(matrix, atomic_masses[numbers])[1]
    ends = [branch.end for branch in irc(oracle, numbers, saddle, matrix, way)]
    assert sorted(round(end[0, 0], 1) for end in ends) == [-1.0, 1.0]


def test_on_a_molecule_it_follows_what_a_differential_equation_solver_follows():
    reaction, saddle = shipped("hcn-isomerisation")
    oracle = Oracle(XTB.of(reaction))
    masses = atomic_masses[reaction.numbers]
    matrix = hessian(oracle, saddle)
    way = reaction_mode(matrix, masses)[1]
    start = saddle + 0.1 * way
    weights = np.sqrt(masses)[:, None]

    def slope(_, q):
        return -(oracle((q.reshape(saddle.shape) / weights)[None])[1][0] / weights).ravel()

    exact = solve_ivp(
        slope, (0, 3), (start * weights).ravel(), method="LSODA", rtol=1e-6, atol=1e-7
    )
    positions, _ = descend(oracle, masses, start, matrix)
    lowest = oracle(exact.y.T[-1].reshape(saddle.shape)[None] / weights)[0][0]
    line = exact.y.T
    for point in positions:
        if oracle(point[None])[0][0] > lowest + 0.05:
            assert distance_to_polyline((point * weights).ravel(), line) < 0.05
    assert len(positions) > 5
