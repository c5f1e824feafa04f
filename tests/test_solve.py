"""The path stage takes from a method what `Path` describes, and says of the rest what is wrong."""

import copy
import logging
import sys
import types
from dataclasses import replace

import numpy as np
import pytest

import mepbench.solving.solve
from mepbench.config import check_method
from mepbench.files.tidy import read_rows
from mepbench.oracle import Oracle
from mepbench.path import Path, Peak
from mepbench.potentials import mueller_brown
from mepbench.registry import load
from mepbench.solving.guess import make_guess
from mepbench.solving.job import path_frames
from mepbench.solving.solve import solve
from mepbench.solving.surface import SURFACE, surface_job

REACTION = mueller_brown.KNOWN[0].reaction
GUESS = make_guess(REACTION, "linear", SURFACE)
IDENTITY = {"set": "surface", "reaction": "known", "method": "mine", "seed": 0}


@pytest.fixture
def solved(monkeypatch):
    """Run the path stage of a method given as a function of its oracle and its guess."""

    def run(method):
        module = types.ModuleType("mepbench.methods.mine")
        module.solve = lambda reaction, oracle, guess, seed: method(oracle, guess)
        module.solve.__module__ = module.__name__
        monkeypatch.setitem(sys.modules, module.__name__, module)
        monkeypatch.setattr(mepbench.solving.solve, "load", lambda kind, name: module.solve)
        return solve(REACTION, GUESS, "mine", {}, SURFACE, 100, 0)

    return run


def evaluated(oracle, guess):
    """A faultless path: the guess with all its energies, and its middle as the peak."""
    energies, gradients = oracle(guess.positions)
    x = guess.positions[10]
    peak = Peak(x, energies[10], gradients[10], tangent=np.array([[0.0, 1.0, 0.0]]))
    return Path(guess.positions, energies, peak, converged=True)


def test_a_faultless_path_is_taken_also_as_lists(solved):
    assert solved(evaluated).verdict == ""
    listed = solved(lambda *given: replace(p := evaluated(*given), energies=list(p.energies)))
    assert listed.verdict == ""
    assert len(path_frames(REACTION, listed, IDENTITY)) == 22


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p: {"energies": p.energies[1:-1]}, r"Path.energies must be of shape (21,)"),
        (lambda p: {"energies": p.energies * np.inf}, "Path.energies must be finite, or NaN"),
        (lambda p: {"positions": p.positions[:, 0]}, "of shape (frames, 1, 3), it is (21, 3)"),
        (lambda p: {"positions": p.positions[:, 0], "is_path": False}, "of shape (frames, 1, 3)"),
        (lambda p: {"positions": p.positions[:0], "is_path": False}, "of shape (frames, 1, 3)"),
        (lambda p: {"positions": None}, "of shape (frames, 1, 3)"),
        (lambda p: {"positions": p.positions[1:]}, "is not the given endpoint"),
        (lambda p: {"peak": 10}, "Path.peak must be a Peak or None, it is int"),
        (
            lambda p: {"peak": Peak(p.positions[10, 0])},
            "Peak.position must be of shape (1, 3)",
        ),
        (lambda p: {"peak": Peak(p.positions[10] * np.nan)}, "Peak.position must be finite"),
        (lambda p: {"peak": Peak(None)}, "Peak.position must be of shape (1, 3)"),
        (lambda p: {"peak": replace(p.peak, energy=np.nan)}, "Peak.energy must be finite"),
        (lambda p: {"peak": replace(p.peak, energy=p.energies)}, "Peak.energy must be of shape ()"),
        (lambda p: {"peak": replace(p.peak, gradient=np.zeros(3))}, "Peak.gradient must be of"),
        (lambda p: {"peak": replace(p.peak, tangent=np.ones(3))}, "Peak.tangent must be of shape"),
        (lambda p: {"peak": replace(p.peak, tangent=np.zeros((1, 3)))}, "it is zero"),
    ],
)
def test_what_is_wrong_with_a_returned_path_is_a_row_that_says_so(solved, change, message):
    def faulty(oracle, guess):
        path = evaluated(oracle, guess)
        return replace(path, **change(path))

    found = solved(faulty)
    assert (found.verdict, found.path, found.peak) == ("error", None, None)
    assert message in found.reason
    assert found.evaluations == len(GUESS.positions)


def test_more_energies_than_evaluations_are_an_error(solved):
    def inventor(oracle, guess):
        return Path(guess.positions, np.linspace(0.0, 1.0, 21))

    found = solved(inventor)
    assert found.verdict == "error"
    assert "has 19 energies beside the ends', the oracle was asked for 0" in found.reason


