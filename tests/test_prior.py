"""A cheaper surface as the prior of an expensive one: what it saves, and that it can't mislead."""

import json
import time
from dataclasses import replace

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes
from ase.calculators.lj import LennardJones

import mepbench
from mepbench.config import check_config, check_method, solver_files
from mepbench.errors import InputError, NotSupported
from mepbench.judging.verify import refine_and_judge
from mepbench.landscape.hessian import hessian, lowest_modes, without_rigid_motion
from mepbench.neural.below import searched_below
from mepbench.neural.explorer import Candidate
from mepbench.neural.soundings import ends_reached
from mepbench.oracle import Evaluated, Oracle, PotentialSpec
from mepbench.path import Path, align
from mepbench.potentials.mueller_brown import KNOWN
from mepbench.preparation.prepare import prepare
from mepbench.reaction import Entry, read_set
from mepbench.registry import load, source_file
from mepbench.solving.guess import Guess, make_guess
from mepbench.solving.prior_price import compared, report
from mepbench.solving.solve import solve
from mepbench.surrogate.descriptor import InverseDistances
from mepbench.surrogate.gaussian_process import GaussianProcess
from mepbench.surrogate.prior import Belief, Flat, Learned, Springs
from mepbench.surrogate.surrogate import Surrogate, learned_from

GFN1, GFN2 = {"name": "xtb-python", "method": "GFN1-xTB"}, PotentialSpec("xtb-python")
METHOD = "neural-surrogate"
HCN = np.array([[-1.07, 0.02, 0.0], [0.0, 0.0, 0.0], [1.15, 0.0, 0.0]])
HNC = np.array([[2.15, 0.02, 0.0], [0.0, 0.0, 0.0], [1.17, 0.0, 0.0]])


ENTRY = Entry(
    "mine",
    "hcn",
    "test",
    numbers={role: np.array([1, 6, 7]) for role in ("reactant", "product")},
    positions={"reactant": HCN, "product": HNC},
)


@pytest.fixture(scope="module")
def hcn():
    """HCN and HNC, minima of GFN2-xTB, and a guess between them."""
    reaction = prepare(ENTRY, GFN2.load).reaction
    return reaction, make_guess(reaction, "geodesic", None)


def searched(hcn, prior, budget=300, **options):
    reaction, guess = hcn
    given = options if prior is None else {**options, "prior": prior}
    return solve(reaction, guess, METHOD, given, GFN2, budget, 0)


@pytest.fixture(scope="module")
def plain(hcn):
    return searched(hcn, None)


class Spec:
    """A potential of a test, as a method is handed it: made by a function of the reaction."""

    def __init__(self, make):
        self.of = make


class Wrapped:
    """GFN1-xTB that raises at some evaluation, and knows in which state it was made."""

    def __init__(self, reaction, fails_at=np.inf, what="the disk with the basis set is gone"):
        self.inner = PotentialSpec("xtb-python", {"method": "GFN1-xTB"}).of(reaction)
        self.invariances, self.backend = self.inner.invariances, self.inner.backend
        self.asked, self.fails_at, self.what = 0, fails_at, what

    def evaluate(self, positions):
        self.asked += len(positions)
        if self.asked >= self.fails_at:
            raise OSError(self.what)
        return self.inner.evaluate(positions)


def lennard_jones(numbers, charge, multiplicity):
    return LennardJones(sigma=1.0, epsilon=1.0, rc=1e3)


def no_hydrogen(numbers, charge, multiplicity):
    raise NotSupported("no parameters for H (Z = 1) in this test")


def observed(count, rng):
    """Geometries of three atoms, energies and gradients of a function of their distances."""
    pairs = InverseDistances(np.array([1, 6, 7]))
    x = (HCN + rng.normal(scale=0.1, size=(count, 3, 3))).reshape(count, -1)
    at = pairs(x)
    return pairs, x, np.sin(3 * at.q).sum(axis=1), pairs.pull(at.slope, 3 * np.cos(3 * at.q))


def cheaper(pairs, x, energy, gradient):
    """A surrogate of nearly the same function, as `Learned` asks for one."""
    springs = Springs(np.array([1, 6, 7]), np.array([HCN, HNC]), pairs)
    fit = GaussianProcess(pairs, springs, "matern", 0.6, (1e-6, 1e-6))
    fit.add(x, 0.9 * energy + 100.0, 0.9 * gradient)
    return fit


