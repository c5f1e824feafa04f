"""Curves that stand in for the network, with its interface: what does the network earn?"""

import numpy as np
from scipy.interpolate import BSpline

from ..path import spline
from .network import PathNetwork, PathPoints


def curve_of(
    kind: str,
    frames: np.ndarray,
    invariances: tuple[str, ...],
    *,
    width: int,
    depth: int,
    frequencies: int,
    seed: int,
    splines: int = 12,
) -> "PathNetwork | FixedCurve":
    """Return the curve through a guess's frames (M, N, 3), before any training.

    Parameters
    ----------
    kind : "network", "spline" or "guess"
    width, depth, frequencies, seed : of the network
    splines : of the B-spline
    """
    if kind == "guess":
        return FixedCurve(frames)
    if kind == "spline":
        return PathSpline(frames, invariances, splines=splines)
    shape = {"width": width, "depth": depth, "frequencies": frequencies, "seed": seed}
    return PathNetwork(frames, invariances, **shape)


class PathSpline(PathNetwork):
    """`x(s) = base(s) + 4 s (1-s) sum_k c_k B_k(s)`, cubic B-splines on even knots.

    A network without hidden layers, whose features are the splines instead of sines: linear
    in its weights, each of which moves one stretch of the path.
    """

    def __init__(self, frames, invariances, *, splines: int = 12):
        super().__init__(frames, invariances, width=0, depth=0, frequencies=0, seed=0)
        inner = np.linspace(0.0, 1.0, splines - 2)
        self._knots = np.concatenate([[0.0] * 3, inner, [1.0] * 3])
        size = 3 * self.natoms
        self._shapes = [(size, splines)]
        self.last = size * splines + size
        self.theta = np.zeros(self.last)

    def redrawn(self) -> "PathSpline":
        """Itself: nothing of it is drawn."""
        return self

    def at(self, s: np.ndarray) -> PathPoints:
        """The curve, its velocity and their derivatives to the weights at `s`, (K,)."""
        basis = BSpline(self._knots, np.eye(self._shapes[0][1]), 3)
        return self._points(s, self.layers(self.theta), basis(s), basis(s, 1), [])


class FixedCurve:
    """The guess as it is: nothing to train."""

    def __init__(self, frames: np.ndarray):
        self._base, self.ends = spline(frames), frames[[0, -1]]

    def __call__(self, s: np.ndarray) -> np.ndarray:
        """Geometries at `s`, (K,) -> (K, N, 3), angstrom; exactly the ends at 0 and 1."""
        s = np.asarray(s, dtype=float)
        x = self._base(s)
        x[s == 0.0], x[s == 1.0] = self.ends[0], self.ends[1]
        return x
