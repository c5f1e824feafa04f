"""Rank of each method when solved, affordable and true are defined otherwise.

Methods are ranked by the share of runs that count as solved, 1 at the top; equal shares have
equal ranks, drawn side by side. First as this benchmark counts (a verified saddle of the
intended reaction, whole budget), then: verified and the barrier within x eV of the reference;
any converged saddle, verified or not; the barrier of the unrefined path within x eV; verified
within fewer gradient evaluations; one repeat at a time where methods have several seeds.
Below each: Kendall's tau of the order against the first (1: the same, -1: reversed, a dash:
none, all methods being equal). Several sets are pooled.
"""

import itertools

import numpy as np

from mepbench.reporting.plotting import new_figure, note_figure
from mepbench.statistics.ranks import rank, scenarios, tau

GAP = 0.8  # of a column, between kinds
MINUS = "\N{MINUS SIGN}"


def plot(results):
    """Draw one line per method over the ways of counting, broken between their kinds."""
    runs = results.compared
    if runs.empty:
        return note_figure("No run with accepted endpoints: no rank to draw.")
    found = scenarios(runs)
    methods = list(dict.fromkeys(runs.method))
    kinds = [kind for kind, _ in found]
    places = rank(np.array(list(found.values())))
    spread = _beside(places)
    breaks = np.array([0, *(a != b for a, b in itertools.pairwise(kinds))])
    x = np.arange(len(kinds)) + GAP * np.cumsum(breaks)

    figure = new_figure(max(3.4, 2.0 + 0.24 * len(methods)))
    axes = figure.subplots()
    for m, method in enumerate(methods):
        look = results.style(method)
        for kind in dict.fromkeys(kinds):
            part = [i for i, name in enumerate(kinds) if name == kind]
            axes.plot(x[part] + spread[part, m], places[part, m], **look.line)
        axes.plot([], [], **look.line, label=method)
    first = next(iter(found.values()))
    orders = [tau(first, shares) for shares in found.values()]
    names = [
        f"{name}\n({'–' if np.isnan(order) else f'{order:.2f}'.replace('-', MINUS)})"
        for (_, name), order in zip(found, orders, strict=True)
    ]
    axes.set_xticks(x, names)
    axes.tick_params(axis="x", labelrotation=90, labelsize=7)
    axes.set_ylim(len(methods) + 0.5, 0.5)
    axes.set_yticks(range(1, len(methods) + 1))
    axes.set_ylabel("rank by share solved")
    axes.grid(axis="y")
    figure.legend(loc="outside right upper", title="method")
    return figure


def _beside(places: np.ndarray) -> np.ndarray:
    """Offsets along x that set methods of equal rank side by side."""
    offsets = np.zeros(places.shape)
    for row, ranks in enumerate(places):
        for value in np.unique(ranks):
            tied = np.flatnonzero(ranks == value)
            offsets[row, tied] = 0.1 * (np.arange(len(tied)) - (len(tied) - 1) / 2)
    return offsets
