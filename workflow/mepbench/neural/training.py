"""One training step: damped Gauss-Newton on the network's weights.

It solves `(J^T C J + damping) d_theta = - J^T gradient`, J the network's derivative to its
weights at the given points, C the loss's curvature there. So each point asks for a Newton
step of the *path*, and the network carries it to the points between.

* `gauss_newton_step`: all weights, by conjugate gradients. The preconditioner is, for the
  output layer, the Kronecker product of its Gram matrix and the mean curvature (Martens,
  Grosse 2015, arXiv:1503.05671); for the hidden layers a number. Good enough to find the way.
* `output_layer_step`: the output layer alone, in which the path is linear, by Cholesky
  factorisation. The curvature of a squared residual is that of the potential squared, so
  badly conditioned that conjugate gradients leave most of the misfit after twenty iterations,
  and nearly half of it after a hundred.
* `Adam`: the gradient alone, for comparison: how networks are trained where there are too many
  weights for anything else.
"""

from dataclasses import replace

import numpy as np
from scipy.linalg import cho_solve, cholesky

from .descent import Descent
from .losses import internal_velocity, norm, turned
from .network import PathNetwork, PathPoints
from .quadrature import even

GRID = even(100)
SPEED_POINTS = even(24)  # where a path's speed is looked at
CUT = 1e-4  # of the largest feature: below, a feature is left as it is
SINGLE = np.float32  # enough for a step: the damping bounds the condition number
WRIGGLE = 0.25  # power of the inverse size by which small features are damped more


class SpeedPenalty:
    """`penalty * mean (|v| / mean |v| - 1)^2` over K points; costs no evaluation.

    Attributes
    ----------
    on_velocity : (K, 3N) array, its gradient to dx/ds
    """

    def __init__(self, x, dx, penalty: float, invariances):
        v, _ = internal_velocity(x, dx, invariances)
        speed = norm(v)
        self.tangent, mean = v / speed[:, None], speed.mean()
        ratio = speed / mean
        self.scale = 2 * penalty / (len(speed) * mean**2)
        pull = (ratio - 1) - ((ratio - 1) * ratio).mean()
        self.on_velocity = (self.scale * mean * pull)[:, None] * self.tangent

    def curvature(self, d_velocity):
        """Apply the Gauss-Newton matrix to a change of dx/ds, (K, 3N)."""
        along = (d_velocity * self.tangent).sum(axis=1, keepdims=True)
        return self.scale * along * self.tangent


def gauss_newton_step(
    points: PathPoints,
    descent: Descent,
    penalty: SpeedPenalty,
    damping: float,
    iterations: int,
) -> np.ndarray:
    """Return the change of the weights, (P,).

    Parameters
    ----------
    points : those of `descent`, followed by those of `penalty`
    damping : relative to the mean diagonal of the last layer's curvature
    """
    network, count = points.network, len(descent.weight)
    nothing = np.zeros_like(penalty.on_velocity)
    gradient = loss_gradient(points, descent, penalty)

    def curvature(direction):
        d_x, d_velocity = points.jvp(direction)
        on_x, on_velocity = descent.curvature(d_x[:count], d_velocity[:count])
        bent = penalty.curvature(d_velocity[count:])
        return points.vjp(np.concatenate([on_x, nothing]), np.concatenate([on_velocity, bent]))

    features = points.features()[:count]
    gram = features.T @ (descent.weight[:, None] * features)
    block = descent.block()
    level = damping * float(gram.diagonal().mean() * block.diagonal().mean())
    gram_values, gram_vectors = np.linalg.eigh(gram)
    block_values, block_vectors = np.linalg.eigh(block)
    kronecker = np.maximum(block_values, 0)[:, None] * np.maximum(gram_values, 0) + level
    hidden = len(gradient) - network.last
    # Hutchinson's estimate of the hidden layers' mean diagonal, with fixed signs.
    probe = np.zeros_like(gradient)
    probe[:hidden] = 1.0 - 2.0 * (np.arange(hidden) * 0.61803398875 % 1.0 > 0.5)
    hidden_level = float(probe @ curvature(probe)) / max(hidden, 1) + level

    def precondition(vector):
        out = vector / hidden_level
        weight, bias = network.layers(vector)[-1]
        joint = np.concatenate([weight, bias[:, None]], axis=1)
        joint = block_vectors @ (block_vectors.T @ joint @ gram_vectors / kronecker)
        return _with_output_layer(network, out, joint @ gram_vectors.T)

    return conjugate_gradient(
        lambda v: curvature(v) + level * v, -gradient, precondition, iterations
    )


