"""The table of guesses: whose highest energy is how far above the saddle."""

import pandas as pd
import pytest

from mepbench.errors import InputError
from mepbench.reporting.guesses import peak_errors, readable, summary

REFERENCES = pd.DataFrame({"set": "s", "reaction": ["a", "b", "c"], "barrier_eV": [1.0, 2.0, 0.5]})


def runs(**highest):
    return pd.DataFrame(
        [
            {"set": "s", "reaction": name, "guess": guess, "guess_barrier_eV": value}
            for guess, values in highest.items()
            for name, value in zip("abc", values, strict=True)
        ]
    )


def test_errors_are_of_the_reactions_that_all_guesses_have_a_path_for():
    found = runs(geodesic=[3.0, 3.0, 2.5], operator=[1.5, 2.5, float("nan")])
    errors = peak_errors(found, REFERENCES)
    assert list(errors.index) == [("s", "a"), ("s", "b")]
    assert errors["geodesic"].tolist() == [2.0, 1.0]
    table = summary(errors).set_index("guess")
    assert table.loc["operator", "median_eV"] == 0.5
    assert table.loc["operator", "of_geodesic"] == pytest.approx((0.25 + 0.5) / 2)
    assert table.loc["geodesic", "of_geodesic"] == 1
    assert (table["reactions"] == 2).all()
    assert readable(summary(errors)).shape == (2, 4)


def test_a_guess_without_any_path_is_left_out():
    absent = float("nan")
    errors = peak_errors(runs(geodesic=[3.0, 3.0, 2.5], mepin=[absent] * 3), REFERENCES)
    assert list(errors) == ["geodesic"]
    assert len(errors) == 3


def test_a_guess_below_the_saddle_is_as_wrong_as_one_above():
    errors = peak_errors(runs(geodesic=[0.5, 2.5, 1.0]), REFERENCES)
    assert summary(errors)["median_eV"].tolist() == [0.5]


def test_with_no_reference_there_is_nothing_to_compare():
    with pytest.raises(InputError, match="nothing to compare"):
        peak_errors(runs(geodesic=[1.0, 1.0, 1.0]), REFERENCES.assign(reaction=["x", "y", "z"]))