def test_with_a_learned_mean_gradient_and_hessian_are_the_derivatives_of_the_energy():
    rng = np.random.default_rng(0)
    pairs, x, energy, gradient = observed(5, rng)
    fit = GaussianProcess(
        pairs, Learned(cheaper(pairs, x, energy, gradient), None), "matern", 0.6, (0, 0)
    )
    fit.add(x[:2], energy[:2], gradient[:2])
    at, step = x[4] + 0.03, 1e-5 * np.eye(9)
    slopes = (fit(at + step)[0] - fit(at - step)[0]) / 2e-5
    bends = (fit(at + step)[1] - fit(at - step)[1]) / 2e-5
    assert fit(at[None])[1][0] == pytest.approx(slopes, abs=1e-5)
    assert fit.expansion(at[None])[2][0] == pytest.approx(bends, abs=1e-4)


def test_a_learned_mean_predicts_better_than_springs_whatever_its_zero_of_energy_is():
    rng = np.random.default_rng(1)
    pairs, x, energy, gradient = observed(30, rng)
    learned = Learned(cheaper(pairs, x[:25], energy[:25], gradient[:25]), None)
    springs = Springs(np.array([1, 6, 7]), np.array([HCN, HNC]), pairs)
    misses = []
    for prior in (learned, springs):
        fit = GaussianProcess(pairs, prior, "matern", 0.6, (1e-6, 1e-6))
        fit.add(x[:2], energy[:2], gradient[:2])
        misses.append(np.abs(fit(x[25:])[0] - energy[25:]).mean())
        assert fit.misfit(learned) < 0.5 * fit.misfit(springs)
    assert misses[0] < 0.3 * misses[1]


def test_the_prior_s_doubt_is_its_surrogate_s_and_ends_where_the_expensive_level_is_known():
    rng = np.random.default_rng(2)
    pairs, x, energy, gradient = observed(6, rng)
    learned = Learned(cheaper(pairs, x[:5], energy[:5], gradient[:5]), None)
    fit = GaussianProcess(pairs, learned, "matern", 0.6, (1e-6, 1e-6))
    fit.add(x[5:], energy[5:], gradient[5:])
    far = 1.5 * x[:1]
    assert fit.deviation(far) > 0.9 * learned.deviation(far)
    assert fit.deviation(x[5:]).max() < 0.02 * np.hypot(fit.sigma, learned.deviation(x[5:]))
    sure = GaussianProcess(pairs, Belief(), "matern", 0.6, (1e-6, 1e-6))
    assert sure.prior.deviation(far) == 0.0


def test_with_a_prior_the_same_saddle_takes_half_the_evaluations(hcn, plain):
    begin = time.perf_counter()
    found = searched(hcn, GFN1)
    seconds = time.perf_counter() - begin
    assert found.path.converged
    assert found.reason == ""
    assert found.peak.energy == pytest.approx(plain.peak.energy, abs=1e-3)
    assert found.evaluations <= 5 < plain.evaluations
    assert (plain.prior_evaluations, plain.prior_wall) == (0, 0.0)
    assert found.prior_evaluations > 10
    assert min(found.wall, found.prior_wall) > 0
    assert found.wall + found.prior_wall < seconds


def test_what_was_paid_for_the_expensive_level_is_not_mixed_with_the_prior_s(hcn):
    found = searched(hcn, GFN1)
    assert len(found.evaluated) == found.evaluations
    assert len(found.below.evaluated) == found.prior_evaluations
    for spec, evaluated in (
        (GFN2, found.evaluated),
        (PotentialSpec.read(GFN1), found.below.evaluated),
    ):
        energies, _ = spec.of(hcn[0]).evaluate(evaluated.positions)
        assert evaluated.energies == pytest.approx(energies, abs=1e-5)


def test_twice_the_same_search_is_the_same(hcn):
    first, again = searched(hcn, GFN1), searched(hcn, GFN1)
    assert np.array_equal(first.path.positions, again.path.positions)
    assert first.prior_evaluations == again.prior_evaluations


def test_a_prior_that_contradicts_is_dropped_and_the_run_says_so(hcn, plain):
    atoms = {"name": "ase", "factory": f"{__name__}:lennard_jones"}
    found = searched(hcn, atoms, limit=15, restart=8)
    assert found.path.converged
    assert found.peak.energy == pytest.approx(plain.peak.energy, abs=1e-3)
    assert "the prior was dropped: evaluation 1 contradicts it" in found.reason
    assert found.evaluations <= 15 + plain.evaluations


