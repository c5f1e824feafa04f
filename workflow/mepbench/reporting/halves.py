"""The two halves of a run on development sets: that on which methods were tuned, and the other.

    python -m mepbench.reporting.halves results/bench

Of each set, the reactions at odd places of the alphabetical order, counted from 0, are those on
which methods were tuned; the even ones nobody looked at. The pool is what any method solves: a
reaction that none does says nothing about which is better. `make bench` prints this table and
leaves it beside the others.
"""

import sys
from pathlib import Path

import pandas as pd

from ..files.metrics import formatted
from ..scoring.score import read_runs
from ..statistics.censored import compared, solved
from ..statistics.summary import summary
from .markup import markdown
from .tables import leave_table

MEDIANS = {
    "cost": "cost_to_saddle",
    "T (eV)": "tangency_defect_eV",
    "X (eV)": "excess_eV",
    "own (s)": "own_path_s",
}


def halves(runs: pd.DataFrame) -> pd.DataFrame:
    """Return one row per method and half: the summary, with the share of the pool.

    Parameters
    ----------
    runs : as read by `score.read_runs`

    Returns
    -------
    The columns of `summary`, and `half` ("tuned", "untouched"), `pool` (reactions that any
    method solves), `pool_share` (of their runs, how many the method solves).
    """
    runs = compared(runs).copy()
    place = {
        (name, reaction): at
        for name, group in runs.groupby("set", sort=False)
        for at, reaction in enumerate(sorted(set(group["reaction"])))
    }
    keys = list(zip(runs["set"], runs["reaction"], strict=True))
    runs["half"] = [("untouched", "tuned")[place[key] % 2] for key in keys]
    anyone = solved(runs).groupby([runs["set"], runs["reaction"]]).transform("any").astype(bool)
    table = summary(runs, by=("half", "method"))
    pools = runs[anyone].groupby(["half", "method"], sort=False)
    shares = pools["verdict"].agg(lambda verdicts: verdicts.eq("intended").mean())
    sizes = pools.apply(lambda group: len(set(zip(group["set"], group["reaction"], strict=True))))
    index = pd.MultiIndex.from_frame(table[["half", "method"]])
    return table.assign(
        pool=sizes.reindex(index, fill_value=0).to_numpy(),
        pool_share=shares.reindex(index).to_numpy(),
    )


def readable(table: pd.DataFrame) -> pd.DataFrame:
    """Return the numbers of `halves` as text, a row for each method."""
    rows: dict[str, dict[str, str]] = {}
    for half in ("tuned", "untouched"):
        for row in table[table["half"] == half].to_dict("records"):
            cells = rows.setdefault(row["method"], {"method": row["method"]})
            cells[f"{half}: solved"] = f"{row['intended']}/{row['runs']}"
            cells[f"of {row['pool']} in the pool, {half}"] = formatted("share", row["pool_share"])
            for heading, column in MEDIANS.items():
                cells[f"{heading}, {half}"] = formatted(column, row[f"{column}_median"])
    return pd.DataFrame(rows.values()).fillna("\N{EN DASH}")


def main(arguments: list[str] | None = None) -> None:
    """Write `halves.csv` and `halves.md` into the tables of a results folder; print the latter."""
    (results,) = sys.argv[1:] if arguments is None else arguments
    table = halves(read_runs(Path(results) / "runs.csv"))
    leave_table(Path(results), "halves", table, markdown(readable(table)))


if __name__ == "__main__":
    main()
