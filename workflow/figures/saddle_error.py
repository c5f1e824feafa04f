"""Distance of the highest point of the path, and of the refined saddle, to the reference.

Root-mean-square deviation of the atoms in angstrom after the best rigid alignment,
minimised over permutations of equivalent atoms and mirror images that keep both ends.
Left: the point that the method handed to the refiner. Right: the refined saddle, of
verified intended saddles only. One point is one run, filled when its verdict is intended,
open otherwise; boxes show the median and the quartiles, whiskers the whole range; the
numbers are runs drawn out of all runs with accepted endpoints. Crosses are runs that are
themselves the reference of their reaction: the boxes leave them out. Distances below 0.001
angstrom are drawn there.
"""

from mepbench.reporting.plotting import before_and_after, plain_ticks

FLOOR = 1e-3  # angstrom


def plot(results):
    """Draw the distances before and after refinement in two panels that share their axes."""
    columns = "path_saddle_rmsd_A", "saddle_rmsd_A"
    figure, panels = before_and_after(results, *columns, floor=FLOOR)
    for axes in panels:
        axes.set_xscale("log")
        axes.set_xlabel("RMSD to the reference saddle (Å)")
        axes.set_xlim(left=0.7 * FLOOR)
        plain_ticks(axes.xaxis)
    return figure
