"""Ends relaxed on a surrogate are the minima that BFGS finds, for fewer evaluations, and proven."""

from dataclasses import replace

import numpy as np
import pytest
from ase.build import molecule

from mepbench.landscape.minima import by_hessian, minima, relax
from mepbench.landscape.softest import Softest, completed, softest_curvature
from mepbench.oracle import Oracle, PotentialSpec
from mepbench.pair.dft_price import shipped_ends
from mepbench.preparation.prepare import prepare
from mepbench.reaction import Entry
from mepbench.surrogate import relaxation
from mepbench.surrogate.basins import Basins
from mepbench.surrogate.descriptor import InverseDistances
from mepbench.surrogate.relaxation import proven_on_surrogate

RIGID = ("translation", "rotation")
NUMBERS = np.array([6, 1, 8, 7, 1])


def geometries(rng):
    first = np.array([[0, 0, 0], [1.1, 0, 0], [-0.6, 1.1, 0], [-0.6, -1.2, 0.3], [0.3, 0.2, 1.6]])
    return np.array([first, first + rng.normal(scale=0.15, size=first.shape)])


def oracle_of(numbers):
    return Oracle(PotentialSpec("xtb-python").load(numbers, 0, 1))


class Quadratic:
    """E = x' H x / 2, of atoms that no invariance binds."""

    invariances = ()

    def __init__(self, hessian):
        self.hessian, self.evaluations = hessian, 0

    def __call__(self, positions):
        self.evaluations += len(positions)
        x = positions.reshape(len(positions), -1)
        return ((x @ self.hessian) * x).sum(axis=1) / 2, (x @ self.hessian).reshape(positions.shape)


def with_curvatures(values, rng):
    modes = np.linalg.qr(rng.normal(size=(len(values), len(values))))[0]
    return (modes * values) @ modes.T


def test_the_springs_of_two_basins_have_exact_derivatives():
    rng = np.random.default_rng(1)
    ends = geometries(rng)
    prior = Basins(NUMBERS, ends, InverseDistances(NUMBERS))
    for share in (0.0, 0.5, 0.8):
        x = ((1 - share) * ends[0] + share * ends[1] + 0.02 * rng.normal(size=(5, 3))).ravel()
        steps = 1e-5 * np.eye(x.size)
        energies = np.array([prior(x + s * steps)[0] for s in (1, -1)])
        gradients = np.array([prior(x + s * steps)[1] for s in (1, -1)])
        _, gradient = prior(x[None])
        np.testing.assert_allclose(gradient[0], (energies[0] - energies[1]) / 2e-5, atol=1e-6)
        slope = (gradients[0] - gradients[1]) / 2e-5
        np.testing.assert_allclose(prior.hessian(x[None])[0], slope, atol=1e-5)


def test_each_given_geometry_is_at_rest_in_its_own_springs():
    ends = np.array([molecule("trans-butane").positions, molecule("isobutane").positions])
    prior = Basins(molecule("trans-butane").numbers, ends, InverseDistances(np.array([6] * 14)))
    energies, gradients = prior(ends.reshape(2, -1))
    assert np.abs(energies).max() < 1e-6
    assert np.abs(gradients).max() < 1e-6


def test_a_completed_hessian_has_the_products_and_stays_positive():
    rng = np.random.default_rng(4)
    true = with_curvatures(np.geomspace(0.01, 40, 12), rng)
    model = true + with_curvatures(np.geomspace(0.05, 20, 12), rng)
    V = np.linalg.eigh(model)[1][:, :3].T
    found = completed(model, V, V @ true)
    np.testing.assert_allclose(found, found.T, atol=1e-10)
    np.testing.assert_allclose(found @ V.T, true @ V.T, atol=1e-10)
    assert np.linalg.eigvalsh(found)[0] > 0
    np.testing.assert_allclose(completed(true, V, V @ true), true, atol=1e-10)


