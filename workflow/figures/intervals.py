"""Share solved and median cost of each method, with 95% intervals.

Left: share of runs that end at a verified saddle of the intended reaction. Right: median number
of gradient evaluations to it, of path and refinement together, over all runs, a failed one
being more costly than any other; an arrow means that the median, or the end of the interval, is
beyond the budget, because half of the runs fail. Intervals are percentiles of a bootstrap that
draws reactions with all their runs, the same draws for all methods: two methods may well differ
although their intervals overlap, which the table of pairs tests. Where all or no runs are
solved, the left interval is Wilson's for the number of reactions. Several sets are pooled.
"""

import numpy as np

from mepbench.reporting.plotting import (
    axis_label,
    method_rows,
    new_figure,
    note_figure,
    plain_ticks,
    rows_height,
)
from mepbench.statistics.bootstrap import bootstrap_medians, interval, share_interval
from mepbench.statistics.censored import costs, quantile
from mepbench.statistics.comparison import successes


def plot(results):
    """Draw a row per method in two panels."""
    cost = costs(results.compared)
    if not cost.reactions:
        return note_figure("No run with accepted endpoints: no interval to draw.")
    success = successes(cost)
    share, bounds = np.nanmean(success.values, axis=(0, 1)), share_interval(success)
    median = quantile(cost.values.reshape(-1, len(cost.methods)), 0.5)
    spread = interval(bootstrap_medians(cost))
    finite = np.concatenate([median, spread.ravel()])
    finite = finite[np.isfinite(finite)]
    ends = finite.min(initial=1e9) / 2.3, 2.3 * finite.max(initial=10)
    edge = ends[1]

    figure = new_figure(rows_height(len(cost.methods)))
    left, right = figure.subplots(1, 2, sharey=True)
    for row, method in enumerate(cost.methods):
        look = results.style(method)
        point = {**look.point, "linestyle": ""}
        left.plot(bounds[:, row], [row, row], color=look.color)
        left.plot(share[row], row, **point, clip_on=False)
        right.plot(np.minimum(spread[:, row], edge), [row, row], color=look.color)
        if np.isfinite(median[row]):
            right.plot(median[row], row, **point)
        if not np.isfinite(spread[1, row]):
            right.plot(
                edge, row, color=look.color, marker=5, markersize=5, linestyle="", clip_on=False
            )
    method_rows(left, cost.methods)
    left.set_xlim(-0.02, 1.02)
    left.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    left.set_xticks([0, 0.5, 1])
    left.set_xlabel(axis_label("share_intended"))
    right.set_xscale("log")
    right.set_xlim(min(ends[0], edge / 5), edge)
    plain_ticks(right.xaxis, fine=30)
    right.set_xlabel(axis_label("cost_to_saddle", "Median", longest=18))
    for axes in (left, right):
        axes.grid(axis="x")
        axes.set_axisbelow(True)
    return figure
