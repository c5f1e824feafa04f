"""The gradient of each loss at drawn points, with little variance, and its curvature.

All three are *true* gradients: over the whole path they integrate to that of the function
in `losses`. They differ from differentiating the sum over the drawn points by terms whose
integral is known, so that they vanish point by point on the path that is sought:

* maxflux: integrated by parts, `w |v| (g_perp - curvature / beta)` with w = exp(beta V);
* action: `g.v` is taken with its sign, so that the integrand `|g||v| - |g.v|` and its
  gradient are zero on a minimum energy path; what it misses is known, `2 g_perp` at each
  maximum of V along the path and `-2 g_perp` at each minimum;
* residual: the integrand is quadratic in what vanishes; nothing to do.

The curvature is that of Gauss and Newton, with the estimated Hessian in place of the true.
"""

from dataclasses import dataclass

import torch

from .losses import LOSSES, internal_velocity

FLAT = 0.05  # eV/angstrom: below, |g| is rounded off in the action's curvature


@dataclass(frozen=True)
class Descent:
    """What one loss asks for at K points.

    Attributes
    ----------
    on_x, on_velocity : (K, 3N) tensors, gradient of the loss to x and dx/ds
    weight : (K,) tensor, of the point in the curvature
    hessian : (K, 3N, 3N) tensor, the estimate with the tangent projected out
    transport : (K,) tensor; the residual that is squared is hessian dx + transport P dv
    squared : whether the curvature is that of a squared residual, or the Hessian's own
    top : (K,) tensor, weight of the Hessian itself (the energy at the maximum)
    tangent : (K, 3N) tensor
    misfit : (K,) tensor, eV/angstrom, what should vanish at each point
    """

    on_x: torch.Tensor
    on_velocity: torch.Tensor
    weight: torch.Tensor
    hessian: torch.Tensor
    transport: torch.Tensor
    squared: bool
    top: torch.Tensor
    tangent: torch.Tensor
    misfit: torch.Tensor
    inverse: torch.Tensor = None

    def curvature(self, d_x, d_velocity):
        """Apply the Gauss-Newton matrix to a change of x and dx/ds, both (K, 3N)."""
        h_dx = torch.bmm(self.hessian, d_x[..., None])[..., 0]
        r = h_dx + self.transport[:, None] * across(d_velocity, self.tangent)
        r = self.weight[:, None] * r
        if not self.squared:
            r = torch.bmm(self.inverse, r[..., None])[..., 0]
        on_x = torch.bmm(self.hessian, r[..., None])[..., 0] + self.top[:, None] * h_dx
        return on_x, self.transport[:, None] * across(r, self.tangent)

    def block(self):
        """Mean curvature to x alone, (3N, 3N), for preconditioning."""
        h = self.hessian
        if not self.squared:
            return (self.weight[:, None, None] * h).sum(dim=0) / self.weight.sum()
        square = self.weight[:, None, None] * torch.bmm(h, h) + self.top[:, None, None] * h
        return square.sum(dim=0) / self.weight.sum()


def across(vectors, tangent):
    """Remove the component along the unit tangents, all (K, 3N)."""
    return vectors - (vectors * tangent).sum(dim=1, keepdim=True) * tangent


def project(hessian, tangent):
    """Return P H P with P = 1 - tau tau^T for (K, n, n) and (K, n)."""
    h_t = torch.bmm(hessian, tangent[..., None])
    t = tangent[..., None]
    tht = torch.bmm(t.mT, h_t)
    return hessian - t @ h_t.mT - h_t @ t.mT + tht * (t @ t.mT)


def maxflux(x, dx, energy, gradient, hessian, inverse, widths, *, beta, floor, curvature, invariances):
    velocity, _ = internal_velocity(x, dx, invariances)
    speed = velocity.norm(dim=1)
    tangent = velocity / speed[:, None]
    sharpness = curvature.norm(dim=1, keepdim=True)
    force = across(gradient, tangent) - curvature * (5 / sharpness.clamp(min=5)) / beta
    weight = widths * torch.exp(beta * (energy - energy.max())).clamp(min=floor)
    zero = torch.zeros_like(energy)
    slope = (gradient * tangent).sum(dim=1)
    transport = -slope / speed
    inverse = restricted_inverse(inverse, tangent)
    newton = torch.bmm(inverse, (weight[:, None] * force)[..., None])[..., 0]
    return Descent(
        weight[:, None] * force, transport[:, None] * newton, weight, project(hessian, tangent),
        transport, False, zero, tangent, force.norm(dim=1), inverse,
    )  # fmt: skip