@pytest.mark.parametrize("fails_at", [1, 8, 18])
def test_a_prior_that_fails_costs_nothing_but_what_it_would_have_saved(hcn, plain, fails_at):
    made = []

    def failing(reaction):
        made.append(Wrapped(reaction, fails_at))
        return made[-1]

    found = searched(hcn, Spec(failing))
    assert found.path.converged
    assert found.peak.energy == pytest.approx(plain.peak.energy, abs=1e-3)
    assert "the prior failed" in found.reason
    assert "the disk with the basis set is gone" in found.reason
    assert found.prior_evaluations == made[0].asked


def test_a_prior_without_parameters_for_an_element_is_left_out(hcn, plain):
    found = searched(hcn, {"name": "ase", "factory": f"{__name__}:no_hydrogen"})
    assert found.evaluations == plain.evaluations
    assert found.prior_evaluations == 0
    assert "searched without it" in found.reason
    assert "no parameters for H (Z = 1)" in found.reason


def test_a_model_surface_has_no_prior():
    reaction, line = KNOWN[0].reaction, np.linspace(*KNOWN[0].reaction.ends, 21)
    surface = PotentialSpec("mueller-brown")
    found = solve(reaction, Guess(line), METHOD, {"prior": "mueller-brown"}, surface, 100, 0)
    assert found.path.converged
    assert "no model surface" in found.reason


def test_the_prior_has_the_state_of_the_reaction(hcn):
    reaction, guess = hcn
    cation, states = replace(reaction, charge=1, multiplicity=2), []
    energies, gradients = GFN2.of(cation).evaluate(cation.ends)
    cation = replace(cation, energies=energies, gradients=gradients)

    def made(asked):
        states.append((asked.charge, asked.multiplicity))
        return Wrapped(asked)

    solve(cation, guess, METHOD, {"prior": Spec(made)}, GFN2, 60, 0)
    assert states == [(1, 2)]


def test_evaluations_of_the_prior_are_accepted_and_no_others(hcn):
    reaction, _ = hcn
    oracle = Oracle(GFN2.of(reaction), reaction)
    cheap = oracle.beside(PotentialSpec("xtb-python", {"method": "GFN1-xTB"}), reaction)
    cheap(reaction.ends)
    oracle.audit(None)
    assert (oracle.evaluations, cheap.evaluations) == (0, 2)
    GFN2.of(reaction).evaluate(reaction.ends)
    with pytest.raises(ValueError, match="did not count: 2"):
        oracle.audit(None)
    with pytest.raises(ValueError, match="one prior"):
        oracle.beside(GFN2, reaction)


def test_a_method_asks_no_prior_that_its_options_do_not_name(hcn, monkeypatch):
    reaction, guess = hcn

    def solve_by_the_way(reaction, oracle, guess, seed):
        oracle.beside(GFN2, reaction)(guess.positions[1:-1])
        return guess

    monkeypatch.setattr("mepbench.solving.solve.load", lambda *_: solve_by_the_way)
    found = solve(reaction, guess, "guess-only", {}, GFN2, 300, 0)
    assert found.verdict == "error"
    assert "a prior was asked that the options do not name" in found.reason


def test_points_near_a_known_one_are_not_asked_again(hcn):
    reaction, _ = hcn
    oracle = Oracle(Wrapped(reaction), None)
    surrogate = Surrogate(reaction, oracle, kernel="matern", length=0.6, noise=1e-5)
    learned = Learned(surrogate, oracle)
    middle = reaction.ends.mean(axis=0) + np.array([[0.0, 1.0, 0.0], [0.0, 0, 0], [0.0, 0, 0]])
    assert learned.consult(middle) > 0.02
    assert learned.consult(middle + 0.001) == 0.0
    assert oracle.evaluations == 3


@pytest.mark.parametrize(
    ("prior", "said"),
    [
        ("tblit", "Did you mean 'tblite'?"),
        ({"name": "xtb-python", "method": "GFN9"}, "option 'method' must be one of"),
        ({"method": "GFN1-xTB"}, "must be the name of a potential"),
        (7, "'prior' must be"),
    ],
)
def test_a_misnamed_prior_is_an_error_before_any_job(prior, said):
    with pytest.raises(InputError, match=said):
        check_method("mine", {"solver": METHOD, "prior": prior})
    check_method("mine", {"solver": METHOD, "prior": GFN1})


