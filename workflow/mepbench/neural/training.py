"""Training a path network: damped Gauss-Newton steps on freshly drawn points.

A step solves `(J^T C J + damping) d_theta = - J^T gradient` by conjugate gradients, J the
network's derivative to its weights at the drawn points, C the loss's curvature there. So
a step asks for a Newton step of the *path* at each point, and the network carries it to
the points between. The preconditioner is the Kronecker product of the last layer's Gram
matrix and the mean curvature (Martens, Grosse 2015, arXiv:1503.05671).
"""

import numpy as np
import torch

from .losses import internal_velocity

SPEED_POINTS = 32


class SpeedPenalty:
    """`penalty * mean (|v| / mean |v| - 1)^2`, dimensionless but for `penalty`; no evaluation."""

    def __init__(self, points, penalty: float, invariances):
        v, _ = internal_velocity(points.x, points.dx, invariances)
        speed = v.norm(dim=1)
        self.tangent, mean = v / speed[:, None], speed.mean()
        ratio = speed / mean
        self.scale = 2 * penalty / (len(speed) * mean**2)
        pull = (ratio - 1) - ((ratio - 1) * ratio).mean()
        self.on_velocity = (self.scale * mean * pull)[:, None] * self.tangent

    def curvature(self, d_velocity):
        """Apply the Gauss-Newton matrix to a change of dx/ds, (K, 3N)."""
        return self.scale * (d_velocity * self.tangent).sum(dim=1, keepdim=True) * self.tangent


def gauss_newton_step(
    points, descent, speed_points, penalty: SpeedPenalty, damping: float, iterations: int
):
    """Return the change of the weights, (P,)."""
    network = points.network
    gradient = points.vjp(descent.on_x, descent.on_velocity)
    zero = torch.zeros_like(penalty.on_velocity)
    gradient += speed_points.vjp(zero, penalty.on_velocity)

    def curvature(direction):
        on_x, on_velocity = descent.curvature(*points.jvp(direction))
        bent = points.vjp(on_x, on_velocity)
        _, d_velocity = speed_points.jvp(direction)
        return bent + speed_points.vjp(zero, penalty.curvature(d_velocity))

    features = points.features()
    gram = features.T @ (descent.weight[:, None] * features)
    block = descent.block()
    level = damping * float(gram.diagonal().mean() * block.diagonal().mean())
    gram_values, gram_vectors = torch.linalg.eigh(gram)
    block_values, block_vectors = torch.linalg.eigh(block)
    kronecker = block_values.clamp(min=0)[:, None] * gram_values.clamp(min=0) + level
    hidden = len(gradient) - network.last
    probe = torch.zeros_like(gradient)
    probe[:hidden] = 1.0 - 2.0 * (torch.arange(hidden) * 0.61803398875 % 1.0 > 0.5)
    hidden_level = float(probe @ curvature(probe)) / hidden + level if hidden else level

    def precondition(vector):
        out = vector / hidden_level
        weight, bias = network.layers(vector)[-1]
        joint = torch.cat([weight, bias[:, None]], dim=1)
        joint = block_vectors.T @ joint @ gram_vectors / kronecker
        joint = block_vectors @ joint @ gram_vectors.T
        new_weight, new_bias = network.layers(out)[-1]
        new_weight.copy_(joint[:, :-1])
        new_bias.copy_(joint[:, -1])
        return out

    return -conjugate_gradient(
        lambda v: curvature(v) + level * v, gradient, precondition, iterations
    )


def conjugate_gradient(apply, right, precondition, iterations: int, tolerance: float = 0.03):
    """Solve `A x = right`, A positive definite, to a relative residual or a number of steps."""
    x = torch.zeros_like(right)
    r = right.clone()
    z = precondition(r)
    p, rz = z, float(r @ z)
    stop = tolerance**2 * rz
    for _ in range(iterations):
        if rz <= stop or rz <= 0:
            break
        ap = apply(p)
        alpha = rz / float(p @ ap)
        x = x + alpha * p
        r = r - alpha * ap
        z = precondition(r)
        rz, before = float(r @ z), rz
        p = z + (rz / before) * p
    return x


def curvature_vectors(network, s: np.ndarray, invariances, step: float = 1e-4) -> torch.Tensor:
    """Curvature d tau / d l of the path at `s`, (K, 3N), 1/angstrom, free of rigid motion.

    tau turns with the molecule's own rotation as well; that part is taken off.
    """
    k = len(s)
    at = torch.from_numpy(np.concatenate([s - step, s, s + step]))
    points = network.at(at)
    v, spin = internal_velocity(points.x, points.dx, invariances)
    tangent = v / v.norm(dim=1, keepdim=True)
    turning = (tangent[2 * k :] - tangent[:k]) / (2 * step)
    middle = tangent[k : 2 * k]
    turned = torch.linalg.cross(
        spin[k : 2 * k, None].expand(k, network.natoms, 3), middle.view(k, -1, 3)
    )
    turning = turning - turned.reshape(k, -1)
    turning = turning - (turning * middle).sum(dim=1, keepdim=True) * middle
    turning, _ = internal_velocity(points.x[k : 2 * k], turning, invariances)
    return turning / v[k : 2 * k].norm(dim=1, keepdim=True)
