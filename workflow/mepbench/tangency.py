"""How good a finished path is: tangency defect T, excess X, and its true maximum.

With s the path's parameter, g = grad V and rigid motion removed from x',

    L  = integral |g| |x'| ds        the path's length in the metric |g|
    TV = integral |g.x'| ds          the total variation of V along it
    T  = (L - TV) / 2                zero if and only if g is parallel to x' almost everywhere
    X  = (TV - (2 max V - V_R - V_P)) / 2      the summed depth of wells and detours

in eV, whatever the parametrisation. A path is a minimum energy path over one saddle when
both vanish and the index at its maximum is one. T is not computed as that difference,
but from its own integrand sqrt(p^2 + q^2) - |p|, with p and q the components of g along
the path and across it: both are smooth where |g| has a kink.

V is the cubic Hermite interpolant of sampled energies and slopes, g that of the sampled
gradients. Panels are split where the interpolated slope changes sign, so TV is a sum of
rises and falls, max V is a root, and V is spent only on what the interpolants get wrong:
cells of two panels, whose middle sample the outer two do not predict, are halved again.
"""

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import CubicSpline

from .oracle import Oracle
from .path import arc_length, spline

TOLERANCE, RELATIVE_TOLERANCE = 1e-3, 0.01  # eV; whichever is larger
GAUSS = np.polynomial.legendre.leggauss(8)


@dataclass(frozen=True)
class Well:
    """An intermediate minimum of V along a path.

    Attributes
    ----------
    s : in [0, 1]
    energy : eV
    depth : eV, below the lower of the two tops that part it from lower points or the ends
    position : (N, 3) array, angstrom
    """

    s: float
    energy: float
    depth: float
    position: np.ndarray


@dataclass(frozen=True)
class PathQuality:
    """The measurement of one path.

    Attributes
    ----------
    tangency_defect, excess : T and X, eV
    error : estimated quadrature error of the worse of the two, eV
    within_tolerance : whether `error` is below 1 meV or 1% of T and X; else the cap was met
    floor : eV, what T would be had the force across the path vanished at the given frames:
        the fault of the spline between them. NaN for a path given as a continuous one
    maximum : max V along the path, eV (absolute)
    s_of_maximum : where, in [0, 1]
    position_of_maximum : (N, 3) array, angstrom
    wells : intermediate minima deeper than 1 meV, along the path; their depths sum up to X
    s, arc_length, energies : (K,) arrays of the samples: parameter, angstrom, eV
    slopes, perpendicular_forces : (K,) arrays, eV/angstrom, of g along the path and across
    """

    tangency_defect: float
    excess: float
    error: float
    within_tolerance: bool
    floor: float
    maximum: float
    s_of_maximum: float
    position_of_maximum: np.ndarray
    wells: tuple[Well, ...]
    s: np.ndarray
    arc_length: np.ndarray
    energies: np.ndarray
    slopes: np.ndarray
    perpendicular_forces: np.ndarray


