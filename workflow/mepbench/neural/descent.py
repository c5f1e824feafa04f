"""The gradient of each loss at given points, with little variance, and its curvature.

All three are *true* gradients: over the whole path they integrate to that of the function
in `losses`. They differ from differentiating the sum over the points by terms whose
integral is known, so that they vanish point by point on the path that is sought, and
drawing other points adds no noise there:

* maxflux: integrated by parts, `w |v| (g_perp - curvature / beta)` with w = exp(beta V);
* action: `g.v` is taken with its sign, so that the integrand `|g||v| - |g.v|` and its
  gradient are zero on a minimum energy path; what that misses is known, `2 g_perp` at each
  maximum of V along the path and `-2 g_perp` at each minimum;
* residual: the integrand is quadratic in what vanishes; nothing to do.

The curvature is that of Gauss and Newton, for the residual `H dx - (g.tau) P dv/|v|` by
which g_perp answers to a move of the path, with an estimated Hessian H. The second term,
transport along the path, rules where the path is steep: without it steps that are good at
the barrier blow up on the flanks.
"""

from dataclasses import dataclass

import numpy as np

from .losses import internal_velocity, norm, through_velocity

FLAT = 0.05  # eV/angstrom: below, |g| is rounded off in the action's curvature
FLATTER = 0.2  # eV/angstrom: the same where the equation of maxflux is solved
SHARPEST = 5.0  # 1/angstrom: the path's curvature is taken to be at most this


@dataclass(frozen=True)
class Points:
    """K points of a path with what is known of the potential there.

    Attributes
    ----------
    x, dx : (K, 3N) arrays, angstrom; dx is dx/ds
    energy, gradient : (K,) and (K, 3N) arrays, eV and eV/angstrom
    hessian, inverse : (K, 3N, 3N) arrays, the estimate and its inverse
    widths : (K,) array, quadrature weights, of sum 1
    """

    x: np.ndarray
    dx: np.ndarray
    energy: np.ndarray
    gradient: np.ndarray
    hessian: np.ndarray
    inverse: np.ndarray
    widths: np.ndarray


@dataclass(frozen=True)
class Descent:
    """What a loss asks for at K points.

    Attributes
    ----------
    on_x, on_velocity : (K, 3N) arrays, gradient of the loss to x and dx/ds
    weight : (K,) array, of the point in the curvature
    hessian, inverse : (K, 3N, 3N) arrays, both restricted to the space across the tangent
    transport : (K,) array, `-(g.tau)/|v|`
    squared : whether r^2 is minimised, or r measured by the inverse Hessian
    top : (K,) array, weight of the Hessian itself (of the energy at a maximum)
    tangent, speed : (K, 3N) and (K,) arrays, of dx/ds without rigid motion
    misfit : (K,) array, eV/angstrom, what should vanish at each point
    """

    on_x: np.ndarray
    on_velocity: np.ndarray
    weight: np.ndarray
    hessian: np.ndarray
    inverse: np.ndarray
    transport: np.ndarray
    squared: bool
    top: np.ndarray
    tangent: np.ndarray
    speed: np.ndarray
    misfit: np.ndarray

    def curvature(self, d_x, d_velocity):
        """Apply the Gauss-Newton matrix to a change of x and dx/ds, both (K, 3N)."""
        h_dx = times(self.hessian, d_x)
        r = h_dx + self.transport[:, None] * across(d_velocity, self.tangent)
        r = self.weight[:, None] * r
        # Of r measured by the inverse Hessian, H H^-1 r is r itself: it lies across the tangent.
        on_x = times(self.hessian, r) if self.squared else r
        if not self.squared and self.transport.any():
            r = times(self.inverse, r)
        return on_x + self.top[:, None] * h_dx, self.transport[:, None] * across(r, self.tangent)

    def block(self):
        """Mean curvature to x alone, (3N, 3N), for preconditioning."""
        h = self.hessian
        if self.squared:
            h = h @ h
        total = np.tensordot(self.weight, h, 1) + np.tensordot(self.top, self.hessian, 1)
        return total / self.weight.sum()

    def squared_blocks(self, dtype: type):
        """Gauss-Newton matrix of a squared residual: of x with x, x with dx/ds and dx/ds with
        itself, three times (K, 3N, 3N), each symmetric, of precision `dtype`.
        """
        weight, transport, top = (
            each[:, None, None].astype(dtype) for each in (self.weight, self.transport, self.top)
        )
        h, t = self.hessian.astype(dtype), self.tangent[..., None].astype(dtype)
        projector = np.eye(h.shape[1], dtype=dtype) - t @ t.mT
        on_x = weight * (h @ h) + top * h
        return on_x, weight * transport * h, weight * transport**2 * projector

    def newton(self):
        """Each point's own Newton step, (K, 3N), angstrom: how far it is asked to go."""
        step = times(self.inverse, self.on_x / self.weight[:, None])
        return times(self.inverse, step) if self.squared else step