@pytest.mark.parametrize(("lowest", "sign"), [(0.5, 1), (0.02, 1), (-0.05, -1), (-0.3, -1)])
@pytest.mark.parametrize("gradient", [None, np.zeros((10, 3))], ids=["central", "forward"])
def test_the_sign_of_the_softest_curvature_is_found_in_a_few_gradients(lowest, sign, gradient):
    rng = np.random.default_rng(7)
    values = np.concatenate([[lowest], np.geomspace(0.6, 50, 29)])
    hessian = with_curvatures(values, rng)
    modes = np.linalg.eigh(hessian)[1]
    # A model that takes all modes for stiffer, the lowest most, and mixes them.
    mixed = np.linalg.qr(modes + 0.03 * rng.normal(size=modes.shape))[0]
    model = (mixed * (np.abs(values) * 1.5 + 0.1)) @ mixed.T
    surface = Quadratic(hessian)
    found = softest_curvature(surface, np.zeros((10, 3)), model, gradient)
    assert found.sign == sign
    assert found.evaluations == surface.evaluations <= (12 if gradient is None else 6)
    assert found.least - 1e-6 <= lowest <= found.curvature + 1e-6


def test_a_minimum_is_no_saddle_for_forces_that_are_not_those_of_its_energy():
    rng = np.random.default_rng(7)
    values = np.concatenate([[0.02], np.geomspace(0.6, 50, 29)])
    modes = np.linalg.qr(rng.normal(size=(30, 30)))[0]
    hessian = (modes * values) @ modes.T
    wrong = hessian - 0.4 * np.outer(modes[:, 0], modes[:, 1])
    assert np.linalg.eigvalsh(wrong + wrong.T)[0] / 2 < -0.04
    found = softest_curvature(Quadratic(wrong), np.zeros((10, 3)), hessian, np.zeros((10, 3)))
    assert found.curvature < -0.04
    assert found.sign == 0


def test_ends_relax_into_the_minima_of_bfgs_for_half_the_evaluations():
    atoms = molecule("CH3CHO")
    starts = []
    for seed in (3, 4):
        rattled = atoms.copy()
        rattled.rattle(0.08, seed=seed)
        starts.append(rattled.positions)
    shared, plain = oracle_of(atoms.numbers), oracle_of(atoms.numbers)
    proven = proven_on_surrogate(atoms.numbers, np.array(starts), shared.invariances)
    paid = []
    for start in starts:
        before = shared.evaluations
        (found,) = minima(shared, atoms.numbers, start, proven=proven)
        paid.append(shared.evaluations - before - found.proof.evaluations)
        assert (found.proof.kind, found.proof.doubt, found.point) == ("staged", "", None)
        assert found.proof.curvature - found.proof.error > 0
        assert found.fmax <= 0.005
        wanted = relax(plain, atoms.numbers, start)
        assert found.energy == pytest.approx(wanted.energy, abs=1e-4)
    assert sum(paid) < plain.evaluations / 2
    assert paid[1] <= paid[0]  # the second end starts with what the first has taught


def test_ends_that_are_mirror_images_do_not_disturb_each_other():
    ((reactant, product),) = [given.ends for given in shipped_ends(["formaldimine-inversion"])]
    numbers, starts = reactant.numbers, np.array([reactant.positions, product.positions])
    oracle = Oracle(PotentialSpec("xtb-python", {"method": "GFN1-xTB"}).load(numbers, 0, 1))
    energies, evaluations = [], []
    proven = proven_on_surrogate(numbers, starts, oracle.invariances)
    for start in starts:
        before = oracle.evaluations
        (end,) = minima(oracle, numbers, start, proven=proven)
        evaluations.append(oracle.evaluations - before)
        energies.append(end.energy)
    assert energies[0] == pytest.approx(energies[1], abs=1e-4)
    assert evaluations[1] <= evaluations[0] + 2