def path_quality(
    positions: np.ndarray, oracle: Oracle, *, frames: int = 41, most_frames: int = 321
) -> PathQuality:
    """Measure the cubic spline through the given frames.

    Parameters
    ----------
    positions : (M, N, 3) array, angstrom
    oracle : what the samples are booked to
    frames : at least so many samples; a path of more frames than that counts as continuous
    most_frames : no more samples than this, even if the error is above tolerance

    Raises
    ------
    ValueError
        if there are less than two different frames, or one is not finite.
    SCFFailure
        if the potential has no energy somewhere on the path.
    """
    positions = np.asarray(positions, dtype=float)
    if not np.isfinite(positions).all():
        raise ValueError("the path has coordinates that are not finite")
    curve = _Curve(spline(positions), oracle.invariances)
    given = np.unique(arc_length(positions) / arc_length(positions)[-1])
    samples = _Samples(curve, oracle)
    nodes = _first_nodes(given, frames)
    samples.add(nodes)
    cells = np.stack([nodes[:-2:2], nodes[1:-1:2], nodes[2::2]], axis=1)
    while True:
        coarse = _measure(samples, cells[:, 0], cells[:, 2])
        left = _measure(samples, cells[:, 0], cells[:, 1])
        right = _measure(samples, cells[:, 1], cells[:, 2])
        total = left + right
        T, TV = total[:, 0].sum(), total[:, 1].sum()
        maximum, at = samples.maximum()
        X = (TV - (2 * maximum - samples.energies[0] - samples.energies[-1])) / 2
        # The fine value is at least this much better than the coarse one: order 3 or above.
        errors = np.abs(total - coarse) / [4, 8]
        tolerance = np.maximum(TOLERANCE, RELATIVE_TOLERANCE * np.array([T, X]))
        worst = errors.sum(axis=0) / tolerance
        room = most_frames - len(samples.s)
        if (worst <= 1).all() or room < 2:
            break
        share = (errors / tolerance).max(axis=1)
        bad = np.argsort(-share, kind="stable")[: room // 2]
        bad = bad[share[bad] > 0.5 / len(cells)]
        a, mid, b = cells[bad].T
        first, second = (a + mid) / 2, (mid + b) / 2
        samples.add(np.concatenate([first, second]))
        halves = [np.stack([a, first, mid], axis=1), np.stack([mid, second, b], axis=1)]
        cells = np.concatenate([np.delete(cells, bad, axis=0), *halves])
    for _ in range(3):
        if at in samples.s:
            break
        predicted = maximum
        samples.add(np.array([at]))
        maximum, at = samples.maximum()
        if abs(maximum - predicted) < TOLERANCE / 10:
            break
    return _summary(samples, given if len(given) <= frames else None, worst, tolerance)


def _summary(samples: "_Samples", given, worst, tolerance) -> PathQuality:
    s, energies = samples.s, samples.energies
    T, TV = _measure(samples, s[:-1], s[1:]).sum(axis=0)
    maximum, at = samples.maximum()
    velocity, speed = samples.curve.velocity(s)
    along = np.einsum("kn,kn->k", samples.gradients, velocity) / speed
    across = samples.gradients - (along / speed)[:, None] * velocity
    return PathQuality(
        tangency_defect=float(T),
        excess=float(max((TV - (2 * maximum - energies[0] - energies[-1])) / 2, 0.0)),
        error=float((worst * tolerance).max()),
        within_tolerance=bool((worst <= 1).all()),
        floor=np.nan if given is None else min(float(T), _floor(samples, given, across)),
        maximum=float(maximum),
        s_of_maximum=float(at),
        position_of_maximum=samples.curve(np.array([at]))[0],
        wells=_wells(samples),
        s=s,
        arc_length=samples.curve.arc_length(s),
        energies=energies,
        slopes=along,
        perpendicular_forces=np.linalg.norm(across, axis=1),
    )


class _Curve:
    """The continuous path: positions, and velocities x' without rigid motion."""

    def __init__(self, curve: CubicSpline, invariances: tuple[str, ...]):
        self._curve, self._derivative = curve, curve.derivative()
        self._invariances = invariances

    def __call__(self, s: np.ndarray) -> np.ndarray:
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


class _Samples:
    """What was evaluated, sorted along the path, and the interpolants through it."""

    def __init__(self, curve: _Curve, oracle: Oracle):
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
        cubic = _cubic(self.energies[:-1], self.energies[1:], *_ends(self.rates, h))
        u = _splits(cubic)[:, :-1]
        values = np.append(_polynomial(cubic, u).ravel(), self.energies[-1])
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


def _first_nodes(given: np.ndarray, frames: int) -> np.ndarray:
    """Samples at the frames, more between them where they are far apart; an odd number."""
    if len(given) > frames:
        kept = [0.0]
        for s in given[1:]:
            if s - kept[-1] >= 0.5 / (frames - 1):
                kept.append(s)
        kept[-1] = 1.0
        given = np.array(kept)
    pieces = np.ceil(np.diff(given) * (frames - 1) * (1 - 1e-9)).astype(int)
    if pieces.sum() % 2:
        pieces[np.argmax(np.diff(given) / pieces)] += 1
    inner = [
        np.linspace(a, b, n, endpoint=False)
        for a, b, n in zip(given[:-1], given[1:], pieces, strict=True)
    ]
    return np.append(np.concatenate(inner), 1.0)


def _ends(values: np.ndarray, h: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return values[:-1] * h, values[1:] * h


def _cubic(v0, v1, d0, d1) -> np.ndarray:
    """Hermite coefficients (..., 4), constant first, on u in [0, 1]; d are dV/du."""
    return np.stack([v0, d0, 3 * (v1 - v0) - 2 * d0 - d1, 2 * (v0 - v1) + d0 + d1], axis=-1)


def _polynomial(c: np.ndarray, u: np.ndarray) -> np.ndarray:
    """Evaluate (P, 4) cubics at (P, U) places."""
    c = c[:, None, :]
    return c[..., 0] + u * (c[..., 1] + u * (c[..., 2] + u * c[..., 3]))


def _slope(c: np.ndarray, u: np.ndarray) -> np.ndarray:
    c = c[:, None, :]
    return c[..., 1] + u * (2 * c[..., 2] + u * 3 * c[..., 3])


def _splits(c: np.ndarray) -> np.ndarray:
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


def _measure(samples: _Samples, a: np.ndarray, b: np.ndarray, less=None) -> np.ndarray:
    """T and TV of panels [a, b] between samples, (P, 2), eV; `less` is taken from g first."""
    i, j = np.searchsorted(samples.s, a), np.searchsorted(samples.s, b)
    h = b - a
    v, d = samples.energies, samples.rates
    cubic = _cubic(v[i], v[j], d[i] * h, d[j] * h)
    cuts = _splits(cubic)
    variation = np.abs(np.diff(_polynomial(cubic, cuts), axis=1)).sum(axis=1)

    half, middle = np.diff(cuts, axis=1) / 2, (cuts[:, 1:] + cuts[:, :-1]) / 2
    u = (middle[..., None] + half[..., None] * GAUSS[0]).reshape(len(h), -1)
    weights = (half[..., None] * GAUSS[1]).reshape(len(h), -1) * h[:, None]
    s = (a[:, None] + u * h[:, None]).ravel()
    velocity, speed = samples.curve.velocity(s)
    tangent = velocity / speed[:, None]
    g, dg = samples.gradients, samples.gradient_rates
    hermite = _cubic(g[i], g[j], dg[i] * h[:, None], dg[j] * h[:, None])
    powers = u[..., None] ** np.arange(4)
    gradient = np.einsum("pnc,puc->pun", hermite, powers).reshape(len(s), -1)
    if less is not None:
        gradient = gradient - less(s)
    across = gradient - np.einsum("kn,kn->k", gradient, tangent)[:, None] * tangent
    q = np.linalg.norm(across, axis=1) * speed
    p = np.abs(_slope(cubic, u).ravel() / np.repeat(h, u.shape[1]))
    defect = (np.hypot(p, q) - p).reshape(u.shape)
    return np.stack([(weights * defect).sum(axis=1) / 2, variation], axis=1)


def _floor(samples: _Samples, given: np.ndarray, across: np.ndarray) -> float:
    """T of what remains of g after its part across the path at the frames is interpolated."""
    at = np.searchsorted(samples.s, given - 1e-12)
    known = CubicSpline(samples.s[at], across[at])
    return float(_measure(samples, samples.s[:-1], samples.s[1:], known)[:, 0].sum())


def _wells(samples: _Samples) -> tuple[Well, ...]:
    values, at = samples.extrema()
    distinct = np.append(True, np.diff(values) != 0)
    values, at = values[distinct], at[distinct]
    wells = []
    for k in range(1, len(values) - 1):
        low = values[k]
        if not (values[k - 1] > low < values[k + 1]):
            continue
        sides = []
        for side in (values[:k][::-1], values[k + 1 :]):
            lower = np.flatnonzero(side < low)
            sides.append(side[: lower[0]].max() if len(lower) else side.max())
        depth = float(min(sides) - low)
        if depth > TOLERANCE:
            wells.append(Well(float(at[k]), float(low), depth, samples.curve(at[[k]])[0]))
    return tuple(wells)
