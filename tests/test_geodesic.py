"""The geodesic guess: the path of its authors' program, its algebra, and what is hard for it."""

import tracemalloc

import numpy as np
import pytest
from ase.build import molecule
from ase.data import chemical_symbols
from ase.io import read
from geodesic_interpolate.coord_utils import get_bond_list
from geodesic_interpolate.geodesic import Geodesic
from geodesic_interpolate.interpolation import redistribute
from scipy.optimize import least_squares

from mepbench.guesses._least_squares import Linearised, banded, minimise
from mepbench.guesses._scaled_distances import ScaledDistances, near, with_fewest
from mepbench.guesses.geodesic import (
    FRICTION,
    _differences,
    bisected,
    covalent_radii,
    interpolate,
    length,
    smoothed,
)
from mepbench.path import align, rmsd
from mepbench.reaction import SHIPPED, Reaction, read_set
from mepbench.seeding import seeded

NODES, TOLERANCE = 13, 2e-3


def reaction_of(entry) -> Reaction:
    x = entry.positions["reactant"]
    y = align(entry.positions["product"], x)
    return Reaction(entry.name, entry.numbers["reactant"], x, y)


def sums_of_radii(numbers) -> np.ndarray:
    return covalent_radii[numbers][:, None] + covalent_radii[numbers]


def the_authors(reaction, seed=0):
    """The path as the authors' script makes it, below the size where that moves frames singly."""
    symbols = [chemical_symbols[z] for z in reaction.numbers]
    with seeded(seed):
        raw = redistribute(symbols, reaction.ends, NODES, tol=5 * TOLERANCE)
        return Geodesic(symbols, raw, 1.7, friction=FRICTION).smooth(tol=TOLERANCE, max_iter=15)


def ours(reaction, seed=0):
    re = sums_of_radii(reaction.numbers)
    rng = np.random.RandomState(seed)
    return smoothed(bisected(reaction.ends, re, NODES, 5 * TOLERANCE, rng), re, TOLERANCE)


@pytest.mark.parametrize("at", [0, 27, 51, 74])
def test_the_path_is_that_of_the_authors_program(at):
    reaction = reaction_of(read_set("rdb7_dev", "rdb7_dev")[at])
    deviations = [rmsd(a, b) for a, b in zip(ours(reaction), the_authors(reaction), strict=True)]
    assert max(deviations) < 1e-3


def test_another_seed_draws_other_displacements():
    reaction = reaction_of(read_set("rdb7_dev", "rdb7_dev")[0])
    re = sums_of_radii(reaction.numbers)
    paths = [bisected(reaction.ends, re, 5, 1e-2, np.random.RandomState(seed)) for seed in (0, 1)]
    assert np.abs(paths[1] - paths[0]).max() > 1e-8


@pytest.mark.parametrize("name", ["C6H6", "CH3CH2OH", "C2H2", "SiH4", "H2O"])
def test_pairs_are_those_of_the_authors_program(name):
    x = np.array([molecule(name).positions, 1.1 * molecule(name).positions])
    for threshold in (1.5, 2.0, 4.0):
        pairs, _ = get_bond_list(x, threshold=threshold, min_neighbors=0)
        assert set(zip(*np.nonzero(np.triu(near(x, threshold))), strict=True)) == set(pairs)


def test_an_atom_far_from_all_others_has_four_pairs():
    x = np.concatenate([molecule("CH4").positions, [[30.0, 0, 0]]])
    pairs = with_fewest(near(x[None], 3.0), x)
    assert (pairs == pairs.T).all()
    assert pairs[5].sum() == 4
    assert not near(x[None], 3.0)[5].any()
    assert not pairs.diagonal().any()


def dense(model: Linearised) -> np.ndarray:
    size = model.gradient.size
    matrix = np.zeros((size, size))
    for offset, diagonal in enumerate(model.band):
        rows = np.arange(size - offset)
        matrix[rows + offset, rows] = matrix[rows, rows + offset] = diagonal[: size - offset]
    return matrix


def test_gradient_and_matrix_of_the_geodesic_are_those_of_finite_differences():
    rng = np.random.default_rng(0)
    atoms = molecule("CH3OH")
    path = atoms.positions + 0.3 * rng.normal(size=(5, len(atoms), 3))
    q = ScaledDistances(near(path, 3.0), sums_of_radii(atoms.numbers), 1.7)
    problem = _differences(q, path)

    def residuals(flat):
        inner = flat.reshape(path[1:-1].shape)
        x = np.concatenate([path[:1], inner, path[-1:]])
        at_x, at_m = q(x)[0], q((x[1:] + x[:-1]) / 2)[0]
        differences = np.concatenate([at_m - at_x[:-1], at_x[1:] - at_m]).ravel()
        return np.concatenate([differences, FRICTION * (inner - path[1:-1]).ravel()])

    x = path[1:-1] + 0.1 * rng.normal(size=path[1:-1].shape)
    cost, linearise = problem(x)
    r, step = residuals(x.ravel()), 1e-5
    assert cost == pytest.approx((np.sqrt(1 + r**2) - 1).sum())
    moves = step * np.eye(x.size)
    J = np.transpose([residuals(x.ravel() + e) - residuals(x.ravel() - e) for e in moves])
    J /= 2 * step
    model = linearise()
    assert model.gradient.ravel() == pytest.approx(J.T @ (r / np.sqrt(1 + r**2)), abs=1e-6)
    assert dense(model) == pytest.approx(J.T @ (J / (1 + r[:, None] ** 2) ** 1.5), abs=1e-6)


