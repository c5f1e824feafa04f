"""The judge held against `careful`, a calculation that shares nothing with it but the potential.

First `careful` itself against known answers, then the judge: on small cases of the kinds at which
it may err, and on the transition states that others have found.
"""

from concurrent.futures import ProcessPoolExecutor
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
from ase.data import atomic_masses
from ase.io import read
from careful import below, classify, descend, internal, newton
from kinds import CASES, embedded, surface_of
from known import TBLITE

from mepbench.judging.judge import judge
from mepbench.oracle import Oracle
from mepbench.path import Peak
from mepbench.potentials import double_double_well, mueller_brown
from mepbench.preparation.prepare import prepare
from mepbench.reaction import Entry, Reaction, read_set

GIVEN_CASES = Path(__file__).resolve().parents[1] / ".." / "shared" / "cases"


def particle(value):
    """A surface of one particle, its gradient by the complex step, which has no error."""

    def evaluate(positions):
        x = positions.reshape(-1, 3)
        slopes = [value(*(x + 1e-20j * axis).T).imag / 1e-20 for axis in np.eye(3)]
        return value(*x.T), np.stack(slopes, axis=-1).reshape(positions.shape)

    return evaluate


def point(x, y, z=0.0):
    return np.array([[x, y, z]], dtype=float)


def test_soft_curvatures_are_right_within_their_errors_where_one_difference_is_not():
    # A quartic term: over 0.005 A the first curvature looks like +0.015 instead of -0.01.
    surface = particle(lambda x, y, z: -0.005 * x**2 + 250 * x**4 + 2 * y**2 + 3 * z**2)
    found = classify(surface, point(0, 0), rigid=False)
    assert found.index == 1
    assert (np.abs(found.curvatures - [-0.01, 4, 6]) < found.errors).all()


@pytest.mark.parametrize(("sign", "index"), [(1, 0), (-1, 1)])
def test_a_curvature_of_zero_is_decided_by_the_energy(sign, index):
    surface = particle(lambda x, y, z: sign * x**4 + y**2 + z**2)
    found = classify(surface, point(0, 0), rigid=False)
    assert (found.decided_by, found.index) == ("energy", index)


def test_newton_climbs_to_the_saddle_of_mueller_brown_and_descends_to_both_minima():
    surface = mueller_brown.load(None, 0, 1).evaluate
    x, converged = newton(surface, point(-0.8, 0.6), 1, rigid=False, longest=0.05)
    assert converged
    np.testing.assert_allclose(x, point(-0.8220, 0.6243), atol=1e-4)
    saddle = classify(surface, x, rigid=False)
    assert saddle.index == 1
    feet = [
        descend(surface, x, way * saddle.modes[0], np.ones(1), step=0.02, rigid=False)[0].x
        for way in np.copysign(1, saddle.modes[0][0, 0]) * np.array([-1, 1])
    ]
    np.testing.assert_allclose(
        feet, [point(-0.5582, 1.4417), point(-0.0500, 0.4667)][::1], atol=1e-3
    )


def test_below_a_maximum_lie_the_saddles_beside_it():
    surface = double_double_well.load(None, 0, 1).evaluate
    x, _ = newton(surface, point(0.04, -0.03), rigid=False)
    top = classify(surface, x, rigid=False)
    assert top.index == 2
    saddles = below(surface, top, rigid=False)
    assert [saddle.index for saddle in saddles] == [1, 1]
    np.testing.assert_allclose([saddle.energy for saddle in saddles], 1.0, atol=1e-8)


def test_a_linear_molecule_has_one_vibration_more():
    assert internal(np.array([[0, 0, -1.16], [0, 0, 0], [0, 0, 1.16]])).shape == (9, 4)
    assert internal(np.array([[0, 0.76, -0.5], [0, 0, 0], [0, -0.76, -0.5]])).shape == (9, 3)


def test_ammonia_inverts_through_a_plane():
    numbers, x = embedded("N")
    surface = surface_of(numbers)
    x[0] = x[1:].mean(axis=0)
    top = classify(surface, newton(surface, x)[0])
    assert top.index == 1
    feet = [
        descend(surface, top.x, way * top.modes[0], atomic_masses[numbers])[0] for way in (1, -1)
    ]
    assert [foot.index for foot in feet] == [0, 0]
    handed = [np.linalg.det(foot.x[1:] - foot.x[0]) for foot in feet]
    assert handed[0] == pytest.approx(-handed[1], rel=1e-2)


@pytest.mark.parametrize(("turn", "index"), [(60, 0), (0, 1)])
def test_ethane_is_staggered(turn, index):
    numbers, x = embedded("CC", (2, 0, 1, 5, turn))
    surface = surface_of(numbers)
    assert classify(surface, newton(surface, x)[0]).index == index


@pytest.mark.parametrize(
    ("name", "second", "lower"),
    [("propenol-acetone", -0.011, -0.006), ("sn2-chloride-chloroethane", -0.031, -0.005)],
)
def test_given_saddles_of_second_order_are_recognised(name, second, lower):
    file = GIVEN_CASES / f"judge_index2_{name}" / "ts.xyz"
    if not file.is_file():
        pytest.skip("development reactions absent: no cases of the judge beside the repository")
    atoms = read(file)
    surface = surface_of(atoms.numbers, atoms.info["charge"], atoms.info["multiplicity"])
    x, _ = newton(surface, atoms.positions)
    found = classify(surface, x)
    assert found.index == 2
    assert found.curvatures[1] == pytest.approx(second, abs=0.002)
    falls = [saddle.energy - found.energy for saddle in below(surface, found)]
    assert falls == pytest.approx([lower] * len(falls), abs=0.001)


@pytest.mark.parametrize("name", CASES)
def test_the_verdict_is_right_for(name):
    case = CASES[name]()
    potential = TBLITE.load(case.numbers, case.charge, case.multiplicity)
    energies, gradients = potential.evaluate(case.ends)
    reaction = Reaction(
        name,
        case.numbers,
        *case.ends,
        charge=case.charge,
        multiplicity=case.multiplicity,
        energies=energies,
        gradients=gradients,
    )
    found = judge(reaction, Oracle(potential, reaction), Peak(case.point.x))
    assert found.verdict in case.right, found.reason


def told(entry: Entry) -> tuple[str, int, str, str] | None:
    """Return a given transition state's index by `careful`, and the judge's verdict and reason."""
    surface = surface_of(entry.numbers["ts"], entry.charge, entry.multiplicity)
    x, converged = newton(surface, entry.positions["ts"], most=25)
    reaction = prepare(entry, TBLITE.load).reaction
    if reaction is None or not converged:
        return None
    found = judge(reaction, Oracle(TBLITE.of(reaction)), Peak(x))
    return f"{entry.set} {entry.name}", classify(surface, x).index, found.verdict, found.reason


@pytest.mark.slow
def test_given_transition_states_have_the_index_that_the_judge_says(development_reactions):
    sets = ("zimmerman_xtb", "rdb7_dev")
    entries = chain(*(read_set(name, str(development_reactions / name)) for name in sets))
    with ProcessPoolExecutor() as pool:
        rows = [row for row in pool.map(told, entries) if row is not None]
    assert len(rows) > 130
    wrong = [
        row
        for row in rows
        if (row[1] != 1 and row[2] == "intended") or (row[1] == 1 and row[2] == "minimum")
    ]
    assert not wrong