def reset(oracle, x):
    oracle(x)
    oracle.evaluations = 0


def lifted(oracle, x):
    oracle.budget = None
    oracle(np.concatenate([x] * 6))


AROUND = {
    "its own evaluate": (lambda oracle, x: oracle._evaluate(x), "did not count: 21"),
    "a second potential": (lambda oracle, x: SURFACE.of(REACTION).evaluate(x), "count: 21"),
    "a plug-in": (lambda oracle, x: load("potentials", "mueller-brown")([1], 0, 1).evaluate(x),
                  "count: 21"),
    "a second oracle": (lambda oracle, x: Oracle(SURFACE.of(REACTION), REACTION)(x), "count: 21"),
    "a copy": (lambda oracle, x: copy.copy(oracle)(x), "count: 21"),
    "the meter set back": (reset, "count: 21"),
    "the budget lifted": (lifted, "126 evaluations, the budget was 100"),
}  # fmt: skip


@pytest.mark.parametrize(("around", "message"), AROUND.values(), ids=AROUND)
def test_evaluations_that_go_round_the_oracle_are_an_error(solved, around, message):
    def thief(oracle, guess):
        around(oracle, guess.positions)
        return Path(guess.positions)

    found = solved(thief)
    assert (found.verdict, found.path) == ("error", None)
    assert message in found.reason


def test_there_is_no_potential_to_take_from_an_oracle(solved):
    found = solved(lambda oracle, guess: oracle.potential.evaluate(guess.positions))
    assert found.verdict == "error"
    assert "no attribute 'potential'" in found.reason


def test_an_oracle_that_asks_an_oracle_is_counted_once(solved):
    def limited(oracle, guess):
        class Within:
            invariances, backend = oracle.invariances, ""
            evaluate = staticmethod(oracle)

        return evaluated(Oracle(Within, REACTION, budget=30), guess)

    found = solved(limited)
    assert (found.verdict, found.evaluations) == ("", 21)


def test_a_frame_given_twice_is_paid_for_once_and_the_ends_are_free(solved):
    def thrifty(oracle, guess):
        reactant, middle, product = guess.positions[[0, 10, -1]]
        frames = np.array([reactant, reactant, middle, middle, product])
        return Path(frames, np.append([0.0, 0.0], [*oracle(middle[None])[0]] * 2 + [0.0]))

    assert solved(thrifty).reason == ""


def test_a_geometry_that_is_not_finite_is_an_error_not_a_failed_scf(solved):
    found = solved(lambda oracle, guess: oracle(guess.positions * np.nan))
    assert (found.verdict, found.evaluations) == ("error", 0)
    assert "asked for a geometry that is not finite" in found.reason


def test_a_message_is_one_line(solved):
    found = solved(lambda *given: replace(evaluated(*given), message="one\n\n  two"))
    assert (found.verdict, found.reason) == ("", "one two")


def test_a_checkpoint_is_checked_as_well(solved):
    def faulty(oracle, guess):
        path = evaluated(oracle, guess)
        oracle.checkpoint(replace(path, energies=path.energies[1:-1]))
        oracle(np.concatenate([guess.positions] * 9) + 1.0)

    assert "Path.energies must be of shape" in solved(faulty).reason


def test_the_traceback_of_an_error_is_logged_and_not_printed(solved, caplog, capfd):
    def broken(oracle, guess):
        raise RuntimeError("broken here")

    with caplog.at_level(logging.INFO, logger="mepbench"):
        assert "RuntimeError: broken here" in solved(broken).reason
    assert "Traceback" in caplog.text
    assert "in broken" in caplog.text
    assert not capfd.readouterr().err


def test_a_method_that_fails_on_the_surface_costs_the_figure_only_its_own_path(
    monkeypatch, tmp_path
):
    def broken(*given):
        if given[2] == "neb":
            raise RuntimeError("broken")
        return solve(*given)

    monkeypatch.setattr(mepbench.solving.surface, "solve", broken)
    entries = {"bad": {"solver": "neb"}, "good": {"solver": "guess-only", "guess": "linear"}}
    methods = {name: check_method(name, entry)[0] for name, entry in entries.items()}
    surface_job(methods, 60.0, str(tmp_path / "surfaces.csv"))
    rows = read_rows(tmp_path / "surfaces.csv")
    assert {row["method"] for row in rows} == {"good"}
    assert [row["peak"] for row in rows].count("True") == 1
