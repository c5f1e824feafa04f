"""One table of all methods over all sets of a run: what each solves, what saddle and proof cost.

    python -m mepbench.reporting.rivals results/peers

Each number has its 95% interval, by the paired bootstrap over the reactions of all sets. The cost
to the saddle is the median over all runs, one that is not solved above any other; that of the proof
is the median over what is solved, since the proof of a wrong saddle may end early; seconds are of
wall clock, guess, path and refinement together, also where they were in vain. `make bench-peers`
prints the table and leaves it beside the others.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

from ..files.metrics import formatted
from ..scoring.score import read_runs
from ..statistics.bootstrap import share_interval
from ..statistics.censored import censored, compared, solved, table
from ..statistics.summary import medians, worst_if_missing
from .markup import markdown
from .tables import leave_table

MEASURED = ("share", "cost", "proof", "seconds")
COLUMNS = ["method", "runs", "solved", *(m + b for m in MEASURED for b in ("", "_low", "_high"))]
SECONDS = ["wall_guess_s", "wall_path_s", "wall_refine_s"]


def rivals(runs: pd.DataFrame) -> pd.DataFrame:
    """Return a row a method, the cheapest to the saddle first; the more solved, if as cheap.

    Parameters
    ----------
    runs : as read by `score.read_runs`

    Returns
    -------
    `method, runs, solved`, `solved of SET` for each set; `share`, `cost`, `proof`, `seconds`
    (medians but for the share), each with `_low` and `_high`. Methods that are not installed are
    not there.
    """
    runs = compared(runs)
    if not len(runs):
        return pd.DataFrame(columns=COLUMNS)
    good = solved(runs)
    seconds = runs[SECONDS].astype(float)
    quantities = {
        "cost": worst_if_missing(runs, "cost_to_saddle"),
        "proof": runs["gradients_verify"].astype(float).where(good),
        "seconds": censored(seconds.sum(axis=1).where(seconds["wall_path_s"].gt(0))),
    }
    success = table(runs, good.astype(float))
    low, high = share_interval(success)
    rows = pd.DataFrame({"method": success.methods})
    of = runs.assign(solved=good).groupby(["method", "set"], sort=False)["solved"]
    counts, sizes = of.sum().unstack(), of.size().unstack()
    rows["runs"] = sizes.sum(axis=1).reindex(rows.method).to_numpy(int)
    rows["solved"] = counts.sum(axis=1).reindex(rows.method).to_numpy(int)
    for name in dict.fromkeys(runs["set"]):
        rows[f"solved of {name}"] = counts[name].reindex(rows.method).to_numpy()
    rows["share"], rows["share_low"], rows["share_high"] = rows.solved / rows.runs, low, high
    for name, values in quantities.items():
        rows[[name, f"{name}_low", f"{name}_high"]] = medians(runs, values)
    bounds = ["proof_low", "proof_high"]  # none where in a resample nothing is solved
    rows.loc[~np.isfinite(rows[bounds]).all(axis=1), bounds] = np.nan
    return rows.sort_values(["cost", "solved"], ascending=[True, False], kind="stable")


def readable(found: pd.DataFrame) -> pd.DataFrame:
    """Return the numbers of `rivals` as text."""
    said = found[["method"]].copy()
    of = [column.removeprefix("solved of ") for column in found if column.startswith("solved of ")]
    for name in of if len(of) > 1 else []:
        said[name] = found[f"solved of {name}"].map("{:.0f}".format)
    said["solved"] = [f"{n} of {m}" for n, m in zip(found.solved, found.runs, strict=True)]
    for heading, name, column in (
        ("share", "share", "share_intended"),
        ("evaluations", "cost", "cost_to_saddle_median"),
        ("proof", "proof", "gradients_verify"),
        ("seconds", "seconds", "wall_path_s"),
    ):
        middle, low, high = (
            [formatted(column, value) for value in found[f"{name}{end}"]]
            for end in ("", "_low", "_high")
        )
        said[heading] = [
            m if a == b else f"{m} ({a}\N{EN DASH}{b})"
            for m, a, b in zip(middle, low, high, strict=True)
        ]
    return said


def main(arguments: list[str] | None = None) -> None:
    """Write `rivals.csv` and `rivals.md` into the tables of a results folder; print the latter."""
    (results,) = sys.argv[1:] if arguments is None else arguments
    found = rivals(read_runs(Path(results) / "runs.csv"))
    leave_table(Path(results), "rivals", found, markdown(readable(found)))


if __name__ == "__main__":
    main()
