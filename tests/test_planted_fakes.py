"""What merely looks like the reaction's saddle: each fake gets its own verdict and reason."""

from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
from known import XTB, over, shipped

import mepbench.judging.verify
from mepbench.judging.judge import judge
from mepbench.judging.verify import crossing, refine_and_judge
from mepbench.landscape.minima import relax
from mepbench.landscape.tangency import path_quality
from mepbench.molecule.structure import difference
from mepbench.oracle import Oracle
from mepbench.path import Path, Peak, align
from mepbench.potentials import double_double_well
from mepbench.potentials._surfaces import Surface
from mepbench.reaction import Reaction
from mepbench.refiners.sella import refine as sella


def verdict_on(reaction, saddle, **options):
    return judge(reaction, Oracle(XTB.of(reaction)), Peak(saddle), **options)


def plane(value, slope_x, slope_y):
    """A surface of one particle and its oracle."""
    return Oracle(Surface(lambda x, y: (value(x, y), slope_x(x, y), slope_y(x, y)), "test"))


def chiral_rearrangement():
    """CHFCl-NC to CHFCl-CN: methyl isocyanide's reaction and saddle, two hydrogens replaced."""
    reaction, saddle = shipped("methyl-isocyanide-rearrangement")
    numbers, hydrogens = reaction.numbers.copy(), np.flatnonzero(reaction.numbers == 1)
    numbers[hydrogens[:2]] = 9, 17

    def substituted(x):
        x = x.copy()
        away = np.linalg.norm(x[:, None] - x[hydrogens], axis=-1).sum(axis=1)
        carbon = np.where(reaction.numbers == 6, away, np.inf).argmin()
        for atom, length in zip(hydrogens, (1.36, 1.77), strict=False):
            arm = x[atom] - x[carbon]
            x[atom] = x[carbon] + arm * length / np.linalg.norm(arm)
        return x

    oracle = Oracle(XTB.load(numbers, 0, 1))
    ends = [relax(oracle, numbers, substituted(end)) for end in reaction.ends]
    chiral = Reaction(
        "chiral",
        numbers,
        *(end.positions for end in ends),
        energies=np.array([end.energy for end in ends]),
    )
    return chiral, sella(chiral, oracle, Peak(substituted(saddle)), 0).position


def rotamers_saddle():
    """Formamide's tautomerism, and the saddle of its rotation in the same order of atoms."""
    reaction, _ = shipped("formamide-tautomerism")
    rotation, saddle = shipped("formamide-rotation")
    order = next(
        list(p)
        for p in permutations(range(6))
        if (rotation.numbers[list(p)] == reaction.numbers).all()
        and any(
            not difference(reaction.numbers, rotation.reactant[list(p)], x) for x in reaction.ends
        )
    )
    return reaction, saddle[order]


def points(*xy):
    return [np.array([[x, y, 0.0]]) for x, y in xy]


def test_the_true_saddle_is_intended_and_its_ends_are_the_given_ones():
    reaction, saddle = shipped("vinyl-alcohol-acetaldehyde")
    judgement = verdict_on(reaction, saddle)
    assert (judgement.verdict, judgement.reason) == ("intended", "")
    assert judgement.end_match == "exact"
    assert np.abs(judgement.end_gaps).max() < 2e-3


def test_a_relaxed_end_is_a_minimum():
    reaction, _ = shipped("vinyl-alcohol-acetaldehyde")
    for end in reaction.ends:
        assert verdict_on(reaction, end).verdict == "minimum"


def test_linear_water_is_of_higher_order():
    numbers = np.array([8, 1, 1])
    oracle = Oracle(XTB.load(numbers, 0, 1))
    linear = relax(oracle, numbers, np.array([[0.0, 0, 0], [0, 0, 0.95], [0, 0, -0.95]]))
    reaction = Reaction("through linear water", numbers, linear.positions, linear.positions)
    judgement = judge(reaction, oracle, Peak(linear.positions))
    assert judgement.verdict == "higher-order"
    assert judgement.eigenvalues[0] == pytest.approx(judgement.eigenvalues[1], abs=0.01)


