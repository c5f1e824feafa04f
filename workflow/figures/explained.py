"""Share of reactions explained against gradient evaluations spent (data profile).

A run is explained when its saddle is verified, or when a chain of steps leads from reactant to
product, each over a verified saddle; its cost is the number of gradient evaluations of all path
searches and saddle refinements, for the steps as well as for the direct saddle, also of those that
led nowhere. Dotted: solved by a direct saddle alone, the lower share that each method begins with.
Curves are those of the figure of the share solved otherwise (More, Wild 2009).
"""

from mepbench.reporting.plotting import (
    axis_label,
    curve,
    legend_below,
    new_figure,
    note_figure,
    share_axes,
)
from mepbench.statistics.censored import costs, costs_explained, explained
from mepbench.statistics.profiles import data_curve, data_limits


def plot(results):
    """Draw one step curve per method, and a thin one of its direct saddles."""
    runs = results.compared
    if runs.empty or "explained" not in runs:
        return note_figure("No run with accepted endpoints: no share to draw.")
    whole, direct = costs_explained(runs), costs(runs)
    left, right, any_explained = data_limits(whole, runs.gradients_explained)

    figure = new_figure()
    axes = figure.subplots()
    for m, method in enumerate(whole.methods):
        look = results.style(method)
        thin = {"color": look.color, "linestyle": ":", "linewidth": 0.7}
        axes.step(*data_curve(direct, m, left, right), where="post", **thin)
        thick = curve(look, m, len(whole.methods))
        axes.step(*data_curve(whole, m, left, right), where="post", **thick)
        tried = runs[runs.method == method]
        axes.plot([], [], **look.line, label=f"{method} ({explained(tried).sum()}/{len(tried)})")
    share_axes(axes, left, right, "gradients_explained", solved=any_explained)
    axes.set_ylabel(axis_label("share_explained"))
    legend_below(figure, "method (explained/n)")
    return figure
