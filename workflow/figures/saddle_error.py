"""Distance of the highest point of the path, and of the refined saddle, to the reference.

Root-mean-square deviation of the atoms in angstrom after the best rigid alignment,
minimised over permutations of equivalent atoms and mirror images that keep both ends.
Top: the point that the method handed to the refiner. Bottom: the refined saddle, of
verified intended saddles only. One point is one run, filled when its verdict is intended,
open otherwise; boxes show the median and the quartiles, whiskers the whole range; the
numbers are runs drawn out of all runs with accepted endpoints. Crosses are runs that are
themselves the reference of their reaction: the boxes leave them out. Distances below 0.0001
angstrom are drawn there.
"""

from mepbench.reporting.plotting import axis_label, plain_ticks
from mepbench.reporting.strips import before_and_after

COLUMNS = "path_saddle_rmsd_A", "saddle_rmsd_A"
FLOOR = 1e-4  # angstrom


def plot(results):
    """Draw the distances before and after refinement in two panels."""
    figure, panels = before_and_after(results, *COLUMNS, floor=FLOOR)
    for axes, column in zip(panels, COLUMNS, strict=False):
        axes.set_xscale("log")
        axes.set_xlabel(axis_label(column))
        axes.set_xlim(left=0.7 * FLOOR)
        plain_ticks(axes.xaxis)
    return figure