def maxflux(
    at: Points,
    *,
    beta: float,
    floor: float,
    bend,
    invariances,
    transport: bool,
    squared: bool = False,
) -> Descent:
    """Descent of `maxflux`, each point's own weight exp(beta V) divided out above `floor`.

    Parameters
    ----------
    floor : least weight of a point relative to the top. The low parts of the path follow
        the same equation, g_perp = curvature/beta, but at their own weight never get there.
    bend : (K, 3N) array, the path's curvature d tau / d l, 1/angstrom
    transport : without it this is the gradient; with it the Gauss-Newton gradient of that
        equation's residual, which has the same zeros and is stable on the flanks
    squared : that residual r is measured by `integral |r|^2/|g| dl`, which is 4 T but for the
        tension 1/beta, instead of by the inverse Hessian, which forgives ripples of stiff bonds
    """
    _, speed, tangent, slope = frame(at, invariances)
    bend = bend * (SHARPEST / np.maximum(norm(bend), SHARPEST))[:, None]
    force = across(at.gradient, tangent) - bend / beta
    weight = at.widths * np.maximum(np.exp(beta * (at.energy - at.energy.max())), floor)
    weight = weight * speed / speed.mean()
    inverse = restricted_inverse(at.inverse, tangent)
    carried = -slope / speed if transport else np.zeros_like(speed)
    hessian = restricted(at.hessian, tangent)
    if squared:
        weight = weight / np.sqrt(norm(at.gradient) ** 2 + FLATTER**2)
    r = weight[:, None] * force
    return Descent(
        on_x=times(hessian, r) if squared else r,
        on_velocity=carried[:, None] * (r if squared else times(inverse, r)),
        weight=weight,
        hessian=hessian,
        inverse=inverse,
        transport=carried,
        squared=squared,
        top=np.zeros_like(speed),
        tangent=tangent,
        speed=speed,
        misfit=norm(force),
    )


def residual(at: Points, *, product, invariances) -> Descent:
    """Descent of `residual`; `product(v)` gives H v, (K, 3N) -> (K, 3N)."""
    _, speed, tangent, slope = frame(at, invariances)
    force = across(at.gradient, tangent)
    on_gradient = 2 * at.widths[:, None] * force
    on_internal = -(slope / speed)[:, None] * on_gradient
    on_x, on_velocity = through_velocity(at.x, at.dx, on_internal, invariances)
    return Descent(
        on_x=on_x + product(on_gradient),
        on_velocity=on_velocity,
        weight=2 * at.widths,
        hessian=restricted(at.hessian, tangent),
        inverse=restricted_inverse(at.inverse, tangent),
        transport=-slope / speed,
        squared=True,
        top=np.zeros_like(speed),
        tangent=tangent,
        speed=speed,
        misfit=norm(force),
    )


def action(at: Points, *, product, invariances) -> Descent:
    """Descent of `action`; `product(v)` gives H v, (K, 3N) -> (K, 3N)."""
    velocity, speed, tangent, slope = frame(at, invariances)
    steepness, sign = norm(at.gradient), np.sign(slope)[:, None]
    # Of |g||v| - |g.v|, by g and by v.
    width = at.widths[:, None]
    on_gradient = width * ((speed / steepness)[:, None] * at.gradient - sign * velocity)
    on_internal = width * (steepness[:, None] * tangent - sign * at.gradient)
    on_x, on_velocity = through_velocity(at.x, at.dx, on_internal, invariances)
    turning, top = turning_points(slope, at.gradient, tangent)
    return Descent(
        on_x=on_x + product(on_gradient) + turning,
        on_velocity=on_velocity,
        weight=at.widths * speed / np.sqrt(steepness**2 + FLAT**2),
        hessian=restricted(at.hessian, tangent),
        inverse=restricted_inverse(at.inverse, tangent),
        transport=-slope / speed,
        squared=True,
        top=top,
        tangent=tangent,
        speed=speed,
        misfit=norm(across(at.gradient, tangent)),
    )


def turning_points(slope, gradient, tangent):
    """Gradient of the total variation of V along the path, `sum +-2 g_perp` where V turns.

    Between two neighbouring points with slopes dV/dl of opposite sign, g is interpolated
    linearly to where the slope vanishes, and the force shared between the two.

    Returns
    -------
    (K, 3N) array, and the (K,) weight of the Hessian at the maxima
    """
    force, top = np.zeros_like(gradient), np.zeros_like(slope)
    for k in np.flatnonzero(slope[:-1] * slope[1:] < 0):
        t = slope[k] / (slope[k] - slope[k + 1])
        direction = (1 - t) * tangent[k] + t * tangent[k + 1]
        direction = direction / np.linalg.norm(direction)
        g = (1 - t) * gradient[k] + t * gradient[k + 1]
        g = g - (g @ direction) * direction
        sign = 2.0 if slope[k] > 0 else -2.0
        force[k] += sign * (1 - t) * g
        force[k + 1] += sign * t * g
        if sign > 0:
            top[k] += 2 * (1 - t)
            top[k + 1] += 2 * t
    return force, top


def frame(at: Points, invariances):
    """Velocity without rigid motion, its length, the unit tangent, and dV/dl."""
    velocity, _ = internal_velocity(at.x, at.dx, invariances)
    speed = norm(velocity)
    tangent = velocity / speed[:, None]
    return velocity, speed, tangent, (at.gradient * tangent).sum(axis=1)


def times(matrices, vectors):
    """(K, n, n) times (K, n)."""
    return (matrices @ vectors[..., None])[..., 0]


def across(vectors, tangent):
    """Remove the component along the unit tangents, all (K, 3N)."""
    return vectors - (vectors * tangent).sum(axis=1, keepdims=True) * tangent


def restricted(hessian, tangent):
    """P H P with P = 1 - tau tau^T."""
    t = tangent[..., None]
    h_t = hessian @ t
    # H - t u^T - u t^T with u = H t - (t.H t)/2 t.
    u = h_t - (t.mT @ h_t) / 2 * t
    outer = t @ u.mT
    return hessian - outer - outer.mT


def restricted_inverse(inverse, tangent):
    """Inverse of P H P on the space across the tangent, from the inverse of H."""
    h_t = inverse @ tangent[..., None]
    return inverse - h_t @ (h_t / (tangent[:, None] @ h_t)).mT