def test_a_step_solves_the_damped_equations_within_its_radius():
    rng = np.random.default_rng(1)
    frames, n = 4, 5
    blocks = rng.normal(size=(frames, n, 2 * n))
    blocks[:, :, :n] = blocks[:, :, :n] + blocks[:, :, :n].swapaxes(1, 2) + 12 * np.eye(n)
    blocks[-1, :, n:] = 0
    model = Linearised(rng.normal(size=(frames, n)), banded(blocks))
    A, g = dense(model), model.gradient.ravel()
    for k in range(frames - 1):
        rows, columns = slice(k * n, (k + 1) * n), slice((k + 1) * n, (k + 2) * n)
        assert np.array_equal(A[rows, columns], blocks[k, :, n:])
    free = -np.linalg.solve(A, g)
    for radius in np.array([2, 0.5, 0.01]) * np.linalg.norm(free):
        p, damping, promised = model.step(radius, 0.0)
        assert np.linalg.norm(p) <= radius * (1 + 1e-12)
        assert promised == pytest.approx(-(g @ p) - p @ A @ p / 2)
        assert (damping == 0) == (radius > np.linalg.norm(free))
        wanted = -np.linalg.solve(A + damping * np.eye(len(g)), g)
        assert p == pytest.approx(wanted, rel=0.02, abs=0.02 * radius)


@pytest.mark.parametrize("evaluations", [5, 12, 100])
def test_rosenbrocks_valley_is_followed_as_by_scipy(evaluations):
    def residuals(x):
        return np.array([10 * (x[1] - x[0] ** 2), 1 - x[0], 0.1 * x[2]])

    def jacobian(x):
        return np.array([[-20 * x[0], 10, 0], [-1, 0, 0], [0, 0, 0.1]])

    def problem(frame):
        x = frame.ravel()
        r, J = residuals(x), jacobian(x)
        return r @ r / 2, lambda: Linearised((J.T @ r)[None], banded((J.T @ J)[None]))

    start = np.array([-1.2, 1.0, 0.3])
    known = least_squares(
        residuals, start, jacobian, ftol=1e-4, gtol=1e-4, xtol=None, max_nfev=evaluations
    )
    found = minimise(problem, start.reshape(1, 1, 3), tolerance=1e-4, evaluations=evaluations)
    assert found.ravel() == pytest.approx(known.x, abs=1e-6)


def swapped(name: str, i: int, j: int) -> Reaction:
    """Two atoms of a molecule in each other's places."""
    atoms = molecule(name)
    y = atoms.positions.copy()
    y[[i, j]] = y[[j, i]]
    return Reaction(f"{name}, {i} and {j} swapped", atoms.numbers, atoms.positions, y)


def apart(before: float, after: float) -> Reaction:
    """Water and hydrogen fluoride, so far from each other, in angstrom, that no distance counts."""
    water, fluoride = molecule("H2O"), molecule("HF")
    x, y = (
        np.concatenate([water.positions, fluoride.positions + gap * np.eye(3)[2]])
        for gap in (before, after)
    )
    numbers = np.concatenate([water.numbers, fluoride.numbers])
    return Reaction(f"{before:g} to {after:g} A apart", numbers, x, y)


def textbook(name: str) -> Reaction:
    """Ends of a reference's intrinsic reaction coordinate, one molecule or two in contact."""
    file = SHIPPED / "references" / "GFN2-xTB" / "textbook.irc.xyz"
    frames = [frame for frame in read(file, ":") if frame.info["reaction"] == name]
    x, y = frames[0].positions, frames[-1].positions
    return Reaction(name, frames[0].numbers, x, align(y, x))


HARD = [
    *map(textbook, ["hexatriene-ring-closure", "formic-acid-dimer", "sn2-chloride-chloromethane"]),
    swapped("CH4", 1, 2),  # atoms that a straight line carries through each other
    swapped("CO2", 0, 1),  # on one line, and the same
    swapped("C2H2", 0, 2),
    apart(3.0, 12.0),
    apart(40.0, 40.5),
]


@pytest.mark.parametrize("reaction", HARD, ids=lambda reaction: reaction.name)
def test_hard_ends_are_joined_without_a_collision(reaction, caplog):
    path = interpolate(reaction, 0)
    assert not caplog.messages  # idpp was not asked
    assert np.array_equal(path[[0, -1]], reaction.ends)
    i, j = np.triu_indices(reaction.natoms, 1)
    distances = np.linalg.norm(path[:, i] - path[:, j], axis=-1)
    assert distances.min() > 0.7 * distances[[0, -1]].min()


def test_sixty_atoms_take_little_memory():
    side_by_side = [reaction_of(read_set("rdb7_dev", "rdb7_dev")[at]) for at in (84, 97, 83)]
    shift = np.array([8.0, 0, 0])
    numbers = np.concatenate([each.numbers for each in side_by_side])[:60]
    ends = np.concatenate([each.ends + k * shift for k, each in enumerate(side_by_side)], axis=1)
    reaction = Reaction("three at once", numbers, *ends)
    tracemalloc.start()
    path = interpolate(reaction, 0)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 64 * 2**20
    q = ScaledDistances(near(path, 3.0), sums_of_radii(numbers), 1.7)
    straight = np.linspace(*ends, len(path))
    assert length(path, q) < 0.8 * length(straight, q)
