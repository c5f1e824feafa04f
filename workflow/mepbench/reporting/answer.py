"""The answer in three sentences: which method solves most, which costs least, how sure that is.

They are made of the same numbers as the tables (`statistics`), over all sets of a run together.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..files.metrics import formatted
from ..statistics.bootstrap import share_interval
from ..statistics.censored import Table, compared, costs, quantile
from ..statistics.comparison import SIGNIFICANT, holm, sign_test, successes

ENOUGH = 6  # reactions; of fewer no exact two-sided test can be below 0.05 (2/2^5 > 0.05)
MOST_NAMED = 4
_SMALL = "no one two three four five six seven eight nine ten eleven twelve".split()


@dataclass(frozen=True)
class Standing:
    """What the sentences are made of; arrays are by method, in the order of the configuration.

    Attributes
    ----------
    solved, tried : (M,) runs
    cost : (M,) median gradient evaluations to the saddle, infinite where half of the runs fail
    table : cost of every run
    """

    methods: list[str]
    solved: np.ndarray
    tried: np.ndarray
    cost: np.ndarray
    table: Table

    @property
    def share(self) -> np.ndarray:
        """(M,) share of the runs that are solved."""
        return self.solved / self.tried


def standing(runs: pd.DataFrame) -> Standing:
    """Count the runs of a results folder, as read by `score.read_runs`."""
    runs = compared(runs)
    if runs.empty:
        nothing = np.empty(0)
        return Standing([], nothing, nothing, nothing, costs(runs))
    table = costs(runs)
    by = runs.groupby("method", sort=False)["verdict"]
    tried = by.size().reindex(table.methods).to_numpy(int)
    solved = by.apply(lambda v: v.eq("intended").sum()).reindex(table.methods).to_numpy(int)
    cost = quantile(table.values.reshape(-1, len(table.methods)), 0.5)
    return Standing(table.methods, solved, tried, cost, table)


def sentences(of: Standing) -> list[str]:
    """Return the sentences, what matters **so**; a single one of no run, or of one method."""
    if not of.methods:
        return ["No run had accepted endpoints, so nothing was compared."]
    if len(of.methods) == 1:
        return [_alone(of)]
    return [_most(of), _least(of), _sure(of)]


def with_steps(summed: pd.DataFrame) -> list[str]:
    """Return a sentence on what chains of steps explain; none where no method solves more by them.

    Parameters
    ----------
    summed : a row for each method, as `statistics.summary` sums them up
    """
    if "explained" not in summed or not (
        summed["share_explained"].max() > summed["share_intended"].max()
    ):
        return []
    order = {"share_explained": False, "gradients_explained_median": True}
    best = summed.sort_values([*order], ascending=[*order.values()], kind="stable").iloc[0]
    cost, paid = best["gradients_explained_median"], ""
    if np.isfinite(cost):
        paid = f", at {formatted('gradients_explained', cost)} evaluations in the median"
    return [
        f"With chains of proven steps {_bold(best['method'])} explains **{best['explained']:.0f} "
        f"of {best['runs']}**{paid}."
    ]


def _alone(of: Standing) -> str:
    cost = ""
    if np.isfinite(of.cost[0]):
        cost = f", at **{_evaluations(of.cost[0])}** in the median"
    return f"{_bold(of.methods[0])} solves {_score(of, 0)} {_runs(of)}{cost}."


def _most(of: Standing) -> str:
    best, count = np.flatnonzero(of.share == of.share.max()), len(of.methods)
    if not of.solved.any():
        return f"None of the {_number(count)} methods solved any reaction."
    if len(best) == 1:
        rest = np.where(of.share == of.share.max(), -1, of.share)
        behind = np.flatnonzero(rest == rest.max())
        ahead = f"ahead of {_named(of, behind)} with {of.solved[behind[0]]}"
        return (
            f"{_bold(of.methods[best[0]])} solves most: {_score(of, best[0])} {_runs(of)}, {ahead}."
        )
    if len(best) == count:
        who = "Both" if count == 2 else f"All {_number(count)}"
        return f"{who} methods solve equally many: {_score(of, best[0])} {_runs(of)}."
    who = f"{_number(len(best)).capitalize()} of the {_number(count)} methods solve"
    if of.share.max() == 1:
        what = f"all **{of.tried[best[0]]}** {_runs(of)}"
    else:
        what = f"most, {_score(of, best[0])} {_runs(of)}"
    return f"{who} {what}: {_named(of, best)}."


def _least(of: Standing) -> str:
    known = np.where(np.isnan(of.cost), np.inf, of.cost)
    first, *others = np.argsort(known, kind="stable")
    if not np.isfinite(known[first]):
        return "No method solves half of the reactions, so none has a typical cost."
    cheapest = np.flatnonzero(known == known[first])
    spent = f"**{_evaluations(known[first])}** to the saddle in the median"
    if len(cheapest) > 1:
        return f"{_named(of, cheapest)} cost least: each {spent}."
    also, behind = "", others[0]
    if of.share[first] < of.share.max():
        also = f", while it solves {of.solved[first]} of {of.tried[first]}"
    if np.isfinite(known[behind]):
        also += f"; next is {_bold(of.methods[behind])} with {known[behind]:.0f}"
    return f"{_bold(of.methods[first])} costs least: {spent}{also}."


def _sure(of: Standing) -> str:
    count, others = len(of.table.reactions), len(of.methods) - 1
    if count < ENOUGH:
        return (
            f"How sure: {_number(count)} reaction{'s' * (count > 1)} can show how the methods "
            "work, but not which of them is better."
        )
    best = np.flatnonzero(of.share == of.share.max())
    low, high = share_interval(successes(of.table))[:, best[0]]
    whose = f"the share of {of.methods[best[0]]}"
    if len(best) > 1:
        whose = f"a share of {of.solved[best[0]]} of {of.tried[best[0]]}"
    fewer, dearer = _significantly_behind(of)
    solving = "no difference in what they solve is significant"
    if fewer:
        solving = f"{_part(fewer, others)} solve{'s' * (fewer == 1)} significantly fewer reactions"
    costing = "no difference in cost" + (" is significant" if fewer else "")
    if dearer:
        costing = f"{_part(dearer, others)} cost{'s' * (dearer == 1)} significantly more"
    return (
        f"How sure: {count} reactions leave {whose} anywhere **between {low:.0%} and {high:.0%}** "
        f"(95% interval); {solving}, {'but' if bool(fewer) != bool(dearer) else 'and'} {costing}."
    )


def _significantly_behind(of: Standing) -> tuple[int, int]:
    """How many methods solve fewer than the first, and how many cost more than the cheapest.

    McNemar's exact test and the sign test, of the first (cheapest) method against each other
    one, adjusted by Holm's rule for all of these.
    """
    typical = of.table.typical
    best = int(np.argmax(of.share))
    cheapest = int(np.argmin(np.where(np.isnan(of.cost), np.inf, of.cost)))
    fewer, more = [], []
    for m in range(len(of.methods)):
        if m != best:
            mine, other = np.isfinite(typical[:, best]), np.isfinite(typical[:, m])
            won, lost = int(np.sum(mine & ~other)), int(np.sum(other & ~mine))
            fewer.append(sign_test(won, lost) if won > lost else 1.0)
        if m != cheapest:
            won = int(np.sum(typical[:, cheapest] < typical[:, m]))
            lost = int(np.sum(typical[:, cheapest] > typical[:, m]))
            more.append(sign_test(won, lost) if won > lost else 1.0)
    return tuple(int(np.sum(holm(np.array(p)) < SIGNIFICANT)) for p in (fewer, more))


def _part(count: int, others: int) -> str:
    """So many of the other methods, in words."""
    if others == 1:
        return "the other method"
    if count == others:
        return f"all {_number(count)} others"
    return f"{_number(count)} of the {_number(others)} others"


def _named(of: Standing, which: np.ndarray) -> str:
    """Names, the least costly first; of many only some."""
    names = [_bold(of.methods[m]) for m in which[np.argsort(of.cost[which], kind="stable")]]
    if len(names) > MOST_NAMED:
        names = [*names[: MOST_NAMED - 1], f"{_number(len(names) - MOST_NAMED + 1)} others"]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _bold(name: str) -> str:
    return f"**{name}**"


def _score(of: Standing, method: int) -> str:
    return f"**{of.solved[method]} of {of.tried[method]}**"


def _evaluations(cost: float) -> str:
    return f"{formatted('cost_to_saddle', cost)} gradient evaluations"


def _runs(of: Standing) -> str:
    """What was counted: reactions, or with several seeds runs of so many reactions."""
    count = len(of.table.reactions)
    if of.tried.max() > count:
        return f"runs ({count} reaction{'s' * (count > 1)}, several seeds)"
    return "reactions" if count != 1 else "reaction"


def _number(count: int) -> str:
    return _SMALL[count] if count < len(_SMALL) else f"{count}"
