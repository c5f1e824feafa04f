"""Training the path on the surrogate: every derivative is exact, and no evaluation is paid.

Gauss-Newton steps on the weights, as for the direct solver, on points drawn anew; but the
curvature that shapes them is the surrogate's own Hessian, its eigenvalues made positive, and
the Hessian-vector products that `residual` and `action` need are exact.
"""

import numpy as np

from . import descent
from .quadrature import draw, widths
from .training import SPEED_POINTS, SpeedPenalty, bend, gauss_newton_step, shortened, within_trust

SOFTEST, STIFFEST = 2.0, 200.0  # eV/angstrom^2, of the curvature that shapes a step
CONJUGATE_GRADIENTS = 6
AT_REST = 0.02  # angstrom: a step that moves no atom farther ends the training


class Relaxation:
    """Trains one curve on a surrogate.

    Parameters
    ----------
    curve : `PathNetwork`, or another curve of `curves`
    surrogate : `Surrogate`
    rng : draws the points
    points : per step
    concentration : share of them near the top
    floor : of a low point's weight relative to the top, in maxflux
    speed_penalty, damping : see `training`
    """

    def __init__(
        self, curve, surrogate, rng, *, points, concentration, floor, speed_penalty, damping
    ):
        self.curve, self.surrogate, self.rng = curve, surrogate, rng
        self.points, self.concentration, self.floor = points, concentration, floor
        self.speed_penalty, self.damping = speed_penalty, damping
        self.profile = (np.array([0.0, 0.5, 1.0]), np.zeros(3))

    def __call__(self, steps: int, *, trust: float, beta: float, loss: str = "maxflux") -> None:
        """Take at most `steps` steps of at most `trust` angstrom each."""
        if not hasattr(self.curve, "theta"):
            return
        for _ in range(steps):
            if self._step(trust, beta, loss) < AT_REST:
                break

    def _step(self, trust: float, beta: float, loss: str) -> float:
        s = draw(self.points, self.rng, *self.profile, self.concentration)
        invariances = self.surrogate.invariances
        path, count = self.curve.at(np.concatenate([s, SPEED_POINTS])), len(s)
        x = path.x[:count]
        energy, gradient, exact = self.surrogate.expansion(x)
        reactant, product = self.surrogate.ends
        self.profile = (
            np.concatenate([[0.0], s, [1.0]]),
            np.concatenate([[reactant], energy, [product]]),
        )
        known = (energy, gradient, *positive(exact), widths(s))
        points = descent.Points(x, path.dx[:count], *known)
        if loss == "maxflux":
            found = descent.maxflux(
                points,
                beta=beta,
                floor=self.floor,
                bend=bend(self.curve, s, invariances),
                invariances=invariances,
                transport=False,
            )
        else:
            found = getattr(descent, loss)(
                points, product=lambda v: descent.times(exact, v), invariances=invariances
            )
        found = within_trust(found, trust)
        penalty = SpeedPenalty(path.x[count:], path.dx[count:], self.speed_penalty, invariances)
        move = gauss_newton_step(path, found, penalty, self.damping, CONJUGATE_GRADIENTS)
        move, far = shortened(path, move, trust)
        self.curve.theta = self.curve.theta + move
        return far


def positive(hessian: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """|H| within bounds, and its inverse, (K, n, n)."""
    values, modes = np.linalg.eigh(hessian)
    size = np.clip(np.abs(values), SOFTEST, STIFFEST)
    return (modes * size[:, None]) @ modes.mT, (modes / size[:, None]) @ modes.mT
