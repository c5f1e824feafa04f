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

from ..path import arc_length, spline
from .sampling import (
    GAUSS,
    Curve,
    Samples,
    first_nodes,
    hermite,
    polynomial,
    slope,
    splits,
    thinned,
)
from .surface import Surface

TOLERANCE, RELATIVE_TOLERANCE = 1e-3, 0.01  # eV; whichever is larger
NEAREST = 1e-3  # least distance of two frames or samples, as a fraction of the path


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
    positions: np.ndarray, oracle: Surface, *, frames: int = 41, most_frames: int = 321
) -> PathQuality:
    """Measure the cubic spline through the given frames.

    Parameters
    ----------
    positions : (M, N, 3) array, angstrom
    oracle : what the samples are booked to
    frames : at least so many samples; a path of that many counts as continuous
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
    given = arc_length(positions)
    if given[-1] < 1e-9:
        raise ValueError("a path needs at least two different frames")
    discrete = len(positions) < frames
    kept = thinned(given / given[-1], NEAREST if discrete else 0.5 / (frames - 1))
    if discrete:
        positions = positions[kept]
        given, kept = arc_length(positions), slice(None)
    curve = Curve(spline(positions), oracle.invariances)
    given = given[kept] / given[-1]
    samples = Samples(curve, oracle)
    nodes = first_nodes(given, frames)
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
        if np.abs(samples.s - at).min() < NEAREST:
            break
        predicted = maximum
        samples.add(np.array([at]))
        maximum, at = samples.maximum()
        if abs(maximum - predicted) < TOLERANCE / 10:
            break
    return _summary(samples, given if discrete else None, worst, tolerance)


def _summary(samples: Samples, given, worst, tolerance) -> PathQuality:
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


def _measure(samples: Samples, a: np.ndarray, b: np.ndarray, less=None) -> np.ndarray:
    """T and TV of panels [a, b] between samples, (P, 2), eV; `less` is taken from g first."""
    i, j = np.searchsorted(samples.s, a), np.searchsorted(samples.s, b)
    h = b - a
    v, d = samples.energies, samples.rates
    cubic = hermite(v[i], v[j], d[i] * h, d[j] * h)
    cuts = splits(cubic)
    variation = np.abs(np.diff(polynomial(cubic, cuts), axis=1)).sum(axis=1)

    half, middle = np.diff(cuts, axis=1) / 2, (cuts[:, 1:] + cuts[:, :-1]) / 2
    u = (middle[..., None] + half[..., None] * GAUSS[0]).reshape(len(h), -1)
    weights = (half[..., None] * GAUSS[1]).reshape(len(h), -1) * h[:, None]
    s = (a[:, None] + u * h[:, None]).ravel()
    velocity, speed = samples.curve.velocity(s)
    tangent = velocity / speed[:, None]
    g, dg = samples.gradients, samples.gradient_rates
    cubics = hermite(g[i], g[j], dg[i] * h[:, None], dg[j] * h[:, None])
    powers = u[..., None] ** np.arange(4)
    gradient = np.einsum("pnc,puc->pun", cubics, powers).reshape(len(s), -1)
    if less is not None:
        gradient = gradient - less(s)
    across = gradient - np.einsum("kn,kn->k", gradient, tangent)[:, None] * tangent
    q = np.linalg.norm(across, axis=1) * speed
    p = np.abs(slope(cubic, u).ravel() / np.repeat(h, u.shape[1]))
    defect = (np.hypot(p, q) - p).reshape(u.shape)
    return np.stack([(weights * defect).sum(axis=1) / 2, variation], axis=1)


def _floor(samples: Samples, given: np.ndarray, across: np.ndarray) -> float:
    """T of what remains of g after its part across the path at the frames is interpolated."""
    at = np.searchsorted(samples.s, given - 1e-12)
    known = CubicSpline(samples.s[at], across[at])
    return float(_measure(samples, samples.s[:-1], samples.s[1:], known)[:, 0].sum())


def _wells(samples: Samples) -> tuple[Well, ...]:
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
