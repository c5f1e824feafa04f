"""Tangency defect of the finished paths, and what each method made of its guess.

T = (L - TV)/2 in eV, with L the integral of |g||x'| and TV that of |g.x'| along the path:
zero if and only if the gradient is parallel to the path almost everywhere, as on a minimum
energy path. Top: T of every finished path before refinement, values below 0.0001 eV drawn
there. Bottom: T of the guess over T of the finished path, for the same reaction and guess,
where a guess-only method ran; the dashed line is a fivefold cut. One point is one run,
filled when its verdict is intended, open otherwise; boxes show the median and the
quartiles, whiskers the whole range; the numbers are runs drawn out of all runs with accepted
endpoints. Trajectories have no T.
"""

import numpy as np

from mepbench.reporting.plotting import (
    axis_label,
    new_figure,
    note,
    note_figure,
    plain_ticks,
    rows_height,
)
from mepbench.reporting.strips import strips

FLOOR = 1e-4  # eV


def plot(results):
    """Draw T, and the factor by which the guess's T was cut."""
    runs = results.judged
    if runs.tangency_defect_eV.isna().all():
        return note_figure("No finished path was measured: no tangency defect is known.")
    figure = new_figure(rows_height(len(results.methods), panels=2))
    top, bottom = figure.subplots(2, 1)
    strips(top, results, "tangency_defect_eV", floor=FLOOR)
    top.set_xscale("log")
    top.set_xlim(left=0.7 * FLOOR)
    plain_ticks(top.xaxis)
    top.set_title("finished path")
    top.set_xlabel(axis_label("tangency_defect_eV"))

    cut = runs.assign(cut=_guess_defect(results, runs) / runs.tangency_defect_eV.clip(lower=FLOOR))
    only = _guess_only(results)
    cut = cut[~cut.method.isin(only)]
    if cut.cut.notna().any():
        strips(
            bottom, results, "cut", runs=cut, methods=[m for m in results.methods if m not in only]
        )
        bottom.set_xscale("log")
        for factor, line in ((1, "-"), (5, "--")):
            bottom.axvline(factor, color="0.3", linewidth=0.8, linestyle=line, zorder=1)
        plain_ticks(bottom.xaxis)
        bottom.set_xlabel(axis_label("defect_cut"))
    else:
        note(bottom, "No guess-only method ran on the same guess: nothing to compare with.")
    bottom.set_title("against its guess")
    return figure


def _guess_only(results) -> list[str]:
    """Methods that are no more than their guess."""
    return [
        name for name, entry in results.configured.items() if entry.get("solver") == "guess-only"
    ]


def _guess_defect(results, runs):
    """T of each run's own guess, where a guess-only method measured it (NaN elsewhere)."""
    keys = ["set", "reaction", "guess"]
    guesses = runs[runs.method.isin(_guess_only(results))]
    known = guesses.groupby(keys).tangency_defect_eV.first()
    wanted = list(zip(*(runs[key] for key in keys), strict=True))
    return np.array([known.get(key, np.nan) for key in wanted], dtype=float)
