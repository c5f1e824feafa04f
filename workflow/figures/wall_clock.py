"""Wall clock per run, split by stage and into the potential's and the method's own time.

Bars are means over all runs of a method with accepted endpoints, solved or not (n in
brackets), so that their parts add up; at the bar's end stands the method's mean (guess,
path, refinement) plus the verification's, and the diamond is the method's median. Own time
is what a stage took outside of the potential. Verification (Hessian, intrinsic reaction
coordinate, quality of the path) is the judge's work and no cost of the method. One thread.
"""

import numpy as np

from mepbench.reporting.plotting import (
    axis_label,
    legend_below,
    method_rows,
    new_figure,
    note_figure,
    rows_height,
)

PARTS = {  # label: colour, hatch
    "guess": ("#999933", "xxxx"),
    "path: potential": ("#0072B2", ""),
    "path: own": ("#56B4E9", "////"),
    "refinement: potential": ("#D55E00", "...."),
    "refinement: own": ("#E69F00", "\\\\\\\\"),
    "verification": ("#FFFFFF", ""),
}


def plot(results):
    """Draw one stacked bar per method."""
    runs = results.judged
    seconds = _seconds(runs)
    if seconds.empty or not seconds.to_numpy().any():
        return note_figure("No run with accepted endpoints: no seconds to draw.")
    mean = seconds.groupby(runs.method).mean().reindex(results.methods).fillna(0)
    spent = seconds.drop(columns="verification").sum(axis=1)
    median = spent.groupby(runs.method).median().reindex(results.methods)
    count = runs.groupby("method").size().reindex(results.methods, fill_value=0)

    figure = new_figure(rows_height(len(results.methods)))
    axes = figure.subplots()
    rows, left = np.arange(len(mean)), np.zeros(len(mean))
    for part, (color, hatch) in PARTS.items():
        axes.barh(
            rows,
            mean[part],
            left=left,
            height=0.7,
            color=color,
            hatch=hatch,
            edgecolor="black",
            linewidth=0.5,
            label=part,
        )
        left = left + mean[part].to_numpy()
    axes.plot(
        median,
        rows,
        linestyle="",
        marker="D",
        markersize=3,
        color="white",
        markeredgecolor="black",
        label="median, method",
    )
    for row, (total, judged) in enumerate(zip(left, mean["verification"], strict=True)):
        axes.annotate(
            f"{total - judged:.2f} + {judged:.2f} s",
            (np.fmax(total, median.iloc[row]), row),
            xytext=(5, 0),
            textcoords="offset points",
            verticalalignment="center",
            size=6,
        )
    method_rows(axes, [f"{method} ({count[method]})" for method in results.methods])
    axes.margins(x=0.4)
    axes.set_xlim(left=0)
    axes.set_xlabel(axis_label("wall_s"))
    legend_below(figure)
    return figure


def _seconds(runs):
    """Seconds of each run in each of the `PARTS`; what did not happen took none."""
    columns = (
        "wall_guess_s oracle_path_s own_path_s oracle_refine_s own_refine_s wall_verify_s".split()
    )
    return runs[columns].fillna(0).set_axis(list(PARTS), axis="columns")
