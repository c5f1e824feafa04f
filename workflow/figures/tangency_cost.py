"""Tangency defect T of the finished path against the gradient evaluations it took.

T is zero if and only if the gradient is parallel to the path almost everywhere, as on a minimum
energy path. One point is one method: the medians, over its runs, of T before refinement and of
the evaluations of the path stage; bars, a little aside, are the quartiles of T. Methods of the
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

from mepbench.files.metrics import METRICS
from mepbench.reporting.plotting import new_figure, note_figure, plain_ticks, style
from mepbench.statistics.censored import censored, quantile

FLOOR, GOAL, BEYOND = 1e-4, 0.05, 1e6  # eV
LENGTHS = {"budget", "polish"}  # options that say how long a method goes on


def plot(results):
    """Draw one curve per group of methods that differ only in how long they may go on."""
    runs = results.compared
    measured = runs.groupby("method").tangency_defect_eV.count()
    if not measured.any():
        return note_figure("No finished path was measured: no tangency defect is known.")
    figure = new_figure(3.6)
    axes = figure.subplots()
    families, ends = _families(results), [GOAL]
    for index, methods in enumerate(families):
        mine = [runs[runs.method == method] for method in methods if measured.get(method, 0)]
        if not mine:
            continue
        defects = [censored(each.tangency_defect_eV).to_numpy() for each in mine]
        low, middle, high = (
            np.clip([float(quantile(T, q)) for T in defects], FLOOR, None)
            for q in (0.25, 0.5, 0.75)
        )
        spent = np.array([each.gradients_path.fillna(0).astype(float).median() for each in mine])
        order = [k for k in np.argsort(spent, kind="stable") if np.isfinite(middle[k])]
        look = style(index)
        aside = 1 + 0.012 * (index - (len(families) - 1) / 2)
        for k in order:
            bar = [low[k], min(high[k], BEYOND)]
            axes.plot([aside * spent[k]] * 2, bar, color=look.color, linewidth=0.8)
            ends += [low[k], middle[k], *high[[k]][np.isfinite(high[[k]])]]
        count = "/".join(dict.fromkeys(str(len(each)) for each in mine))
        line = {**look.line, "markeredgecolor": "white", "markeredgewidth": 0.5}
        axes.plot(
            spent[order], middle[order], **line, zorder=4, label=f"{_name(methods)} ({count})"
        )
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_ylim(min(ends) / 1.3, 1.3 * max(ends))
    axes.axhline(GOAL, color="0.3", linewidth=0.8, linestyle="--", zorder=1)
    plain_ticks(axes.xaxis)
    plain_ticks(axes.yaxis)
    axes.set_xlabel("Median of gradient evaluations, path stage")
    label = METRICS["tangency_defect_eV"].axis
    axes.set_ylabel(f"Median {label[0].lower()}{label[1:]}")
    axes.grid(axis="y")
    figure.legend(loc="outside right upper", title="method (runs)")
    return figure


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