def test_a_prior_s_file_is_part_of_the_code_that_a_run_depends_on(tmp_path):
    (tmp_path / "mine.py").write_text("def load(numbers, charge, multiplicity): ...")
    config = {"methods": {"mine": {"solver": METHOD, "prior": {"name": "./mine.py"}}}}
    (method,) = check_config(config, tmp_path).methods.values()
    assert tmp_path / "mine.py" in solver_files(method)
    method, _ = check_method("mine", {"solver": METHOD, "prior": "tblite"})
    assert source_file("potentials", "tblite") in solver_files(method)


class Slow(Calculator):
    """GFN1-xTB, as a user's calculator that may fail."""

    implemented_properties = ("energy", "forces")

    def __init__(self, numbers, charge, multiplicity, fails_at=np.inf):
        super().__init__()
        self.inner = PotentialSpec("xtb-python", {"method": "GFN1-xTB"}).load(
            numbers, charge, multiplicity
        )
        self.asked, self.fails_at = 0, fails_at

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        self.asked += 1
        if self.asked >= self.fails_at:
            raise RuntimeError("no licence left")
        energies, gradients = self.inner.evaluate(atoms.positions[None])
        self.results = {"energy": energies[0], "forces": -gradients[0]}


ATOMS = Atoms("HCN", HCN), Atoms("HCN", HNC)


def test_find_saddle_books_and_keeps_the_prior_apart(tmp_path):
    found = mepbench.find_saddle(*ATOMS, prior=GFN1, folder=tmp_path, relax=False)
    assert found.verdict == "intended"
    assert found.prior == "GFN1-xTB"
    lines = {(line.level, line.stage): line for line in found.bill}
    assert lines["GFN1-xTB", "prior"].evaluations == found.evaluations["prior"] > 10
    assert lines["GFN2-xTB", "path"].evaluations == found.evaluations["path"] <= 6
    assert "GFN1-xTB: prior" in str(found)
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["prior"] == "GFN1-xTB"
    assert summary["evaluations"]["prior"] == found.evaluations["prior"]

    again = mepbench.find_saddle(*ATOMS, prior=GFN1, folder=tmp_path, relax=False)
    assert [line.reused for line in again.bill] == [line.evaluations for line in found.bill]


def test_find_saddle_takes_a_calculator_or_a_function_as_prior_and_goes_on_where_it_fails():
    existing = Slow(np.array([1, 6, 7]), 0, 1, fails_at=6)
    found = mepbench.find_saddle(*ATOMS, prior=existing, relax=False)
    assert found.verdict == "intended"
    assert "the prior failed" in found.reason
    assert "no licence left" in found.reason
    assert found.evaluations["prior"] == existing.asked
    made = []

    def make(numbers, charge, multiplicity):
        made.append((charge, multiplicity))
        return Slow(numbers, charge, multiplicity)

    found = mepbench.find_saddle(*ATOMS, prior=make, relax=False)
    assert found.evaluations["path"] <= 6
    assert set(made) == {(0, 1)}


class Neutral(LennardJones):
    """A calculator that was made for another charge."""

    def __init__(self):
        super().__init__()
        self.parameters["charge"] = 1


@pytest.mark.parametrize(
    ("prior", "more", "said"),
    [
        (no_hydrogen, {}, "prior: no parameters for H"),
        ("mueller-brown", {}, "prior: 'mueller-brown' is a model surface"),
        ("tblit", {}, "prior: there is no potential 'tblit'"),
        (42, {}, "prior: 42 is no ASE calculator"),
        (GFN1, {"method": "neb"}, "prior: the method 'neb' takes none"),
        (Neutral(), {}, "charge"),
    ],
)
def test_a_prior_that_cannot_serve_is_refused_before_anything_is_paid(prior, more, said):
    paid = []

    def expensive(numbers, charge, multiplicity):
        paid.append(charge)
        return LennardJones()

    with pytest.raises(InputError, match=said):
        mepbench.find_saddle(*ATOMS, expensive, prior=prior, **more)
    assert not paid


