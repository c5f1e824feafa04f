"""Chains of intermediates, on surfaces whose minima and saddles are known."""

from itertools import pairwise

import numpy as np
import pytest

from mepbench.config import step_names
from mepbench.files.frames import read_frames, write_frames
from mepbench.files.tidy import read_rows
from mepbench.judging.judge import Judgement
from mepbench.judging.stations import Station, find_stations, read_stations, station_frames
from mepbench.landscape.tangency import path_quality
from mepbench.oracle import Oracle, PotentialSpec
from mepbench.path import Path
from mepbench.potentials import mueller_brown
from mepbench.potentials._surfaces import stationary
from mepbench.preparation.job import endpoint_frames
from mepbench.reaction import read_set
from mepbench.scoring.chains import (
    chain_rows,
    chains_worded,
    find_chains,
    naming_chains,
    plan_steps,
)

SURFACE = mueller_brown.load(None, 0, 1)
SPEC = PotentialSpec("mueller-brown")
WHOLE = mueller_brown.WHOLE
MIDDLE = stationary(SURFACE, -0.05, 0.467)  # the third minimum, between both saddles
SADDLES = [stationary(SURFACE, -0.822, 0.624), stationary(SURFACE, 0.212, 0.293)]


def _through(*points) -> np.ndarray:
    """Straight pieces between points, 15 frames each."""
    s = np.linspace(0, 1, 15)[:, None, None]
    pieces = [a + s * (b - a) for a, b in pairwise(points)]
    return np.concatenate([pieces[0], *(piece[1:] for piece in pieces[1:])])


VALLEY = _through(WHOLE.reactant, SADDLES[0], MIDDLE, SADDLES[1], WHOLE.product)


def _stations(verdict, frames=VALLEY, ends=(WHOLE.reactant, MIDDLE)):
    judgement = Judgement(verdict, "", 0.0, irc=np.array([ends[0], SADDLES[0], ends[1]]))
    quality = path_quality(frames, Oracle(SURFACE))
    return find_stations(WHOLE, Path(frames), verdict, quality, judgement, ())


def test_a_path_through_both_valleys_has_a_station_near_the_third_minimum():
    stations = _stations("multistep")
    assert stations
    for station in stations:
        assert 0 < station.s < 1
        assert np.linalg.norm(station.position - MIDDLE) < 0.1
    assert [s for s in stations if s.minimum is not None]


@pytest.mark.parametrize("verdict", ["intended", "other", "higher-order", "unconverged"])
def test_only_paths_that_may_have_several_steps_have_stations(verdict):
    assert _stations(verdict) == []


def test_an_end_of_the_irc_that_is_given_is_no_station():
    assert _stations("half-intended", ends=(WHOLE.reactant, WHOLE.product)) == []


def test_stations_survive_their_file(tmp_path):
    stations = _stations("multistep")
    identity = {"set": "a", "reaction": "001", "method": "neb", "seed": 3}
    write_frames(tmp_path / "s.xyz", station_frames(WHOLE.numbers, stations, identity))
    ((key, back),) = read_stations(read_frames(tmp_path / "s.xyz")).items()
    assert key == ("a", "001", "neb", 3)
    assert [s.s for s in back] == pytest.approx([s.s for s in stations])
    assert [s.minimum is None for s in back] == [s.minimum is None for s in stations]


def test_the_intermediate_is_the_minimum_below_and_one_for_all_methods():
    visited = {
        ("neb", 0): [Station(0.5, MIDDLE + 0.02)],
        ("string", 0): [Station(0.4, MIDDLE - 0.03), Station(0.6, MIDDLE + 0.03)],
    }
    chains = find_chains(WHOLE, visited, SPEC)
    (intermediate,) = chains.intermediates
    assert intermediate == pytest.approx(MIDDLE, abs=1e-3)
    assert set(chains.orders.values()) == {("R", "I1", "P")}
    assert chains.steps == [("R", "I1"), ("I1", "P")]


def test_what_relaxes_to_an_end_or_to_another_minimum_than_the_irc_is_no_intermediate():
    visited = {
        ("neb", 0): [Station(0.1, WHOLE.reactant + 0.02), Station(0.9, WHOLE.product - 0.02)],
        ("string", 0): [Station(0.5, WHOLE.reactant + 0.02, MIDDLE)],
    }
    chains = find_chains(WHOLE, visited, SPEC)
    assert (chains.intermediates, chains.orders) == ([], {})


