"""Error of the barrier of a method's current path against the gradient evaluations spent.

Median over runs of the absolute error of the barrier, against the reference, of the path that a
method has after so many gradient evaluations of its path stage: its last checkpoint, and from
its end on the finished path as the verify stage sampled it (symbol at the median of the
evaluations that runs took). A run without a path, not yet or never, has an infinite error and
is never left out: a line begins where half of the runs have a path. No refinement is in here.
Reactions without a reference are left out for all methods, and methods whose result is a
trajectory, which has no barrier. Errors below 0.0001 eV are drawn there; the shaded band is
chemical accuracy, 1 kcal/mol (0.043 eV).
"""

import numpy as np

from mepbench.reporting.plotting import (
    CHEMICAL_ACCURACY,
    axis_label,
    legend_below,
    new_figure,
    note_figure,
    plain_ticks,
)
from mepbench.statistics.budget import current_errors, grid, with_reference
from mepbench.statistics.censored import quantile

FLOOR = 1e-4  # eV


def plot(results):
    """Draw one step curve per method."""
    runs = with_reference(results.compared)
    if runs.empty:
        return note_figure("No path has a reference barrier: no error is known.")
    at = grid(runs, results.traces)
    errors = current_errors(runs, results.traces, at)
    figure = new_figure()
    axes = figure.subplots()
    for method in dict.fromkeys(runs.method):
        mine = (runs.method == method).to_numpy()
        median = np.clip(quantile(errors[mine], 0.5), FLOOR, None)
        look = results.style(method)
        shown = np.isfinite(median)
        label = f"{method} ({mine.sum()})"
        axes.step(
            at[shown], median[shown], where="post", color=look.color, linestyle=look.linestyle
        )
        end = float(np.median(runs.gradients_path[mine].fillna(0)))
        here = np.searchsorted(at, end, "right") - 1
        if here >= 0 and shown[here]:
            axes.plot(end, median[here], **{**look.line, "linestyle": ""}, zorder=4)
        axes.plot([], [], **look.line, label=label)
    axes.axhspan(FLOOR / 2, CHEMICAL_ACCURACY, color="0.9", zorder=0, linewidth=0)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_ylim(bottom=FLOOR / 1.3)
    plain_ticks(axes.xaxis)
    plain_ticks(axes.yaxis)
    axes.set_xlabel(axis_label("evaluations"))
    axes.set_ylabel(axis_label("path_error_now_eV", "Median", longest=32))
    axes.grid(axis="y")
    legend_below(figure, "method (runs)")
    return figure
