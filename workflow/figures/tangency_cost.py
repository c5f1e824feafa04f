"""Tangency defect T of the finished path against the gradient evaluations it took.

T is zero if and only if the gradient is parallel to the path almost everywhere, as on a minimum
energy path. One point is one method: the medians, over its runs, of T before refinement and of
the evaluations of the path stage; bars are the quartiles of T. Points that would lie on each
other are set a little apart along the abscissa. Methods of the
configuration that differ in nothing but their budget, or in how long they polish, are points of
one curve, joined, and named by the first of them without its number: what a path is worth that
is stopped so early. A run without path has an infinite T and is never left out: a point is
missing where half of the runs have none, and a bar ends at the top of the axes where a quarter
has none. Methods without any path that was measured, such as trajectories, are not drawn, nor
are methods that are not installed; T below 0.0001 eV is drawn there. The dashed line is at
0.05 eV.
"""

import json
import re

import numpy as np

from mepbench.reporting.plotting import (
    axis_label,
    legend_below,
    new_figure,
    note_figure,
    plain_ticks,
)
from mepbench.reporting.styles import styles
from mepbench.statistics.censored import censored, quantile

FLOOR, GOAL, BEYOND = 1e-4, 0.05, 1e6  # eV
LENGTHS = {"budget", "polish"}  # options that say how long a method goes on
APART = 0.035  # of the axis, at least, between two points


def plot(results):
    """Draw one curve per group of methods that differ only in how long they may go on."""
    runs = results.compared
    measured = runs.groupby("method").tangency_defect_eV.count()
    if not measured.any():
        return note_figure("No finished path was measured: no tangency defect is known.")
    figure = new_figure()
    axes = figure.subplots()
    families = {}
    for methods in _families(results):
        mine = [runs[runs.method == method] for method in methods if measured.get(method, 0)]
        if mine:
            families[_name(methods)] = mine
    looks, ends = styles(families), [GOAL]
    every = [each for mine in families.values() for each in mine]
    spent = np.array([float(each.gradients_path.fillna(0).median()) for each in every])
    beside = iter(_apart(spent))
    for name, mine in families.items():
        defects = [censored(each.tangency_defect_eV).to_numpy() for each in mine]
        low, middle, high = (
            np.clip([float(quantile(T, q)) for T in defects], FLOOR, None)
            for q in (0.25, 0.5, 0.75)
        )
        at = np.array([next(beside) for _ in mine])
        order = [k for k in np.argsort(at, kind="stable") if np.isfinite(middle[k])]
        look = looks[name]
        for k in order:
            bar = [low[k], min(high[k], BEYOND)]
            axes.plot([at[k]] * 2, bar, color=look.color, linewidth=0.8)
            ends += [low[k], middle[k], *high[[k]][np.isfinite(high[[k]])]]
        count = "/".join(dict.fromkeys(str(len(each)) for each in mine))
        line = {**look.line, "markersize": 1.3 * look.size}
        line |= {"markeredgecolor": "white", "markeredgewidth": 0.4}
        axes.plot(at[order], middle[order], **line, zorder=4, label=f"{name} ({count})")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.margins(x=0.08)
    axes.set_ylim(min(ends) / 1.3, 1.3 * max(ends))
    axes.axhline(GOAL, color="0.3", linewidth=0.8, linestyle="--", zorder=1)
    plain_ticks(axes.xaxis)
    plain_ticks(axes.yaxis)
    axes.set_xlabel(axis_label("gradients_path", "Median"))
    axes.set_ylabel(axis_label("tangency_defect_eV", "Median"))
    axes.grid(axis="y")
    legend_below(figure, "method (runs)")
    return figure


def _apart(spent: np.ndarray) -> np.ndarray:
    """Set evaluations that are nearly the same apart, evenly about their mean, on a log axis."""
    x = np.log(np.clip(spent, 1, None))
    width = APART * max(np.ptp(x), np.log(2))
    order = np.argsort(x, kind="stable")
    groups = np.split(order, 1 + np.flatnonzero(np.diff(x[order]) >= width))
    for group in groups:
        x[group] = x[group].mean() + width * (np.arange(len(group)) - (len(group) - 1) / 2)
    return np.exp(x)


def _families(results) -> list[list[str]]:
    """Methods in the order of the configuration, those that differ only in `LENGTHS` together."""
    families = {}
    for method in results.methods:
        entry = {k: v for k, v in results.configured.get(method, {}).items() if k not in LENGTHS}
        same = json.dumps(entry, sort_keys=True) if entry else f"not in the configuration: {method}"
        families.setdefault(same, []).append(method)
    return list(families.values())


def _name(methods: list[str]) -> str:
    """Of a curve: `neb` of `neb-100` and `neb-1000`."""
    return methods[0] if len(methods) == 1 else re.sub(r"[-_]?\d+$", "", methods[0])
