"""What the figures share: one style per method, one look, strips of runs by method.

Colours are from the palettes of Okabe and Ito and of Tol, which people with any colour
vision tell apart; line style, marker and hatch carry the same information on grey paper.

M. Okabe, K. Ito, Color Universal Design (2008), https://jfly.uni-koeln.de/color/
P. Tol, Colour Schemes, SRON/EPS/TN/09-002 (2021), https://personal.sron.nl/~pault/
"""

from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from ..errors import one_line
from ..files.metrics import KCAL_PER_EV, METRICS

CHEMICAL_ACCURACY = 1 / KCAL_PER_EV  # eV, 1 kcal/mol
SHORT, WIDTH = 3.2, 7.2  # inches; the width of a page's text

COLORS = ("#000000 #E69F00 #0072B2 #56B4E9 #882255 #009E73 #332288 #CC79A7 #D55E00 #999933").split()
# Seven and eleven have no common factor: 77 methods differ without any colour.
LINE_STYLES = (
    "-",
    "--",
    "-.",
    ":",
    (0, (6, 1)),
    (0, (3, 1, 1, 1)),
    (0, (5, 1, 1, 1, 1, 1)),
)
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "*", "h")
HATCHES = ("", "////", "....", "xxxx", "\\\\\\\\", "----", "++++", "oooo")


@dataclass(frozen=True)
class Style:
    """How one method is drawn, in every figure."""

    color: str
    linestyle: str | tuple
    marker: str

    @property
    def line(self) -> dict:
        """Keywords of `Axes.plot`."""
        return {"color": self.color, "linestyle": self.linestyle, "marker": self.marker}


REFERENCE = {"color": "0.55", "linewidth": 4, "alpha": 0.5, "solid_capstyle": "butt"}


def style(index: int) -> Style:
    """Return the style of the method at `index` in the order of the configuration."""
    return Style(
        COLORS[index % len(COLORS)],
        LINE_STYLES[index % len(LINE_STYLES)],
        MARKERS[index % len(MARKERS)],
    )


@contextmanager
def house_style():
    """Draw and save within one look that does not depend on the user's matplotlibrc."""
    import matplotlib
    import seaborn

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        seaborn.set_theme("paper", "ticks", rc={"axes.spines.right": False})
        matplotlib.rcParams.update(
            {
                "axes.spines.top": False,
                "axes.titlesize": 9,
                "axes.titleweight": "bold",
                "axes.titlelocation": "left",
                "figure.dpi": 100,
                "font.family": "sans-serif",
                "font.sans-serif": ["DejaVu Sans"],  # comes with matplotlib
                "grid.color": "0.9",
                "hatch.linewidth": 0.5,
                "legend.fontsize": 8,
                "legend.frameon": False,
                "legend.handlelength": 3.2,
                "lines.linewidth": 1.4,
                "lines.markersize": 4.5,
                "pdf.fonttype": 42,
                "savefig.dpi": 200,
                "svg.hashsalt": "mepbench",
            }
        )
        yield


