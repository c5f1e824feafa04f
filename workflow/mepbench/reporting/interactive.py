"""The figures of the landing page that answer to the pointer: what Plotly is to draw.

They show the data of the printed figures of the same name, by the same functions of `statistics`,
with labels from `metrics`; `chart.js` gives them the reader's colours. A figure has one or two
charts, side by side where there is room.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..files.metrics import METRICS
from ..statistics.bootstrap import bootstrap_medians, interval, share_interval
from ..statistics.budget import current_errors, grid, with_reference
from ..statistics.censored import costs, quantile
from ..statistics.comparison import successes
from ..statistics.profiles import data_profile
from .figures import Results
from .looks import look
from .plotting import CHEMICAL_ACCURACY

MOST_STEPS = 300
FLOOR = 1e-4  # eV
HOVER = "<b>%{fullData.name}</b><br>"


@dataclass(frozen=True)
class Chart:
    """One chart: `label` says what it shows to those who don't see it."""

    name: str
    label: str
    traces: list[dict]
    layout: dict
    tall: int = 0  # rows of methods, which it is as high as

    @property
    def packed(self) -> dict:
        """What `figures.js` draws."""
        return {"traces": self.traces, "layout": self.layout}


@dataclass(frozen=True)
class Figure:
    """A figure: `name` is that of the printed one; `table` that of its numbers."""

    name: str
    title: str
    caption: str
    table: str
    charts: list[Chart]


def solved(results: Results, only: str = "") -> Figure:
    """Share solved within so many evaluations; `only` names a method, the others are pale then."""
    cost, traces = costs(results.compared), []
    finite = cost.values[np.isfinite(cost.values)]
    right = 1.3 * max(10, finite.max(initial=0))
    left = max(1, 0.7 * finite.min(initial=right))
    for m, method in enumerate(cost.methods):
        mine = cost.values[..., m]
        spent = _thinned(np.unique(mine[np.isfinite(mine)]))
        steps = np.array([left, *spent, right])
        trace = {
            "name": method,
            "x": steps.tolist(),
            "y": data_profile(cost, steps)[:, m].round(5).tolist(),
            "mode": "lines+markers",
            "line": {"shape": "hv"},
            "marker": {"maxdisplayed": 8},
            "look": look(results.style(method)),
            "hovertemplate": HOVER + "%{y:.0%} solved within %{x:.0f} evaluations<extra></extra>",
        }
        if only and method != only:
            trace |= {"opacity": 0.25, "showlegend": False, "mode": "lines"}
        traces.append(trace)
    traces.sort(key=lambda trace: trace["name"] == only)
    layout = {
        "xaxis": _logarithmic("cost_to_saddle", left, right),
        "yaxis": _axis("share_intended") | {"tickformat": ".0%", "range": [-0.02, 1.03]},
    }
    if only:
        layout["showlegend"] = False
    label = "Step curves, one for each method: share solved against gradient evaluations."
    caption = (
        "Every step up is a reaction that the method has solved by then: further left is cheaper, "
        "further up is more. A curve ends at the share that the method solves at all."
    )
    chart = Chart("solved", label, traces, layout)
    return Figure("solved", "How much is solved at what cost", caption, "profiles", [chart])


def intervals(results: Results) -> Figure:
    """Share solved and median cost, each with its 95% interval."""
    cost = costs(results.compared)
    success = successes(cost)
    share = np.nanmean(success.values, axis=(0, 1))
    median = quantile(cost.values.reshape(-1, len(cost.methods)), 0.5)
    spread = interval(bootstrap_medians(cost))
    shares = _dots(results, cost.methods, share, share_interval(success), "%{x:.0%}")
    medians = _dots(results, cost.methods, median, spread, "%{x:.0f} evaluations")
    rows = {"tickvals": list(range(len(cost.methods))), "ticktext": cost.methods}
    rows |= {"range": [len(cost.methods) - 0.5, -0.5], "showgrid": False}
    ends = np.concatenate([median, spread.ravel()])
    ends = ends[np.isfinite(ends)]
    cheap, dear = 0.8 * ends.min(initial=10), 1.3 * ends.max(initial=10)
    share_axis = _axis("share_intended") | {"tickformat": ".0%", "range": [-0.03, 1.04]}
    cost_axis = _logarithmic("cost_to_saddle", cheap, dear, "Median evaluations")
    charts = [
        Chart(
            name,
            f"One row for each method: {what}, with its 95% interval.",
            traces,
            {"xaxis": axis, "yaxis": rows, "showlegend": False},
            tall=len(cost.methods),
        )
        for name, what, traces, axis in (
            ("share", "share solved", shares, share_axis),
            ("cost", "median cost", medians, cost_axis),
        )
    ]
    caption = (
        "Dots are what was measured, lines the 95% intervals: where the number may lie for other "
        "reactions of this kind. A method without a dot on the right fails in half of its runs, "
        "so that it has no typical cost; so is a line without end there."
    )
    return Figure("intervals", "How sure that is", caption, "intervals", charts)