def test_the_ends_below_are_turned_back_onto_those_they_came_from(hcn):
    reaction, guess = hcn
    seen = {}

    def search(below, cheap, path):
        seen["ends"], seen["guess"] = below.ends, path.positions
        surrogate = Surrogate(below, cheap, kernel="matern", length=0.6, noise=1e-5)
        return surrogate, lambda s: path.positions[np.round(s * 20).astype(int)], None

    cheap = Oracle(Wrapped(reaction))
    below = searched_below(reaction, cheap, Path(guess.positions), search)
    assert below.saddle is None
    for mine, theirs in zip(seen["ends"], reaction.ends, strict=True):
        assert 1e-4 < np.abs(mine - theirs).max() < 0.1
        assert mine == pytest.approx(align(mine, theirs), abs=1e-9)
    assert seen["guess"][[0, -1]] == pytest.approx(seen["ends"])
    assert below.frames[[0, -1]] == pytest.approx(reaction.ends)
    known = below.learned(reaction.ends.reshape(2, -1))[0]
    energies, _ = load("potentials", "xtb-python")(
        reaction.numbers, 0, 1, method="GFN1-xTB"
    ).evaluate(reaction.ends)
    assert known == pytest.approx(energies, abs=5e-3)


def test_ends_that_are_one_minimum_below_leave_nothing_to_search_there(hcn, plain, monkeypatch):
    monkeypatch.setattr("mepbench.neural.below._relaxed", lambda numbers, x, cheap: HCN)
    found = searched(hcn, GFN1)
    assert found.evaluations == plain.evaluations
    assert "searched without it: both ends relax into one minimum there" in found.reason


def test_the_price_list_names_where_the_prior_leads_elsewhere(hcn):
    reaction, _ = hcn
    row = compared(reaction, GFN1)
    assert row.same
    assert row.solved == (True, True)
    assert row.helped[0] < row.plain[0]
    misled = replace(row, name="misled", helped=(9, 1.0, row.plain[2] + 0.02))
    nowhere = replace(row, name="nowhere", helped=(99, 1.0, np.nan), message="dropped")
    text = report([row, misled, nowhere])
    assert "| hcn | 3 |" in text
    assert "| **misled** | 3 |" in text
    assert "| **nowhere** | 3 |" in text
    assert "3 reactions; a saddle without in 3, with in 2" in text
    assert "the same saddle in 1" in text


class Doubting(Flat):
    """A prior that is unsure of itself until it has been asked three times."""

    def __init__(self):
        self.asked = []

    def deviation(self, x):
        return np.full(len(x), 1.0 if len(self.asked) < 3 else 0.0)

    def consult(self, x):
        self.asked.append(x)
        return 1.0


def test_a_prior_is_asked_along_a_saddle_s_descents_before_these_are_believed():
    known, surface = KNOWN[0], PotentialSpec("mueller-brown")
    oracle = Oracle(surface.of(known.reaction), known.reaction)
    surrogate = Surrogate(known.reaction, oracle, kernel="matern", length=0.6, noise=1e-5)
    energy, gradient, _ = surrogate.observe(known.saddle)
    saddle = Candidate(known.saddle, energy, gradient, np.array([[1.0, -1.0, 0.0]]), 0.0, -1.0)
    surrogate.prior = Doubting()
    options = {"soundings": 0, "doubt": 0.15, "lenience": 2.0}
    ends_reached(known.reaction, surrogate, saddle, lambda x: None, **options)
    assert len(surrogate.prior.asked) == 3
    assert oracle.evaluations == 1


def test_what_a_cheaper_level_has_answered_is_a_prior_again_that_can_be_asked(hcn):
    reaction, _ = hcn
    below = searched(hcn, GFN1).below
    cheap = Oracle(below.spec.of(reaction))
    pairs = InverseDistances(reaction.numbers)
    learned = learned_from(reaction, pairs, cheap, below.evaluated, reaction.reactant)
    at = below.evaluated.positions
    energies, _ = learned(at.reshape(len(at), -1))
    assert energies == pytest.approx(below.evaluated.energies, abs=0.01)
    assert cheap.evaluations == 0
    assert learned.consult(reaction.reactant + np.array([[0.3, 0, 0], [0, 0, 0], [0, 0, 0]])) > 0.1
    assert cheap.evaluations == 1


def test_a_cheaper_level_remembers_no_more_than_a_process_may_and_forgets_the_farthest(hcn):
    reaction, _ = hcn
    cheap = Oracle(PotentialSpec.read(GFN1).of(reaction))
    surrogate = Surrogate(reaction, cheap)
    learned = Learned(surrogate, cheap)
    bent = reaction.reactant.copy()
    for _ in range(surrogate.most + 5):
        bent[0] += [0.0, 0.012, 0.0]
        learned.consult(bent)
    assert len(surrogate) <= surrogate.most
    assert surrogate.away(bent) == 0.0
    assert surrogate.away(reaction.reactant) > 0.1


