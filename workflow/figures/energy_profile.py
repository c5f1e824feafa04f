"""Energy along the finished paths of all methods, for one reaction.

The reaction is the one with the most atoms among those that the most methods solved. The
energy is taken by the verify stage between the frames too, not only where the method
looked; it is relative to the reactant. Paths are laid so that their highest points meet:
the abscissa is the arc length from there, negative towards the reactant, so that a detour
shows as a longer tail. Each method's first seed is drawn; the symbols at the top, side by
side, are the refined saddles at their energies, filled if verified as intended, open
otherwise. Methods that return a trajectory instead of a path have a symbol only. The broad
grey line is the intrinsic reaction coordinate of the reference saddle, where there is one:
steepest descent in mass-weighted coordinates, so that only the saddle need be the same. The
thin grey line is the reference barrier.
"""

import numpy as np
from matplotlib.transforms import ScaledTranslation

from mepbench.reporting.plotting import (
    REFERENCE,
    axis_label,
    kcal_axis,
    legend_below,
    new_figure,
    note_figure,
    shown,
)

APART = 3.6 / 72  # inches, between symbols of one height


def plot(results):
    """Draw the chosen reaction's profiles over one abscissa."""
    chosen = _choose(results)
    if chosen is None:
        return note_figure("No finished path was sampled: there is no energy profile to draw.")
    name, reaction = chosen
    runs = results.judged
    runs = runs[(runs.set == name) & (runs.reaction == reaction)]
    profiles = results.profiles
    profiles = profiles[(profiles.set == name) & (profiles.reaction == reaction)]

    figure = new_figure(2.6)
    axes = figure.subplots()
    reference = profiles[profiles.method == "reference"]
    if len(reference):
        axes.plot(*_from_the_top(reference), **REFERENCE, label="reference IRC")
    firsts = [run for m in results.methods for run in runs[runs.method == m].head(1).itertuples()]
    saddles = [run.method for run in firsts if np.isfinite(float(run.barrier_eV))]
    for run in firsts:
        path = profiles[(profiles.method == run.method) & (profiles.seed == run.seed)]
        beside = 0.0
        if run.method in saddles:
            beside = APART * (saddles.index(run.method) - (len(saddles) - 1) / 2)
        _draw(axes, run, path, results.style(run.method), beside)
    known = runs.barrier_eV - runs.barrier_error_eV
    if known.notna().any():
        axes.axhline(known.median(), color="0.4", linewidth=0.7, zorder=0)
    first = runs.iloc[0]
    axes.set_title(f"{shown(reaction, 32)}   {shown(first.formula, 16)}", parse_math=False)
    axes.set_xlabel(axis_label("arc_length_A"))
    axes.set_ylabel(axis_label("energy_eV"))
    kcal_axis(axes)
    legend_below(figure)
    return figure


def _draw(axes, run, path, look, beside: float) -> None:
    """Draw one method's profile, its saddle `beside` (inches) others, and their legend."""
    if path.empty and not np.isfinite(float(run.barrier_eV)):
        return
    solved = run.verdict == "intended"
    symbol = {**look.point, "markerfacecolor": look.color if solved else "white"}
    line = "" if path.empty else look.linestyle
    axes.plot(*_from_the_top(path), color=look.color, linestyle=line)
    set_off = axes.transData + ScaledTranslation(beside, 0, axes.figure.dpi_scale_trans)
    axes.plot(0, run.barrier_eV, **symbol, transform=set_off, zorder=5)
    label = run.method if solved else f"{run.method}: {run.verdict}"
    axes.plot([], [], **symbol, linestyle=line, label=label)


def _choose(results) -> tuple[str, str] | None:
    """The (set, reaction) with most methods that solved it, then most atoms, then the first."""
    profiles = results.profiles
    if profiles.empty or results.judged.empty:
        return None
    sampled = set(zip(profiles.set, profiles.reaction, strict=True))
    best, chosen = None, None
    for key, runs in results.judged.groupby(["set", "reaction"], sort=False):
        if key not in sampled:
            continue
        solvers = runs.method[runs.verdict == "intended"].nunique()
        merit = (solvers, runs.natoms.max())
        if best is None or merit > best:
            best, chosen = merit, key
    return chosen


def _from_the_top(path) -> tuple[np.ndarray, np.ndarray]:
    """Arc length from the highest point, and the energy."""
    length, energy = path.arc_length_A.to_numpy(float), path.energy_eV.to_numpy(float)
    if not np.isfinite(energy).any():
        return length[:0], energy[:0]
    return length - length[np.nanargmax(energy)], energy