def output_layer_step(
    points: PathPoints,
    descent: Descent,
    penalty: SpeedPenalty,
    damping: float,
    relative_damping: float,
) -> np.ndarray:
    """Return the change of the weights, (P,), nonzero in the output layer only.

    The path is `x = x_0 + basis(s) c`, c one vector of internal motion for each of the output
    layer's features made orthonormal on [0, 1]. Features of little size are the ones that
    wriggle most; they are damped a little more, those below CUT left out.

    Parameters
    ----------
    points : those of `descent`, followed by those of `penalty`
    damping : relative to the mean diagonal of the curvature
    relative_damping : of each motion relative to its own curvature (Marquardt, J. Soc. Indust.
        Appl. Math. 11, 431 (1963), doi:10.1137/0111030): soft motions are not held as stiff ones
    """
    network, count = points.network, len(descent.weight)
    _, size, modes = np.linalg.svd(network.at(GRID).features(), full_matrices=False)
    size, modes = size[size > CUT * size[0]], modes[size > CUT * size[0]]
    orthonormal = modes.T * (len(GRID) ** 0.5 / size)
    basis, slopes = points.features() @ orthonormal, points.feature_slopes() @ orthonormal
    internal, features = network.internal, len(size)
    motions = internal.shape[1]

    # Curvature, (features, motions, features, motions): sums over points of (features x
    # features) times (motions x motions), all of them symmetric. The factorisation reads the
    # lower triangle alone.
    one, other = np.tril_indices(features)
    a, b = basis[:count].astype(SINGLE), slopes[:count].astype(SINGLE)
    mixed_s = a[:, one] * b[:, other] + b[:, one] * a[:, other]
    of_s = np.concatenate([a[:, one] * a[:, other], mixed_s, b[:, one] * b[:, other]])
    on_x, mixed, on_velocity = descent.squared_blocks(SINGLE)
    of_x = np.concatenate([(1 + relative_damping) * on_x, mixed, on_velocity])
    to_internal = internal.astype(SINGLE)
    of_x = to_internal.T @ of_x @ to_internal
    block = (of_s.T @ of_x.reshape(len(of_s), -1)).reshape(-1, motions, motions)
    curvature = np.zeros((features, motions, features, motions), dtype=SINGLE)
    curvature.swapaxes(1, 2)[one, other] = block
    curvature = curvature.reshape(features * motions, -1)
    along = slopes[count:, :, None] * (penalty.tangent @ internal)[:, None]
    along = (np.sqrt(penalty.scale) * along).reshape(len(along), -1).astype(SINGLE)
    curvature += along.T @ along

    gradient = basis[:count].T @ descent.on_x + slopes[:count].T @ descent.on_velocity
    gradient = (gradient + slopes[count:].T @ penalty.on_velocity) @ internal
    level = damping * curvature.diagonal().mean() * (size[0] / size) ** WRIGGLE
    curvature[np.diag_indices_from(curvature)] += np.repeat(level, motions).astype(SINGLE)
    factor = cholesky(curvature, lower=True, overwrite_a=True, check_finite=False), True
    move = cho_solve(factor, -gradient.ravel().astype(SINGLE), check_finite=False)
    move = move.reshape(features, motions).astype(float)
    return _with_output_layer(
        network, np.zeros_like(network.theta), internal @ (orthonormal @ move).T
    )


