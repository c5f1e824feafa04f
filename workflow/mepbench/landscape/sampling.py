"""The energy along a path from few samples: cubic Hermite interpolants of energies and slopes.

The path is a spline x(s), s in [0, 1]. Where it is evaluated, V, grad V and so dV/ds =
grad V . x' are known, with rigid motion removed from x'; between two samples V is the cubic
with these ends, whose stationary points are the roots of a quadratic.
"""

import numpy as np
from scipy.interpolate import CubicSpline

from .surface import Surface

GAUSS = np.polynomial.legendre.leggauss(8)


class Curve:
    """The continuous path: positions, and velocities x' without rigid motion."""

    def __init__(self, curve: CubicSpline, invariances: tuple[str, ...]):
        self._curve, self._derivative = curve, curve.derivative()
        self._invariances = invariances

    def __call__(self, s: np.ndarray) -> np.ndarray:
        """Return the geometries (K, N, 3) at (K,) parameters."""
        return self._curve(s)

    def velocity(self, s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return x' (K, 3N) and its norm (K,), angstrom."""
        v = without_rigid_motion(self._derivative(s), self._curve(s), self._invariances)
        v = v.reshape(len(s), -1)
        return v, np.maximum(np.linalg.norm(v, axis=1), 1e-12)

    def arc_length(self, s: np.ndarray) -> np.ndarray:
        """Length from the start to each of the sorted (K,) parameters, angstrom."""
        half, middle = np.diff(s) / 2, (s[1:] + s[:-1]) / 2
        _, speed = self.velocity((middle[:, None] + half[:, None] * GAUSS[0]).ravel())
        steps = (speed.reshape(len(half), -1) * GAUSS[1]).sum(axis=1) * half
        return np.concatenate([[0.0], np.cumsum(steps)])


class Samples:
    """What was evaluated, sorted along the path, and the interpolants through it."""

    def __init__(self, curve: Curve, oracle: Surface):
        self.curve, self._oracle = curve, oracle
        self.s = np.empty(0)

    def add(self, s: np.ndarray) -> None:
        """Evaluate the path at new parameters, as one round."""
        energies, gradients = self._oracle(self.curve(s))
        gradients = gradients.reshape(len(s), -1)
        velocity, _ = self.curve.velocity(s)
        new = (s, energies, gradients, np.einsum("kn,kn->k", gradients, velocity))
        if len(self.s):
            old = (self.s, self.energies, self.gradients, self.rates)
            new = tuple(np.concatenate(both) for both in zip(old, new, strict=True))
        order = np.argsort(new[0], kind="stable")
        self.s, self.energies, self.gradients, self.rates = (part[order] for part in new)
        self.gradient_rates = CubicSpline(self.s, self.gradients)(self.s, 1)

    def maximum(self) -> tuple[float, float]:
        """Return max V of the interpolant and where it is."""
        values, at = self.extrema()
        top = int(np.argmax(values))
        return float(values[top]), float(at[top])

    def extrema(self) -> tuple[np.ndarray, np.ndarray]:
        """Return V and s at all samples and all stationary points between them, in order."""
        h = np.diff(self.s)
        cubic = hermite(
            self.energies[:-1], self.energies[1:], self.rates[:-1] * h, self.rates[1:] * h
        )
        u = splits(cubic)[:, :-1]
        values = np.append(polynomial(cubic, u).ravel(), self.energies[-1])
        s = np.append((self.s[:-1, None] + u * h[:, None]).ravel(), self.s[-1])
        return values, s


def without_rigid_motion(v: np.ndarray, x: np.ndarray, invariances: tuple[str, ...]) -> np.ndarray:
    """Remove translation and rotation from velocities v at geometries x, both (K, N, 3)."""
    if "translation" in invariances:
        v = v - v.mean(axis=1, keepdims=True)
    if "rotation" in invariances:
        r = x - x.mean(axis=1, keepdims=True)
        square = (r**2).sum(axis=(1, 2))
        inertia = square[:, None, None] * np.eye(3) - np.einsum("kni,knj->kij", r, r)
        angular = np.cross(r, v).sum(axis=1)
        spin = np.einsum("kij,kj->ki", np.linalg.pinv(inertia, 1e-6, hermitian=True), angular)
        v = v - np.cross(spin[:, None], r)
    return v


def thinned(s: np.ndarray, spacing: float) -> np.ndarray:
    """Indices of sorted parameters from 0 to 1 without those nearer than `spacing` to others.

    Across a tiny distance, noise of positions would be taken for direction, and noise of
    gradients for curvature.
    """
    kept = [0]
    for k in range(1, len(s)):
        if s[k] - s[kept[-1]] >= spacing:
            kept.append(k)
    kept[-1] = len(s) - 1
    return np.array(kept)


def first_nodes(given: np.ndarray, frames: int) -> np.ndarray:
    """Samples at the given frames, more between them where these are far apart; an odd number."""
    pieces = np.ceil(np.diff(given) * (frames - 1) * (1 - 1e-9)).astype(int)
    if pieces.sum() % 2:
        pieces[np.argmax(np.diff(given) / pieces)] += 1
    inner = [
        np.linspace(a, b, n, endpoint=False)
        for a, b, n in zip(given[:-1], given[1:], pieces, strict=True)
    ]
    return np.append(np.concatenate(inner), 1.0)


def hermite(v0, v1, d0, d1) -> np.ndarray:
    """Hermite coefficients (..., 4), constant first, on u in [0, 1]; d are dV/du."""
    return np.stack([v0, d0, 3 * (v1 - v0) - 2 * d0 - d1, 2 * (v0 - v1) + d0 + d1], axis=-1)


def polynomial(c: np.ndarray, u: np.ndarray) -> np.ndarray:
    """Evaluate (P, 4) cubics at (P, U) places."""
    c = c[:, None, :]
    return c[..., 0] + u * (c[..., 1] + u * (c[..., 2] + u * c[..., 3]))


def slope(c: np.ndarray, u: np.ndarray) -> np.ndarray:
    """Evaluate the derivatives of (P, 4) cubics at (P, U) places."""
    c = c[:, None, :]
    return c[..., 1] + u * (2 * c[..., 2] + u * 3 * c[..., 3])


def splits(c: np.ndarray) -> np.ndarray:
    """Where (P, 4) cubics on [0, 1] are cut to be monotonic: (P, 4) array from 0 to 1."""
    a, b, d = 3 * c[:, 3], 2 * c[:, 2], c[:, 1]
    root = np.sqrt(np.maximum(b * b - 4 * a * d, 0))
    # The stable form of both roots; a root at infinity or of a flat cubic drops out below.
    q = -(b + np.where(b < 0, -root, root)) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        roots = np.stack([q / a, d / q], axis=1)
    inside = (roots > 0) & (roots < 1) & (b * b - 4 * a * d > 0)[:, None]
    roots = np.sort(np.where(inside, roots, 1.0), axis=1)
    zeros, ones = np.zeros(len(c)), np.ones(len(c))
    return np.column_stack([zeros, roots, ones])
