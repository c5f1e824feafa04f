"""Share of reactions solved against gradient evaluations spent (data profile).

A run is solved when its saddle is verified and its intrinsic reaction coordinate ends at
the intended reactant and product (verdict intended); its cost is the number of gradient
evaluations of the path search and of the saddle refinement together. Each curve is one
method over all of its runs (reactions, times seeds if there are several; n in the legend),
without those whose endpoints were refused. A failed run never counts as solved at any cost,
so that a curve ends at the method's share of verified saddles.
"""

import numpy as np

from mepbench.metrics import METRICS
from mepbench.plotting import new_figure, note_figure, plain_ticks


def plot(results):
    """Draw one step curve per method."""
    runs = results.judged
    if runs.empty:
        return note_figure("No run with accepted endpoints: no share to draw.")
    cost = runs.cost_to_saddle
    solved = runs.verdict == "intended"
    right = 1.3 * max(10, cost.fillna(0).max())
    left = max(1, 0.7 * cost[solved].min()) if solved.any() else 1

    figure = new_figure(3.6)
    axes = figure.subplots()
    for method in results.methods:
        mine = runs.method == method
        if not mine.any():
            continue
        spent = np.sort(cost[mine & solved].clip(lower=1))
        share = np.arange(len(spent) + 1) / mine.sum()
        line = {**results.style(method).line, "markeredgecolor": "white", "markeredgewidth": 0.5}
        axes.step(
            [left, *spent, right],
            [*share, share[-1]],
            where="post",
            **line,
            markevery=slice(1, -1) if len(spent) else [1],
        )
        axes.plot([], [], **line, label=f"{method} ({len(spent)}/{mine.sum()})")
    axes.set_xscale("log")
    axes.set_xlim(left, right)
    plain_ticks(axes.xaxis)
    axes.set_ylim(0, 1.03)
    axes.set_xlabel(METRICS["cost_to_saddle"].axis)
    axes.set_ylabel(METRICS["share_intended"].axis)
    axes.yaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    axes.grid(axis="y")
    if not solved.any():
        axes.text(0.5, 0.5, "no run was solved", transform=axes.transAxes, ha="center")
    figure.legend(loc="outside right upper", title="method (solved/n)")
    return figure
