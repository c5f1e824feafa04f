"""Two runs of the same benchmark, such as of two versions: what one does that the other does not.

Runs are paired by set, reaction, method and seed; what only one of the two has is said, and in no
comparison. Costs are compared where both solve: of each reaction the median over seeds, the
logarithm of the ratio new to old, its mean over reactions, and the interval of a bootstrap that
draws reactions (`bootstrap`). A cost is beyond noise where that interval excludes 1 and at least
`FEWEST` reactions are paired. A reaction that only one run solves is a changed verdict, and
has no ratio. Whether a method solves more is tested as McNemar does, by the reactions that only one
of the two runs solves (`comparison.sign_test`).
"""

import numpy as np
import pandas as pd

from .bootstrap import interval, resamples
from .censored import derived, solved
from .comparison import sign_test

KEY = ["set", "reaction", "method", "seed"]
FEWEST = 5  # reactions
MOVED = 5e-3  # eV: as far as barriers of one saddle may be apart

CHANGES = [*KEY, "old", "new", "reason_old", "reason_new", "kind"]
COSTS = "method reactions old new ratio low high beyond lost gained p".split()


def _paired(old: pd.DataFrame, new: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    return old[[*KEY, *columns]].merge(new[[*KEY, *columns]], on=KEY, suffixes=("_old", "_new"))


def changed_verdicts(old: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    """Return the runs whose verdict differs, `CHANGES`.

    `kind` is `lost` (intended in the old run alone), `gained`, or `other`.
    """
    pairs = _paired(old, new, ["verdict", "reason"])
    pairs = pairs[pairs["verdict_old"] != pairs["verdict_new"]]
    pairs = pairs.rename(columns={"verdict_old": "old", "verdict_new": "new"})
    lost, gained = pairs["old"].eq("intended"), pairs["new"].eq("intended")
    return pairs.assign(kind=np.where(lost, "lost", np.where(gained, "gained", "other")))[CHANGES]


def compared_costs(old: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    """Return a row per method that both runs have, `COSTS`.

    `old` and `new` are the median costs, evaluations to the saddle, of the reactions that both
    solve, `ratio` the geometric mean of new to old with its 95% interval; `lost` and `gained` count
    the reactions that one run alone solves, by half of its seeds at least, and `p` is the chance
    of so unequal numbers.
    """
    pairs = _paired(derived(old), derived(new), ["cost_to_saddle", "verdict"])
    for run in ("old", "new"):
        good = pairs[f"verdict_{run}"].eq("intended") & pairs[f"cost_to_saddle_{run}"].notna()
        pairs[run] = pairs[f"cost_to_saddle_{run}"].astype(float).where(good, np.inf).clip(lower=1)
    rows = []
    for method, mine in pairs.groupby("method", sort=False):
        # The lower of two middle values: solved by half of the seeds is solved.
        costs = mine.groupby(["set", "reaction"])[["old", "new"]].quantile(
            0.5, interpolation="lower"
        )
        finite = np.isfinite(costs)
        both = costs[finite.all(axis=1)]
        lost = int((finite["old"] & ~finite["new"]).sum())
        gained = int((finite["new"] & ~finite["old"]).sum())
        ratio, low, high = _ratio(np.log(both["new"] / both["old"]).to_numpy())
        rows.append(
            {
                "method": method,
                "reactions": len(both),
                "old": both["old"].median(),
                "new": both["new"].median(),
                "ratio": ratio,
                "low": low,
                "high": high,
                "beyond": len(both) >= FEWEST and not low <= 1 <= high,
                "lost": lost,
                "gained": gained,
                "p": sign_test(gained, lost),
            }
        )
    return pd.DataFrame(rows, columns=COSTS)


def _ratio(logs: np.ndarray) -> tuple[float, float, float]:
    """Geometric mean of (P,) ratios, given as logarithms, and its 95% interval."""
    if not len(logs):
        return (np.nan,) * 3
    means = np.concatenate([drawn @ logs / len(logs) for drawn in resamples(len(logs))])
    low, high = interval(means)
    return float(np.exp(logs.mean())), float(np.exp(low)), float(np.exp(high))


def moved_barriers(old: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    """Return the runs that are intended in both, with barriers further apart than `MOVED`."""
    pairs = _paired(old[solved(old)], new[solved(new)], ["barrier_eV"])
    apart = (pairs["barrier_eV_new"] - pairs["barrier_eV_old"]).abs()
    return pairs[apart > MOVED].rename(columns={"barrier_eV_old": "old", "barrier_eV_new": "new"})


def only_in(old: pd.DataFrame, new: pd.DataFrame, columns: list[str]) -> list[tuple]:
    """Return what of `columns`, such as set and reaction, `old` has and `new` lacks."""
    known = set(new[columns].itertuples(index=False, name=None))
    mine = dict.fromkeys(old[columns].itertuples(index=False, name=None))
    return [key for key in mine if key not in known]
