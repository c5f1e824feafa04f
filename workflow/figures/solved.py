"""Share of reactions solved against gradient evaluations spent (data profile).

A run is solved when its saddle is verified and its intrinsic reaction coordinate ends at
the intended reactant and product (verdict intended); its cost is the number of gradient
evaluations of the path search and of the saddle refinement together. Each curve is one
method over all of its runs (reactions, times seeds if there are several; n in the legend),
without those whose endpoints were refused. A failed run never counts as solved at any cost,
so that a curve ends at the method's share of verified saddles. This is a data profile (More,
Wild 2009), its unit one gradient evaluation.
"""

from mepbench.reporting.plotting import curve, legend_below, new_figure, note_figure, share_axes
from mepbench.statistics.censored import costs
from mepbench.statistics.profiles import data_curve, data_limits


def plot(results):
    """Draw one step curve per method."""
    runs = results.compared
    if runs.empty:
        return note_figure("No run with accepted endpoints: no share to draw.")
    cost = costs(runs)
    left, right, any_solved = data_limits(cost, runs.cost_to_saddle)

    figure = new_figure()
    axes = figure.subplots()
    for m, method in enumerate(cost.methods):
        look = results.style(method)
        axes.step(
            *data_curve(cost, m, left, right), where="post", **curve(look, m, len(cost.methods))
        )
        tried = runs[runs.method == method]
        solved = (tried.verdict == "intended").sum()
        axes.plot([], [], **look.line, label=f"{method} ({solved}/{len(tried)})")
    share_axes(axes, left, right, "cost_to_saddle", solved=any_solved)
    legend_below(figure, "method (solved/n)")
    return figure
