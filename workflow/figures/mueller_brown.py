"""Paths of all methods on the Mueller-Brown surface, where the answer is known.

Contours of the potential (every 0.2 eV; the surface of the paper times 0.01) with, in every
panel, one method's frames (joined where they are a path, dots alone where they are a
trajectory) and the point that it hands to the refiner (star). The cross is the exact saddle,
the discs are the minima, the white line is the exact minimum energy path (steepest descent
from the saddle both ways), and the dashed line the straight line between the ends, which is
what an untrained guess looks like.
"""

from functools import cache
from math import ceil, sqrt

import numpy as np
from matplotlib.patheffects import withStroke

from mepbench.potentials import mueller_brown
from mepbench.reporting.plotting import (
    WIDTH,
    axis_label,
    in_short,
    new_figure,
    note,
    note_figure,
)

WINDOW = ((-1.45, 0.45), (0.15, 1.85))  # x and y, angstrom
LEVELS = np.arange(-1.6, 0.41, 0.2)  # eV


def plot(results):
    """Draw one panel per method."""
    frames = results.surfaces
    if frames.empty:
        return note_figure("No method left a path on the Mueller-Brown surface.")
    methods = results.methods
    columns = min(3, max(2, ceil(sqrt(len(methods)))))
    rows = ceil(len(methods) / columns)
    (left, right), (low, high) = WINDOW
    panel = (WIDTH - 0.5) / columns * (high - low) / (right - left)
    figure = new_figure(rows * (panel + 0.22) + 0.35)
    panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).ravel()
    surface, exact = _surface(), _minimum_energy_path()
    for axes, method in zip(panels, methods, strict=False):
        _background(axes, surface, exact)
        mine = frames[frames.method == method]
        _draw(axes, mine, results.style(method))
        axes.set_title(in_short(method, 16), size=6)
    for axes in panels[len(methods) :]:
        note(axes, "")
    figure.supxlabel(axis_label("x"), size=7)
    figure.supylabel(axis_label("y"), size=7)
    return figure


def _draw(axes, frames, look) -> None:
    if frames.empty:
        axes.text(0.5, 0.06, "no result, see the failures", transform=axes.transAxes, ha="center")
        return
    path, peak = frames[~frames.peak], frames[frames.peak]
    joined = bool(path.is_path.all())
    axes.plot(
        path.x,
        path.y,
        color=look.color,
        linestyle="-" if joined else "",
        linewidth=1.1,
        marker="o" if len(path) <= 41 or not joined else "",
        markersize=1.6,
        path_effects=[withStroke(linewidth=2, foreground="black")],  # on grey paper too
        zorder=4,
    )
    axes.plot(
        peak.x,
        peak.y,
        linestyle="",
        marker="*",
        markersize=6.5,
        color="#E69F00",
        markeredgecolor="black",
        markeredgewidth=0.5,
        zorder=6,
    )


def _background(axes, surface, exact) -> None:
    x, y, energy = surface
    known = mueller_brown.KNOWN[0]
    ends = np.array([known.reaction.reactant[0], known.reaction.product[0]])
    axes.contourf(x, y, energy, LEVELS, cmap="Greys_r", vmin=-2.6, vmax=0.6, extend="max")
    axes.contour(x, y, energy, LEVELS, colors="0.45", linewidths=0.4, linestyles="-")
    axes.plot(*exact.T, color="white", linewidth=2.6, zorder=2)
    axes.plot(*ends.T, color="black", linewidth=0.8, linestyle="--", zorder=3)
    axes.plot(*ends.T, linestyle="", marker="o", markersize=3, color="black", zorder=5)
    axes.plot(*known.saddle[0, :2], marker="x", color="black", markersize=5, zorder=5)
    axes.set_xlim(WINDOW[0])
    axes.set_ylim(WINDOW[1])
    axes.set_aspect("equal")


@cache
def _surface() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    x, y = np.meshgrid(*(np.linspace(*edge, 60) for edge in WINDOW))
    geometries = np.stack([x, y, np.zeros_like(x)], axis=-1).reshape(-1, 1, 3)
    energy, _ = mueller_brown.load(None, 0, 1).evaluate(geometries)
    return x, y, energy.reshape(x.shape)


@cache
def _minimum_energy_path(step: float = 2e-2, longest: float = 3.0) -> np.ndarray:
    """Steepest descent from the exact saddle to both minima; (M, 2) points, angstrom."""
    potential, known = mueller_brown.load(None, 0, 1), mueller_brown.KNOWN[0]

    def gradient(point):
        return potential.evaluate(np.array([[[*point, 0.0]]]))[1][0, 0, :2]

    saddle = known.saddle[0, :2]
    hessian = np.array([gradient(saddle + d) - gradient(saddle - d) for d in 1e-4 * np.eye(2)])
    downhill = np.linalg.eigh(hessian + hessian.T)[1][:, 0]
    branches = []
    for sign in (1, -1):
        branch = [saddle + sign * step * downhill]
        while len(branch) < longest / step:
            g = gradient(branch[-1])
            middle = gradient(branch[-1] - step / 2 * g / np.linalg.norm(g))
            following = branch[-1] - step * middle / np.linalg.norm(middle)
            if np.dot(g, gradient(following)) < 0:  # stepped over the minimum
                break
            branch.append(following)
        branches.append(np.array(branch))
    return np.concatenate([branches[0][::-1], [saddle], branches[1]])
