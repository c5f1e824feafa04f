"""The losses: what a path is trained on.

A new loss is one function here, one in `descent` (its gradient at points, and its curvature),
and its name among the options of both neural methods. The functions here define the losses:
those of `descent` are tested against them.

Notation: path x(s), s in [0, 1]; g = grad V; v = dx/ds without rigid motion; tau = v/|v|.
Each function takes

velocity : (K, 3N) tensor, angstrom
energy, gradient : (K,) and (K, 3N) tensors, eV and eV/angstrom
weight : (K,) tensor, quadrature weights of the points
beta : 1/eV

and returns a differentiable scalar. `gradient` may be differentiated as well (a
Hessian-vector product): that is what `residual` and `action` cost beyond `maxflux`.
"""

import torch


def residual(velocity, energy, gradient, weight, beta):
    """Strong form: `integral |(I - tau tau^T) g|^2 ds`, (eV/angstrom)^2.

    Zero on any path along the gradient: a minimum energy path, but also a path over a
    saddle of higher order. E, Ren, Vanden-Eijnden, Phys. Rev. B 66, 052301 (2002),
    doi:10.1103/PhysRevB.66.052301, is the equation whose residual this is.
    """
    tangent = velocity / velocity.norm(dim=1, keepdim=True)
    perpendicular = gradient - (gradient * tangent).sum(dim=1, keepdim=True) * tangent
    return (weight * (perpendicular**2).sum(dim=1)).sum()


def action(velocity, energy, gradient, weight, beta):
    """`integral |g||v| - g.v ds`, eV: Freidlin and Wentzell's action at zero temperature.

    The second term is the constant V_P - V_R, the first the length in the metric |g|. The
    floor is 2 (V_saddle - V_P), reached by the minimum energy path over the lowest saddle:
    uphill the integrand vanishes, downhill it is twice the fall. Geometric form: Heymann,
    Vanden-Eijnden, Comm. Pure Appl. Math. 61, 1052 (2008), doi:10.1002/cpa.20238.
    """
    speed = (velocity**2).sum(dim=1).sqrt()
    steepness = (gradient**2).sum(dim=1).sqrt()
    return (weight * (steepness * speed - (gradient * velocity).sum(dim=1))).sum()


def maxflux(velocity, energy, gradient, weight, beta):
    """`(1/beta) log integral exp(beta V) |v| ds`, eV (|v| in angstrom).

    The path of maximal flux at the temperature 1/beta. It needs no second derivative. Its
    minimiser keeps `g_perp = curvature / beta`. Huo, Straub, J. Chem. Phys. 107, 5000
    (1997), doi:10.1063/1.474863.
    """
    speed = (velocity**2).sum(dim=1).sqrt()
    return torch.logsumexp(beta * energy + torch.log(weight * speed), dim=0) / beta


LOSSES = {"residual": residual, "action": action, "maxflux": maxflux}


def internal_velocity(x, velocity, invariances: tuple[str, ...]):
    """Remove from dx/ds the rigid motion to which the potential is blind (differentiable).

    Parameters
    ----------
    x, velocity : (K, 3N) tensors, angstrom

    Returns
    -------
    (K, 3N) tensor, and the (K, 3) angular velocity that was removed
    """
    count = len(x)
    v = velocity.view(count, -1, 3)
    if "translation" in invariances:
        v = v - v.mean(dim=1, keepdim=True)
    spin = torch.zeros(count, 3, dtype=x.dtype)
    if "rotation" in invariances and v.shape[1] > 1:
        c = x.view(count, -1, 3)
        c = c - c.mean(dim=1, keepdim=True)
        momentum = torch.linalg.cross(c, v).sum(dim=1)
        square = (c**2).sum(dim=(1, 2))
        inertia = square[:, None, None] * torch.eye(3, dtype=x.dtype) - c.mT @ c
        # A linear molecule has no inertia about its axis, and no momentum either.
        inertia = inertia + 1e-9 * square[:, None, None] * torch.eye(3, dtype=x.dtype)
        spin = torch.linalg.solve(inertia, momentum[..., None])[..., 0]
        v = v - torch.linalg.cross(spin[:, None].expand_as(c), c)
    return v.reshape(count, -1), spin
