"""What the runs of each method sum up to: one row per method, with failures inside.

Medians and quartiles are over all counted runs of a method: one without a value (no path, no
verified saddle) is worse than any with one (`censored`). A quantity that a method never has,
such as T of a trajectory, is missing, not infinite.
"""

import numpy as np
import pandas as pd

from .bootstrap import bootstrap_medians, bootstrap_shares, interval, share_interval
from .censored import (
    Table,
    censored,
    compared,
    counted,
    derived,
    explained,
    quantile,
    solved,
    table,
)
from .ranks import rank

# Worse than any value where the saddle is not verified, or where there is no value.
OF_SADDLES = ("cost_to_saddle", "barrier_error_eV", "saddle_rmsd_A")
OF_PATHS = (
    "path_barrier_error_eV path_saddle_rmsd_A tangency_defect_eV tangency_floor_eV excess_eV"
).split()
SECONDS = "wall_guess_s oracle_path_s own_path_s own_ms_per_gradient".split()
OF_REFINEMENT = "oracle_refine_s own_refine_s".split()
AGAINST_REFERENCE = (
    "barrier_error_eV saddle_rmsd_A path_barrier_error_eV path_saddle_rmsd_A".split()
)
INTERVALS = ("cost_to_saddle", "path_barrier_error_eV", "tangency_defect_eV")


def worst_if_missing(runs: pd.DataFrame, column: str) -> pd.Series:
    """Return a column's absolute values, infinite where a run failed to have one.

    NaN where no value is expected: an error against no reference, and a column of
    which its method has no value at all, unless that is because it solved nothing.

    Parameters
    ----------
    runs : counted runs with `censored.derived` columns
    """
    values = runs[column].astype(float).abs()
    if column in SECONDS:
        # A run that was killed has booked no seconds; it took longer than any that ended.
        values = values.where(runs["wall_path_s"].gt(0))
    values = censored(values, solved(runs)) if column in OF_SADDLES else censored(values)
    if column in AGAINST_REFERENCE:
        known = runs["reference_source"].ne("").groupby([runs["set"], runs["reaction"]])
        values = values.where(known.transform("any").astype(bool))
    if column != "cost_to_saddle":
        # Not of this kind: trajectories have no path, paths of a network no floor.
        by = [runs["set"], runs["method"]]
        some = runs[column].notna().groupby(by).transform("any").astype(bool)
        if column in OF_SADDLES:
            ran = runs["verdict"].ne("not-installed").groupby(by).transform("any").astype(bool)
            some |= ran & ~solved(runs).groupby(by).transform("any").astype(bool)
        values = values.where(some)
    return values


def summary(runs: pd.DataFrame, by: tuple[str, ...] = ("method",)) -> pd.DataFrame:
    """Sum up the runs of each method, in the order in which methods first appear.

    Costs, and errors after refinement, are infinite for a run that is not intended; errors
    before refinement, T, X and seconds for one that has none. Errors are absolute. The share
    of a method that is not installed is NaN. Beside the share solved is the share explained, with
    chains of steps, at the cost of all their searches. `gradients_prior_median` is there where a
    method has a prior, whose evaluations no cost includes.

    Parameters
    ----------
    runs : as read by `score.read_runs`
    by : ("method",) or ("set", "method")
    """
    runs = derived(counted(runs))
    columns = (*OF_SADDLES, *OF_PATHS, *SECONDS, *OF_REFINEMENT)
    worst = pd.DataFrame({column: worst_if_missing(runs, column) for column in columns})
    rows = []
    for key, group in runs.groupby(list(by), sort=False):
        good, values = solved(group), worst.loc[group.index]
        row = dict(zip(by, key, strict=True))
        row["runs"], row["intended"] = len(group), int(good.sum())
        installed = group["verdict"].ne("not-installed").any()
        row["share_intended"] = row["intended"] / row["runs"] if installed else np.nan
        if "explained" in group:
            found = explained(group)
            row["explained"] = int(found.sum())
            row["share_explained"] = row["explained"] / row["runs"] if installed else np.nan
            paid = censored(group["gradients_explained"], found).to_numpy()
            row["gradients_explained_median"] = float(quantile(paid, 0.5))
        for column in columns:
            row[f"{column}_median"] = float(quantile(values[column].to_numpy(), 0.5))
            if column == "cost_to_saddle":
                row[f"{column}_q25"] = float(quantile(values[column].to_numpy(), 0.25))
                row[f"{column}_q75"] = float(quantile(values[column].to_numpy(), 0.75))
            if column in AGAINST_REFERENCE:
                others = values.loc[~group["self_reference"], column]
                row[f"{column}_median_others"] = float(quantile(others.to_numpy(), 0.5))
                row[f"{column}_count"] = int(np.isfinite(values[column]).sum())
        if group.get("gradients_prior", pd.Series(dtype=float)).fillna(0).gt(0).any():
            row["gradients_prior_median"] = float(group["gradients_prior"].astype(float).median())
        rows.append(row)
    return pd.DataFrame(rows, columns=None if rows else [*by, "runs", "intended", "share_intended"])


def intervals(runs: pd.DataFrame) -> pd.DataFrame:
    """Return how sure the numbers of the summary are: bootstrap intervals, per set and method.

    Columns `set, method, reactions, share_intended`, the medians of `INTERVALS`, and the rank
    by share solved, each with `_low` and `_high`, and `first`, how often among the resamples the
    method has the largest share (alone or with others).
    """
    rows = []
    for name, group in compared(runs).groupby("set", sort=False):
        success = table(group, solved(group).astype(float))
        shares, (low, high) = bootstrap_shares(success), share_interval(success)
        places = rank(shares)
        rank_low, rank_high = interval(places)
        exact = np.nanmean(success.values, axis=(0, 1))
        first = np.mean(shares >= np.nanmax(shares, axis=1, keepdims=True), axis=0)
        found = [
            {
                "set": name,
                "method": method,
                "reactions": len(success.reactions),
                "share_intended": exact[m],
                "share_intended_low": low[m],
                "share_intended_high": high[m],
                "rank": rank(exact)[m],
                "rank_low": rank_low[m],
                "rank_high": rank_high[m],
                "first": first[m],
            }
            for m, method in enumerate(success.methods)
        ]
        for column in INTERVALS:
            for row, values in zip(
                found, medians(group, worst_if_missing(group, column)), strict=True
            ):
                row |= dict(
                    zip((f"{column}{k}" for k in ("_median", "_low", "_high")), values, strict=True)
                )
        rows += found
    return pd.DataFrame(rows, columns=None if rows else ["set", "method"])


def medians(runs: pd.DataFrame, quantity: pd.Series) -> list[tuple[float, float, float]]:
    """Return median, low and high of a quantity of each method, over the reactions of all runs.

    Parameters
    ----------
    runs : compared runs
    quantity : aligned with `runs`, infinite where a run failed, NaN where it has none
    """
    values: Table = table(runs, quantity)
    low, high = interval(bootstrap_medians(values))
    median = quantile(values.values.reshape(-1, len(values.methods)), 0.5)
    known = ~np.isnan(median)
    low, high = (np.where(known, bound, np.nan) for bound in (low, high))
    return list(zip(median, low, high, strict=True))


def failures(runs: pd.DataFrame) -> pd.DataFrame:
    """Return every run that is not `intended`, with its verdict and reason."""
    columns = ["set", "reaction", "method", "seed", "verdict", "reason"]
    return runs.loc[~solved(runs), columns].reset_index(drop=True)