def _planned(folder):
    """The files of a run whose one reaction was found to have two steps."""
    reaction = WHOLE.__class__(**{**WHOLE.__dict__, "set": "a", "name": "x: R-I1"})
    identity = {"set": "a", "reaction": reaction.name, "method": "neb", "seed": 0}
    frames = station_frames(WHOLE.numbers, [Station(0.5, MIDDLE + 0.02)], identity)
    write_frames(folder / "stations.xyz", frames)
    write_frames(folder / "endpoints.xyz", endpoint_frames(reaction))
    plan, steps = str(folder / "steps.csv"), str(folder / "steps.xyz")
    files = [str(folder / "stations.xyz")], [str(folder / "endpoints.xyz")]
    plan_steps(*files, SPEC, 60.0, plan, {"a": steps, "b": str(folder / "none.xyz")})
    return reaction, plan, steps


def test_steps_are_a_set_of_reactions_with_names_of_their_own(tmp_path):
    _, plan, steps = _planned(tmp_path)
    names = ["x: R-I1: R-I1", "x: R-I1: I1-P"]
    assert step_names(plan, "a-steps") == names
    assert step_names(plan, "b-steps") == []
    entries = read_set("a-steps", steps)
    assert [entry.name for entry in entries] == names
    first, second = (entry.positions for entry in entries)
    assert first["reactant"] == pytest.approx(WHOLE.reactant, abs=1e-7)
    assert first["product"] == pytest.approx(MIDDLE, abs=1e-3)
    assert second["reactant"] == pytest.approx(first["product"])
    assert second["product"] == pytest.approx(WHOLE.product, abs=1e-7)
    assert (tmp_path / "none.xyz").read_text() == ""


def _judged(reaction, plan, verdicts):
    """`chains.csv` and the table of runs, where the steps got these verdicts."""
    heights = [SURFACE.evaluate(x[None])[0][0] for x in (WHOLE.reactant, MIDDLE, *SADDLES)]
    barriers = [heights[2] - heights[0], heights[3] - heights[1]]
    names = step_names(plan, "a-steps")
    common = {"method": "neb", "seed": 0, "reason": "why"}
    rows = [{"set": "a", "reaction": reaction.name, "verdict": "multistep", **common}]
    for name, verdict, barrier in zip(names, verdicts, barriers, strict=True):
        step = {"set": "a-steps", "reaction": name, "verdict": verdict, "barrier_eV": barrier}
        rows.append(step | common)
    runs = [{key: str(value) for key, value in row.items()} for row in rows]
    energies = {("a", reaction.name): heights[0]}
    energies |= {("a-steps", name): heights[at] for at, name in enumerate(names)}
    return chain_rows(read_rows(plan), runs[1:], runs[1:], energies), runs


def _reasons(runs, chains):
    columns = list(runs[-1])
    named = naming_chains(chains, columns)
    return [named([row.get(c, "") for c in columns])[columns.index("reason")] for row in runs]


def test_a_complete_chain_has_its_highest_saddle_above_the_reactant(tmp_path):
    reaction, plan, _ = _planned(tmp_path)
    chains, runs = _judged(reaction, plan, ["intended", "intended"])
    assert [row["step_from"] for row in chains] == ["R", "I1"]
    assert all(row["complete"] and row["chain"] == "R -> I1 -> P" for row in chains)
    # Mueller and Brown (1979), table 1: the saddles lie 106.03 and 74.45 above the minimum.
    assert [row["saddle_eV"] for row in chains] == pytest.approx([1.0603, 0.7445], abs=1e-4)
    assert {row["highest_saddle_eV"] for row in chains} == {max(r["saddle_eV"] for r in chains)}
    reasons = _reasons(runs, chains)
    assert "why; chain R -> I1 -> P, its highest saddle 1.060 eV" in reasons[0]
    assert reasons[1:] == ["why", "why"]


def test_a_chain_with_an_unproven_step_is_incomplete_and_has_no_highest_saddle(tmp_path):
    reaction, plan, _ = _planned(tmp_path)
    chains, runs = _judged(reaction, plan, ["intended", "multistep"])
    assert not any(row["complete"] for row in chains)
    assert np.isnan(chains[0]["highest_saddle_eV"])
    assert np.isnan(chains[1]["barrier_eV"])
    assert chains[0]["reference_highest_eV"] == pytest.approx(1.0603, abs=1e-4)
    reason = _reasons(runs, chains)[0]
    assert "chain R -> I1 -> P, incomplete: I1-P is multistep" in reason
    text = [{k: "" if v != v else str(v) for k, v in row.items()} for row in chains]
    (line,) = chains_worded(text)
    assert line["steps"] == ["R-I1 intended, 1.060 eV", "I1-P multistep"]
    assert (line["highest"], line["known"]) == ("\N{EN DASH}", "1.060")
