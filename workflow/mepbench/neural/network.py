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
import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
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
    theta : (P,) tensor, all weights; replace it to move the path
    last : how many of them, at the end, are the output layer's
    internal : (3N, 3N - 6) tensor, orthonormal: the motions that are not rigid
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
        rigid = torch.from_numpy(rigid_motions(self._base(0.5), invariances))
        self._project = torch.eye(size, dtype=torch.float64) - rigid.T @ rigid
        self.internal = torch.linalg.eigh(self._project)[1][:, len(rigid) :]
        self._multiples = math.pi * torch.arange(1, frequencies + 1, dtype=torch.float64)
        sizes = [1 + 2 * frequencies, *[width] * depth, size]
        self._shapes = [(o, i) for i, o in pairwise(sizes)]
        self._generator = torch.Generator().manual_seed(seed)
        outputs, inputs = self._shapes[-1]
        self.last = outputs * inputs + outputs
        self.theta = self._drawn()

    def _drawn(self) -> torch.Tensor:
        """Weights drawn anew: random hidden layers, an output layer of zeros."""
        pieces = []
        for outputs, inputs in self._shapes[:-1]:
            weight = torch.randn(outputs, inputs, generator=self._generator, dtype=torch.float64)
            bias = torch.randn(outputs, generator=self._generator, dtype=torch.float64)
            pieces += [(weight / math.sqrt(inputs)).ravel(), bias]
        pieces.append(torch.zeros(self.last, dtype=torch.float64))
        return torch.cat(pieces)

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
        x = self.at(torch.as_tensor(np.asarray(s, dtype=float))).x.numpy()
        x = x.reshape(-1, self.natoms, 3)
        x[np.asarray(s) == 0.0], x[np.asarray(s) == 1.0] = self.ends[0], self.ends[1]
        return x

    def layers(self, theta: torch.Tensor) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """Views of a weight vector as (weight, bias) of each layer."""
        views, at = [], 0
        for outputs, inputs in self._shapes:
            weight = theta[at : at + outputs * inputs].view(outputs, inputs)
            at += outputs * inputs
            views.append((weight, theta[at : at + outputs]))
            at += outputs
        return views

    def at(self, s: torch.Tensor) -> "PathPoints":
        """The path, its velocity and their derivatives to the weights at `s`, (K,)."""
        angles = s[:, None] * self._multiples
        sin, cos = torch.sin(angles), torch.cos(angles)
        a = torch.cat([2 * s[:, None] - 1, sin, cos], dim=1)
        d = torch.cat([torch.full_like(s[:, None], 2.0), cos * self._multiples,
                       -sin * self._multiples], dim=1)  # fmt: skip
        cache = []
        layers = self.layers(self.theta)
        for weight, bias in layers[:-1]:
            before = torch.cat([a, d])
            a = torch.tanh(a @ weight.T + bias)
            slope, dz = 1 - a * a, d @ weight.T
            d = slope * dz
            cache.append((before, slope, -2 * a * dz))
        return self._points(s, layers, a, d, cache)

    def _points(self, s, layers, a, d, cache) -> "PathPoints":
        """The path at `s`, from the output layer's inputs (K, W) and their derivatives to s."""
        weight, bias = layers[-1]
        y, dy = (a @ weight.T + bias) @ self._project, (d @ weight.T) @ self._project
        window, d_window = (4 * s * (1 - s))[:, None], (4 - 8 * s)[:, None]
        at = s.numpy()
        base = torch.from_numpy(self._base(at).reshape(len(at), -1))
        d_base = torch.from_numpy(self._base(at, 1).reshape(len(at), -1))
        x, dx = base + window * y, d_base + d_window * y + window * dy
        return PathPoints(self, layers, x, dx, window, d_window, a, d, cache)


@dataclass(frozen=True)
class PathPoints:
    """K points of a path, linearised in the weights.

    Attributes
    ----------
    layers : (weight, bias) of each layer, around which they are linear
    x, dx : (K, 3N) tensors, the geometries and dx/ds, angstrom
    """

    network: PathNetwork
    layers: list
    x: torch.Tensor
    dx: torch.Tensor
    window: torch.Tensor
    d_window: torch.Tensor
    a: torch.Tensor
    d: torch.Tensor
    cache: list

    def features(self) -> torch.Tensor:
        """Output layer's inputs times the window, (K, W + 1): x is linear in these."""
        return self.window * torch.cat([self.a, torch.ones_like(self.window)], dim=1)

    def feature_slopes(self) -> torch.Tensor:
        """Derivative of the features to s, (K, W + 1): dx/ds is linear in these."""
        one, zero = torch.ones_like(self.window), torch.zeros_like(self.window)
        values, slopes = torch.cat([self.a, one], dim=1), torch.cat([self.d, zero], dim=1)
        return self.d_window * values + self.window * slopes

    def jvp(self, direction: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Change of (x, dx), each (K, 3N), as the weights move along `direction`, (P,)."""
        moves, move, count = self.network.layers(direction), None, len(self.x)
        for (before, slope, turn), (weight, _), (t_weight, t_bias) in zip(
            self.cache, self.layers, moves, strict=False
        ):
            t_z = before @ t_weight.T
            if move is not None:
                t_z = torch.addmm(t_z, move, weight.T)
            t_a = slope * (t_z[:count] + t_bias)
            move = torch.cat([t_a, torch.addcmul(slope * t_z[count:], turn, t_a)])
        weight, (t_weight, t_bias) = self.layers[-1][0], moves[-1]
        t_y = torch.cat([self.a, self.d]) @ t_weight.T
        if move is not None:  # there are hidden layers
            t_y = torch.addmm(t_y, move, weight.T)
        t_y[:count] += t_bias
        t_y, t_dy = (t_y @ self.network._project).chunk(2)
        return self.window * t_y, torch.addcmul(self.d_window * t_y, self.window, t_dy)

    def vjp(self, on_x: torch.Tensor, on_dx: torch.Tensor) -> torch.Tensor:
        """Gradient to the weights, (P,), of `sum(on_x * x + on_dx * dx)`."""
        count = len(self.x)
        gradient = torch.empty_like(self.network.theta)
        parts = self.network.layers(gradient)
        on_y = torch.addcmul(self.window * on_x, self.d_window, on_dx)
        on = torch.cat([on_y, self.window * on_dx]) @ self.network._project
        before = torch.cat([self.a, self.d])
        for at in range(len(self.cache), -1, -1):
            torch.mm(on.T, before, out=parts[at][0])
            torch.sum(on[:count], dim=0, out=parts[at][1])
            if at:
                on = on @ self.layers[at][0]
                before, slope, turn = self.cache[at - 1]
                on_z = torch.addcmul(on[:count], turn, on[count:]) * slope
                on = torch.cat([on_z, on[count:] * slope])
        return gradient
