"""Where the path is evaluated: points drawn anew each step, and what is read off them.

Fixed points get cheated: the network lifts the barrier between them. Each step divides
[0, 1] into cells of equal probability, half of it spread evenly, half concentrated where the
energy was high in the last step, and draws one point in each.
"""

import numpy as np

GRID = np.linspace(0.0, 1.0, 401)


def draw(
    points: int,
    rng: np.random.Generator,
    s: np.ndarray,
    energies: np.ndarray,
    concentration: float,
) -> np.ndarray:
    """Draw stratified points.

    Parameters
    ----------
    points : how many
    s, energies : where the energy is known (ascending, ends included), eV
    concentration : share of the points that goes to the top of the barrier

    Returns
    -------
    (points,) array, ascending, inside (0, 1)
    """
    v = np.interp(GRID, s, energies)
    top = np.exp((v - v.max()) / (0.2 * (v.max() - v.min()) + 1e-9))
    density = (1 - concentration) + concentration * top / top.mean()
    cumulative = np.concatenate([[0.0], np.cumsum((density[1:] + density[:-1]) / 2)])
    level = (np.arange(points) + rng.uniform(size=points)) / points
    drawn = np.interp(level * cumulative[-1], cumulative, GRID)
    return np.clip(drawn, 1e-4, 1 - 1e-4)


def even(points: int) -> np.ndarray:
    """Middles of equal cells, (points,): the fixed quadrature that drawing is compared with."""
    return (np.arange(points) + 0.5) / points


def widths(s: np.ndarray) -> np.ndarray:
    """Weights of the trapezoidal rule over [0, 1] for ascending inner points (ends excluded)."""
    padded = np.concatenate([[0.0], s, [1.0]])
    return (padded[2:] - padded[:-2]) / 2


def hermite_peak(s: np.ndarray, energies: np.ndarray, slopes: np.ndarray) -> tuple[float, float]:
    """Highest point of the cubic Hermite interpolant of V(s): (s, V).

    Parameters
    ----------
    s : (K,) ascending, ends included
    energies, slopes : (K,) V and dV/ds, both of which were paid for
    """
    from scipy.interpolate import CubicHermiteSpline

    curve = CubicHermiteSpline(s, energies, slopes)
    inner = (s[:-1, None] + np.diff(s)[:, None] * np.linspace(0, 1, 21)[None, :]).ravel()
    v = curve(inner)
    return float(inner[np.argmax(v)]), float(v.max())
