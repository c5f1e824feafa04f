"""Accuracy against budget: how wrong the barrier of a method's current path is, as it works.

After k gradient evaluations a run's path is its last checkpoint in `traces.csv`, and once the
path stage has ended the finished path as the verify stage sampled it; the error is that of
its barrier against the reference. Before its first checkpoint a run has nothing, and so has one
that fails in the end without a path: its error is infinite, so that a curve of medians begins
where half of the runs have a path. Reactions without a reference are outside, since there no
error is known for any method; so are methods that return a trajectory, which has no barrier.
"""

import numpy as np
import pandas as pd

from .censored import compared, quantile
from .profiles import EVALUATIONS

POINTS = 80
KEY = ["set", "reaction", "method", "seed"]
COLUMNS = "set method evaluations runs error_median error_q25 error_q75".split()


def grid(runs: pd.DataFrame, traces: pd.DataFrame) -> np.ndarray:
    """Return the numbers of evaluations at which errors are taken: evenly in the logarithm,
    and those of the profiles."""
    spent = [runs["gradients_path"].max()]
    if "evaluations" in traces and len(traces):
        spent.append(traces["evaluations"].max())
    most = np.nanmax(np.array(spent, dtype=float), initial=1)
    evenly = np.geomspace(1, most, POINTS).round().astype(int)
    return np.unique([*evenly, *(k for k in EVALUATIONS if k < most)])


def reference_barriers(runs: pd.DataFrame) -> pd.Series:
    """Return the reference barrier (eV) of each run's reaction, as its errors imply it."""
    implied = runs["barrier_eV"] - runs["barrier_error_eV"]
    implied = implied.fillna(runs["path_barrier_eV"] - runs["path_barrier_error_eV"])
    return implied.groupby([runs["set"], runs["reaction"]]).transform("first")


def current_errors(runs: pd.DataFrame, traces: pd.DataFrame, at: np.ndarray) -> np.ndarray:
    """Return the (runs, len(at)) absolute errors in eV of the current path.

    Parameters
    ----------
    runs : rows with a reference, a fresh index
    traces : checkpoints with `evaluations` and `barrier_eV`
    at : (K,) ascending numbers of gradient evaluations
    """
    reference = reference_barriers(runs).to_numpy(float)
    errors = np.empty((len(runs), len(at)))
    # Method by method: the checkpoints of thousands of reactions are not joined at once.
    for method, rows in runs.groupby("method", sort=False).indices.items():
        mine = traces[traces["method"].eq(method)] if len(traces) else traces
        errors[rows] = _errors_of_one(runs.iloc[rows], mine, reference[rows], at)
    return errors


def _errors_of_one(runs, traces, reference: np.ndarray, at: np.ndarray) -> np.ndarray:
    events = [_checkpoints(runs, traces, reference)]
    rows, spent = np.arange(len(runs)), runs["gradients_path"].fillna(0).to_numpy(float)
    final = runs["path_barrier_error_eV"].abs().to_numpy(float)
    # A run that came to no refinement has left nothing.
    lost = runs["gradients_refine"].isna().to_numpy()
    final = np.where(lost, np.inf, final)
    done = ~np.isnan(final)
    events.append((rows[done], spent[done], final[done]))
    run, when, error = (np.concatenate(parts) for parts in zip(*events, strict=True))
    # Stable, so that at equal evaluations the finished path is the last.
    order = np.lexsort((when, run))
    run, when, error = run[order], when[order], error[order]
    width = float(max(when.max(initial=0), at.max(initial=0)) + 1)
    last = np.searchsorted(run * width + when, rows[:, None] * width + at[None, :], "right") - 1
    if not len(run):
        return np.full((len(runs), len(at)), np.inf)
    found = (last >= 0) & (run[last] == rows[:, None])
    return np.where(found, error[last], np.inf)


def _checkpoints(runs, traces, reference) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Run, evaluations and error of each checkpoint."""
    if traces.empty:
        return np.empty(0, int), np.empty(0), np.empty(0)
    place = pd.Series(np.arange(len(runs)), index=pd.MultiIndex.from_frame(runs[KEY]))
    place = place[~place.index.duplicated()]
    run = place.reindex(pd.MultiIndex.from_frame(traces[KEY])).to_numpy(float)
    known = ~np.isnan(run)
    run = run[known].astype(int)
    error = np.abs(traces["barrier_eV"].to_numpy(float)[known] - reference[run])
    error = np.where(np.isnan(error), np.inf, error)
    return run, traces["evaluations"].to_numpy(float)[known], error


def with_reference(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the runs whose path can have an error, with a fresh index."""
    runs = compared(runs)
    paths = runs["path_barrier_eV"].notna().groupby([runs["set"], runs["method"]]).transform("any")
    known = runs["reference_source"].ne("") & paths.astype(bool)
    return runs[known].reset_index(drop=True)


def accuracy(runs: pd.DataFrame, traces: pd.DataFrame) -> pd.DataFrame:
    """Return median and quartiles of the error against evaluations, `COLUMNS`, in eV."""
    runs = with_reference(runs)
    if runs.empty:
        return pd.DataFrame(columns=COLUMNS)
    at = grid(runs, traces)
    errors, rows = current_errors(runs, traces, at), []
    for (name, method), group in runs.groupby(["set", "method"], sort=False):
        quartiles = [quantile(errors[group.index], q) for q in (0.5, 0.25, 0.75)]
        for evaluations, *errors_there in zip(at, *quartiles, strict=True):
            rows.append((name, method, int(evaluations), len(group), *errors_there))
    return pd.DataFrame(rows, columns=COLUMNS)
