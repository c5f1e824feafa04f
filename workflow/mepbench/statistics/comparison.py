"""Every method against every other, reaction by reaction, and all of them as one.

A method's cost on a reaction is the median over its seeds, infinite where it failed. The
cheaper one wins; equal costs, and two failures, are ties. Three exact or rank tests, two-sided:

* sign test: are wins and losses, ties left out, a fair coin's?
  (J. Demsar, J. Mach. Learn. Res. 7, 1 (2006), section 3.1.4);
* signed ranks of the logarithm of the cost ratios, where one method failed alone the largest
  of all: is one side larger? (F. Wilcoxon, Biometrics Bull. 1, 80 (1945),
  doi:10.2307/3001968; zeros after J. W. Pratt, J. Am. Stat. Assoc. 54, 655 (1959));
* McNemar's, exact: of the reactions that only one of the two solves, does each have half?
  (Q. McNemar, Psychometrika 12, 153 (1947), doi:10.1007/BF02295996).

M methods make M (M - 1)/2 pairs, so each test's p values are adjusted over all pairs of a set
(S. Holm, Scand. J. Stat. 6, 65 (1979), https://www.jstor.org/stable/4615733).
"""

from itertools import combinations

import numpy as np
import pandas as pd

from .bootstrap import bootstrap_medians, bootstrap_shares, interval
from .censored import Table, compared, costs, quantile

TESTS = ("sign_p", "wilcoxon_p", "mcnemar_p")
SIGNIFICANT = 0.05
EXACT = 50  # reactions whose signed ranks are counted out
PAIR_COLUMNS = (
    "set method other reactions wins ties losses sign_p wilcoxon_p both_solved only_method "
    "only_other neither mcnemar_p share_difference share_difference_low share_difference_high "
    "cost_ratio cost_ratio_low cost_ratio_high sign_p_holm wilcoxon_p_holm mcnemar_p_holm"
).split()
VIRTUAL = "virtual best"


def holm(p: np.ndarray) -> np.ndarray:
    """Return Holm's adjusted p values: below alpha where his step-down test rejects.

    NaN is no test, and stays.
    """
    p = np.asarray(p, dtype=float)
    adjusted, order = np.full(len(p), np.nan), np.argsort(p)[: np.sum(~np.isnan(p))]
    steps = p[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1)
    return adjusted


def sign_test(wins: int, losses: int) -> float:
    """Return the two-sided p value of a fair coin; 1 without a decision."""
    from scipy.stats import binomtest

    return float(binomtest(wins, wins + losses).pvalue) if wins + losses else 1.0


