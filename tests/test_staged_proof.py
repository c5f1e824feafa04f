"""The staged proof: indices from few gradients, walks on a surrogate, and never a fake."""

from dataclasses import replace

import numpy as np
import pytest
from known import XTB, names, over, shipped
from test_planted_fakes import chiral_rearrangement, rotamers_saddle

import mepbench.judging.staged
from mepbench import find_saddle
from mepbench.errors import InputError, SCFFailure
from mepbench.judging.agreement import said
from mepbench.judging.judge import judge
from mepbench.judging.staged import Doubt, Staged
from mepbench.judging.verify import refine_and_judge
from mepbench.landscape.hessian import hessian, lowest_modes, without_rigid_motion
from mepbench.landscape.index import stationary_point
from mepbench.landscape.lowest import lowest_pairs
from mepbench.landscape.minima import relax
from mepbench.landscape.steps import bofill_update
from mepbench.oracle import Evaluated, Oracle
from mepbench.path import Path, Peak, align
from mepbench.reaction import Reaction
from mepbench.surrogate.surrogate import Surrogate


class Quadratic:
    """V = x H x / 2 of some atoms, with no invariance."""

    backend, invariances = "test", ()

    def __init__(self, matrix):
        self.matrix = matrix

    def evaluate(self, positions):
        flat = positions.reshape(len(positions), -1)
        gradients = flat @ self.matrix
        return (flat * gradients).sum(axis=1) / 2, gradients.reshape(positions.shape)


def with_spectrum(values, seed=0):
    rng = np.random.default_rng(seed)
    modes = np.linalg.qr(rng.normal(size=(len(values), len(values))))[0]
    return (modes * np.asarray(values)) @ modes.T, rng


