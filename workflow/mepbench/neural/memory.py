"""The evaluated points, and what they say about the path after it has moved on.

A point that was paid for some steps ago still tells the energy and gradient near it:
`g + H d`, d how far the path has moved away from it. That makes every step see several
rounds of drawn points at the price of one. It is exact as the path comes to rest.
"""

import numpy as np

from .curvature import first_estimate, secant_update
from .descent import Points
from .losses import internal_velocity
from .network import PathNetwork
from .quadrature import widths

REMEMBERED = 160  # gradients kept for the curvature estimate
REACH = 0.3  # angstrom: a point farther than this from the path is forgotten
DIFFERENCE = 2e-3  # angstrom, largest displacement of an atom in a Hessian-vector product
FIELDS = ("s", "x", "energy", "gradient", "hessian", "inverse", "age")


class Memory:
    """Evaluated points of a path, ascending in s.

    Attributes
    ----------
    s, energy, age : (K,) arrays; age 0 are those of the last round
    x, gradient : (K, 3N) arrays
    hessian, inverse : (K, 3N, 3N) arrays
    """

    def __init__(self, oracle, numbers: np.ndarray):
        n = 3 * len(numbers)
        self.oracle, self.numbers = oracle, numbers
        self.s, self.energy, self.age = np.zeros(0), np.zeros(0), np.zeros(0, dtype=int)
        self.x, self.gradient = np.zeros((0, n)), np.zeros((0, n))
        self.hessian, self.inverse = np.zeros((0, n, n)), np.zeros((0, n, n))
        self._seen_x, self._seen_g = np.zeros((0, n)), np.zeros((0, n))

    def evaluate(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Pay for (K, 3N) geometries: energies (K,) and gradients (K, 3N)."""
        energy, gradient = self.oracle(x.reshape(len(x), -1, 3))
        gradient = gradient.reshape(len(x), -1)
        self._seen_x = np.concatenate([self._seen_x, x])[-REMEMBERED:]
        self._seen_g = np.concatenate([self._seen_g, gradient])[-REMEMBERED:]
        return energy, gradient

    def renew(self, network: PathNetwork, s: np.ndarray, rounds: int) -> None:
        """Evaluate the path at `s`, and keep the points of at most `rounds` earlier rounds."""
        x = network.at(s).x
        energy, gradient = self.evaluate(x)
        hessian = first_estimate(self.numbers, x.reshape(len(x), -1, 3))
        hessian = secant_update(hessian, x, gradient, self._seen_x, self._seen_g)
        self.age = self.age + 1
        self._keep(self.age <= rounds)
        if len(self.s):
            self._follow(network)
        new = dict(s=s, x=x, energy=energy, gradient=gradient, hessian=hessian)
        new |= dict(inverse=np.linalg.inv(hessian), age=np.zeros(len(s), dtype=int))
        for name in FIELDS:
            setattr(self, name, np.concatenate([getattr(self, name), new[name]]))
        self._keep(np.argsort(self.s, kind="stable"))

    def _follow(self, network: PathNetwork) -> None:
        """Move each point's s to where the path now passes it; forget those left behind."""
        points = network.at(self.s)
        velocity, _ = internal_velocity(points.x, points.dx, self.oracle.invariances)
        ahead = ((self.x - points.x) * velocity).sum(axis=1) / (velocity**2).sum(axis=1)
        self.s = self.s + np.clip(ahead, -0.05, 0.05)
        self._keep((self.s > 1e-3) & (self.s < 1 - 1e-3))
        away = network.at(self.s).x - self.x
        self._keep(np.sqrt((away**2).sum(axis=1)) < REACH)

    def _keep(self, which: np.ndarray) -> None:
        for name in FIELDS:
            setattr(self, name, getattr(self, name)[which])

    def carried(self, x: np.ndarray, dx: np.ndarray) -> Points:
        """What is known at the path's points x(s), (K, 3N), by Taylor expansion."""
        d = x - self.x
        h_d = np.einsum("kij,kj->ki", self.hessian, d)
        energy = self.energy + (d * (self.gradient + 0.5 * h_d)).sum(axis=1)
        gradient = self.gradient + h_d
        return Points(x, dx, energy, gradient, self.hessian, self.inverse, widths(self.s))

    def hessian_product(self, v: np.ndarray) -> np.ndarray:
        """H v, (K, 3N): by a forward difference, one evaluation each, for the last round's
        points; by the Hessian that was estimated when they were drawn, for older ones. The
        differences teach the estimates at points that are drawn later.
        """
        product = np.einsum("kij,kj->ki", self.hessian, v)
        fresh = np.flatnonzero(self.age == 0)
        size = np.sqrt((v[fresh].reshape(len(fresh), -1, 3) ** 2).sum(axis=-1)).max(axis=1)
        h = (DIFFERENCE / np.maximum(size, 1e-9))[:, None]
        _, displaced = self.evaluate(self.x[fresh] + h * v[fresh])
        product[fresh] = (displaced - self.gradient[fresh]) / h
        return product