def test_the_diagonal_of_the_double_double_well_crosses_a_saddle_of_higher_order():
    oracle = Oracle(double_double_well.load(None, 0, 1))
    judgement = judge(double_double_well.DIAGONAL, oracle, Peak(np.zeros((1, 3))))
    assert judgement.verdict == "higher-order"
    assert judgement.irc is None


@pytest.mark.parametrize(
    ("curvature", "verdict"),
    [(-0.048, "higher-order"), (-0.003, "higher-order"), (3e-3, "intended")],
)
def test_a_second_curvature_counts_by_its_sign_however_flat(curvature, verdict):
    oracle = plane(
        lambda x, y: (x**2 - 1) ** 2 + curvature * y**2 / 2 + y**4 + y**2 * x**2,
        lambda x, y: 4 * x * (x**2 - 1) + 2 * x * y**2,
        lambda x, y: curvature * y + 4 * y**3 + 2 * y * x**2,
    )
    reaction = Reaction("flat", np.array([1]), *points((-1, 0), (1, 0)))
    judgement = judge(reaction, oracle, Peak(np.zeros((1, 3))))
    assert judgement.verdict == verdict
    assert judgement.eigenvalues[1] == pytest.approx(curvature, abs=1e-5)


def test_the_saddle_of_another_reaction_of_the_same_atoms_is_not_intended():
    # CO + H2 and HCOH both come from formaldehyde; the atoms have one order in both sets.
    reaction, _ = shipped("hydroxymethylene-formaldehyde")
    other, saddle = shipped("formaldehyde-dissociation")
    assert not difference(reaction.numbers, other.reactant, reaction.product)
    judgement = verdict_on(reaction, saddle)
    assert judgement.verdict == "half-intended"
    assert judgement.reason.startswith("leads to the product only; against the reactant: bonds")


def test_the_saddle_of_a_rotamer_leads_to_one_end_on_both_sides():
    judgement = verdict_on(*rotamers_saddle())
    assert judgement.verdict == "other"
    assert judgement.reason.startswith("both sides lead to the ")


def test_a_rotamer_counts_where_it_is_the_reaction():
    reaction, saddle = shipped("formamide-rotation")
    assert verdict_on(reaction, saddle).verdict == "intended"
    # The same saddle for a rotation that ends where it began.
    still = replace(reaction, product=align(reaction.reactant, reaction.product))
    assert verdict_on(still, saddle).verdict in ("half-intended", "other")


def test_an_inverted_product_is_refused_and_named_a_mirror_image():
    # A stereocentre walks from N to C of the cyanide, and keeps its hand.
    reaction, saddle = chiral_rearrangement()
    true = verdict_on(reaction, saddle)
    assert (true.verdict, true.end_match) == ("intended", "exact")
    fake = verdict_on(replace(reaction, product=-reaction.product), saddle)
    assert fake.verdict == "half-intended"
    assert "leads to the reactant only" in fake.reason
    assert "opposite handedness; its mirror image matches" in fake.reason
    whole = replace(reaction, reactant=-reaction.reactant, product=-reaction.product)
    assert verdict_on(whole, saddle).end_match == "mirror"


def test_a_product_turned_over_with_respect_to_numbered_hydrogens_is_refused():
    reaction, saddle = shipped("propenol-acetone")
    mirrored = replace(reaction, product=align(-reaction.product, reaction.reactant))
    judgement = verdict_on(mirrored, saddle)
    assert judgement.verdict == "half-intended"
    assert "leads to the reactant only" in judgement.reason
    assert "opposite handedness; it matches permuted" in judgement.reason


def test_a_mirror_image_of_the_whole_reaction_is_intended_and_flagged():
    # Vinyl alcohol is its own mirror image: the hydrogen may come to either face.
    reaction, saddle = shipped("vinyl-alcohol-acetaldehyde")
    mirrored = replace(reaction, product=align(-reaction.product, reaction.reactant))
    judgement = verdict_on(mirrored, saddle)
    assert (judgement.verdict, judgement.end_match) == ("intended", "mirror")
    assert "only when mirror" in judgement.reason