def accuracy(results: Results) -> Figure | None:
    """Median error of the unfinished path's barrier; None where no error is known."""
    runs = with_reference(results.compared)
    if runs.empty:
        return None
    at, traces = grid(runs, results.traces), []
    errors = current_errors(runs, results.traces, at)
    for method in dict.fromkeys(runs["method"]):
        median = quantile(errors[(runs["method"] == method).to_numpy()], 0.5)
        shown = np.isfinite(median)
        if not shown.any():
            continue
        traces.append(
            {
                "name": method,
                "x": at[shown].tolist(),
                "y": [float(f"{error:.4g}") for error in np.clip(median[shown], FLOOR, None)],
                "mode": "lines+markers",
                "line": {"shape": "hv"},
                "marker": {"maxdisplayed": 8},
                "look": look(results.style(method)),
                "hovertemplate": HOVER
                + "%{y:.4f} eV off after %{x:.0f} evaluations<extra></extra>",
            }
        )
    band = {"type": "rect", "xref": "paper", "x0": 0, "x1": 1, "y0": FLOOR / 1.5}
    band |= {"y1": CHEMICAL_ACCURACY, "line": {"width": 0}, "layer": "below"}
    highest = max((max(trace["y"]) for trace in traces), default=1.0)
    layout = {
        "xaxis": _logarithmic("evaluations", 1, float(at.max())),
        "yaxis": _logarithmic("path_error_now_eV", FLOOR, 1.5 * highest, "Median error (eV)"),
        "shapes": [band | {"fillcolor": "rgba(128, 140, 150, 0.16)"}],
    }
    label = "Curves, one for each method: median error of the barrier against evaluations spent."
    caption = (
        "How far the barrier of a method's unfinished path is from the reference while it works, "
        "median over its runs. The band is chemical accuracy, 1 kcal/mol. A line begins where "
        "half of the runs have a path."
    )
    chart = Chart("accuracy", label, traces, layout)
    return Figure("accuracy", "How good the path is on the way", caption, "accuracy", [chart])


LANDING: tuple[Callable[[Results], Figure | None], ...] = (solved, intervals, accuracy)


def _thinned(values: np.ndarray) -> np.ndarray:
    """At most `MOST_STEPS` of ascending values, evenly among them, with both ends."""
    if len(values) <= MOST_STEPS:
        return values
    return values[np.linspace(0, len(values) - 1, MOST_STEPS).astype(int)]


def _dots(results, methods, values, bounds, form: str) -> list[dict]:
    """A dot with its interval for each method, from above; what is infinite is left open."""
    traces = []
    for row, method in enumerate(methods):
        low, high = bounds[:, row]
        known = np.isfinite(values[row])
        far = 1e9 if known or np.isfinite(low) else 0.0
        end = high if np.isfinite(high) else far
        drawn = values[row] if known else low
        traces.append(
            {
                "name": method,
                "x": [float(drawn)] if np.isfinite(drawn) else [],
                "y": [row] if np.isfinite(drawn) else [],
                "mode": "markers",
                "marker": {} if known else {"opacity": 0},
                "look": look(results.style(method)) | {"dash": "solid"},
                "error_x": {
                    "type": "data",
                    "symmetric": False,
                    "array": [float(end - drawn)] if np.isfinite(drawn) else [],
                    "arrayminus": [float(drawn - low)] if np.isfinite(drawn) else [],
                    "thickness": 1.6,
                    "width": 0,
                },
                "hovertemplate": HOVER + f"{form}<extra></extra>" if known else HOVER,
            }
        )
    return traces


def _axis(column: str) -> dict:
    return {"title": {"text": METRICS[column].axis}}


def _logarithmic(column: str, low: float, high: float, title: str = "") -> dict:
    """A logarithmic axis from low to high: ticks at 1, 2, 5 of a short range, else at decades."""
    return {
        "type": "log",
        "range": [float(np.log10(low)), float(np.log10(high))],
        "title": {"text": title or METRICS[column].axis},
        "dtick": "D2" if high / low < 200 else 1,
        "tickformat": "~g",
    }
