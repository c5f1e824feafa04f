"""Error of the barrier before and after refinement of the saddle.

Left: the maximum of the energy along the finished path, sampled by the verify stage, minus
the reference barrier; trajectories, which are no paths, have none. Right: the refined
saddle's barrier minus the reference, of verified intended saddles only. One point is one
run, filled when its verdict is intended, open otherwise; boxes show the median and the
quartiles, whiskers the whole range; the numbers are runs drawn out of all runs with accepted
endpoints. Crosses are runs that are themselves the reference of their reaction, whose error
is zero by definition: the boxes leave them out. The axis is linear within 0.01 eV and
logarithmic beyond; the shaded band is chemical accuracy, 1 kcal/mol (0.043 eV).
"""

from mepbench.files.metrics import METRICS
from mepbench.reporting.plotting import CHEMICAL_ACCURACY, before_and_after, plain_ticks


def plot(results):
    """Draw the errors of paths and of saddles in two panels that share their axes."""
    figure, panels = before_and_after(results, "path_barrier_error_eV", "barrier_error_eV")
    for axes in panels:
        axes.axvspan(-CHEMICAL_ACCURACY, CHEMICAL_ACCURACY, color="0.85", zorder=0, linewidth=0)
        axes.axvline(0, color="0.4", linewidth=0.6)
        axes.set_xscale("symlog", linthresh=0.01, linscale=0.7)
        plain_ticks(axes.xaxis)
        axes.set_xlabel(METRICS["barrier_error_eV"].axis)
    return figure
