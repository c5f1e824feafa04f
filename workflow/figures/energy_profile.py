"""Energy along the finished paths of all methods, for one reaction.

The reaction is the one with the most atoms among those that the most methods solved. The
energy is taken by the verify stage between the frames too, not only where the method
looked; it is relative to the reactant. Paths are laid so that their highest points meet:
the abscissa is the arc length from there, negative towards the reactant, so that a detour
shows as a longer tail. Each method's first seed is drawn; the symbol at the top is its
refined saddle, filled if verified as intended, open otherwise. Methods that return a
trajectory instead of a path have a symbol only. The broad grey line is the intrinsic
reaction coordinate of the reference saddle, where there is one: steepest descent in
mass-weighted coordinates, so that only the saddle need be the same. The thin grey line is
the reference barrier.
"""

import numpy as np

from mepbench.files.metrics import KCAL_PER_EV
from mepbench.reporting.plotting import REFERENCE, new_figure, note_figure, shown


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

    figure = new_figure(4.0)
    axes = figure.subplots()
    reference = profiles[profiles.method == "reference"]
    if len(reference):
        axes.plot(*_from_the_top(reference), **REFERENCE, label="reference IRC")
    for method in results.methods:
        for run in runs[runs.method == method].head(1).itertuples():
            path = profiles[(profiles.method == method) & (profiles.seed == run.seed)]
            _draw(axes, run, path, results.style(method))
    known = runs.barrier_eV - runs.barrier_error_eV
    if known.notna().any():
        axes.axhline(known.median(), color="0.4", linewidth=0.7, zorder=0)
    first = runs.iloc[0]
    axes.set_title(f"{shown(reaction)}   {first.formula}, set {name}", parse_math=False)
    axes.set_xlabel("arc length from the highest point of the path (Å)")
    axes.set_ylabel("energy above the reactant (eV)")
    other = axes.secondary_yaxis(
        "right", functions=(lambda e: e * KCAL_PER_EV, lambda e: e / KCAL_PER_EV)
    )
    other.set_ylabel("kcal/mol")
    figure.legend(loc="outside right upper")
    return figure


def _draw(axes, run, path, look) -> None:
    """Draw one method's profile, its saddle, and their entry in the legend."""
    if path.empty and not np.isfinite(float(run.barrier_eV)):
        return
    solved = run.verdict == "intended"
    symbol = {"marker": look.marker, "markerfacecolor": look.color if solved else "white"}
    line = {"color": look.color, "linestyle": "" if path.empty else look.linestyle}
    axes.plot(*_from_the_top(path), **line)
    axes.plot(0, run.barrier_eV, color=look.color, **symbol, zorder=5)
    axes.plot(
        [], [], **line, **symbol, label=run.method if solved else f"{run.method}: {run.verdict}"
    )


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
