"""A path as a network: `x(s) = base(s) + 4 s (1-s) Q N_theta(s)`, ends exact.

`base` is the cubic spline through the guess, `N` a tanh network on s and the sines and
cosines of its multiples, whose last layer is zero at the start, so that training starts
exactly at the guess. Q removes rigid motion as seen from the guess's middle, where the
potential is invariant to it. Everything is float64.

Values and s-derivatives are carried together through the layers, and so are their
derivatives to the weights, forwards (`jvp`) and backwards (`vjp`): written out they cost
a tenth of what a general automatic differentiation needs for so small a network.
"""

import copy
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.interpolate import CubicSpline

from ..path import rigid_motions, spline

KNOTS = np.linspace(0.0, 1.0, 101)  # of a path that becomes a base


class PathNetwork:
    """A path with trainable weights.

    Parameters
    ----------
    frames : (M, N, 3) array, angstrom, the guess
    invariances : the potential's
    width, depth : of the hidden tanh layers
    frequencies : sin and cos of pi s, 2 pi s, ... up to this multiple are features
    seed : of the hidden layers' first weights

    Attributes
    ----------
    theta : (P,) array, all weights; replace it to move the path
    last : how many of them, at the end, are the output layer's
    internal : (3N, 3N - 6) array, orthonormal: the motions that are not rigid
    """

    def __init__(
        self,
        frames: np.ndarray,
        invariances: tuple[str, ...],
        *,
        width: int,
        depth: int,
        frequencies: int,
        seed: int,
    ):
        self.natoms = frames.shape[1]
        self.ends = frames[[0, -1]]
        self._base = spline(frames)
        size = 3 * self.natoms
        rigid = rigid_motions(self._base(0.5), invariances)
        self._project = np.eye(size) - rigid.T @ rigid
        self.internal = np.linalg.eigh(self._project)[1][:, len(rigid) :]
        self._multiples = np.pi * np.arange(1, frequencies + 1)
        sizes = [1 + 2 * frequencies, *[width] * depth, size]
        self._shapes = [(o, i) for i, o in pairwise(sizes)]
        self._rng = np.random.default_rng(seed)
        outputs, inputs = self._shapes[-1]
        self.last = outputs * inputs + outputs
        self.theta = self._drawn()

    def _drawn(self) -> np.ndarray:
        """Weights drawn anew: random hidden layers, an output layer of zeros."""
        pieces = []
        for outputs, inputs in self._shapes[:-1]:
            weight = self._rng.normal(scale=inputs**-0.5, size=(outputs, inputs))
            pieces += [weight.ravel(), self._rng.normal(size=outputs)]
        return np.concatenate([*pieces, np.zeros(self.last)])

    def redrawn(self) -> "PathNetwork":
        """The same path as the base of a network with new hidden layers.

        What training has reached stays, as one more term of a sum; and the path can go on to
        where the old features did not reach, with no more of them to determine in each step.
        """
        network = copy.copy(self)
        network._base = CubicSpline(KNOTS, self(KNOTS))
        network.theta = self._drawn()
        return network

    def __call__(self, s: np.ndarray) -> np.ndarray:
        """Geometries at `s`, (K,) -> (K, N, 3), angstrom; exactly the ends at 0 and 1."""
        s = np.asarray(s, dtype=float)
        x = self.at(s).x.reshape(-1, self.natoms, 3)
        x[s == 0.0], x[s == 1.0] = self.ends[0], self.ends[1]
        return x

    def layers(self, theta: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        """Views of a weight vector as (weight, bias) of each layer."""
        views, at = [], 0
        for outputs, inputs in self._shapes:
            weight = theta[at : at + outputs * inputs].reshape(outputs, inputs)
            at += outputs * inputs
            views.append((weight, theta[at : at + outputs]))
            at += outputs
        return views

    def at(self, s: np.ndarray) -> "PathPoints":
        """The path, its velocity and their derivatives to the weights at `s`, (K,)."""
        angles = s[:, None] * self._multiples
        sin, cos = np.sin(angles), np.cos(angles)
        a = np.concatenate([2 * s[:, None] - 1, sin, cos], axis=1)
        two = np.full((len(s), 1), 2.0)
        d = np.concatenate([two, cos * self._multiples, -sin * self._multiples], axis=1)
        cache = []
        layers = self.layers(self.theta)
        for weight, bias in layers[:-1]:
            before = np.concatenate([a, d])
            a = np.tanh(a @ weight.T + bias)
            slope, dz = 1 - a * a, d @ weight.T
            d = slope * dz
            cache.append((before, slope, -2 * a * dz))
        return self._points(s, layers, a, d, cache)

    def _points(self, s, layers, a, d, cache) -> "PathPoints":
        """The path at `s`, from the output layer's inputs (K, W) and their derivatives to s."""
        weight, bias = layers[-1]
        y, dy = (a @ weight.T + bias) @ self._project, (d @ weight.T) @ self._project
        window, d_window = (4 * s * (1 - s))[:, None], (4 - 8 * s)[:, None]
        base, d_base = (self._base(s, order).reshape(len(s), -1) for order in (0, 1))
        x, dx = base + window * y, d_base + d_window * y + window * dy
        return PathPoints(self, layers, x, dx, window, d_window, a, d, cache)


@dataclass(frozen=True)
class PathPoints:
    """K points of a path, linearised in the weights.

    Attributes
    ----------
    layers : (weight, bias) of each layer, around which they are linear
    x, dx : (K, 3N) arrays, the geometries and dx/ds, angstrom
    """

    network: PathNetwork
    layers: list
    x: np.ndarray
    dx: np.ndarray
    window: np.ndarray
    d_window: np.ndarray
    a: np.ndarray
    d: np.ndarray
    cache: list

    def features(self) -> np.ndarray:
        """Output layer's inputs times the window, (K, W + 1): x is linear in these."""
        return self.window * np.concatenate([self.a, np.ones_like(self.window)], axis=1)

    def feature_slopes(self) -> np.ndarray:
        """Derivative of the features to s, (K, W + 1): dx/ds is linear in these."""
        one, zero = np.ones_like(self.window), np.zeros_like(self.window)
        values = np.concatenate([self.a, one], axis=1)
        slopes = np.concatenate([self.d, zero], axis=1)
        return self.d_window * values + self.window * slopes

    def jvp(self, direction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Change of (x, dx), each (K, 3N), as the weights move along `direction`, (P,)."""
        moves, move, count = self.network.layers(direction), None, len(self.x)
        for (before, slope, turn), (weight, _), (t_weight, t_bias) in zip(
            self.cache, self.layers, moves, strict=False
        ):
            t_z = before @ t_weight.T
            if move is not None:
                t_z += move @ weight.T
            t_a = slope * (t_z[:count] + t_bias)
            move = np.concatenate([t_a, slope * t_z[count:] + turn * t_a])
        weight, (t_weight, t_bias) = self.layers[-1][0], moves[-1]
        t_y = np.concatenate([self.a, self.d]) @ t_weight.T
        if move is not None:  # there are hidden layers
            t_y += move @ weight.T
        t_y[:count] += t_bias
        t_y = t_y @ self.network._project
        t_y, t_dy = t_y[:count], t_y[count:]
        return self.window * t_y, self.d_window * t_y + self.window * t_dy

    def vjp(self, on_x: np.ndarray, on_dx: np.ndarray) -> np.ndarray:
        """Gradient to the weights, (P,), of `sum(on_x * x + on_dx * dx)`."""
        count = len(self.x)
        gradient = np.empty_like(self.network.theta)
        parts = self.network.layers(gradient)
        on_y = self.window * on_x + self.d_window * on_dx
        on = np.concatenate([on_y, self.window * on_dx]) @ self.network._project
        before = np.concatenate([self.a, self.d])
        for at in range(len(self.cache), -1, -1):
            np.matmul(on.T, before, out=parts[at][0])
            np.sum(on[:count], axis=0, out=parts[at][1])
            if at:
                on = on @ self.layers[at][0]
                before, slope, turn = self.cache[at - 1]
                on_z = (on[:count] + turn * on[count:]) * slope
                on = np.concatenate([on_z, on[count:] * slope])
        return gradient