def test_a_planar_ammonia_is_left_to_both_sides_without_a_hessian():
    numbers, turn = np.array([7, 1, 1, 1]), np.radians([0, 120, 240])
    planar = np.vstack([[0, 0, 0], np.stack([np.cos(turn), np.sin(turn), 0 * turn], axis=1)])
    oracle = oracle_of(numbers)
    proven = proven_on_surrogate(numbers, planar[None], oracle.invariances)
    found = minima(oracle, numbers, planar, proven=proven)
    assert len(found) == 2
    assert all(end.displaced and end.proof.kind == "staged" for end in found)
    volumes = [np.linalg.det(end.positions[1:] - end.positions[0]) for end in found]
    assert volumes[0] * volumes[1] < 0


def test_a_surrogate_that_gets_nowhere_hands_on_to_bfgs(monkeypatch):
    monkeypatch.setattr(relaxation, "MOST", 2)
    atoms = molecule("CH3OH")
    start = atoms.copy()
    start.rattle(0.1, seed=1)
    oracle = oracle_of(atoms.numbers)
    proven = proven_on_surrogate(atoms.numbers, start.positions[None], oracle.invariances)
    (found,) = minima(oracle, atoms.numbers, start.positions, proven=proven)
    wanted = relax(oracle, atoms.numbers, start.positions)
    assert found.energy == pytest.approx(wanted.energy, abs=1e-4)
    assert found.fmax <= 0.005


def test_a_sign_in_doubt_is_settled_by_the_full_hessian_and_said(monkeypatch):
    def in_doubt(oracle, x, model, gradient):
        return Softest(0.01, -0.1, np.ones_like(x) / np.sqrt(x.size), model, 4, 0)

    monkeypatch.setattr(relaxation, "softest_decided", in_doubt)
    atoms = molecule("H2O")
    oracle = oracle_of(atoms.numbers)
    proven = proven_on_surrogate(atoms.numbers, atoms.positions[None], oracle.invariances)
    (found,) = minima(oracle, atoms.numbers, atoms.positions, proven=proven)
    assert (found.proof.kind, found.point.index) == ("full", 0)
    assert found.proof.doubt == "a curvature between -0.1 and 0.01 eV/A^2"


def test_two_atoms_and_model_surfaces_have_no_surrogate():
    assert proven_on_surrogate(np.array([1, 1]), np.zeros((2, 2, 3)), RIGID) is by_hessian
    assert proven_on_surrogate(np.array([1]), np.zeros((2, 1, 3)), ()) is by_hessian


def hydrogen_cyanide() -> Entry:
    ends = {
        "reactant": np.array([[0, 0, 0], [1.17, 0.02, 0], [-1.05, 0.1, 0]]),
        "product": np.array([[0, 0, 0], [1.19, 0.03, 0], [2.15, -0.1, 0]]),
    }
    numbers = {role: np.array([6, 7, 1]) for role in ends}
    return Entry("s", "hcn", "test", numbers=numbers, positions=ends)


def test_a_staged_preparation_gives_the_same_reaction_and_says_how_it_was_proven():
    load = PotentialSpec("xtb-python").load
    full, staged = (prepare(hydrogen_cyanide(), load, staged=wanted) for wanted in (False, True))
    assert (full.verdict, staged.verdict) == ("ok", "ok")
    np.testing.assert_allclose(staged.reaction.energies, full.reaction.energies, atol=1e-4)
    assert [proof.kind for proof in full.proofs] == ["full", "full"]
    assert [proof.kind for proof in staged.proofs] == ["staged", "staged"]
    assert staged.evaluations < full.evaluations / 2
    # Free energies need Hessians: there are none, and nothing is made up.
    assert (len(full.points), len(staged.points)) == (2, 0)
    assert "reactant_zero_point_eV" not in staged.row()


def test_one_hessian_of_two_is_handed_on_to_nobody(monkeypatch):
    doubts = iter([False, True])

    def second_in_doubt(*arguments):
        found = softest_curvature(*arguments)
        return replace(found, sign=0) if next(doubts) else found

    monkeypatch.setattr(relaxation, "softest_decided", second_in_doubt)
    prepared = prepare(hydrogen_cyanide(), PotentialSpec("xtb-python").load, staged=True)
    assert [proof.kind for proof in prepared.proofs] == ["staged", "full"]
    assert prepared.points == ()
