"""Hardness: which features of a reaction go with failure.

A feature is what is known before any method runs. For each, the probability A that of two
runs of one method, one failed and one solved, the failed one has the larger value, ties
counting half: the area under the receiver operating characteristic, Mann and Whitney's U over
the number of pairs (Ann. Math. Stat. 18, 50 (1947), doi:10.1214/aoms/1177730491; J. A. Hanley,
B. J. McNeil, Radiology 143, 29 (1982), doi:10.1148/radiology.143.1.7063747). 0.5 is no
association; 2A - 1 is the rank-biserial correlation. Pooled over methods, only runs of the same
method are paired (P. van Elteren 1960), so that a method which fails everywhere does not
pretend that features matter. The interval is the bootstrap's over reactions. It is an
association on these reactions, no cause: large molecules also have longer paths. No interval
is given for fewer than `FEWEST` reactions with a failed, or with a solved run: resampling can't
make more of them.
"""

import numpy as np
import pandas as pd

from .bootstrap import interval, resamples
from .censored import compared, solved, table

POOLED = "all methods"
FEWEST = 5
FEATURES = {
    "natoms": "atoms",
    "bonds_changed": "bonds changed",
    "guess_barrier_eV": "guess barrier",
    "guess_length_A": "guess length",
    "reaction_energy_eV": "reaction energy",
    "charge": "charge (absolute)",
    "multiplicity": "multiplicity",
}
COLUMNS = (
    "feature method reactions failed solved area area_low area_high rank_biserial "
    "median_failed median_solved"
).split()


def features(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the features of each run as numbers; a missing column is left out."""
    found = {name: runs[name].astype(float) for name in FEATURES if name in runs}
    if "charge" in found:
        found["charge"] = found["charge"].abs()
    return pd.DataFrame(found, index=runs.index)


def hardness(runs: pd.DataFrame) -> pd.DataFrame:
    """Return a row per feature and method, and per feature pooled, `COLUMNS`.

    `area` and its interval are NaN where all runs failed, none did, or all are alike.
    """
    runs = compared(runs)
    failed = (~solved(runs)).astype(float)
    rows = []
    for name, value in features(runs).items():
        known = value.notna()
        if not known.any():
            continue
        failure, feature = table(runs[known], failed[known]), table(runs[known], value[known])
        for method, (area, low, high) in _areas(failure.values, feature.values, failure.methods):
            mine = known & (True if method == POOLED else runs["method"].eq(method))
            ended = [mine & failed.eq(outcome) for outcome in (1, 0)]
            if min(_reactions(runs[part]) for part in ended) < FEWEST:
                low = high = np.nan
            counts, medians = map(sum, ended), (value[part].median() for part in ended)
            row = (_reactions(runs[mine]), *counts, area, low, high, 2 * area - 1, *medians)
            rows.append((name, method, *row))
    return pd.DataFrame(rows, columns=COLUMNS)


def _reactions(runs: pd.DataFrame) -> int:
    return len(runs[["set", "reaction"]].drop_duplicates())


def _areas(failure: np.ndarray, feature: np.ndarray, methods: list[str]):
    """Yield the pooled area with its interval, then each method's."""
    p, _, m = failure.shape
    ones = np.ones((1, p))
    above = [_pairs(failure[..., k], feature[..., k], ones) for k in range(m)]
    resampled = [[] for _ in range(m)]
    for drawn in resamples(p):
        for k in range(m):
            resampled[k].append(_pairs(failure[..., k], feature[..., k], drawn))
    again = [np.concatenate(parts, axis=1) for parts in resampled]
    for method, exact, spread in (
        (POOLED, sum(above), sum(again)),
        *zip(methods, above, again, strict=True),
    ):
        area = _area(exact)[0]
        # Resamples without a failure say nothing of it; the others say what can be said.
        areas = _area(spread)
        areas = areas[~np.isnan(areas)]
        known = np.isfinite(area) and len(areas)
        yield method, (area, *(interval(areas) if known else (np.nan, np.nan)))


def _area(pairs: np.ndarray) -> np.ndarray:
    larger, total = pairs
    return np.divide(larger, total, out=np.full(len(total), np.nan), where=total > 0)


def _pairs(failure: np.ndarray, feature: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """Weights of the pairs in which the failed run's feature is larger, and of all pairs.

    Parameters
    ----------
    failure, feature : (P, S) arrays of one method; a feature does not depend on the seed
    drawn : (b, P) array, how often each reaction was drawn

    Returns
    -------
    (2, b) array
    """
    tried = np.sum(~np.isnan(failure), axis=1)
    value = np.fmax.reduce(feature, axis=1)
    reaction = np.flatnonzero((tried > 0) & ~np.isnan(value))
    failed, tried, value = np.nansum(failure, axis=1)[reaction], tried[reaction], value[reaction]
    if not 0 < failed.sum() < tried.sum():
        return np.zeros((2, len(drawn)))
    order = np.argsort(value, kind="stable")
    starts = np.flatnonzero(np.diff(value[order], prepend=-np.inf))
    if len(starts) == 1:  # all alike: there is nothing to compare
        return np.zeros((2, len(drawn)))
    weight, failed, tried = drawn[:, reaction[order]], failed[order], tried[order]
    fails = np.add.reduceat(weight * failed, starts, axis=1)
    solves = np.add.reduceat(weight * (tried - failed), starts, axis=1)
    below = np.cumsum(solves, axis=1) - solves / 2
    return np.stack([np.sum(fails * below, axis=1), fails.sum(axis=1) * solves.sum(axis=1)])
