"""The way from reactant to product in several steps, on surfaces whose points are known."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mepbench.config import check_method
from mepbench.files.frames import read_frames, write_frames
from mepbench.judging.connection import UNKNOWN, End
from mepbench.judging.judge import Judgement
from mepbench.judging.verify import Judged, refine_and_judge
from mepbench.mechanism import search
from mepbench.mechanism.job import mechanism_row, read_judged, step_frames, step_rows
from mepbench.mechanism.network import PRODUCT, REACTANT, Network, nodes_of
from mepbench.mechanism.search import Mechanism, find_mechanism
from mepbench.oracle import Evaluated, Oracle, PotentialSpec
from mepbench.path import Path, Peak
from mepbench.potentials import mueller_brown
from mepbench.potentials._surfaces import stationary
from mepbench.scoring.explained import with_lowest, with_mechanisms
from mepbench.solving.guess import make_guess
from mepbench.solving.job import met_frames, read_met
from mepbench.solving.solve import Solved, solve

SURFACE = mueller_brown.load(None, 0, 1)
SPEC = PotentialSpec("mueller-brown")
WHOLE = mueller_brown.WHOLE
MIDDLE = stationary(SURFACE, -0.05, 0.467)  # the third minimum, between both saddles
SADDLES = [stationary(SURFACE, -0.822, 0.624), stationary(SURFACE, 0.212, 0.293)]
# Mueller and Brown (1979), table 1, in eV above the first minimum.
HEIGHTS = [1.0603, 0.7445]


def at(x: np.ndarray) -> float:
    return float(SURFACE.evaluate(x[None])[0][0])


def proven(start: np.ndarray, saddle: np.ndarray, end: np.ndarray, energy: float | None = None):
    """A judged saddle between two proven minima."""
    energy = at(saddle) if energy is None else energy
    ends = tuple(End(x, at(x), 0.0, True, False, (UNKNOWN, UNKNOWN)) for x in (start, end))
    irc = np.array([start, saddle, end])
    heights = np.array([at(start), energy, at(end)])
    judgement = Judgement("other", "", energy, irc=irc, irc_energies=heights, ends=ends)
    gradient = np.zeros_like(saddle)
    saddle = Peak(saddle, energy, gradient, converged=True)
    return Judged("other", "", saddle, judgement=judgement, refine_evaluations=3)


@pytest.fixture
def network() -> Network:
    return Network(WHOLE, ())


def test_two_saddles_that_share_a_minimum_are_a_way(network):
    network.add(proven(MIDDLE, SADDLES[1], WHOLE.product))
    assert not network.joined
    network.add(proven(WHOLE.reactant, SADDLES[0], MIDDLE))
    assert network.joined
    way = network.mechanism()
    assert nodes_of(way) == [REACTANT, 2, PRODUCT]
    assert [edge.energy for edge in way] == [at(saddle) for saddle in SADDLES]


def test_a_minimum_reached_twice_is_one_node(network):
    network.add(proven(MIDDLE + 1e-3, SADDLES[1], WHOLE.product))
    network.add(proven(WHOLE.reactant, SADDLES[0], MIDDLE))
    assert len(network.nodes) == 3


def test_a_saddle_found_twice_is_one_edge_and_a_rearrangement_into_itself_is_none(network):
    assert network.add(proven(MIDDLE, SADDLES[1], WHOLE.product)) is not None
    assert network.add(proven(MIDDLE, SADDLES[1] + 1e-3, WHOLE.product)) is None
    assert network.add(proven(MIDDLE, SADDLES[0], MIDDLE)) is None
    assert len(network.edges) == 1


def test_what_is_not_proven_joins_nothing(network):
    one = proven(WHOLE.reactant, SADDLES[0], WHOLE.product)
    loose = tuple(
        End(end.position, end.energy, 0.5, False, False, end.matches) for end in one.judgement.ends
    )
    unproven = Judgement("other", "", 0.0, irc=one.judgement.irc, ends=loose)
    assert network.add(Judged("other", "", one.saddle, judgement=unproven)) is None
    assert network.add(Judged("minimum", "", one.saddle)) is None
    assert not network.joined


def test_of_two_ways_that_with_the_lower_pass_is_the_mechanism_and_it_has_no_loop(network):
    """A direct saddle at 2 eV, and a way over the third minimum: and one from it to a dead end."""
    direct = (WHOLE.reactant + WHOLE.product) / 2 + np.array([[0.5, 0.5, 0.0]])
    dead_end = MIDDLE + np.array([[0.0, 1.5, 0.0]])
    refused = proven(WHOLE.reactant, direct, WHOLE.product, energy=at(WHOLE.reactant) + 2)
    assert network.add(refused) is None
    network.add(replace(refused, verdict="intended"))
    assert len(network.mechanism()) == 1
    network.add(proven(WHOLE.reactant, SADDLES[0], MIDDLE))
    network.add(proven(MIDDLE, MIDDLE + 0.7, dead_end, energy=at(MIDDLE) + 0.1))
    network.add(proven(MIDDLE, SADDLES[1], WHOLE.product))
    assert nodes_of(network.mechanism()) == [REACTANT, 2, PRODUCT]


def test_the_next_search_is_the_first_gap_on_the_shortest_way(network):
    """As Carr, Trygubenko and Wales: joined minima are near, squares favour short gaps."""
    assert network.next_search() == (REACTANT, PRODUCT)
    network.vain.add(frozenset((REACTANT, PRODUCT)))
    assert network.next_search() is None
    network.add(proven(WHOLE.reactant, SADDLES[0], MIDDLE))
    assert network.next_search() == (2, PRODUCT)
    network.vain.add(frozenset((2, PRODUCT)))
    assert network.next_search() is None


def searched(solver: str, **options):
    """A first search on the whole surface, judged; and what `find_mechanism` is told of it."""
    method, _ = check_method(solver, {"solver": solver, "guess": "linear", **options}, None)
    guess = make_guess(WHOLE, "linear", None)
    solved = solve(WHOLE, guess, solver, method.options, SPEC, method.budget["path"], 0)
    judged = refine_and_judge(WHOLE, solved.path, solved.peak, method.refiner, SPEC, 200, 0)
    return solved, judged, method


@pytest.mark.parametrize("solver", ["string", "neural-surrogate"])
def test_both_steps_of_the_whole_surface_are_found(solver):
    solved, judged, method = searched(solver)
    assert judged.verdict != "intended"
    found = find_mechanism(WHOLE, solved, judged, method, SPEC, 0)
    assert found.chain == "R -> I1 -> P"
    heights = [step.saddle.energy - WHOLE.energies[0] for step in found.steps]
    assert heights == pytest.approx(HEIGHTS, abs=2e-4)
    assert found.highest is found.steps[0]
    assert found.energetic_span == pytest.approx(HEIGHTS[0], abs=2e-4)
    assert found.steps[0].minimum.position == pytest.approx(MIDDLE, abs=5e-3)
    for step, (start, end) in zip(
        found.steps, [(WHOLE.reactant, MIDDLE), (MIDDLE, WHOLE.product)], strict=True
    ):
        geometries, _ = step.coordinate
        assert geometries[0] == pytest.approx(start, abs=5e-3)
        assert geometries[-1] == pytest.approx(end, abs=5e-3)


def test_every_evaluation_of_every_search_is_booked(monkeypatch):
    solved, judged, method = searched("string")
    counted = []
    ask = Oracle._evaluated

    def asked(self, positions):
        counted.append(len(positions))
        return ask(self, positions)

    monkeypatch.setattr(Oracle, "_evaluated", asked)
    found = find_mechanism(WHOLE, solved, judged, method, SPEC, 0)
    paid = found.gradients_path + found.gradients_refine + found.gradients_verify
    # Beside these, the judge looks at a path's top where it finds no direct saddle.
    assert paid <= sum(counted) <= paid + 4 * (1 + found.searches)
    assert found.searches >= 1
    assert found.gradients_path > 0


def test_the_searches_stay_within_one_budget():
    solved, judged, method = searched("string")
    short = replace(method, budget=method.budget | {"path": solved.evaluations + 10})
    found = find_mechanism(WHOLE, solved, judged, short, SPEC, 0)
    assert not found.complete
    assert found.gradients_path <= 10
    assert "no way from R to P" in found.sentence(WHOLE)


def test_where_nothing_is_proven_it_is_searched_anew_from_three_other_guesses(monkeypatch):
    asked = []

    def nothing(reaction, guess, *arguments):
        asked.append(guess.positions)
        return Solved(None, None, "unconverged", evaluations=7)

    path = Path(np.linspace(*WHOLE.ends, 21))
    solved = Solved(path, Peak(path.positions[10]), evaluations=5)
    method = searched("string")[2]
    monkeypatch.setattr(search, "solve", nothing)
    found = find_mechanism(WHOLE, solved, Judged("minimum", ""), method, SPEC, 0)
    assert (found.complete, found.searches, found.gradients_path) == (False, 3, 21)
    for frames in asked:
        assert frames[[0, -1]] == pytest.approx(WHOLE.ends)


def test_a_search_that_led_back_to_the_reactant_is_made_again_from_another_guess():
    """What a first search took for its saddle says nothing of the way: the second one finds it."""
    _, _, method = searched("neural-surrogate")
    path = Path(np.linspace(*WHOLE.ends, 21))
    solved = Solved(path, Peak(path.positions[10]), evaluations=5)
    found = find_mechanism(WHOLE, solved, Judged("other", ""), method, SPEC, 0)
    assert found.chain == "R -> I1 -> P"
    assert found.searches >= 1


@pytest.fixture(scope="module")
def found() -> Mechanism:
    solved, judged, method = searched("neural-surrogate")
    return find_mechanism(WHOLE, solved, judged, method, SPEC, 0)


def test_rows_say_how_high_saddles_and_minima_are(found):
    rows = step_rows(found, WHOLE)
    assert [(row["step_from"], row["step_to"]) for row in rows] == [("R", "I1"), ("I1", "P")]
    assert [row["saddle_eV"] for row in rows] == pytest.approx(HEIGHTS, abs=2e-4)
    # The barrier of the second step, 0.7445 - 0.6593 in Mueller and Brown's table.
    assert rows[1]["barrier_eV"] == pytest.approx(0.0852, abs=2e-4)
    assert rows[1]["minimum_eV"] == pytest.approx(WHOLE.energies[1] - WHOLE.energies[0], abs=1e-4)


def test_a_way_over_another_conformer_says_so_and_how_much_higher_it_is(found):
    assert found.turns(WHOLE) == []
    assert "conformers" not in found.sentence(WHOLE)
    raised = replace(WHOLE, energies=WHOLE.energies - [0.05, 0.0])
    ((name, gap),) = found.turns(raised)
    assert (name, gap) == ("R", pytest.approx(0.05, abs=2e-4))
    assert found.sentence(raised).endswith("; other conformers: R by +0.050 eV")
    assert step_rows(found, raised)[0]["conformer_eV"] == pytest.approx(0.05, abs=2e-4)


def test_frames_lead_from_the_reactant_to_the_product_and_mark_what_they_are(found, tmp_path):
    frames = step_frames(found, WHOLE, {"set": "a", "reaction": "001"})
    write_frames(tmp_path / "steps.xyz", frames)
    back = list(read_frames(tmp_path / "steps.xyz"))
    assert back[0].positions == pytest.approx(WHOLE.reactant, abs=1e-3)
    assert back[-1].positions == pytest.approx(WHOLE.product, abs=1e-3)
    marked = [
        f"{a.info['from']}-{a.info['to']} {a.info['role']}"
        for a in back
        if a.info["role"] != "coordinate"
    ]
    assert marked == [
        "R-I1 minimum",
        "R-I1 saddle",
        "R-I1 minimum",
        "I1-P minimum",
        "I1-P saddle",
        "I1-P minimum",
    ]


def test_what_a_search_met_survives_its_file(tmp_path):
    gradient = np.array([[0.1, 0.2, 0.0]])
    peak = Peak(SADDLES[0], 1.5, gradient, np.array([[1.0, 0.0, 0.0]]))
    paid = Evaluated(MIDDLE[None], np.array([0.5]), gradient[None])
    solved = Solved(Path(WHOLE.ends, others=(peak,)), None, evaluated=paid)
    identity = {"set": "a", "reaction": "001", "method": "neb", "seed": 3}
    write_frames(tmp_path / "met.xyz", met_frames(WHOLE, solved, identity, True))
    ((key, (others, known)),) = read_met(str(tmp_path / "met.xyz")).items()
    assert key == ("001", 3)
    assert others[0].position == pytest.approx(peak.position)
    assert others[0].gradient == pytest.approx(gradient)
    assert others[0].tangent == pytest.approx(peak.tangent)
    assert known.positions == pytest.approx(paid.positions)
    assert known.gradients == pytest.approx(paid.gradients)
    assert met_frames(WHOLE, Solved(None, None, evaluated=paid), identity, False) == []


def _runs(verdict: str) -> pd.DataFrame:
    row = {"set": "a", "reaction": "x", "method": "neb", "seed": 0, "verdict": verdict}
    return pd.DataFrame([row | {"reason": "why", "gradients_path": 100, "gradients_refine": 10}])


def _row(mechanism: Mechanism) -> dict:
    identity = {"set": "a", "reaction": "x", "method": "neb", "seed": 0}
    return {k: str(v) for k, v in (mechanism_row(mechanism, WHOLE) | identity).items()}


def test_a_direct_saddle_explains_its_reaction_at_its_own_cost():
    (row,) = with_mechanisms(_runs("intended"), []).to_dict("records")
    assert (row["explained"], row["steps"], row["gradients_explained"]) == (True, 1, 110)


def test_a_chain_explains_it_at_the_cost_of_all_its_searches(found):
    row = _row(found)
    (scored,) = with_mechanisms(_runs("multistep"), [row]).to_dict("records")
    assert (scored["explained"], scored["steps"]) == (True, 2)
    cost = 110 + found.gradients_path + found.gradients_refine
    assert scored["gradients_explained"] == cost
    assert scored["reason"].startswith("why; chain R -> I1 -> P, its highest saddle 1.060 eV")


def test_a_search_in_vain_costs_and_explains_nothing():
    vain = Mechanism(gradients_path=50, gradients_refine=5, reason="no way from R to P")
    (row,) = with_mechanisms(_runs("other"), [_row(vain)]).to_dict("records")
    assert (row["explained"], row["gradients_explained"]) == (False, 165)
    assert pd.isna(row["steps"])
    assert row["reason"] == "why; no way from R to P"


def test_the_lowest_pass_of_all_methods_is_known():
    rows = [
        {"set": "a", "reaction": "x", "method": m, "highest_saddle_eV": e}
        for m, e in (("neb", "1.5"), ("string", "1.2"))
    ]
    assert [row["reference_highest_eV"] for row in with_lowest(rows)] == [1.2, 1.2]


def test_a_judged_saddle_is_read_back_with_its_minima(tmp_path):
    from mepbench.judging.job import irc_frames, saddle_frames

    one = proven(WHOLE.reactant, SADDLES[0], MIDDLE)
    identity = {"set": "a", "reaction": "001", "method": "neb", "seed": 3}
    write_frames(tmp_path / "s.xyz", saddle_frames(WHOLE, one.saddle, one, identity))
    write_frames(tmp_path / "i.xyz", irc_frames(WHOLE, one, identity))
    ((key, back),) = read_judged(tmp_path / "s.xyz", tmp_path / "i.xyz").items()
    assert key == ("001", 3)
    assert all(end.minimum for end in back.judgement.ends)
    assert back.judgement.ends[1].position == pytest.approx(MIDDLE)
    assert Network(WHOLE, ()).add(back).ends == (REACTANT, 2)
