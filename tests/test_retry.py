"""Guess and refinement, with the check of the surrogate's search, and other guesses."""

import numpy as np
import pytest
from known import XTB, shipped

from mepbench.errors import BudgetExhausted, SCFFailure
from mepbench.methods import neural_surrogate, retry
from mepbench.oracle import Oracle
from mepbench.path import Path, Peak
from mepbench.solving.guess import make_guess

NAME = "hcn-isomerisation"


@pytest.fixture(scope="module")
def hcn():
    reaction, saddle = shipped(NAME)
    return reaction, saddle, make_guess(reaction, "geodesic", None).positions


def run(hcn, monkeypatch, *answers, budget=3000):
    """`retry` with a refiner that gives these answers, one a guess; what it was asked."""
    reaction, _, frames = hcn
    asked, left = [], list(answers)

    def refine(reaction, oracle, peak, seed):
        asked.append(peak)
        answer = left.pop(0)
        if isinstance(answer, Exception):
            raise answer
        energies, gradients = oracle(answer[None])
        return Peak(answer, float(energies[0]), gradients[0], converged=True)

    monkeypatch.setattr(retry, "load", lambda kind, name: refine)
    oracle = Oracle(XTB.of(reaction), reaction, budget)
    path = retry.solve(reaction, oracle, Path(frames.copy()), 0)
    oracle.audit(budget)
    return path, oracle, asked


def test_a_saddle_that_joins_the_ends_is_the_answer_of_the_first_guess(hcn, monkeypatch):
    path, oracle, asked = run(hcn, monkeypatch, hcn[1])
    assert (path.converged, path.message, len(asked)) == (True, "", 1)
    assert path.peak.position == pytest.approx(hcn[1])
    # The guess's points and the refinement's are paid for once; the check has few to add.
    assert 12 <= oracle.evaluations <= 12 + neural_surrogate.solve.__kwdefaults__["soundings"]


def minimum(hcn):
    return hcn[0].reactant + 1e-3


def apart(hcn):
    x = hcn[0].product.copy()
    x[2] += [0.004, 0.0, 0.0]
    return x


@pytest.mark.parametrize("wrong", [minimum, apart], ids=["reactant", "product"])
def test_what_does_not_join_the_ends_is_rejected_and_the_next_guess_tried(hcn, wrong, monkeypatch):
    path, _, asked = run(hcn, monkeypatch, wrong(hcn), hcn[1])
    assert (path.converged, len(asked)) == (True, 2)
    assert path.message == (
        "1 saddles rejected that do not join the ends; found from the guess idpp"
    )
    assert path.peak.position == pytest.approx(hcn[1])


@pytest.mark.parametrize("failure", [SCFFailure("no"), BudgetExhausted("too long")])
def test_a_refinement_that_fails_is_followed_by_the_next_guess(hcn, failure, monkeypatch):
    path, _, asked = run(hcn, monkeypatch, failure, failure, hcn[1])
    assert (path.converged, len(asked)) == (True, 3)
    assert path.message == "found from the guess linear"


def test_where_all_fail_the_first_guess_is_left_to_the_refinement(hcn, monkeypatch):
    path, _, asked = run(hcn, monkeypatch, *[BudgetExhausted("too long")] * 3)
    assert not path.converged
    assert path.peak is asked[0]
    with pytest.raises(SCFFailure, match="the third"):
        run(hcn, monkeypatch, SCFFailure("no"), SCFFailure("no"), SCFFailure("the third"))


def test_where_none_is_accepted_that_which_leads_to_most_ends_is_the_answer(hcn, monkeypatch):
    path, oracle, _ = run(hcn, monkeypatch, minimum(hcn), apart(hcn), minimum(hcn))
    assert not path.converged
    assert path.message == "3 saddles rejected that do not join the ends"
    assert np.isfinite(path.peak.energy)
    assert oracle.evaluations < 3 * (12 + neural_surrogate.solve.__kwdefaults__["soundings"])


def test_the_budget_of_all_guesses_together_is_that_of_the_path(hcn, monkeypatch):
    _, oracle, _ = run(hcn, monkeypatch, *[minimum(hcn)] * 3, budget=20)
    assert oracle.evaluations <= 20


def test_it_remembers_no_more_points_than_a_search_does(hcn, monkeypatch):
    """A refinement of hundreds of evaluations fits no surrogate of hundreds of points."""
    sizes, learn = [], retry.Surrogate.learn

    def watched(surrogate, *points):
        learn(surrogate, *points)
        sizes.append(len(surrogate))

    monkeypatch.setattr("mepbench.surrogate.gaussian_process.remembered", lambda size: 10)
    monkeypatch.setattr(retry.Surrogate, "learn", watched)
    run(hcn, monkeypatch, apart(hcn), apart(hcn), hcn[1])
    assert len(sizes) > 1
    assert max(sizes) <= 2 * 10
