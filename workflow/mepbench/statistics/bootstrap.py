"""Paired bootstrap over reactions: how sure a share or a median is.

Reactions are drawn with replacement, each with all its runs, of all methods and seeds: a
cluster bootstrap, since seeds of one reaction are no independent evidence. All methods see the
same resamples, so that differences and ratios of methods have intervals too, narrower than
those of the methods where easy reactions are easy for all. Intervals are those of percentiles
(B. Efron, R. J. Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13,
doi:10.1201/9780429246593): bias-corrected ones need a jackknife, which has no meaning where a
median may be infinite. Where all runs or none are solved, every resample says the same, and
Wilson's interval for the number of reactions stands in (E. B. Wilson, J. Am. Stat. Assoc. 22,
209 (1927), doi:10.1080/01621459.1927.10502953).
"""

from collections.abc import Iterator

import numpy as np

from .censored import Table, quantile

LEVEL, SEED = 0.95, 0
RESAMPLES, FEWEST = 2000, 500  # fewer of many reactions: their percentiles vary less
DRAWS = 2_000_000  # of reactions in all, beyond the fewest resamples
CELLS = 4_000_000  # of the largest array at a time


def resamples(units: int, count: int | None = None, seed: int = SEED) -> Iterator[np.ndarray]:
    """Yield (b, units) arrays, `count` rows in all: how often each unit was drawn."""
    rng = np.random.default_rng(seed)
    if count is None:
        count = int(np.clip(DRAWS // max(1, units), FEWEST, RESAMPLES))
    chunk = max(1, CELLS // max(1, units))
    for start in range(0, count, chunk):
        b = min(chunk, count - start)
        drawn = rng.integers(0, units, (b, units)) + units * np.arange(b)[:, None]
        yield np.bincount(drawn.ravel(), minlength=b * units).reshape(b, units)


def bootstrap_shares(success: Table, count: int | None = None, seed: int = SEED) -> np.ndarray:
    """Return (count, M) shares of resampled runs whose value is 1, out of those with a value."""
    hit = np.nansum(success.values, axis=1)
    tried = np.sum(~np.isnan(success.values), axis=1)
    parts = []
    for drawn in resamples(len(success.reactions), count, seed):
        total = (drawn @ tried).astype(float)
        parts.append(
            np.divide(drawn @ hit, total, out=np.full_like(total, np.nan), where=total > 0)
        )
    return np.concatenate(parts)


def bootstrap_medians(values: Table, count: int | None = None, seed: int = SEED) -> np.ndarray:
    """Return (count, M) medians over resampled runs; infinite where half of them failed."""
    p, s, m = values.values.shape
    flat = values.values.reshape(p * s, m)
    orders = []
    for k in range(m):
        order = np.argsort(flat[:, k], kind="stable")
        orders.append(order[~np.isnan(flat[order, k])])
    result = []
    for drawn in resamples(p, count, seed):
        chunk = max(1, CELLS // max(1, p * s))
        for part in (drawn[i : i + chunk] for i in range(0, len(drawn), chunk)):
            columns = [
                _medians(flat[order, k], part[:, order // s]) for k, order in enumerate(orders)
            ]
            result.append(np.stack(columns, axis=1))
    return np.concatenate(result)


def _medians(ordered: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Medians of (n,) ascending values that occur (b, n) times each."""
    if not len(ordered):
        return np.full(len(weights), np.nan)
    upto = np.cumsum(weights, axis=1)
    total = upto[:, -1:]
    low = ordered[np.argmax(upto > (total - 1) // 2, axis=1)]
    high = ordered[np.argmax(upto > total // 2, axis=1)]
    median = np.where(low == high, low, (low + high) / 2)
    return np.where(total[:, 0] > 0, median, np.nan)


def interval(distribution: np.ndarray, level: float = LEVEL) -> np.ndarray:
    """Return the (2, ...) percentiles of a distribution along its first axis.

    A value that is undefined in a resample (infinite over infinite) widens the interval.
    """
    tail, undefined = (1 - level) / 2, np.isnan(distribution)
    low = quantile(np.where(undefined, -np.inf, distribution), tail)
    return np.stack([low, quantile(np.where(undefined, np.inf, distribution), 1 - tail)])


def share_interval(success: Table, level: float = LEVEL, count: int | None = None) -> np.ndarray:
    """Return (2, M) intervals of the share of runs that succeed."""
    from scipy.stats import binomtest

    found = interval(bootstrap_shares(success, count), level)
    tried = np.any(~np.isnan(success.values), axis=1).sum(axis=0)
    for m, n in enumerate(tried):
        shares = np.unique(success.values[..., m][~np.isnan(success.values[..., m])])
        if n and len(shares) == 1:
            hits = int(n * shares[0])
            found[:, m] = binomtest(hits, int(n)).proportion_ci(level, method="wilson")
    return found