def test_a_saddle_of_relabelled_hydrogens_is_intended_and_flagged():
    reaction, saddle = shipped("propenol-acetone")
    hydrogens = np.flatnonzero(reaction.numbers == 1)
    order = np.arange(reaction.natoms)
    order[hydrogens] = np.roll(hydrogens, 1)
    judgement = verdict_on(reaction, saddle[order])
    assert judgement.verdict == "intended"
    assert judgement.end_match.startswith("permuted")
    assert "only when permuted" in judgement.reason


def test_a_half_converged_structure_is_unconverged_whatever_its_finder_says():
    reaction, saddle = shipped("vinyl-alcohol-acetaldehyde")
    away = saddle + np.random.default_rng(0).normal(scale=0.01, size=saddle.shape)
    oracle = Oracle(XTB.of(reaction))
    judgement = judge(reaction, oracle, Peak(away, -1e9, 0 * away, converged=True))
    assert judgement.verdict == "unconverged"
    assert "eV/A" in judgement.reason
    assert oracle.evaluations == 1


def test_coordinates_that_are_not_finite_are_unconverged_and_cost_nothing():
    reaction, saddle = shipped("hcn-isomerisation")
    oracle = Oracle(XTB.of(reaction))
    judgement = judge(reaction, oracle, Peak(np.where(saddle > 0, saddle, np.nan)))
    assert (judgement.verdict, oracle.evaluations) == ("unconverged", 0)
    assert "not finite" in judgement.reason


def test_fragments_taken_apart_are_no_saddle():
    reaction, _ = shipped("formaldehyde-dissociation")
    apart = reaction.product.copy()
    apart[reaction.numbers == 1] += [30.0, 0, 0]
    ends = relax(Oracle(XTB.of(reaction)), reaction.numbers, apart)
    assert verdict_on(reaction, ends.positions).verdict == "minimum"


def test_a_barrier_hidden_between_the_frames_is_what_the_path_is_charged_with():
    reaction, saddle = shipped("vinyl-alcohol-acetaldehyde")
    honest = over(reaction, saddle, 41)
    energies = Oracle(XTB.of(reaction))(honest)[0]
    low = np.flatnonzero(energies < reaction.energies.max() + 0.2)
    assert np.diff(low).max() > 5
    hiding = Path(honest[low], energies[low])
    judged = refine_and_judge(reaction, hiding, hiding.highest(), "sella", XTB, 12, 0)
    assert judged.quality.maximum > energies[low].max() + 1.5
    assert judged.quality.maximum > energies.max() - 0.5
    assert judged.verdict != "intended"


def test_energy_and_convergence_are_the_verify_stages_not_the_refiners(monkeypatch):
    reaction, saddle = shipped("hcn-isomerisation")
    true, _ = Oracle(XTB.of(reaction))(saddle[None])

    def liar(reaction, oracle, peak, seed):
        return Peak(peak.position, -1e3, np.zeros_like(peak.position), converged=True)

    monkeypatch.setattr(mepbench.judging.verify, "load", lambda kind, name: liar)
    path = Path(reaction.ends, is_path=False)
    judged = refine_and_judge(reaction, path, Peak(saddle), "liar", XTB, 200, 0)
    assert judged.verdict == "intended"
    assert judged.saddle.energy == pytest.approx(true[0], abs=1e-6)
    assert "eV from the refiner's" in judged.reason
    judged = refine_and_judge(reaction, path, Peak(saddle + 0.1 * saddle), "liar", XTB, 200, 0)
    assert (judged.verdict, judged.saddle.converged) == ("unconverged", False)


def test_a_refiner_that_goes_round_the_oracle_is_an_error(monkeypatch):
    reaction, saddle = shipped("hcn-isomerisation")

    def thief(reaction, oracle, peak, seed):
        energies, gradients = XTB.of(reaction).evaluate(np.array([peak.position] * 3))
        return Peak(peak.position, energies[0], gradients[0], converged=True)

    monkeypatch.setattr(mepbench.judging.verify, "load", lambda kind, name: thief)
    path = Path(reaction.ends, is_path=False)
    judged = refine_and_judge(reaction, path, Peak(saddle), "thief", XTB, 200, 0)
    assert (judged.verdict, judged.refine_evaluations) == ("error", 0)
    assert judged.reason == "refinement: evaluations that the oracle did not count: 3"


