"""What every guess promises: exact ends, no evaluation, no coinciding atoms, repeatable."""

import numpy as np
import pytest

from mepbench.errors import NotInstalled
from mepbench.path import arc_length, remove_rigid_motion
from mepbench.potentials.mueller_brown import KNOWN
from mepbench.reaction import Reaction, read_set
from mepbench.registry import available, load

GUESSES = available("guesses")


def molecule(name, numbers, reactant, product):
    return Reaction(name, np.array(numbers), np.array(reactant, float), np.array(product, float))


HCN = molecule(
    "hcn",
    [1, 6, 7],
    [[0, 0, -1.065], [0, 0, 0], [0, 0, 1.155]],
    [[0, 0, 2.16], [0, 0, 0], [0, 0, 1.17]],
)
EXCHANGE = molecule(
    "h + h2",
    [1, 1, 1],
    [[0, 0, 0], [0, 0, 0.74], [0, 0, 3.0]],
    [[0, 0, 0], [0, 0, 2.26], [0, 0, 3.0]],
)
AMMONIA = molecule(
    "inversion",
    [7, 1, 1, 1],
    [[0, 0, 0.3], [0.94, 0, 0], [-0.47, 0.81, 0], [-0.47, -0.81, 0]],
    [[0, 0, -0.15], [0.94, 0, 0.15], [-0.47, 0.81, 0.15], [-0.47, -0.81, 0.15]],
)
SMALL = [HCN, EXCHANGE, AMMONIA]


@pytest.fixture(params=GUESSES)
def interpolate(request):
    guess = load("guesses", request.param)
    try:
        guess(HCN, 0, frames=3)
    except NotInstalled as error:
        pytest.skip(str(error))
    return guess


def closest(path):
    i, j = np.triu_indices(path.shape[1], 1)
    return np.linalg.norm(path[:, i] - path[:, j], axis=-1).min()


@pytest.mark.parametrize("reaction", SMALL, ids=lambda r: r.name)
def test_small_molecules_keep_their_atoms_apart(interpolate, reaction):
    for frames in (5, 21):
        path = interpolate(reaction, 0, frames=frames)
        assert path.shape == (frames, reaction.natoms, 3)
        assert np.isfinite(path).all()
        assert closest(path) > 0.4
        assert np.abs(path[[0, -1]] - reaction.ends).max() < 1e-12


def test_the_same_seed_gives_the_same_path_and_leaves_the_global_state_alone(interpolate):
    first = interpolate(HCN, 3)
    np.random.seed(5)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    again = interpolate(HCN, 3)
    assert np.array_equal(first, again)
    assert np.array_equal(before, np.random.get_state()[1])  # noqa: NPY002


def test_a_particle_on_a_model_surface_goes_straight(interpolate):
    reaction = KNOWN[0].reaction
    path = interpolate(reaction, 0, frames=11)
    line = np.linspace(reaction.reactant, reaction.product, 11)
    assert path == pytest.approx(line, abs=1e-12)


def test_development_reactions_have_guesses_without_collisions(interpolate, development_reactions):
    entries = read_set("baker", str(development_reactions / "baker"))
    for entry in entries[1:8]:
        reaction = Reaction(
            entry.name,
            entry.numbers["reactant"],
            entry.positions["reactant"],
            entry.positions["product"],
        )
        path = interpolate(reaction, 0)
        assert np.abs(path[[0, -1]] - reaction.ends).max() < 1e-12
        assert closest(path) > 0.2, entry.name


def test_geodesic_frames_do_not_drift_as_a_whole():
    path = load("guesses", "geodesic")(AMMONIA, 0, frames=41)
    steps = np.diff(path, axis=0)
    inner = remove_rigid_motion(steps, (path[1:] + path[:-1]) / 2, ("translation", "rotation"))
    rigid = np.linalg.norm((steps - inner).reshape(40, -1), axis=1).sum()
    assert rigid < 0.2 * arc_length(path)[-1]
