"""The lowest curvatures of the true surface from few gradients, where a model Hessian is at hand.

A stationary point's index needs two eigenpairs of the Hessian H, not all of it. They are sought in
a growing subspace (Davidson, J. Comput. Phys. 17, 87 (1975), doi:10.1016/0021-9991(75)90065-0; for
the index of stationary points Deglmann, Furche, J. Chem. Phys. 117, 9535 (2002),
doi:10.1063/1.1523393; Reiher, Neugebauer, J. Chem. Phys. 118, 1634 (2003), doi:10.1063/1.1523908):

1. The model, a surrogate's Hessian or one of springs, gets the products H v known so far in place
   of its own (`softest.completed`). Of its lowest modes the one that lies farthest outside the
   subspace is added to it; its product costs one gradient, by a forward difference from the point
   itself.
2. In the subspace H is known: Ritz values theta and vectors u, residuals r = |H u - theta u|. An
   eigenvalue is at most theta. It is positive where theta is more than r B^-1 r, B the Hessian of
   the rest (Schur's complement). That is taken to be twice what the model with all products makes
   of it, or half of r^2 over the next curvature, whichever is more, but no more than r.
3. It ends when the signs are certain. Where the curvature that decides is soft, its Ritz vector's
   product is measured anew as in `index`, over two steps both ways, and those of what is added.

Limits: a negative mode that the model takes for a stiff one is missed (docs/judge.md: how often).
"""

from dataclasses import dataclass, field

import numpy as np

from ..path import remove_rigid_motion, rigid_motions
from .hessian import lowest_modes, without_rigid_motion
from .index import forward_product, hessian_products
from .softest import completed

FORWARD = 0.01  # eV/angstrom^2: what a soft curvature by forward differences may be wrong by
CENTRAL = 0.001  # likewise by the extrapolated central ones
SOFT = 0.03  # eV/angstrom^2: where the curvature that decides is below, it is measured anew
RESOLVED = 0.2  # of a negative curvature, the most that its residual may be
HALF = 0.5  # of the one that is to be positive, likewise
INSIDE = 0.5  # of a wanted mode, the most that may lie outside the subspace
MOST, MOST_AGAIN = 24, 5  # products by forward differences, and by central ones


@dataclass(frozen=True)
class LowestPairs:
    """The lowest eigenpairs of a Hessian, as far as they are needed.

    Attributes
    ----------
    curvatures : (count,) array, eV/angstrom^2, ascending: upper bounds
    residuals, errors : (count,) arrays, eV/angstrom^2: a curvature above its error is positive
    modes : (count, N, 3) array, unit vectors
    matrix : (3N, 3N) array, eV/angstrom^2: the model with all products that were measured
    evaluations : gradients paid for
    """

    curvatures: np.ndarray
    residuals: np.ndarray
    errors: np.ndarray
    modes: np.ndarray
    matrix: np.ndarray
    evaluations: int

    def is_resolved(self, index: int) -> bool:
        """Whether the first `index` modes are known, with negative curvatures."""
        negative = self.curvatures[:index]
        small = self.residuals[:index] < np.maximum(RESOLVED * np.abs(negative), FORWARD)
        return bool((small & (negative < -CENTRAL)).all())

    def is_certain(self, index: int) -> bool:
        """Whether the index is `index`, and that is certain."""
        positive, residuals = self.curvatures[index:], self.residuals[index:]
        seen = residuals < np.maximum(HALF * positive, FORWARD)
        return self.is_resolved(index) and bool((seen & (positive > self.errors[index:])).all())

    @property
    def least_index(self) -> int:
        """How many curvatures are negative for certain: Ritz values are upper bounds."""
        return int((self.curvatures < -FORWARD).sum())