@pytest.fixture(scope="module")
def given():
    """A reaction of the shipped set as another level gives it."""
    return next(entry for entry in read_set("rdb7_dev", "rdb7_dev") if entry.name == "rxn006463")


def test_where_both_levels_are_one_the_model_has_the_true_soft_curvatures(given):
    reaction = prepare(given, GFN2.load, staged=True).reaction
    oracle, cheap = Oracle(GFN2.of(reaction), reaction), Oracle(GFN2.of(reaction))
    surrogate = Surrogate(reaction, oracle)
    at = reaction.reactant, oracle.invariances
    exact, _ = lowest_modes(hessian(oracle, reaction.reactant), *at)

    def off() -> float:
        """By how much the softest are off, eV/angstrom^2."""
        model = without_rigid_motion(surrogate.surface.model_hessian(reaction.reactant), *at)
        return np.abs(lowest_modes(model, *at)[0] - exact)[:2].max()

    alone = off()
    evaluated = Evaluated(reaction.ends, reaction.energies, reaction.gradients)
    of = reaction, surrogate.coordinates, cheap, evaluated, reaction.reactant
    surrogate.believe(learned_from(*of))
    assert off() < 0.02 < alone
    assert cheap.evaluations == 3 * 16 + 1


def test_ends_on_a_prior_are_the_same_minima_for_fewer_evaluations(given):
    plain = prepare(given, GFN2.load, staged=True)
    helped = prepare(given, GFN2.load, staged=True, prior=PotentialSpec.read(GFN1))
    assert helped.reaction.energies == pytest.approx(plain.reaction.energies, abs=5e-4)
    assert [proof.kind for proof in helped.proofs] == ["staged", "staged"]
    assert helped.evaluations < 0.8 * plain.evaluations
    assert helped.prior_evaluations > helped.evaluations
    assert (plain.prior_evaluations, plain.prior_seconds) == (0, 0.0)


def test_a_prior_that_fails_at_the_ends_is_left_out_and_that_is_said():
    class Failing:
        load = staticmethod(lambda *state: Wrapped(prepare(ENTRY, GFN2.load).reaction, fails_at=1))

    plain, helped = (
        prepare(ENTRY, GFN2.load, staged=True, prior=prior) for prior in (None, Failing())
    )
    assert helped.evaluations == plain.evaluations
    assert (
        "the prior failed at the ends: OSError: the disk with the basis set is gone"
        in helped.reason
    )


def test_a_prior_that_contradicts_at_the_ends_is_dropped():
    calculator = PotentialSpec("ase", {"factory": "test_prior:lennard_jones"})
    plain, helped = (
        prepare(ENTRY, GFN2.load, staged=True, prior=prior) for prior in (None, calculator)
    )
    assert helped.verdict == "ok"
    assert helped.reaction.energies == pytest.approx(plain.reaction.energies, abs=5e-4)


def proven(reaction, solved, below):
    return refine_and_judge(
        reaction,
        solved.path,
        solved.peak,
        "sella",
        GFN2,
        200,
        0,
        "staged",
        solved.evaluated,
        below,
    )


def test_a_staged_proof_goes_on_asking_the_prior_and_books_it_apart(given):
    reaction = prepare(given, GFN2.load, staged=True).reaction
    of = reaction, make_guess(reaction, "geodesic", None), METHOD
    solved = solve(*of, {"prior": GFN1}, GFN2, 300, 0)
    helped, plain = (proven(reaction, solved, below) for below in (solved.below, None))
    assert helped.verdict == plain.verdict == "intended"
    assert helped.proof.kind == "staged"
    assert helped.verify_evaluations < plain.verify_evaluations
    assert helped.prior_evaluations > 3 * len(reaction.numbers)
    assert (plain.prior_evaluations, plain.prior_wall) == (0, 0.0)


def test_a_prior_does_not_talk_a_staged_proof_into_a_saddle_that_only_the_cheaper_level_has():
    """Of rxn008893 one side leads to the given end on GFN1-xTB, and to another on GFN2-xTB."""
    entry = next(entry for entry in read_set("rdb7_dev", "rdb7_dev") if entry.name == "rxn008893")
    reaction = prepare(entry, GFN2.load).reaction
    of = reaction, make_guess(reaction, "geodesic", None), METHOD
    solved = solve(*of, {"prior": GFN1}, GFN2, 300, 0)
    judged = proven(reaction, solved, solved.below)
    assert judged.verdict != "intended"
    assert judged.proof.kind == "full"