def test_where_electronic_states_cross_the_reason_says_so(monkeypatch):
    # Two ethylenes face to face: occupied and empty orbitals swap, the suprafacial addition is
    # forbidden (Hoffmann, Woodward, J. Am. Chem. Soc. 87, 2046 (1965)).
    def dimer(s):
        between, within, bend = 3.0 - 1.45 * s, 1.33 + 0.22 * s, 0.1 + 0.45 * s
        sides = [(x, y) for y in (1, -1) for x in (1, -1)]
        carbons = np.array([[x * within, y * between, 0.0] for x, y in sides]) / 2
        bonds = np.array([[0.55 * x, bend * y, 0.92 * z] for x, y in sides for z in (1, -1)])
        return np.concatenate([carbons, carbons.repeat(2, axis=0) + bonds])

    frames = np.array([dimer(s) for s in np.linspace(0, 1, 51)])
    reaction = Reaction("2+2", np.repeat([6, 1], [4, 8]), frames[0], frames[-1])
    energies, _ = Oracle(XTB.of(reaction))(frames)
    peak = Path(frames, energies).highest()
    monkeypatch.setattr(mepbench.judging.verify, "load", lambda kind, name: lambda *args: peak)
    path = Path(reaction.ends, is_path=False)
    judged = refine_and_judge(reaction, path, peak, "none", XTB, 200, 0)
    assert (judged.verdict, judged.verify_evaluations) == ("unconverged", 2)
    assert "electronic states cross: the slope along it falls from +" in judged.reason


def test_at_the_transfer_of_a_hydrogen_no_electronic_states_cross():
    reaction, saddle = shipped("vinyl-alcohol-acetaldehyde")
    tangent = over(reaction, saddle, 41)[21] - saddle
    assert crossing(Peak(saddle, tangent=tangent), Oracle(XTB.of(reaction))) == []
    assert crossing(Peak(saddle), Oracle(XTB.of(reaction))) == []


@pytest.mark.parametrize(("curvature", "found"), [(-150, 0), (-250, 1)])
def test_how_sharp_an_edge_is(curvature, found):
    k = curvature
    oracle = plane(lambda x, y: k * x**2 / 2, lambda x, y: k * x, lambda x, y: 0 * y)
    peak = Peak(np.zeros((1, 3)), tangent=np.array([[2.0, 0, 0]]))
    assert len(crossing(peak, oracle)) == found


def test_an_end_that_never_relaxes_is_no_match():
    # V' = -c x (x + 1) / (1 + x^2): a minimum at -1, a saddle at 0, a slope without end beyond.
    c = 0.3
    oracle = plane(
        lambda x, y: -c * (x + np.log1p(x**2) / 2 - np.arctan(x)) + y**2,
        lambda x, y: -c * x * (x + 1) / (1 + x**2),
        lambda x, y: 2 * y,
    )
    reaction = Reaction("slope", np.array([1]), *points((-1, 0), (40, 0)))
    judgement = judge(reaction, oracle, Peak(np.zeros((1, 3))))
    assert judgement.verdict == "half-intended"
    assert "did not relax" in judgement.reason


FORK = dict(  # a ridge where x > 0.2: the steepest descent from the origin ends on a saddle
    value=lambda x, y: (x**2 - 1) ** 2 + y**4 / 4 - (x - 0.2) * y**2 / 2,
    slope_x=lambda x, y: 4 * x * (x**2 - 1) - y**2 / 2,
    slope_y=lambda x, y: y**3 - (x - 0.2) * y,
)


@pytest.mark.parametrize("side", [1, -1])
def test_an_irc_that_ends_on_a_ridge_forks_and_is_said_to(side):
    oracle = plane(**FORK)
    below = relax(oracle, np.array([1]), points((1, 0.9 * side))[0]).positions
    reaction = Reaction("fork", np.array([1]), points((-1, 0))[0], below)
    judgement = judge(reaction, plane(**FORK), Peak(np.zeros((1, 3))))
    assert judgement.verdict == "intended"
    assert "forks" in judgement.reason
    assert np.abs(judgement.irc[-1] - below).max() < 0.01