def lowest_pairs(
    oracle,
    x: np.ndarray,
    gradient: np.ndarray,
    model: np.ndarray,
    index: int,
    start: np.ndarray | None = None,
) -> LowestPairs:
    """Return the lowest eigenpairs that tell whether a point is of a given index.

    Parameters
    ----------
    oracle : `Oracle`; pays one evaluation a product, three to ten mostly
    x : (N, 3) array, angstrom, where the forces vanish
    gradient : (N, 3) array, eV/angstrom, there
    model : (3N, 3N) array without rigid motion, eV/angstrom^2, near the Hessian
    index : the number of negative curvatures that is to be shown: 0 of a minimum, 1 of a saddle;
        less than there are vibrations
    start : (N, 3) array, what the lowest mode is thought to be, whatever the model says

    Raises
    ------
    SCFFailure, BudgetExhausted
        from the oracle.
    """
    known = _Subspace(x, model, oracle.invariances, index + 1)
    if start is not None:
        known.first = remove_rigid_motion(start, x, oracle.invariances).ravel()
    while known.size < min(MOST, known.vibrations):
        v = known.farthest()
        known.add(v, forward_product(oracle, x, gradient, v), 1)
        if known.size > index:
            found = known.pairs()
            seen = found.is_certain(index) and known.outside().max() < INSIDE
            if seen or found.least_index > index:
                break
    if found.least_index > index or (found.is_certain(index) and found.curvatures[index] > SOFT):
        return found
    for again in range(MOST_AGAIN):
        v = found.modes[index].ravel() if again == 0 else known.residual_direction(index)
        products, near = hessian_products(oracle, x, v.reshape(1, *x.shape))
        if again == 0:
            known.turn_to(v)
            known.error = CENTRAL + abs(float((products - near)[0] @ v))
        known.add(v, products[0], 4)
        found = known.pairs()
        if found.is_certain(index) or known.size >= known.vibrations:
            break
    return found


@dataclass
class _Subspace:
    """Orthonormal vectors V (K, 3N) with their products P, and the model of all the rest."""

    x: np.ndarray
    model: np.ndarray
    invariances: tuple[str, ...]
    count: int
    first: np.ndarray | None = None
    error: float = FORWARD
    paid: int = 0
    V: np.ndarray = field(init=False)
    P: np.ndarray = field(init=False)

    def __post_init__(self):
        self.V = self.P = np.empty((0, self.x.size))
        self._look()

    @property
    def size(self) -> int:
        return len(self.V)

    @property
    def vibrations(self) -> int:
        return self.x.size - len(rigid_motions(self.x, self.invariances))

    def _look(self) -> None:
        matrix = completed(self.model, self.V, self.P)
        self.matrix = without_rigid_motion(matrix, self.x, self.invariances)
        wanted = self.count + 1
        self.values, modes = lowest_modes(self.matrix, self.x, self.invariances, count=wanted)
        self.modes = modes.reshape(len(modes), -1)[: self.count]

    def add(self, v: np.ndarray, product: np.ndarray, paid: int) -> None:
        self.V, self.P = np.vstack([self.V, v]), np.vstack([self.P, product])
        self.paid += paid
        self._look()

    def turn_to(self, v: np.ndarray) -> None:
        """Let go of a unit vector in the subspace, so that it can be added anew."""
        c = self.V @ v
        kept = np.linalg.svd(c[None])[2][1:]
        self.V, self.P = kept @ self.V, kept @ self.P

    def _beyond(self) -> np.ndarray:
        return self.modes - (self.modes @ self.V.T) @ self.V

    def outside(self) -> np.ndarray:
        """How much of each wanted mode of the corrected model lies outside the subspace."""
        return np.linalg.norm(self._beyond(), axis=1)

    def farthest(self) -> np.ndarray:
        """The unit vector to be added next."""
        if self.first is not None and not self.size:
            return self.first / np.linalg.norm(self.first)
        v = self._beyond()[np.argmax(self.outside())]
        v = v / np.linalg.norm(v)
        v = v - self.V.T @ (self.V @ v)
        return v / np.linalg.norm(v)

    def _ritz(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Ritz values (count,), their vectors and their residuals, (count, 3N)."""
        within = self.V @ self.P.T
        theta, y = np.linalg.eigh((within + within.T) / 2)
        products = y.T[: self.count] @ self.P
        # Inside the subspace H u - theta u vanishes, but for the errors of differences.
        residuals = products - (products @ self.V.T) @ self.V
        return theta[: self.count], y.T[: self.count] @ self.V, residuals

    def residual_direction(self, k: int) -> np.ndarray:
        """The unit vector of a residual: what it is made of is then known, soft or stiff."""
        v = self._ritz()[2][k]
        v = v - self.V.T @ (self.V @ v)
        return v / np.linalg.norm(v)

    def pairs(self) -> LowestPairs:
        theta, u, residuals = self._ritz()
        residuals = np.linalg.norm(residuals, axis=1)
        next_one = self.values[self.count] if len(self.values) > self.count else np.inf
        rest = np.maximum(np.append(theta[1:], next_one), 1e-6)
        below = np.maximum(2 * (theta - self.values[: self.count]), residuals**2 / rest / 2)
        errors = np.full(self.count, FORWARD)
        errors[-1] = self.error
        errors += np.minimum(below, residuals)
        modes = u.reshape(-1, *self.x.shape)
        return LowestPairs(theta, residuals, errors, modes, self.matrix, self.paid)
