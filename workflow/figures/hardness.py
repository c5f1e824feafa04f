"""Which features of a reaction, known before any method runs, go with failure.

For each feature the probability that of two runs of one method, one failed and one solved, the
failed one has the larger value (ties count half): 0.5 means no association, 1 that all
failures have larger values than all solved runs, 0 the reverse. Black: all methods together,
only runs of the same method being paired, with the 95% interval of a bootstrap over reactions
(none for fewer than 5 reactions with a failed, or with a solved run). Symbols: single methods,
open for those with fewer than 5 reactions of either kind, which prove little. Guess barrier and
length are those of the initial path. These are associations on these reactions, not causes,
and features go with each other: large molecules have long paths.
"""

import numpy as np

from mepbench.reporting.plotting import axis_label, legend_below, new_figure, note_figure
from mepbench.statistics.hardness import FEATURES, POOLED, hardness


def plot(results):
    """Draw a row per feature."""
    table = hardness(results.compared)
    table = table[np.isfinite(table.area.astype(float))]
    if table.empty:
        return note_figure(
            "No method has both failed and solved runs: no feature goes with failure."
        )
    features = [name for name in FEATURES if name in set(table.feature)]
    methods = [method for method in results.methods if method in set(table.method)]
    figure = new_figure(0.6 + 0.36 * len(features))
    axes = figure.subplots()
    axes.axvline(0.5, color="0.5", linewidth=0.8)
    offsets = dict(zip(methods, np.linspace(-0.32, 0.32, len(methods) + 2)[1:-1], strict=True))
    for row, name in enumerate(features):
        for run in table[table.feature == name].itertuples():
            if run.method == POOLED:
                axes.plot([run.area_low, run.area_high], [row, row], color="black", linewidth=2)
                axes.plot(run.area, row, color="black", marker="|", markersize=11, mew=2)
                continue
            look = results.style(run.method)
            sure = np.isfinite(run.area_low)
            axes.plot(
                run.area,
                row + offsets[run.method],
                linestyle="",
                **look.point,
                markerfacecolor=look.color if sure else "white",
                markeredgewidth=0.8,
                zorder=3,
            )
    pooled = table[table.method == POOLED].iloc[0]
    label = f"{POOLED} ({pooled.failed})"
    axes.plot([], [], color="black", marker="|", markersize=8, linewidth=2, label=label)
    for method in methods:
        look = results.style(method)
        failed = table[table.method == method].failed.max()
        label = f"{method} ({failed})"
        axes.plot([], [], **{**look.point, "linestyle": ""}, label=label)
    axes.set_yticks(range(len(features)), [FEATURES[name] for name in features])
    axes.set_ylim(len(features) - 0.5, -0.5)
    axes.set_xlim(-0.02, 1.02)
    axes.set_xlabel(axis_label("area"))
    axes.grid(axis="x")
    axes.set_axisbelow(True)
    legend_below(figure, "method (failed runs)")
    return figure
