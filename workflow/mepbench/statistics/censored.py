"""Which runs count, what a failure costs, and quantiles of values that may be infinite.

A run that is not `intended` needed more than its budget, whatever it spent before it failed:
its cost is censored. Set to infinity, it keeps its place above all others in every order
statistic, so that a median is finite if and only if more than half of the runs are solved.
With one common censoring point this median is the one of Kaplan and Meier (J. Am. Stat. Assoc.
53, 457 (1958), doi:10.2307/2281868); means of solved runs alone reward giving up.
"""

from collections.abc import Hashable
from dataclasses import dataclass
from math import lcm

import numpy as np
import pandas as pd

from ..errors import REFUSED

MOST_REPEATS = 60  # beyond, runs of few seeds are repeated almost evenly instead of evenly


def counted(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the runs that are in the denominators.

    A reaction is outside when its endpoints were refused or the potential lacks its elements,
    which is so for all methods alike; a single method that says so is one that failed.
    """
    refused = runs["verdict"].isin(REFUSED)
    return runs[~refused.groupby([runs["set"], runs["reaction"]]).transform("all").astype(bool)]


def compared(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the counted runs of methods that were installed, with their costs.

    Where a method is not installed, no run of it says anything about it; where it is missing
    in some runs only, these have failed.
    """
    runs = counted(runs)
    missing = runs["verdict"].eq("not-installed")
    return derived(
        runs[~missing.groupby([runs["set"], runs["method"]]).transform("all").astype(bool)]
    )


def derived(runs: pd.DataFrame) -> pd.DataFrame:
    """Add what follows from the columns of `runs.csv`: cost to saddle, a method's own seconds."""
    runs = runs.copy()
    path, refine = runs["gradients_path"].astype(float), runs["gradients_refine"].astype(float)
    runs["cost_to_saddle"] = path + refine
    runs["own_path_s"] = (runs["wall_path_s"] - runs["oracle_path_s"]).clip(lower=0)
    runs["own_refine_s"] = (runs["wall_refine_s"] - runs["oracle_refine_s"]).clip(lower=0)
    runs["own_ms_per_gradient"] = 1000 * runs["own_path_s"] / path.where(path > 0)
    return runs


def solved(runs: pd.DataFrame) -> pd.Series:
    """Return which runs ended at a verified saddle of the intended reaction."""
    return runs["verdict"].eq("intended")


def explained(runs: pd.DataFrame) -> pd.Series:
    """Return which runs ended at a verified saddle, or at a chain of steps that are verified."""
    return solved(runs) | runs["explained"].astype(bool) if "explained" in runs else solved(runs)


def censored(values: pd.Series, success: pd.Series | None = None) -> pd.Series:
    """Return values with infinity where there is none, or where `success` is false."""
    values = values.astype(float)
    return values.where(values.notna() if success is None else success & values.notna(), np.inf)


def quantile(values: np.ndarray, q: float, axis: int = 0) -> np.ndarray:
    """Return a quantile, along an axis, of values that may be infinite.

    It interpolates as `numpy.quantile` does; between a finite and an infinite value it is
    infinite. NaN is no value; without any the quantile is NaN.
    """
    values = np.sort(np.asarray(values, dtype=float), axis=axis)  # NaN sorts last
    if not values.shape[axis]:
        return np.full(np.delete(values.shape, axis), np.nan)
    count = np.sum(~np.isnan(values), axis=axis, keepdims=True)
    place = q * np.maximum(count - 1, 0)
    low = place.astype(int)
    below = np.take_along_axis(values, low, axis)
    above = np.take_along_axis(values, np.minimum(low + 1, np.maximum(count - 1, 0)), axis)
    with np.errstate(invalid="ignore"):
        between = below + (above - below) * (place - low)
    plain = (place == low) | (below == above) | np.isneginf(below)
    return np.where(plain, below, between).squeeze(axis)


@dataclass(frozen=True)
class Table:
    """One quantity of every run, aligned so that methods are compared reaction by reaction.

    Attributes
    ----------
    reactions : P pairs of set and name
    methods : M names, in the order of the configuration
    values : (P, S, M) array; infinite where the run failed, NaN where there was none.
        S repeats: a method with fewer seeds than another has its runs repeated, so that each
        reaction and each of a method's seeds has the same weight. A deterministic method
        needs one seed only.
    """

    reactions: list[tuple[Hashable, Hashable]]
    methods: list[str]
    values: np.ndarray

    @property
    def typical(self) -> np.ndarray:
        """(P, M) medians over the seeds: finite where more than half of them succeeded."""
        return quantile(self.values, 0.5, axis=1)


def table(runs: pd.DataFrame, values: pd.Series) -> Table:
    """Arrange a value per run by reaction, seed and method.

    Parameters
    ----------
    runs : compared runs
    values : aligned with `runs`, infinite where a run failed
    """
    methods = list(dict.fromkeys(runs["method"]))
    reactions = list(dict.fromkeys(zip(runs["set"], runs["reaction"], strict=True)))
    if not len(runs):
        return Table([], [], np.empty((0, 1, 0)))
    row = pd.factorize(pd.MultiIndex.from_frame(runs[["set", "reaction"]]))[0]
    column = pd.factorize(runs["method"])[0]
    order = runs["seed"].groupby([row, column]).rank(method="first").to_numpy(int) - 1
    seeds = np.zeros((len(reactions), len(methods)), dtype=int)
    np.maximum.at(seeds, (row, column), order + 1)
    filled = np.full((len(reactions), seeds.max(), len(methods)), np.nan)
    filled[row, order, column] = values.to_numpy(float)
    repeats = lcm(*np.unique(seeds[seeds > 0]).tolist())
    repeats = repeats if repeats <= MOST_REPEATS else int(seeds.max())
    again = np.arange(repeats)[None, :, None] % np.maximum(seeds, 1)[:, None, :]
    return Table(reactions, methods, np.take_along_axis(filled, again, axis=1))


def costs(runs: pd.DataFrame) -> Table:
    """Return the cost to a verified saddle of compared runs, infinite where they failed."""
    return table(runs, censored(runs["cost_to_saddle"], solved(runs)).clip(lower=1))


def costs_explained(runs: pd.DataFrame) -> Table:
    """Return the cost to a mechanism of compared runs, infinite where there is none."""
    return table(runs, censored(runs["gradients_explained"], explained(runs)).clip(lower=1))
