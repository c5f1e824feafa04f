"""Whether the order of the methods survives another tolerance, budget or seed.

Methods are ranked by the share of runs that count as solved (1 is the best, ties share their
mean rank), once as this benchmark counts (verified, whole budget), then in other ways:

* verified, and the barrier at most x above the reference;
* any saddle: the refinement converged, which is often all that is published;
* before refinement, the barrier of the path at most x away from the reference;
* verified within fewer gradient evaluations;
* one repeat at a time, where methods have several seeds.

Kendall's tau-b between the shares, against the first way: 1 is the same order, -1 the reverse
one; without a value where all methods are equal (M. G. Kendall, Biometrika 33, 239 (1945),
doi:10.2307/2332303).
"""

import numpy as np
import pandas as pd

from .censored import Table, compared, solved, table
from .profiles import EVALUATIONS, share_within

TOLERANCES = (0.1, 0.0434, 0.01, 0.005)  # eV; the second is 1 kcal/mol
BASELINE = "verified"
# Verdicts on a geometry without forces, whatever else it is.
AT_REST = ("intended", "multistep", "half-intended", "other", "higher-order", "minimum")
COLUMNS = "set kind scenario method share rank kendall_tau".split()


def scenarios(runs: pd.DataFrame) -> dict[tuple[str, str], np.ndarray]:
    """Return the (M,) shares solved in each way of counting, by kind and name.

    Parameters
    ----------
    runs : compared runs of one set
    """
    good, cost = solved(runs), runs["cost_to_saddle"]
    error = runs["barrier_error_eV"].abs()
    path_error = runs["path_barrier_error_eV"].abs()
    found = {(BASELINE, "verified"): _share(runs, good)}
    for x in TOLERANCES:
        found["tolerance", f"verified, within {x:g} eV"] = _share(runs, good & (error <= x))
    found["tolerance", "any saddle, not verified"] = _share(runs, runs["verdict"].isin(AT_REST))
    for x in TOLERANCES[:3]:
        found["tolerance", f"path within {x:g} eV"] = _share(runs, path_error <= x)
    least, most = cost[good].min(), cost[good].max()
    for k in EVALUATIONS:
        if least <= k < most:
            found["budget", f"verified, {k} evaluations"] = _share(runs, good & (cost <= k))
    repeats = _table(runs, good)
    if repeats.values.shape[1] > 1:
        for s in range(repeats.values.shape[1]):
            only = Table(repeats.reactions, repeats.methods, repeats.values[:, s : s + 1])
            found["seed", f"verified, repeat {s + 1}"] = share_within(only.values, [0.5])[0]
    return found


def _table(runs: pd.DataFrame, success: pd.Series) -> Table:
    return table(runs, (~success.fillna(False).astype(bool)).astype(float))


def _share(runs: pd.DataFrame, success: pd.Series) -> np.ndarray:
    return share_within(_table(runs, success).values, [0.5])[0]


def rank(shares: np.ndarray) -> np.ndarray:
    """Return ranks along the last axis, 1 for the largest share; ties get their mean."""
    from scipy.stats import rankdata

    return rankdata(-np.asarray(shares), axis=-1)


def tau(one: np.ndarray, other: np.ndarray) -> float:
    """Return Kendall's tau-b of two lists of shares; NaN where one has no order."""
    from scipy.stats import kendalltau

    if len(np.unique(one)) < 2 or len(np.unique(other)) < 2:
        return float("nan")
    return float(kendalltau(one, other).statistic)


def ranks(runs: pd.DataFrame) -> pd.DataFrame:
    """Return a row per set, way of counting and method, `COLUMNS`."""
    rows = []
    for name, group in compared(runs).groupby("set", sort=False):
        methods, found = list(dict.fromkeys(group["method"])), scenarios(group)
        baseline = next(iter(found.values()))
        for (kind, scenario), shares in found.items():
            order = tau(baseline, shares)
            for method, share, place in zip(methods, shares, rank(shares), strict=True):
                rows.append((name, kind, scenario, method, share, place, order))
    return pd.DataFrame(rows, columns=COLUMNS)