def log_ratios(mine: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return log(mine/other), 0 where both failed, infinite where one did."""
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.log(mine) - np.log(other)
    return np.where(np.isinf(mine) & np.isinf(other), 0.0, ratio)


def signed_ranks(ratios: np.ndarray) -> float:
    """Return Wilcoxon's two-sided p value; infinite ratios tie for the largest rank.

    Up to `EXACT` reactions it is that of all 2^n signs, ties and zeros included; beyond, that of
    the normal distribution.
    """
    from scipy.stats import rankdata, wilcoxon

    if not np.any(ratios):
        return 1.0
    if len(ratios) > EXACT:
        largest = np.max(np.abs(ratios), where=np.isfinite(ratios), initial=0.0)
        finite = np.clip(ratios, -largest - 1, largest + 1)
        return float(wilcoxon(finite, zero_method="pratt", method="asymptotic").pvalue)
    twice = np.rint(2 * rankdata(np.abs(ratios))).astype(int)  # ranks of ties are halves
    chance = np.ones(1)  # of each sum of the ranks that are positive
    for rank in twice[ratios != 0]:
        either = np.zeros(rank + 1)
        either[[0, rank]] = 0.5
        chance = np.convolve(chance, either)
    found = twice[ratios > 0].sum()
    return float(min(1.0, 2 * min(chance[: found + 1].sum(), chance[found:].sum())))


def pairwise(runs: pd.DataFrame) -> pd.DataFrame:
    """Return a row per set and pair of methods, `PAIR_COLUMNS`.

    Differences and ratios are of `method` to `other`: of the shares solved, and of the median
    costs (below 1: `method` is cheaper; NaN where both medians are infinite), with their
    paired bootstrap intervals.
    """
    rows = []
    for name, group in compared(runs).groupby("set", sort=False):
        cost = costs(group)
        typical, pairs = cost.typical, list(combinations(range(len(cost.methods)), 2))
        success = successes(cost)
        shares, medians = bootstrap_shares(success), bootstrap_medians(cost)
        share = np.nanmean(success.values, axis=(0, 1))
        median = quantile(cost.values.reshape(-1, len(cost.methods)), 0.5)
        first, second = np.array(pairs, dtype=int).reshape(-1, 2).T
        differences = interval(shares[:, first] - shares[:, second])
        ratios = interval(_quotient(medians[:, first], medians[:, second]))
        ratio = _quotient(median[first], median[second])
        found = []
        for k, (i, j) in enumerate(pairs):
            row = {"set": name, "method": cost.methods[i], "other": cost.methods[j]}
            row |= _pair(*typical[~np.isnan(typical[:, [i, j]]).any(axis=1)][:, [i, j]].T)
            row["share_difference"] = share[i] - share[j]
            row["share_difference_low"], row["share_difference_high"] = differences[:, k]
            row["cost_ratio"] = ratio[k]
            row["cost_ratio_low"], row["cost_ratio_high"] = np.clip(ratios[:, k], 0, None)
            found.append(row)
        for test in TESTS:
            for row, p in zip(found, holm([row[test] for row in found]), strict=True):
                row[f"{test}_holm"] = p
        rows += found
    return pd.DataFrame(rows, columns=PAIR_COLUMNS)


def _pair(mine: np.ndarray, other: np.ndarray) -> dict:
    """Wins, losses and tests of two methods on the reactions that both ran."""
    wins, losses = int(np.sum(mine < other)), int(np.sum(mine > other))
    here, there = np.isfinite(mine), np.isfinite(other)
    only, only_other = int(np.sum(here & ~there)), int(np.sum(there & ~here))
    return {
        "reactions": len(mine),
        "wins": wins,
        "ties": len(mine) - wins - losses,
        "losses": losses,
        "sign_p": sign_test(wins, losses),
        "wilcoxon_p": signed_ranks(log_ratios(mine, other)),
        "both_solved": int(np.sum(here & there)),
        "only_method": only,
        "only_other": only_other,
        "neither": int(np.sum(~here & ~there)),
        "mcnemar_p": sign_test(only, only_other),
    }


def _quotient(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        return a / b


def successes(cost: Table) -> Table:
    """Return 1 for a finite cost, 0 for an infinite one."""
    solved = np.where(np.isnan(cost.values), np.nan, np.isfinite(cost.values))
    return Table(cost.reactions, cost.methods, solved)


def virtual_best(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the method that knows beforehand which one is cheapest, and each one's part in it.

    Rows `set, method, share_intended, cost_to_saddle_median, best_share, only_share`, that of
    the virtual best first: `best_share` is the share of reactions on which a method is the
    cheapest (ties divided), `only_share` that which no other method solves, so that the
    virtual best would lose it with the method. Algorithm selection after J. R. Rice, Adv.
    Comput. 15, 65 (1976), doi:10.1016/S0065-2458(08)60520-3.
    """
    columns = "set method share_intended cost_to_saddle_median best_share only_share".split()
    rows = []
    for name, group in compared(runs).groupby("set", sort=False):
        cost = costs(group)
        best = np.fmin.reduce(cost.values, axis=2, keepdims=True, initial=np.inf)
        first = np.isfinite(cost.values) & (cost.values == best)
        parts = first / np.maximum(first.sum(axis=2, keepdims=True), 1)
        hit = np.isfinite(cost.values)
        only = hit & (hit.sum(axis=2, keepdims=True) == 1)
        solved = np.isfinite(best).mean()
        rows.append((name, VIRTUAL, solved, float(quantile(best.ravel(), 0.5)), solved, np.nan))
        share = np.nanmean(successes(cost).values, axis=(0, 1))
        median = quantile(cost.values.reshape(-1, len(cost.methods)), 0.5)
        for m, method in enumerate(cost.methods):
            part, alone = parts[..., m].mean(), only[..., m].mean()
            rows.append((name, method, share[m], median[m], part, alone))
    return pd.DataFrame(rows, columns=columns)
