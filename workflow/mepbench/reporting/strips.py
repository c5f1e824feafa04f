"""Strips: one row per method, a point per run, a box over them, and their number."""

from collections.abc import Sequence

import numpy as np

from .plotting import method_rows, new_figure, note_figure, rows_height


def before_and_after(
    results, before: str, after: str, *, scales=(1, 1), floor: float | None = None
):
    """Draw a column of all runs' paths above one of the intended refined saddles.

    Parameters
    ----------
    scales : what the columns are multiplied with

    Returns
    -------
    The figure and its two panels; no panel, and a note in the place of the figure, where no
    reaction has a reference.
    """
    runs = results.judged
    solved = runs[runs.verdict == "intended"]
    if runs[before].isna().all() and solved[after].isna().all():
        return note_figure("No reaction has a reference saddle: no error is known."), ()
    figure = new_figure(rows_height(len(results.methods), panels=2))
    panels = figure.subplots(2, 1)
    aside = solved.self_reference
    strips(panels[0], results, before, scale=scales[0], floor=floor)
    strips(panels[1], results, after, runs=solved, aside=aside, scale=scales[1], floor=floor)
    for axes, title in zip(panels, ("path, before refinement", "saddle, refined"), strict=True):
        axes.set_title(title)
    return figure, panels


def strips(
    axes,
    results,
    column: str,
    *,
    runs=None,
    methods: Sequence[str] | None = None,
    aside=None,
    scale: float = 1,
    floor: float | None = None,
):
    """Draw a strip per method.

    Filled points are runs with verdict `intended`, open ones all others.

    Parameters
    ----------
    column : what is drawn along x
    runs : the runs to draw, all judged ones by default; a run without a value is left out
    methods : that have a row, in this order; all by default
    aside : boolean series; these runs are drawn as small crosses and left out of the box
    scale : what its values are multiplied with
    floor : smaller values are drawn here; None on an axis that has both signs
    """
    import seaborn

    methods = list(results.methods if methods is None else methods)
    runs = results.judged if runs is None else runs
    total = results.judged.groupby("method").size()
    runs = runs[np.isfinite(runs[column].astype(float))]
    values = scale * runs[column].astype(float)
    values = values if floor is None else values.clip(lower=floor)
    boxed = runs.assign(**{column: values})
    if aside is not None:
        boxed = boxed[~aside.reindex(boxed.index, fill_value=False)]
    if len(boxed):
        seaborn.boxplot(
            boxed,
            x=column,
            y="method",
            order=methods,
            orient="h",
            ax=axes,
            width=0.76,
            fliersize=0,
            whis=(0, 100),
            color="0.92",
            linecolor="0.35",
            linewidth=0.7,
        )
    for row, method in enumerate(methods):
        mine = values[runs.method == method]
        look = results.style(method)
        heights = row + 0.55 * spread(len(mine))
        solved = (runs.verdict[mine.index] == "intended").to_numpy()
        apart = np.zeros(len(mine), dtype=bool)
        if aside is not None:
            apart = aside.reindex(mine.index, fill_value=False).to_numpy(bool)
        for chosen, fill in ((solved & ~apart, look.color), (~solved & ~apart, "white")):
            axes.scatter(
                mine[chosen],
                heights[chosen],
                s=(0.62 * look.size) ** 2,
                marker=look.marker,
                facecolor=fill,
                edgecolor=look.color,
                linewidth=0.5,
                zorder=3,
            )
        axes.scatter(
            mine[apart], heights[apart], s=6, marker="x", color="0.3", linewidth=0.6, zorder=4
        )
        axes.text(
            1.02,
            row,
            f"{len(mine)}/{total.get(method, 0)}",
            transform=axes.get_yaxis_transform(),
            verticalalignment="center",
            color="0.35",
            size=6,
        )
    method_rows(axes, methods)
    axes.grid(axis="x")
    axes.set_axisbelow(True)


def spread(count: int) -> np.ndarray:
    """Return `count` offsets in (-0.5, 0.5) that fill it evenly: the van der Corput sequence.

    A jitter without chance, so that a figure is the same each time.
    """
    offsets = np.zeros(count)
    for i in range(count):
        n, step = i + 1, 0.5
        while n:
            offsets[i] += step * (n & 1)
            n, step = n >> 1, step / 2
    return offsets - 0.5
