"""Rank of each method when solved, affordable and true are defined otherwise.

Methods are ranked by the share of runs that count as solved, 1 is the best. Methods of equal
share, over one grey bar, share their mean rank: their order within it means nothing. First as
this benchmark counts (a verified saddle of the intended reaction, whole budget), then: verified
and the barrier within x eV of the reference; any converged saddle, verified or not; the barrier
of the unrefined path within x eV; verified within fewer gradient evaluations; one repeat at a
time where methods have several seeds. At the right: Kendall's tau of the order against the
first (1: the same, -1: reversed, a dash: none, all methods being equal). Several sets are pooled.
"""

import itertools

import numpy as np

from mepbench.reporting.plotting import axis_label, legend_below, new_figure, note_figure
from mepbench.statistics.ranks import rank, scenarios, tau

GAP = 0.6  # of a row, between kinds
MINUS = "\N{MINUS SIGN}"


def plot(results):
    """Draw one line per method down the ways of counting, broken between their kinds."""
    runs = results.compared
    if runs.empty:
        return note_figure("No run with accepted endpoints: no rank to draw.")
    found = scenarios(runs)
    methods = list(dict.fromkeys(runs.method))
    kinds = [kind for kind, _ in found]
    ranks = rank(np.array(list(found.values())))
    places = _places(ranks)
    breaks = np.array([0, *(a != b for a, b in itertools.pairwise(kinds))])
    y = np.arange(len(kinds)) + GAP * np.cumsum(breaks)

    figure = new_figure(0.5 + 0.15 * y[-1])
    axes = figure.subplots()
    for height, row in zip(y, ranks, strict=True):
        for value, tied in zip(*np.unique(row, return_counts=True), strict=True):
            if tied > 1:
                ends = value + np.array([-0.5, 0.5]) * (tied - 0.5)
                axes.plot(
                    ends, [height] * 2, color="0.85", linewidth=6, solid_capstyle="butt", zorder=1
                )
    for m, method in enumerate(methods):
        look = results.style(method)
        for kind in dict.fromkeys(kinds):
            part = [i for i, name in enumerate(kinds) if name == kind]
            axes.plot(places[part, m], y[part], **look.line, linewidth=0.9)
        axes.plot([], [], **look.line, label=method)
    first = next(iter(found.values()))
    orders = [tau(first, shares) for shares in found.values()]
    for height, order in zip(y, orders, strict=True):
        said = "–" if np.isnan(order) else f"{order:.2f}".replace("-", MINUS)
        _beside(axes, height, said)
    _beside(axes, y[0] - 1, "tau")
    axes.set_yticks(y, [name for _, name in found], size=6)
    axes.set_ylim(y[-1] + 0.6, y[0] - 0.6)
    axes.set_xlim(0.3, len(methods) + 0.7)
    every = 1 if len(methods) < 13 else 5
    axes.set_xticks(sorted({1, *range(every, len(methods) + 1, every)}))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_xlabel(axis_label("rank"))
    legend_below(figure)
    return figure


def _places(ranks: np.ndarray) -> np.ndarray:
    """Set methods of equal rank side by side about their mean rank, in the order of the row above.

    Parameters
    ----------
    ranks : (S, M) array, ties with their mean rank
    """
    places = np.zeros(ranks.shape)
    before = np.arange(ranks.shape[1])
    for row, mine in enumerate(ranks):
        places[row, np.lexsort([before, mine])] = 1 + np.arange(len(mine))
        before = places[row]
    return places


def _beside(axes, height: float, text: str) -> None:
    axes.text(
        1.03,
        height,
        text,
        transform=axes.get_yaxis_transform(),
        verticalalignment="center",
        color="0.35",
        size=6,
    )