def pairs_of(values, index, error=0.3):
    """The lowest pairs of a quadratic surface, from a model with errors, and what they cost."""
    matrix, rng = with_spectrum(values)
    noise = rng.normal(scale=error, size=matrix.shape)
    oracle = Oracle(Quadratic(matrix))
    x = np.zeros((len(values) // 3, 3))
    pairs = lowest_pairs(oracle, x, 0 * x, matrix + (noise + noise.T) / 2, index)
    assert pairs.evaluations == oracle.evaluations
    return pairs


SPECTRUM = [-3.0, 0.4, 0.9, *np.geomspace(2, 60, 24)]


def test_the_two_lowest_curvatures_of_a_quadratic_surface_come_out():
    pairs = pairs_of(SPECTRUM, 1)
    assert pairs.is_certain(1)
    assert pairs.curvatures == pytest.approx(SPECTRUM[:2], abs=0.1)
    assert (pairs.curvatures >= np.array(SPECTRUM[:2]) - 1e-6).all()  # Ritz values: from above
    assert pairs.evaluations < 2 * len(SPECTRUM) / 3


@pytest.mark.parametrize("second", [-2.0, -0.3, -0.1])
def test_a_second_negative_mode_is_seen_though_the_model_takes_it_for_positive(second):
    matrix, _ = with_spectrum([-3.0, second, *SPECTRUM[2:]])
    model, _ = with_spectrum([-3.0, 0.5, *SPECTRUM[2:]])
    x = np.zeros((9, 3))
    pairs = lowest_pairs(Oracle(Quadratic(matrix)), x, 0 * x, model, 1)
    assert pairs.least_index == 2
    assert not pairs.is_certain(1)


def test_a_minimum_is_no_saddle_and_a_saddle_no_minimum():
    assert pairs_of([0.3, *SPECTRUM[1:]], 0).is_certain(0)
    assert not pairs_of([0.3, *SPECTRUM[1:]], 1).is_resolved(1)
    assert pairs_of(SPECTRUM, 0).least_index == 1


def test_a_molecule_of_three_vibrations_needs_no_more_than_all_of_them():
    reaction, saddle = shipped("hcn-isomerisation")
    oracle = Oracle(XTB.of(reaction))
    (_,), (gradient,) = oracle(saddle[None])
    pairs = lowest_pairs(oracle, saddle, gradient, np.diag(np.full(9, 5.0)), 1)
    point = stationary_point(oracle, saddle, hessian(oracle, saddle))
    assert pairs.curvatures == pytest.approx(point.curvatures[:2], rel=0.05)


def staged(reaction, saddle, known=None):
    """Return verdict and evaluations; the verdict is `doubt` where one is left."""
    means = means_for(reaction, saddle, known)
    try:
        return judge(reaction, means.oracle, Peak(saddle), means=means).verdict, paid(means)
    except Doubt:
        return "doubt", paid(means)


def means_for(reaction, saddle, known=None):
    return Staged(reaction, Oracle(XTB.of(reaction), reaction), known, saddle)


def paid(means):
    return means.oracle.evaluations


@pytest.mark.parametrize(
    "name",
    ["vinyl-alcohol-acetaldehyde", "cyclobutene-ring-opening", "formic-acid-dehydration"],
)
def test_a_true_saddle_is_intended_at_a_tenth_of_the_price(name):
    reaction, saddle = shipped(name)
    verdict, evaluations = staged(reaction, saddle)
    oracle = Oracle(XTB.of(reaction))
    assert verdict == judge(reaction, oracle, Peak(saddle)).verdict == "intended"
    assert evaluations < oracle.evaluations / 5


def fakes():
    vinyl, _ = shipped("vinyl-alcohol-acetaldehyde")
    yield "its reactant", vinyl, vinyl.reactant
    yield "its product", vinyl, vinyl.product
    carbene, _ = shipped("hydroxymethylene-formaldehyde")
    yield "another reaction of the atoms", carbene, shipped("formaldehyde-dissociation")[1]
    yield "a rotamer's", *rotamers_saddle()
    propenol, saddle = shipped("propenol-acetone")
    turned = replace(propenol, product=align(-propenol.product, propenol.reactant))
    yield "numbered hydrogens", turned, saddle
    chiral, saddle = chiral_rearrangement()
    gradients = Oracle(XTB.of(chiral))(chiral.ends)[1]
    inverted = replace(chiral, product=-chiral.product, gradients=gradients * [[[1]], [[-1]]])
    yield "the other hand", inverted, saddle


def test_no_fake_is_intended():
    found = {name: staged(reaction, saddle)[0] for name, reaction, saddle in fakes()}
    assert "intended" not in found.values(), found


@pytest.mark.parametrize(
    ("symbols", "planar"),
    [
        ("OHH", [[0.0, 0, 0], [0, 0, 0.95], [0, 0, -0.95]]),
        (
            "NNHHHH",
            [
                [0.0, 0.7, 0],
                [0, -0.7, 0],
                [0.85, 1.2, 0],
                [-0.85, 1.2, 0],
                [0.85, -1.2, 0],
                [-0.85, -1.2, 0],
            ],
        ),
    ],
)
def test_a_point_of_second_order_is_never_intended(symbols, planar):
    from ase.symbols import symbols2numbers

    numbers = np.array(symbols2numbers(symbols))
    oracle = Oracle(XTB.load(numbers, 0, 1))
    flat = relax(oracle, numbers, np.array(planar), 1e-3)
    rng = np.random.default_rng(1)
    ends = [
        relax(oracle, numbers, flat.positions + rng.normal(scale=0.1, size=flat.positions.shape))
        for _ in range(2)
    ]
    reaction = Reaction(
        "flat",
        numbers,
        *(end.positions for end in ends),
        energies=np.array([end.energy for end in ends]),
        gradients=np.array([end.gradient for end in ends]),
    )
    assert staged(reaction, flat.positions)[0] in ("higher-order", "doubt")


def uphill_along_two_modes(oracle, saddle, k, steps=60):
    """Newton steps from beside a saddle to a point of second order; all geometries, or none."""
    matrix = hessian(oracle, saddle)
    modes = lowest_modes(matrix, saddle, oracle.invariances, count=saddle.size)[1]
    if k >= len(modes):
        return None
    x, track = saddle + 0.5 * modes[k] / np.linalg.norm(modes[k], axis=1).max(), []
    (energy,), (gradient,) = oracle(x[None])
    for step in range(steps):
        track.append((x, energy, gradient))
        if np.linalg.norm(gradient, axis=1).max() < 0.005:
            return track
        if step % 8 == 7:
            matrix = hessian(oracle, x, forward=True)
        values, modes = lowest_modes(matrix, x, oracle.invariances, count=x.size)
        slopes = np.einsum("kij,ij->k", modes, gradient)
        signs = np.where(np.arange(len(slopes)) < 2, 1, -1)
        move = np.einsum("k,kij->ij", signs * slopes / np.maximum(np.abs(values), 0.05), modes)
        move *= min(1.0, 0.15 / np.linalg.norm(move, axis=1).max())
        try:
            (energy,), (ahead,) = oracle((x + move)[None])
        except SCFFailure:
            return None
        matrix = bofill_update(matrix, move.ravel(), (ahead - gradient).ravel())
        x, gradient = x + move, ahead
        matrix = without_rigid_motion(matrix, x, oracle.invariances)
    return None


@pytest.mark.slow
def test_no_point_of_second_order_beside_the_textbook_saddles_is_taken_for_one_of_first():
    seen, believed = 0, []
    for name in names():
        reaction, saddle = shipped(name)
        if reaction.natoms > 12:
            continue
        oracle = Oracle(XTB.of(reaction), reaction)
        for k in (1, 2):
            track = uphill_along_two_modes(oracle, saddle, k)
            if track is None:
                continue
            x, _, gradient = track[-1]
            if stationary_point(oracle, x, hessian(oracle, x)).index < 2:
                continue
            for known in (1, 5):
                surrogate = Surrogate(reaction, oracle)
                surrogate.learn(*(np.array(column[-known:]) for column in zip(*track, strict=True)))
                pairs = lowest_pairs(oracle, x, gradient, surrogate.surface.hessian(x), 1)
                seen += 1
                if pairs.is_certain(1):
                    believed.append((name, k, known))
    assert seen > 60
    assert not believed


def test_a_doubt_leads_to_the_full_proof_and_is_said(monkeypatch):
    reaction, saddle = shipped("vinyl-alcohol-acetaldehyde")
    monkeypatch.setattr(mepbench.judging.staged, "MOST", 0)
    path = Path(over(reaction, saddle))
    judged = refine_and_judge(reaction, path, Peak(saddle), "sella", XTB, 200, 0, "staged")
    assert (judged.verdict, judged.proof.kind) == ("intended", "full")
    assert judged.proof.doubt == "the walk on the surrogate does not end"
    assert judged.quality is not None


def test_what_the_search_has_paid_for_makes_the_walk_cheaper():
    reaction, saddle = shipped("cyclobutene-ring-opening")
    oracle = Oracle(XTB.of(reaction))
    path = judge(reaction, oracle, Peak(saddle)).irc[4:-4:5]
    with_it, without = (
        means_for(reaction, saddle, known) for known in (Evaluated(path, *oracle(path)), None)
    )
    for means in (with_it, without):
        assert judge(reaction, means.oracle, Peak(saddle), means=means).verdict == "intended"
    assert with_it.evidence.walk < without.evidence.walk


def test_the_forces_that_the_refinement_has_paid_for_are_not_asked_again():
    reaction, saddle = shipped("vinyl-alcohol-acetaldehyde")
    known = Evaluated(saddle[None], *Oracle(XTB.of(reaction))(saddle[None]))
    with_it, without = (means_for(reaction, saddle, some) for some in (known, None))
    at = [means.at(means.oracle, saddle) for means in (with_it, without)]
    assert (paid(with_it), paid(without)) == (0, 1)
    assert at[0][0] == pytest.approx(at[1][0], abs=1e-6)
    assert at[0][1] == pytest.approx(at[1][1], abs=1e-3)


@pytest.fixture
def hcn(tmp_path):
    for name, x in (("r", (-1.07, 0.0, 1.16)), ("p", (2.17, 0.0, 1.17))):
        h, c, n = x
        text = f"3\n\nH {h} 0 0\nC {c} 0 0\nN {n} 0 0\n"
        (tmp_path / f"{name}.xyz").write_text(text)
    return tmp_path / "r.xyz", tmp_path / "p.xyz"


def test_find_saddle_proves_in_stages_and_says_on_what_that_rests(hcn):
    found = find_saddle(*hcn)
    full = find_saddle(*hcn, proof="full")
    assert found.verdict == full.verdict == "intended"
    assert found.barrier_eV == pytest.approx(full.barrier_eV, abs=1e-4)
    assert found.evaluations["verify"] < full.evaluations["verify"] / 5
    proof = found.judged.proof
    assert (proof.kind, proof.doubt) == ("staged", "")
    assert proof.evidence.curvatures[0] < 0 < proof.evidence.curvatures[1]
    assert "proof                 staged; lowest curvatures" in str(found)
    assert "proof                 full\n" in str(full)


def test_free_energies_do_not_rest_on_half_a_hessian(hcn):
    found = find_saddle(*hcn)
    assert found.thermochemistry is None
    asked = find_saddle(*hcn, thermo=True)
    full = find_saddle(*hcn, proof="full")
    assert asked.judged.proof.kind == "staged"
    for energies in ("free_energies", "energies_0K"):
        one, other = (getattr(of.thermochemistry, energies) for of in (asked, full))
        assert np.diff(one) == pytest.approx(np.diff(other), abs=1e-3)


def test_another_proof_is_refused(hcn):
    with pytest.raises(InputError, match="proof: 'quick' is neither 'staged' nor 'full'"):
        find_saddle(*hcn, proof="quick")


def test_the_agreement_of_both_proofs_names_what_only_the_staged_one_believes():
    def row(reaction, full, staged, proof, natoms=14, cost=20):
        values = {"reaction": reaction, "verdict_full": full, "verdict_staged": staged}
        return values | {
            "proof": proof,
            "natoms": natoms,
            "gradients_full": 400,
            "gradients_staged": cost,
        }

    rows = [
        row("sound", "intended", "intended", "staged"),
        row("doubted", "intended", "intended", "full", cost=500),
        row("refused", "other", "other", "full", cost=450),
        row("small", "intended", "intended", "staged", natoms=3, cost=6),
    ]
    first, second, third, *medians = said(rows)
    assert first == "4 saddles; full: 3 intended, 1 other"
    assert second == "intended by the staged proof and refused in full: none"
    assert third == "of 3 intended 2 (67%) without the full proof"
    assert medians == [
        "all (3): 400 evaluations in full, 20 staged",
        "13 to 16 atoms (2): 400 evaluations in full, 260 staged",
    ]
    (_, second, *_) = said([*rows, row("believed", "half-intended", "intended", "staged")])
    assert second.endswith("refused in full: believed")


def test_a_surrogate_that_breaks_down_leaves_the_proof_to_the_full_one(monkeypatch):
    reaction, saddle = shipped("hcn-isomerisation")

    def breaks(*arguments):
        raise np.linalg.LinAlgError("the kernel matrix is not positive definite")

    monkeypatch.setattr(mepbench.judging.staged, "lowest_pairs", breaks)
    path = Path(over(reaction, saddle))
    judged = refine_and_judge(reaction, path, Peak(saddle), "sella", XTB, 200, 0, "staged")
    assert (judged.verdict, judged.proof.kind) == ("intended", "full")
    assert "the kernel matrix is not positive definite" in judged.proof.doubt


class Believed:
    """A surrogate of three atoms of which all is given, point by point: x[0, 0] is its number."""

    molecular, believes = True, False

    def __init__(self, slopes, forces, across=1.0, height=-1.0):
        self.slopes, self.forces = np.array(slopes), np.array(forces)
        self.across, self.height, self.looked = across, height, []

    @property
    def surface(self):
        return self

    def __call__(self, positions):
        gradients = np.zeros_like(positions)
        gradients[:, 0, 0] = self.slopes[positions[:, 0, 0].astype(int)]
        return np.full(len(positions), self.height), gradients

    def expansion(self, x):
        energies, gradients = self(x[None])
        curvatures = np.ones(x.size)
        curvatures[0], curvatures[4] = -5.0, self.across  # along the gradient; across it
        return energies[0], gradients[0], np.diag(curvatures)

    def deviations(self, flat):
        at = flat[:, 0].astype(int)
        self.looked += at.tolist()
        forces = np.zeros_like(flat)
        forces[:, 0] = self.forces[at]
        return np.zeros(len(flat)), forces

    def away(self, x):
        return 1.0


def looked_at(surrogate):
    means = object.__new__(Staged)
    means.surrogate, means.height = surrogate, 0.0
    means.oracle = type("Oracle", (), {"invariances": ()})
    means.evidence = mepbench.judging.staged.Evidence(curvatures=(-3.0, 1.0))
    ahead = np.zeros((len(surrogate.slopes), 3, 3))
    ahead[:, 0, 0] = range(len(ahead))
    return means._looked_at(ahead)


# Between its neighbours point 5 lies 0.8 off; the slope is 0.3 eV/A.
FORCES = [0.1, 0.1, 0.1, 0.1, 0.1, 0.8, 0.1, 0.1, 0.1, 0.1, 0.1]


def test_a_walk_looks_at_each_point_of_a_ridge_and_holds_it_against_the_slope():
    ridge = Believed([0.3] * 11, FORCES, across=-1.0)
    assert looked_at(ridge) == (4, 5)
    assert ridge.looked == list(range(11))


def test_a_walk_looks_at_every_other_point_of_a_valley_and_of_a_steep_slope():
    for valley in (Believed([0.3] * 11, FORCES), Believed([3.0] * 11, FORCES, across=-1.0)):
        assert looked_at(valley) == (10, None)
        assert valley.looked == [2, 4, 6, 8, 10]


def test_a_walk_looks_at_each_point_near_the_top():
    top = Believed([0.3] * 11, FORCES, height=-0.1)
    assert looked_at(top) == (4, 5)


def test_a_walk_goes_nowhere_where_it_is_not_sure_at_once():
    assert looked_at(Believed([0.3] * 3, [2.0, 1.9, 1.8], height=-0.1)) == (0, 0)
    assert looked_at(Believed([0.3], [0.1])) == (0, None)
