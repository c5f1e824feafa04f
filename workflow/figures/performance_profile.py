"""Share of reactions solved within a multiple of the cost of the cheapest method.

Performance profile (Dolan, More 2002). For each reaction the cost of a method is its number
of gradient evaluations to a verified saddle of the intended reaction, path and refinement
together, and infinite where it failed; the ratio is to the cheapest method of that reaction. At
ratio 1 stands the share of reactions on which a method is the cheapest, at the right end the
share that it solves at all. Failed runs are in every denominator; reactions whose endpoints
were refused are in none, nor are methods that are not installed. With several seeds the cheapest
is that of the same repeat, and a curve the mean over seeds. Ratios are to the best of the
methods drawn here: curves change when one is added.
"""

import numpy as np

from mepbench.reporting.plotting import curve, legend_below, new_figure, note_figure, share_axes
from mepbench.statistics.censored import costs
from mepbench.statistics.profiles import ratios, share_within


def plot(results):
    """Draw one step curve per method."""
    cost = costs(results.compared)
    if not cost.reactions:
        return note_figure("No run with accepted endpoints: no profile to draw.")
    ratio = ratios(cost)
    finite = ratio[np.isfinite(ratio)]
    right = 1.25 * max(2, finite.max(initial=1))
    figure = new_figure()
    axes = figure.subplots()
    for m, method in enumerate(cost.methods):
        mine = ratio[..., m]
        steps = np.unique([1.0, *mine[np.isfinite(mine)], right])
        share = share_within(mine[..., None], steps)[:, 0]
        look = results.style(method)
        axes.step(steps, share, where="post", **curve(look, m, len(cost.methods)))
        axes.plot([], [], **look.line, label=f"{method} ({share[-1]:.0%})")
    share_axes(axes, 0.97, right, "ratio_to_best", solved=len(finite) > 0)
    legend_below(figure, "method (solved)")
    return figure
