"""Error of the barrier before (eV) and after refinement of the saddle (meV).

Top: the maximum of the energy along the finished path, sampled by the verify stage, minus
the reference barrier; trajectories, which are no paths, have none. Bottom: the refined
saddle's barrier minus the reference, of verified intended saddles only. One point is one
run, filled when its verdict is intended, open otherwise; boxes show the median and the
quartiles, whiskers the whole range; the numbers are runs drawn out of all runs with accepted
endpoints. Crosses are runs that are themselves the reference of their reaction, whose error
is zero by definition: the boxes leave them out. The axes are linear within 0.01 eV and 0.1 meV,
and logarithmic beyond; the shaded bands are chemical accuracy, 1 kcal/mol (0.043 eV).
"""

from mepbench.reporting.plotting import CHEMICAL_ACCURACY, axis_label, plain_ticks
from mepbench.reporting.strips import before_and_after

MILLI = 1000
PANELS = (  # column, scale, and up to where an axis is linear
    ("path_barrier_error_eV", 1, 0.01),
    ("barrier_error_meV", MILLI, 0.1),
)


def plot(results):
    """Draw the errors of paths and, in a panel of its own unit, of saddles."""
    figure, panels = before_and_after(
        results, "path_barrier_error_eV", "barrier_error_eV", scales=(1, MILLI)
    )
    for axes, (column, scale, linear) in zip(panels, PANELS, strict=False):
        band = scale * CHEMICAL_ACCURACY
        axes.axvspan(-band, band, color="0.85", zorder=0, linewidth=0)
        axes.axvline(0, color="0.4", linewidth=0.6)
        axes.set_xscale("symlog", linthresh=linear, linscale=0.9)
        plain_ticks(axes.xaxis)
        axes.set_xlabel(axis_label(column))
    return figure
