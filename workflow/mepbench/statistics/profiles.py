"""Performance profiles and data profiles: the share of reactions solved, within what.

Let `t[p, m]` be the cost of method m on reaction p, infinite where it failed.

* Performance profile: `rho_m(tau)` is the share of reactions with `t[p, m] <= tau min_m t[p, m]`.
  At tau = 1 it is the share on which m is the cheapest, on the right the share that it solves.
  E. D. Dolan, J. J. More, Math. Program. 91, 201 (2002), doi:10.1007/s101070100263.
* Data profile: `d_m(k)` is the share of reactions solved within k units of cost,
  `t[p, m] <= k unit[p]`. J. J. More, S. M. Wild, SIAM J. Optim. 20, 172 (2009),
  doi:10.1137/080724083. Their unit is n_p + 1 function values, what a simplex gradient costs
  in n_p variables; here the potential gives the gradient itself, so the unit is one gradient
  evaluation.

With several seeds the best of a reaction is that of the same repeat, and shares are means over
seeds. A performance profile is relative to the methods compared: it can't rank those behind the
first (N. Gould, J. Scott, ACM Trans. Math. Softw. 43, 15 (2016), doi:10.1145/2950048); the
data profile does not depend on the others.
"""

import numpy as np
import pandas as pd

from .censored import Table, compared, costs

RATIOS = (1, 1.5, 2, 3, 5, 10, 20, 50, 100)
EVALUATIONS = (10, 20, 30, 50, 100, 200, 300, 500, 1000, 2000, 3000)


def ratios(cost: Table) -> np.ndarray:
    """Return (P, S, M) costs over that of the best method; infinite where a run failed."""
    best = np.fmin.reduce(cost.values, axis=2, keepdims=True, initial=np.inf)
    with np.errstate(invalid="ignore"):
        ratio = cost.values / best
    return np.where(np.isinf(cost.values), np.inf, ratio)


def share_within(values: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """Return the share of runs whose value is at most each threshold.

    Parameters
    ----------
    values : (P, S, M) array; NaN where there was no run
    thresholds : (T,) array

    Returns
    -------
    (T, M) array; NaN for a method without runs
    """
    flat = np.sort(values.reshape(-1, values.shape[-1]), axis=0)  # NaN sorts last
    count = np.sum(~np.isnan(flat), axis=0)
    thresholds = np.asarray(thresholds, dtype=float)
    within = [np.searchsorted(flat[:n, m], thresholds, "right") for m, n in enumerate(count)]
    within = np.array(within, dtype=float).reshape(len(count), len(thresholds)).T
    return np.divide(within, count, out=np.full_like(within, np.nan), where=count > 0)


def performance_profile(cost: Table, tau: np.ndarray) -> np.ndarray:
    """Return (T, M) shares of reactions solved within tau times the cost of the best method."""
    return share_within(ratios(cost), tau)


def data_profile(cost: Table, k: np.ndarray, unit: np.ndarray | float = 1.0) -> np.ndarray:
    """Return (T, M) shares of reactions solved within k units of cost.

    `unit` is in gradient evaluations, one for all reactions or a (P,) array.
    """
    unit = np.broadcast_to(np.asarray(unit, dtype=float), len(cost.reactions))
    return share_within(cost.values / unit[:, None, None], k)


def data_curve(cost: Table, method: int, left: float, right: float) -> tuple:
    """Return where one method's data profile rises between two costs, and its shares there."""
    mine = cost.values[..., method]
    steps = np.array([left, *np.unique(mine[np.isfinite(mine)]), right])
    return steps, data_profile(cost, steps)[:, method]


def data_limits(cost: Table, spent: pd.Series) -> tuple[float, float, bool]:
    """Return from and to which cost data profiles are drawn, and whether any run succeeded.

    Parameters
    ----------
    spent : by each run, also by those that failed
    """
    finite = cost.values[np.isfinite(cost.values)]
    right = 1.3 * max(10, spent.fillna(0).max())
    return max(1, 0.7 * finite.min()) if len(finite) else 1, right, len(finite) > 0


def profiles_table(runs: pd.DataFrame) -> pd.DataFrame:
    """Return both profiles of each set as rows `set, profile, method, within, share`."""
    rows = []
    for name, group in compared(runs).groupby("set", sort=False):
        cost = costs(group)
        for profile, grid, shares in (
            ("performance", RATIOS, performance_profile(cost, RATIOS)),
            ("data", EVALUATIONS, data_profile(cost, EVALUATIONS)),
        ):
            for m, method in enumerate(cost.methods):
                for within, share in zip(grid, shares[:, m], strict=True):
                    rows.append((name, profile, method, within, share))
    return pd.DataFrame(rows, columns=["set", "profile", "method", "within", "share"])
