"""What a guess is worth: how far its highest energy is from the saddle's, in a run's folder.

    python -m mepbench.reporting.guesses results/operator-bench

For each guess the reactions are those that have a reference saddle and a path of every guess that
is compared, which is each that has a path at all; its error is the distance of the highest energy
along it from the saddle's, and its share that of the error of `geodesic` on the same reactions.
Medians, with the quartiles.
"""

import sys
from pathlib import Path

import pandas as pd

from ..errors import InputError
from ..files.metrics import formatted
from ..scoring.score import read_runs
from .markup import markdown
from .tables import leave_table

KNOWN = "geodesic"


def peak_errors(runs: pd.DataFrame, references: pd.DataFrame) -> pd.DataFrame:
    """Return eV above the reference saddle, a row a reaction (`set`, `reaction`), a column a guess.

    Parameters
    ----------
    runs : `runs.csv`, or `set, reaction, guess, guess_barrier_eV` of it
    references : `reference.csv`, or `set, reaction, barrier_eV` of it

    Raises
    ------
    InputError
        where no reaction has a reference and a path of every guess.
    """
    of = ["set", "reaction"]
    highest = runs.groupby([*of, "guess"])["guess_barrier_eV"].first().unstack("guess")
    saddles = references.groupby(of)["barrier_eV"].first()
    errors = highest.dropna(axis=1, how="all").sub(saddles, axis=0).dropna()
    if errors.empty:
        raise InputError(
            "no reaction has a reference saddle and a path of every guess: nothing to compare"
        )
    return errors


def summary(errors: pd.DataFrame) -> pd.DataFrame:
    """Return per guess: reactions, quartiles of the error in eV, median share of `geodesic`'s."""
    quartiles = (
        errors.abs()
        .quantile([0.25, 0.5, 0.75])
        .T.set_axis(["lower_eV", "median_eV", "upper_eV"], axis=1)
    )
    quartiles.insert(0, "reactions", len(errors))
    if KNOWN in errors:
        quartiles["of_geodesic"] = errors.abs().div(errors[KNOWN].abs(), axis=0).median()
    return quartiles.rename_axis("guess").reset_index()


def readable(table: pd.DataFrame) -> pd.DataFrame:
    """Return the numbers of `summary` as text."""
    middle, low, high = (
        [formatted("barrier_error_eV", value) for value in table[column]]
        for column in ("median_eV", "lower_eV", "upper_eV")
    )
    said = [f"{m} ({a} to {b})" for m, a, b in zip(middle, low, high, strict=True)]
    words = table[["guess", "reactions"]].assign(**{"peak off by, eV": said})
    if "of_geodesic" in table:
        words["of geodesic's"] = [f"{value:.2f}" for value in table["of_geodesic"]]
    return words


def main(arguments: list[str] | None = None) -> None:
    """Write `guesses.csv` and `guesses.md` into the tables of a results folder; print it."""
    (given,) = sys.argv[1:] if arguments is None else arguments
    results = Path(given)
    words = {"set": str, "reaction": str}
    try:
        references = pd.read_csv(
            results / "reference.csv", dtype=words, keep_default_na=False, na_values=[""]
        )
        errors = peak_errors(read_runs(results / "runs.csv"), references)
    except InputError as error:
        sys.exit(f"error: {results}: {error}")
    table = summary(errors)
    leave_table(results, "guesses", table, markdown(readable(table)))


if __name__ == "__main__":
    main()
