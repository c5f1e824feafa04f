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
from mepbench.reporting.plotting import (
    CHEMICAL_ACCURACY,
    new_figure,
    note_figure,
    plain_ticks,
    rows_height,
    strips,
)


def plot(results):
    """Draw the errors of paths and of saddles in two panels that share their axes."""
    runs = results.judged
    solved = runs[runs.verdict == "intended"]
    if runs.path_barrier_error_eV.isna().all() and solved.barrier_error_eV.isna().all():
        return note_figure("No reaction has a reference saddle: no barrier error is known.")
    figure = new_figure(rows_height(results))
    panels = figure.subplots(1, 2, sharex=True, sharey=True)
    strips(panels[0], results, "path_barrier_error_eV")
    own = solved.self_reference
    strips(panels[1], results, "barrier_error_eV", runs=solved, aside=own)
    for axes, title in zip(panels, ("path, before refinement", "saddle, refined"), strict=True):
        axes.axvspan(-CHEMICAL_ACCURACY, CHEMICAL_ACCURACY, color="0.85", zorder=0, linewidth=0)
        axes.axvline(0, color="0.4", linewidth=0.6)
        axes.set_xscale("symlog", linthresh=0.01, linscale=0.7)
        plain_ticks(axes.xaxis)
        axes.set_title(title)
        axes.set_xlabel(METRICS["barrier_error_eV"].axis)
    return figure
