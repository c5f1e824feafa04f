"""The guess `operator`: what it is blind to, that its ends stay, and where it is not asked."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mepbench.config import check_method
from mepbench.errors import InputError, SCFFailure
from mepbench.oracle import PotentialSpec
from mepbench.reaction import Reaction, read_set
from mepbench.registry import load, module_of, plugin_files

pytest.importorskip("torch")
operator = module_of("guesses", "operator")
learned = module_of("potentials", "learned")
GFN2 = PotentialSpec("xtb-python")


def of(entry):
    x = (entry.positions[role] for role in ("reactant", "product"))
    return Reaction(entry.name, entry.numbers["reactant"], *x)


@pytest.fixture(scope="module")
def reactions():
    entries = sorted(read_set("rdb7_dev", "rdb7_dev"), key=lambda e: len(e.numbers["reactant"]))
    return [of(entry) for entry in entries[5:75:10]]


@pytest.fixture(scope="module")
def reaction(reactions):
    return reactions[0]


@pytest.fixture(scope="module")
def path(reaction):
    return load("guesses", "geodesic")(reaction, 0, frames=9)


def led(reaction, path):
    return operator.down(reaction, path, learned.load(reaction.numbers, 0, 1))


def test_its_highest_energy_is_far_below_that_of_the_geodesic(reactions):
    fallen = []
    for reaction in reactions:
        highest = []
        for name in ("geodesic", "operator"):
            energies, _ = GFN2.of(reaction).evaluate(load("guesses", name)(reaction, 0, frames=15))
            highest.append(energies.max() - energies[0])
        fallen.append(highest[0] - highest[1])
    assert np.median(fallen) > 0.7
    assert sum(np.array(fallen) > 0.3) >= 5


def test_the_ends_stay(reaction, path):
    assert np.array_equal(led(reaction, path)[[0, -1]], path[[0, -1]])
    made = load("guesses", "operator")(reaction, 0)
    assert np.array_equal(made[[0, -1]], reaction.ends)
    assert not np.allclose(made, load("guesses", "geodesic")(reaction, 0), atol=0.05)


def test_a_turned_or_mirrored_reaction_has_the_turned_or_mirrored_path(reaction, path):
    found = led(reaction, path)
    turn = Rotation.from_euler("xyz", [0.3, 1.2, -0.4]).as_matrix()
    for motion in (turn, -turn):
        turned = replace(
            reaction, reactant=reaction.reactant @ motion, product=reaction.product @ motion
        )
        assert led(turned, path @ motion) == pytest.approx(found @ motion, abs=1e-5)


def test_it_knows_neither_the_order_of_atoms_nor_which_end_is_the_reactant(reaction, path):
    found = led(reaction, path)
    order = np.random.default_rng(0).permutation(reaction.natoms)
    renumbered = Reaction(
        "r", reaction.numbers[order], reaction.reactant[order], reaction.product[order]
    )
    assert led(renumbered, path[:, order]) == pytest.approx(found[:, order], abs=1e-5)
    back = replace(reaction, reactant=reaction.product, product=reaction.reactant)
    assert led(back, path[::-1]) == pytest.approx(found[::-1], abs=1e-4)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"multiplicity": 3}, "multiplicity 3"),
        ({"charge": 2}, "charge 2"),
        ({"numbers": np.array([5])}, "not of B"),
    ],
)
def test_what_was_not_taught_gets_the_geodesic_and_the_log_says_so(reaction, changes, said, caplog):
    if "numbers" in changes:
        changes = {"numbers": np.append(changes["numbers"], reaction.numbers[1:])}
    other = replace(reaction, **changes)
    made = load("guesses", "operator")(other, 0, frames=7)
    assert np.array_equal(made, load("guesses", "geodesic")(other, 0, frames=7))
    assert "operator -> geodesic" in caplog.text
    assert said in caplog.text


@pytest.mark.parametrize("failure", [SCFFailure("no finite energy"), ValueError("two frames")])
def test_where_it_fails_the_geodesic_is_left(reaction, monkeypatch, caplog, failure):
    def fail(self, positions):
        raise failure

    monkeypatch.setattr(learned.LearnedPotential, "evaluate", fail)
    made = load("guesses", "operator")(reaction, 0, frames=7)
    assert np.array_equal(made, load("guesses", "geodesic")(reaction, 0, frames=7))
    assert str(failure) in caplog.text


def test_damaged_weights_are_one_sentence_before_a_job_starts(monkeypatch, tmp_path):
    damaged = tmp_path / "learned-GFN2-xTB.safetensors"
    damaged.write_bytes(b"torn")
    monkeypatch.setattr(learned, "SHIPPED", damaged)
    with pytest.raises(InputError, match=r"its SHA-256 is not the one in"):
        check_method("mine", {"solver": "guess-only", "guess": "operator"})


def test_where_members_differ_it_is_not_asked(reaction, monkeypatch, caplog):
    monkeypatch.setattr(learned.LearnedPotential, "doubt", lambda self, x: "its members differ")
    made = load("guesses", "operator")(reaction, 0, frames=7)
    assert np.array_equal(made, load("guesses", "geodesic")(reaction, 0, frames=7))
    assert "its members differ" in caplog.text


def test_a_change_of_its_weights_is_one_that_rules_see():
    assert learned.SHIPPED in plugin_files("guesses", "operator")
