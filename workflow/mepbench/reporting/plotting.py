"""What the figures share: one look at the width of a journal's column, legends, axes, names.

Nothing is scaled when a figure is printed in a column of 3.3 inches: no text is smaller there
than `SMALLEST`.
"""

import math
import textwrap
from contextlib import contextmanager

from ..errors import one_line
from ..files.metrics import KCAL_PER_EV, METRICS

CHEMICAL_ACCURACY = 1 / KCAL_PER_EV  # eV, 1 kcal/mol
WIDTH, SHORT = 3.3, 2.3  # inches; the width of a column, and the height of plain axes
SMALLEST = 6.0  # points

INK = "axes.edgecolor axes.labelcolor text.color xtick.color ytick.color".split()
REFERENCE = {"color": "0.55", "linewidth": 4, "alpha": 0.5, "solid_capstyle": "butt"}


@contextmanager
def house_style():
    """Draw and save within one look that does not depend on the user's matplotlibrc."""
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(
            {
                "axes.axisbelow": True,
                "axes.labelsize": 7,
                "axes.linewidth": 0.8,
                "axes.spines.right": False,
                "axes.spines.top": False,
                "axes.titlesize": 7,
                "axes.titleweight": "bold",
                "axes.titlelocation": "left",
                "figure.dpi": 100,
                "font.family": "sans-serif",
                "font.sans-serif": ["DejaVu Sans"],  # comes with matplotlib
                "font.size": 7,
                "grid.color": "0.9",
                "hatch.linewidth": 0.5,
                "legend.columnspacing": 1.2,
                "legend.fontsize": 6.5,
                "legend.frameon": False,
                "legend.handlelength": 3.0,
                "legend.handletextpad": 0.5,
                "legend.labelspacing": 0.35,
                "legend.title_fontsize": 6.5,
                "lines.linewidth": 1.1,
                "lines.markersize": 3.8,
                "lines.solid_capstyle": "round",
                "patch.edgecolor": "white",
                "patch.force_edgecolor": True,
                "patch.linewidth": 0.8,
                "pdf.fonttype": 42,
                "savefig.dpi": 300,
                "svg.hashsalt": "mepbench",
                "xtick.labelsize": 6.5,
                "ytick.labelsize": 6.5,
                **{key: "0.15" for key in INK},
                **{
                    f"{axis}tick.{kind}.{what}": size
                    for axis in "xy"
                    for kind, length in (("major", 3), ("minor", 1.8))
                    for what, size in (("size", length), ("width", 0.7), ("pad", 2.5))
                },
            }
        )
        yield


def new_figure(height: float = SHORT, width: float = WIDTH):
    """Return an empty figure, sizes in inches; it belongs to no window."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def legend_below(figure, title: str | None = None) -> None:
    """Name what is drawn, once, in as many columns as fit, and make the figure higher by that."""
    drawn = [axes.get_legend_handles_labels() for axes in figure.axes]
    named = {
        label: handle
        for handles, labels in drawn
        for handle, label in zip(handles, labels, strict=True)
    }
    if not named:
        return
    for columns in (4, 3, 2, 1):
        legend = figure.legend(
            named.values(),
            [in_short(label) for label in named],
            loc="outside lower center",
            ncols=columns,
            title=title,
        )
        extent = legend.get_window_extent()
        if extent.width <= figure.bbox.width or columns == 1:
            break
        legend.remove()
    figure.set_figheight(figure.get_figheight() + extent.height / figure.dpi)


def in_short(name: str, longest: int = 26) -> str:
    """Return a method's name, or a label that begins with one, without the middle if it is long."""
    name = one_line(name)
    if len(name) <= longest:
        return name
    end = longest // 2 - 1
    return f"{name[: longest - 1 - end]}…{name[-end:]}"


def method_rows(axes, labels: list[str]) -> None:
    """Give axes one row per method, the first at the top, and a name to each."""
    axes.set_yticks(range(len(labels)), [in_short(label, 22) for label in labels])
    axes.set_ylim(len(labels) - 0.5, -0.5)
    axes.set_ylabel("")


def rows_height(count: int, panels: int = 1) -> float:
    """Return the height in inches of panels, one below the other, with a row per method."""
    return panels * (0.55 + 0.15 * max(2, count))


def axis_label(column: str, statistic: str = "", longest: int = 60) -> str:
    """Return the label of an axis, from the metric of a column, as lines that are not too long.

    Parameters
    ----------
    statistic : of that metric over runs, such as "Median"
    """
    label = METRICS[column].axis
    if statistic:
        label = f"{statistic} {label[0].lower()}{label[1:]}"
    return textwrap.fill(label, longest)


def kcal_axis(axes) -> None:
    """Add an axis in kcal/mol to the right of one in eV."""
    other = axes.secondary_yaxis(
        "right", functions=(lambda e: e * KCAL_PER_EV, lambda e: e / KCAL_PER_EV)
    )
    other.set_ylabel("kcal/mol")


def plain_ticks(axis, fine: float = 200) -> None:
    """Label a logarithmic axis with plain numbers: 1, 2, 5 where it is short, decades else.

    Both signs are handled: an axis linear around zero has its decades on either side.

    Parameters
    ----------
    fine : the largest ratio of the axis's ends with 2 and 5; less on axes that are small
    """
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    low, high = axis.get_view_interval()
    if low > 0 and high / low < fine:
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter(FuncFormatter(lambda x, _: _plain(x)))
    axis.set_minor_formatter(NullFormatter())


def _plain(x: float) -> str:
    text = f"{x:g}".replace("-", "\N{MINUS SIGN}")
    return f"$10^{{{round(math.log10(x))}}}$" if x >= 1e5 else text


def share_axes(axes, left: float, right: float, column: str, *, solved: bool) -> None:
    """Finish axes of shares of reactions against a number of any magnitude.

    Parameters
    ----------
    left, right : limits of that number
    column : its metric
    solved : whether any run was; where none was, it is said
    """
    axes.set_xscale("log")
    axes.set_xlim(left, right)
    plain_ticks(axes.xaxis)
    axes.set_ylim(-0.02, 1.03)  # a curve at 0 is seen
    axes.set_xlabel(axis_label(column))
    axes.set_ylabel(axis_label("share_intended"))
    axes.yaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    axes.grid(axis="y")
    if not solved:
        axes.text(0.5, 0.5, "no run was solved", transform=axes.transAxes, ha="center")


def curve(look, at: int, of: int) -> dict:
    """Return keywords of `Axes.step` for one of many curves, with few symbols each.

    The symbols of neighbouring curves are set off along them, so that curves which coincide show
    both.
    """
    apart = 0.2  # of the axes' diagonal
    return {
        **look.line,
        "markeredgecolor": "white",
        "markeredgewidth": 0.4,
        "markevery": (apart * (0.1 + 0.8 * at / max(1, of)), apart),
    }


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
    figure = new_figure(1.0)
    note(figure.subplots(), text)
    return figure


def shown(name: str, longest: int = 60) -> str:
    """Return a name of any kind as one short printable line; draw it with parse_math=False."""
    line = one_line(name)
    return line if len(line) <= longest else line[: longest - 1] + "…"