class Adam:
    """First-order steps of all weights (Kingma, Ba 2014, arXiv:1412.6980).

    Parameters
    ----------
    rate : how far a weight moves in one step, about
    """

    def __init__(self, rate: float):
        self.rate, self._network = rate, None

    def step(
        self, points: PathPoints, descent: Descent, penalty: SpeedPenalty, share: float
    ) -> np.ndarray:
        """Return the change of the weights, (P,), at `share` of the full rate."""
        gradient = loss_gradient(points, descent, penalty)
        if points.network is not self._network:  # its hidden layers are other ones
            self._network, self._steps = points.network, 0
            self._mean, self._square = np.zeros_like(gradient), np.zeros_like(gradient)
        self._steps += 1
        self._mean = 0.9 * self._mean + 0.1 * gradient
        self._square = 0.999 * self._square + 0.001 * gradient**2
        mean = self._mean / (1 - 0.9**self._steps)
        size = np.sqrt(self._square / (1 - 0.999**self._steps))
        return -share * self.rate * mean / (size + 1e-8)


def loss_gradient(points: PathPoints, descent: Descent, penalty: SpeedPenalty) -> np.ndarray:
    """Gradient to the weights, (P,), of loss and speed penalty."""
    on_x = np.concatenate([descent.on_x, np.zeros_like(penalty.on_velocity)])
    return points.vjp(on_x, np.concatenate([descent.on_velocity, penalty.on_velocity]))


def _with_output_layer(network: PathNetwork, vector, matrix):
    """Write (3N, W + 1), weights and bias, to the output layer's place in a weight vector."""
    weight, bias = network.layers(vector)[-1]
    weight[:], bias[:] = matrix[:, :-1], matrix[:, -1]
    return vector


def conjugate_gradient(apply, right, precondition, iterations: int, tolerance: float = 0.03):
    """Solve `A x = right`, A positive definite, to a relative residual or a number of steps."""
    x = np.zeros_like(right)
    r = right.copy()
    z = precondition(r)
    p, rz = z, float(r @ z)
    stop = tolerance**2 * rz
    for _ in range(iterations):
        if rz <= stop:
            break
        ap = apply(p)
        pap = float(p @ ap)
        if not pap > 0:  # rounding has made the matrix indefinite, or not a number
            break
        alpha = rz / pap
        x = x + alpha * p
        r = r - alpha * ap
        z = precondition(r)
        rz, before = float(r @ z), rz
        p = z + (rz / before) * p
    return x


def bend(network: PathNetwork, s: np.ndarray, invariances, step: float = 1e-4) -> np.ndarray:
    """Curvature d tau / d l of the path at `s`, (K,) -> (K, 3N), 1/angstrom, by differences.

    Where the molecule rotates along the path, tau turns with it; that part is taken off.
    """
    k = len(s)
    points = network.at(np.concatenate([s - step, s, s + step]))
    velocity, spin = internal_velocity(points.x, points.dx, invariances)
    speed = norm(velocity)[:, None]
    tangent = velocity / speed
    turning = (tangent[2 * k :] - tangent[:k]) / (2 * step)
    middle = tangent[k : 2 * k]
    turning = turning - turned(middle, spin[k : 2 * k])
    turning = turning - (turning * middle).sum(axis=1, keepdims=True) * middle
    turning, _ = internal_velocity(points.x[k : 2 * k], turning, invariances)
    return turning / speed[k : 2 * k]


def within_trust(found: Descent, trust: float) -> Descent:
    """Shorten what each point of a descent is asked to move to at most `trust` angstrom."""
    asked = _largest_displacement(found.newton())
    share = np.minimum(trust / np.maximum(asked, 1e-12), 1.0)[:, None]
    return replace(found, on_x=share * found.on_x, on_velocity=share * found.on_velocity)


def shortened(path: PathPoints, move: np.ndarray, trust: float) -> tuple[np.ndarray, float]:
    """Shorten a change of the weights until no atom moves farther than half as much again as
    `trust` angstrom; return it, and how far the one that moves most does.
    """
    far = float(_largest_displacement(path.jvp(move)[0]).max())
    scale = min(1.0, 1.5 * trust / max(far, 1e-12))
    return scale * move, scale * far


def _largest_displacement(moves: np.ndarray) -> np.ndarray:
    """Displacement of the atom that moves most, (K, 3N) -> (K,), angstrom."""
    return np.sqrt((moves.reshape(len(moves), -1, 3) ** 2).sum(axis=2).max(axis=1))