def restricted_inverse(inverse, tangent):
    """Inverse of P H P on the space across the tangent, from the inverse of H."""
    h_t = torch.bmm(inverse, tangent[..., None])
    return inverse - h_t @ h_t.mT / torch.bmm(tangent[:, None], h_t)


class _Model(torch.autograd.Function):
    """Energy and gradient known at x, whose derivative H v is known as well."""

    @staticmethod
    def forward(ctx, x, energy, gradient, product):
        ctx.product = product
        return energy.clone(), gradient.clone()

    @staticmethod
    def backward(ctx, d_energy, d_gradient):
        return ctx.product(d_gradient), None, None, None


def residual(x, dx, energy, gradient, hessian, inverse, widths, *, product, invariances):
    """Descent of `residual`; `product` gives H v, which costs one evaluation a fresh point."""
    x, dx = x.clone().requires_grad_(), dx.clone().requires_grad_()
    with torch.enable_grad():
        velocity, _ = internal_velocity(x, dx, invariances)
        energy, gradient = _Model.apply(x, energy, gradient, product)
        value = LOSSES["residual"](velocity, energy, gradient, widths, None)
    on_x, on_dx = torch.autograd.grad(value, (x, dx))
    velocity, gradient = velocity.detach(), gradient.detach()
    speed = velocity.norm(dim=1)
    tangent = velocity / speed[:, None]
    along = (gradient * tangent).sum(dim=1)
    misfit = across(gradient, tangent).norm(dim=1)
    return Descent(
        on_x, on_dx, 2 * widths, project(hessian, tangent), -along / speed, True,
        torch.zeros_like(along), tangent, misfit, restricted_inverse(inverse, tangent),
    )  # fmt: skip


def action(x, dx, energy, gradient, hessian, inverse, widths, *, product, invariances):
    """Descent of `action`; `product` gives H v, which costs one evaluation a fresh point."""
    x, dx = x.clone().requires_grad_(), dx.clone().requires_grad_()
    with torch.enable_grad():
        velocity, _ = internal_velocity(x, dx, invariances)
        energy, gradient = _Model.apply(x, energy, gradient, product)
        speed, steepness = velocity.norm(dim=1), gradient.norm(dim=1)
        along = (gradient * velocity).sum(dim=1)
        value = (widths * (steepness * speed - along.abs())).sum()
    on_x, on_dx = torch.autograd.grad(value, (x, dx))
    velocity, gradient, speed = velocity.detach(), gradient.detach(), speed.detach()
    tangent = velocity / speed[:, None]
    slope = (gradient * tangent).sum(dim=1)
    force, top = turning_points(slope, gradient, tangent)
    misfit = across(gradient, tangent).norm(dim=1)
    weight = widths * speed / (gradient.norm(dim=1) ** 2 + FLAT**2).sqrt()
    return Descent(
        on_x + force, on_dx, weight, project(hessian, tangent), -slope / speed, True,
        top, tangent, misfit, restricted_inverse(inverse, tangent),
    )  # fmt: skip


def turning_points(slope, gradient, tangent):
    """Gradient of the total variation of V along the path, `sum +-2 g_perp` where V turns.

    Between two neighbouring points with slopes dV/dl of opposite sign, g is interpolated
    linearly to where the slope vanishes, and the force shared between the two.

    Returns
    -------
    (K, 3N) tensor, and the (K,) weight of the Hessian at the maxima
    """
    force, top = torch.zeros_like(gradient), torch.zeros_like(slope)
    for k in torch.nonzero(slope[:-1] * slope[1:] < 0).ravel().tolist():
        t = float(slope[k] / (slope[k] - slope[k + 1]))
        mean = (1 - t) * gradient[k] + t * gradient[k + 1]
        direction = (1 - t) * tangent[k] + t * tangent[k + 1]
        direction = direction / direction.norm()
        mean = mean - (mean @ direction) * direction
        sign = 2.0 if slope[k] > 0 else -2.0
        force[k] += sign * (1 - t) * mean
        force[k + 1] += sign * t * mean
        if sign > 0:
            top[k] += 2 * (1 - t)
            top[k + 1] += 2 * t
    return force, top