def test_the_ridge_itself_is_not_taken_for_a_product():
    reaction = Reaction("ridge", np.array([1]), *points((-1, 0), (1, 0)))
    judgement = judge(reaction, plane(**FORK), Peak(np.zeros((1, 3))))
    assert judgement.verdict == "half-intended"


DIMPLE = 0.06, 0.15  # a well between two tops that is only a few meV deep


def dimple():
    """(x^2 - 1)^2 + 2 y^2 with a dimple at the origin; its depth is far below kT."""
    d, w = DIMPLE

    def well(x, y):
        return d * np.exp(-(x**2 + y**2) / w**2)

    return plane(
        lambda x, y: (x**2 - 1) ** 2 + 2 * y**2 - well(x, y),
        lambda x, y: 4 * x * (x**2 - 1) + 2 * x / w**2 * well(x, y),
        lambda x, y: 4 * y + 2 * y / w**2 * well(x, y),
    )


@pytest.mark.parametrize("beside", [0.0, 0.08])
def test_an_intermediate_a_few_mev_deep_makes_the_reaction_one_of_several_steps(beside):
    oracle = dimple()
    reaction = Reaction("dimple", np.array([1]), *points((-1, 0), (1, 0)))
    peak = sella(reaction, dimple(), Peak(points((-0.12, 0.0))[0], tangent=np.eye(3)[:1]), 0)
    top, bottom = (oracle(x[None])[0][0] for x in (peak.position, np.zeros((1, 3))))
    assert 0.002 < top - bottom < 0.01
    assert judge(reaction, dimple(), Peak(peak.position)).verdict == "half-intended"
    t = np.linspace(-1, 1, 21)
    path = Path(np.array([points((x, beside * (1 - x**2)))[0] for x in t]))
    quality = path_quality(path.positions, dimple())
    if beside:
        assert not quality.wells  # the path passes the well so that it shows no dip
    judgement = judge(reaction, dimple(), Peak(peak.position), quality, path)
    assert judgement.verdict == "multistep", judgement.reason
    assert "reactant and intermediate" in judgement.reason


def test_a_path_past_the_intermediate_makes_no_step_of_it():
    reaction = Reaction("dimple", np.array([1]), *points((-1, 0), (1, 0)))
    peak = sella(reaction, dimple(), Peak(points((-0.12, 0.0))[0], tangent=np.eye(3)[:1]), 0)
    path = Path(np.array([points((x, 0.5 * (1 - x**2)))[0] for x in np.linspace(-1, 1, 21)]))
    quality = path_quality(path.positions, dimple())
    judgement = judge(reaction, dimple(), Peak(peak.position), quality, path)
    assert judgement.verdict == "half-intended"


def corner(x, y):
    """Two straight lines over the double double-well, from (-1, -1) to (1, 1)."""
    line = np.linspace(0, 1, 21)[:, None, None]
    start, bend, stop = (point[None] for point in points((-1, -1), (x, y), (1, 1)))
    return Path(np.concatenate([(1 - line) * start + line * bend, bend + line[1:] * (stop - bend)]))


@pytest.mark.parametrize(("bend", "verdict"), [((-1, 1), "multistep"), ((1, -1), "half-intended")])
def test_only_a_path_that_visits_the_saddles_own_intermediate_makes_a_step_of_it(bend, verdict):
    reaction, path = double_double_well.DIAGONAL, corner(*bend)
    oracle = Oracle(double_double_well.load(None, 0, 1))
    quality = path_quality(path.positions, oracle)
    assert len(quality.wells) == 1
    saddle = points((-1, 0))[0]
    judgement = judge(reaction, oracle, Peak(saddle), quality, path)
    assert judgement.verdict == verdict
    trajectory = replace(path, is_path=False)
    assert judge(reaction, oracle, Peak(saddle), quality, trajectory).verdict == "half-intended"


def test_a_finished_path_that_cannot_be_measured_leaves_the_saddle_its_verdict():
    reaction, saddle = shipped("hcn-isomerisation")
    broken = Path(np.full((5, 3, 3), np.nan))
    judged = refine_and_judge(reaction, broken, Peak(saddle), "sella", XTB, 200, 0)
    assert judged.verdict == "intended"
    assert "not measured" in judged.reason