def new_figure(height: float = SHORT, width: float = WIDTH):
    """Return an empty figure, sizes in inches; it belongs to no window."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def plain_ticks(axis) -> None:
    """Label a logarithmic axis with plain numbers: 1, 2, 5 where it is short, decades else.

    Both signs are handled: an axis linear around zero has its decades on either side.
    """
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    low, high = axis.get_view_interval()
    if low > 0 and high / low < 200:
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}".replace("-", "\N{MINUS SIGN}")))
    axis.set_minor_formatter(NullFormatter())


def share_axes(axes, left: float, right: float, label: str, *, solved: bool) -> None:
    """Finish axes of shares of reactions against a number of any magnitude.

    Parameters
    ----------
    left, right : limits of that number
    label : of its axis
    solved : whether any run was; where none was, it is said
    """
    axes.set_xscale("log")
    axes.set_xlim(left, right)
    plain_ticks(axes.xaxis)
    axes.set_ylim(-0.02, 1.03)  # a curve at 0 is seen
    axes.set_xlabel(label)
    axes.set_ylabel(METRICS["share_intended"].axis)
    axes.yaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    axes.grid(axis="y")
    if not solved:
        axes.text(0.5, 0.5, "no run was solved", transform=axes.transAxes, ha="center")


def note(axes, text: str) -> None:
    """Say in empty axes why nothing is drawn."""
    axes.set_axis_off()
    axes.text(
        0.5,
        0.5,
        text,
        transform=axes.transAxes,
        horizontalalignment="center",
        verticalalignment="center",
        color="0.35",
        wrap=True,
        parse_math=False,
    )


def note_figure(text: str):
    """Return a figure that says why there is nothing to draw."""
    figure = new_figure(1.6)
    note(figure.subplots(), text)
    return figure


def shown(name: str, longest: int = 60) -> str:
    """Return a name of any kind as one short printable line; draw it with parse_math=False."""
    line = one_line(name)
    return line if len(line) <= longest else line[: longest - 1] + "…"


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


def before_and_after(results, before: str, after: str, *, floor: float | None = None):
    """Draw a column of all runs' paths beside one of the intended refined saddles.

    Returns
    -------
    The figure and its two panels, which share their axes; no panel, and a note in the place of
    the figure, where no reaction has a reference.
    """
    runs = results.judged
    solved = runs[runs.verdict == "intended"]
    if runs[before].isna().all() and solved[after].isna().all():
        return note_figure("No reaction has a reference saddle: no error is known."), ()
    figure = new_figure(rows_height(results))
    panels = figure.subplots(1, 2, sharex=True, sharey=True)
    strips(panels[0], results, before, floor=floor)
    strips(panels[1], results, after, runs=solved, aside=solved.self_reference, floor=floor)
    for axes, title in zip(panels, ("path, before refinement", "saddle, refined"), strict=True):
        axes.set_title(title)
    return figure, panels


def strips(axes, results, column: str, *, runs=None, aside=None, floor: float | None = None):
    """Draw one row per method: a point per run, a box over them, and their number.

    Filled points are runs with verdict `intended`, open ones all others.

    Parameters
    ----------
    column : what is drawn along x
    runs : the runs to draw, all judged ones by default; a run without a value is left out
    aside : boolean series; these runs are drawn as small crosses and left out of the box
    floor : smaller values are drawn here; None on an axis that has both signs
    """
    import seaborn

    runs = results.judged if runs is None else runs
    total = results.judged.groupby("method").size()
    runs = runs[np.isfinite(runs[column].astype(float))]
    values = runs[column].astype(float)
    values = values if floor is None else values.clip(lower=floor)
    boxed = runs.assign(**{column: values})
    if aside is not None:
        boxed = boxed[~aside.reindex(boxed.index, fill_value=False)]
    if len(boxed):
        seaborn.boxplot(
            boxed,
            x=column,
            y="method",
            order=results.methods,
            orient="h",
            ax=axes,
            width=0.72,
            fliersize=0,
            whis=(0, 100),
            color="0.93",
            linecolor="0.4",
            linewidth=0.9,
        )
    for row, method in enumerate(results.methods):
        mine = values[runs.method == method]
        look = results.style(method)
        heights = row + 0.5 * spread(len(mine))
        solved = (runs.verdict[mine.index] == "intended").to_numpy()
        apart = np.zeros(len(mine), dtype=bool)
        if aside is not None:
            apart = aside.reindex(mine.index, fill_value=False).to_numpy(bool)
        for chosen, fill in ((solved & ~apart, look.color), (~solved & ~apart, "white")):
            axes.scatter(
                mine[chosen],
                heights[chosen],
                s=14,
                marker=look.marker,
                facecolor=fill,
                edgecolor=look.color,
                linewidth=0.8,
                zorder=3,
            )
        axes.scatter(
            mine[apart], heights[apart], s=12, marker="x", color="0.3", linewidth=0.8, zorder=4
        )
        axes.text(
            1.01,
            row,
            f"{len(mine)}/{total.get(method, 0)}",
            transform=axes.get_yaxis_transform(),
            verticalalignment="center",
            color="0.35",
            size=7,
        )
    axes.set_yticks(range(len(results.methods)), results.methods)
    axes.set_ylim(len(results.methods) - 0.5, -0.5)
    axes.set_ylabel("")
    axes.grid(axis="x")
    axes.set_axisbelow(True)


def rows_height(results) -> float:
    """Return the height in inches of a figure with one row per method."""
    return max(2.0, 1.1 + 0.3 * len(results.methods))
