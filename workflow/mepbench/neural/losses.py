"""The losses: what a path is trained on.

A new loss is one function here, one in `descent` (its gradient at points, and its curvature),
and its name among the options of both neural methods. The functions here define the losses:
those of `descent` are tested against them.

Notation: path x(s), s in [0, 1]; g = grad V; v = dx/ds without rigid motion; tau = v/|v|.
Each function takes

velocity : (K, 3N) array, angstrom
energy, gradient : (K,) and (K, 3N) arrays, eV and eV/angstrom
weight : (K,) array, quadrature weights of the points
beta : 1/eV

and returns a number.
"""

import numpy as np


def residual(velocity, energy, gradient, weight, beta):
    """Strong form: `integral |(I - tau tau^T) g|^2 ds`, (eV/angstrom)^2.

    Zero on any path along the gradient: a minimum energy path, but also a path over a
    saddle of higher order. E, Ren, Vanden-Eijnden, Phys. Rev. B 66, 052301 (2002),
    doi:10.1103/PhysRevB.66.052301, is the equation whose residual this is.
    """
    tangent = velocity / norm(velocity)[:, None]
    perpendicular = gradient - (gradient * tangent).sum(axis=1, keepdims=True) * tangent
    return weight @ (perpendicular**2).sum(axis=1)


def action(velocity, energy, gradient, weight, beta):
    """`integral |g||v| - g.v ds`, eV: Freidlin and Wentzell's action at zero temperature.

    The second term is the constant V_P - V_R, the first the length in the metric |g|. The
    floor is 2 (V_saddle - V_P), reached by the minimum energy path over the lowest saddle:
    uphill the integrand vanishes, downhill it is twice the fall. Geometric form: Heymann,
    Vanden-Eijnden, Comm. Pure Appl. Math. 61, 1052 (2008), doi:10.1002/cpa.20238.
    """
    return weight @ (norm(gradient) * norm(velocity) - (gradient * velocity).sum(axis=1))


def maxflux(velocity, energy, gradient, weight, beta):
    """`(1/beta) log integral exp(beta V) |v| ds`, eV (|v| in angstrom).

    The path of maximal flux at the temperature 1/beta. It needs no second derivative. Its
    minimiser keeps `g_perp = curvature / beta`. Huo, Straub, J. Chem. Phys. 107, 5000
    (1997), doi:10.1063/1.474863.
    """
    top = energy.max()
    return top + np.log((weight * norm(velocity)) @ np.exp(beta * (energy - top))) / beta


LOSSES = {"residual": residual, "action": action, "maxflux": maxflux}


def norm(vectors: np.ndarray) -> np.ndarray:
    """Lengths of (K, n) vectors, (K,)."""
    return np.sqrt(np.einsum("kx,kx->k", vectors, vectors))


def internal_velocity(x, velocity, invariances: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Remove from dx/ds the rigid motion to which the potential is blind.

    Parameters
    ----------
    x, velocity : (K, 3N) arrays, angstrom

    Returns
    -------
    (K, 3N) array, and the (K, 3) angular velocity that was removed
    """
    v, spin = velocity.reshape(len(x), -1, 3), np.zeros((len(x), 3))
    if "translation" in invariances:
        v = v - v.mean(axis=1, keepdims=True)
    if "rotation" in invariances and v.shape[1] > 1:
        c, inertia = _centred(x)
        spin = np.linalg.solve(inertia, _moment(c, v)[..., None])[..., 0]
        v = v - c @ _turning(spin)
    return v.reshape(len(x), -1), spin


def through_velocity(x, velocity, on_velocity, invariances: tuple[str, ...]):
    """Carry a gradient by the internal velocity back to x and dx/ds, all (K, 3N).

    Removing rigid motion from dx/ds is a projection, symmetric in dx/ds. By x it has a derivative
    through the angular velocity w alone: with the angular momentum L = I w, and m = I^-1 sum c x p
    of the given p, dp.v = m.(dI w - dL) - sum p.(w x dc).
    """
    projected, _ = internal_velocity(x, on_velocity, invariances)
    on_x = np.zeros_like(x).reshape(len(x), -1, 3)
    if "rotation" in invariances and on_x.shape[1] > 1:
        shape = on_x.shape
        v, p = (each.reshape(shape) for each in (velocity, on_velocity))
        if "translation" in invariances:
            v = v - v.mean(axis=1, keepdims=True)
        c, inertia = _centred(x)
        w, m = (np.linalg.solve(inertia, _moment(c, each)[..., None])[..., 0] for each in (v, p))
        on_x = 2 * np.einsum("ki,ki->k", m, w)[:, None, None] * c
        on_x -= (c @ w[..., None]) * m[:, None] + (c @ m[..., None]) * w[:, None]
        on_x -= _crossed(v, m) + _crossed(p, w)
        on_x -= on_x.mean(axis=1, keepdims=True)
    return on_x.reshape(x.shape), projected


def turned(vectors: np.ndarray, spin: np.ndarray) -> np.ndarray:
    """Cross product of angular velocities (K, 3) with each atom's part of (K, 3N) vectors."""
    return (vectors.reshape(len(vectors), -1, 3) @ _turning(spin)).reshape(vectors.shape)


def _centred(x) -> tuple[np.ndarray, np.ndarray]:
    """Positions from their centre (K, N, 3), and their moment of inertia (K, 3, 3)."""
    c = x.reshape(len(x), -1, 3)
    c = c - c.mean(axis=1, keepdims=True)
    square = np.einsum("kni,kni->k", c, c)[:, None, None]
    # A linear molecule has no inertia about its axis, and no momentum either.
    return c, (1 + 1e-9) * square * np.eye(3) - c.mT @ c


def _moment(c, v) -> np.ndarray:
    """Sum over atoms of c x v, (K, N, 3) twice -> (K, 3)."""
    m = c.mT @ v
    return np.stack(
        [m[:, 1, 2] - m[:, 2, 1], m[:, 2, 0] - m[:, 0, 2], m[:, 0, 1] - m[:, 1, 0]], axis=1
    )


def _turning(spin) -> np.ndarray:
    """Matrices A, (K, 3, 3), with c @ A = spin x c of row vectors c."""
    a = np.zeros((len(spin), 3, 3))
    for i, j, k in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
        a[:, i, j], a[:, j, i] = spin[:, k], -spin[:, k]
    return a


def _crossed(v, axis) -> np.ndarray:
    """Cross products v x axis, (K, N, 3) and (K, 3)."""
    return -(v @ _turning(axis))
