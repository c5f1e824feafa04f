"""What the surrogate believes before it has seen anything.

**Springs**: spectators are stiff, atoms repel.

    V_0(x) = sum_ij k_ij/2 (r_ij - R_ij)^2 + A (0.8 c_ij - r_ij)_+^3,

springs between atoms whose distance is about the same, R_ij, in the reactant and the product;
k_ij = k_Lindh(R_ij)/2 exp(-(change of r_ij / 0.3 A)^2), k_Lindh that of `landscape.model_hessian`.
So bonds that take no part in the reaction are stiff from the start; what breaks or forms is left
to the data. (Half of Lindh's value served best: the rest is learned, and too stiff a spring is
unlearned slowly.) The second term, c_ij the sum of covalent radii, keeps paths out of clashes.

**Learned**: the surrogate of the same reaction on a cheaper level; only the difference between
the levels is left to be learned, which is smaller and smoother (Kennedy, O'Hagan, Biometrika 87, 1
(2000), doi:10.1093/biomet/87.1.1). Where the cheaper level was not evaluated either, its surrogate
is back at its own springs, and says by its deviation that it knows nothing. At each point where
the expensive level is about to be evaluated, the cheaper one is evaluated first.
"""

from collections.abc import Callable

import numpy as np

from ..errors import InputError, plainly
from ..landscape.hessian import hessian
from ..landscape.model_hessian import stretch_constants

SHARE = 0.5
CHANGE = 0.3  # angstrom
CLASH, CLOSE = 60.0, 0.8  # eV/angstrom^3; in sums of covalent radii
BESIDE = 0.01  # angstrom: a point of the cheaper level so near to a known one teaches nothing


class Belief:
    """A prior mean that is sure of itself and learns nothing."""

    # Of the data less the mean: the highest, so that away from all data the surrogate goes up.
    offset = staticmethod(np.max)

    def expansion(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Energy (K,), gradient (K, 3N) and Hessian (K, 3N, 3N) at (K, 3N) geometries."""
        return *self(x), self.hessian(x)

    def deviation(self, x: np.ndarray) -> np.ndarray:
        """How unsure it is of itself at (K, 3N) geometries: (K,), eV."""
        return np.zeros(len(x))

    def consult(self, x: np.ndarray) -> float:
        """Learn about one geometry (N, 3); return by how much its force was off, eV/angstrom."""
        return 0.0

    def exact(self, x: np.ndarray) -> np.ndarray | None:
        """The Hessian (3N, 3N) at (N, 3) of what it is a surrogate of; None if of nothing."""
        return None


class Springs(Belief):
    """Prior mean of molecules.

    Parameters
    ----------
    numbers : (N,) int array
    ends : (2, N, 3) array, angstrom
    pairs : `InverseDistances`
    """

    def __init__(self, numbers: np.ndarray, ends: np.ndarray, pairs):
        self.pairs = pairs
        r, _ = pairs.between(ends.reshape(2, -1))
        self.rest = 1 / (1 / r).mean(axis=0)
        k = stretch_constants(numbers, pairs.i, pairs.j, self.rest)
        self.k = SHARE * k * np.exp(-(((r[0] - r[1]) / CHANGE) ** 2))
        self.closest = CLOSE * pairs.radius

    def _radial(self, r: np.ndarray):
        """V_0 of each pair and its first two derivatives to r."""
        stretch, inside = r - self.rest, np.maximum(self.closest - r, 0.0)
        energy = 0.5 * self.k * stretch**2 + CLASH * inside**3
        return energy, self.k * stretch - 3 * CLASH * inside**2, self.k + 6 * CLASH * inside

    def __call__(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Energy (K,) and gradient (K, 3N) at (K, 3N) geometries."""
        r, unit = self.pairs.between(x)
        energy, slope, _ = self._radial(r)
        return energy.sum(axis=1), self.pairs.pull(unit, slope)

    def expansion(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Energy (K,), gradient (K, 3N) and Hessian (K, 3N, 3N) at (K, 3N) geometries."""
        r, unit = self.pairs.between(x)
        energy, slope, stiffness = self._radial(r)
        hessian = self.pairs.radial(unit, stiffness - slope / r, slope / r)
        return energy.sum(axis=1), self.pairs.pull(unit, slope), hessian


class Flat(Belief):
    """No belief: where there are no bonds (model surfaces)."""

    def __call__(self, x):
        """Zero energy and gradient."""
        return np.zeros(len(x)), np.zeros_like(x)

    def hessian(self, x):
        """Zero."""
        return np.zeros((len(x), x.shape[1], x.shape[1]))


class Learned(Belief):
    """The surrogate of a cheaper level.

    Parameters
    ----------
    surrogate : `GaussianProcess` of that level, in the frame of the expensive one's reaction
    oracle : `Oracle` of that level

    Attributes
    ----------
    failure : why the cheaper level is asked no more; empty while it is
    """

    # Absolute energies of two levels have nothing in common but a constant.
    offset = staticmethod(np.mean)

    def __init__(self, surrogate, oracle):
        self.surrogate, self.oracle, self.failure = surrogate, oracle, ""

    def __call__(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Energy (K,) and gradient (K, 3N) at (K, 3N) geometries."""
        return self.surrogate(x)

    def expansion(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Energy (K,), gradient (K, 3N) and Hessian (K, 3N, 3N) at (K, 3N) geometries."""
        return self.surrogate.expansion(x)

    def deviation(self, x: np.ndarray) -> np.ndarray:
        """That of the cheaper level's surrogate, (K,), eV."""
        return self.surrogate.deviation(x)

    def consult(self, x: np.ndarray) -> float:
        """Pay the cheaper level for one geometry, unless it is known there or has failed.

        Where it knows too many, those farthest from there are forgotten.
        """
        if self.surrogate.away(x) < BESIDE:
            return 0.0
        _, believed = self.surrogate(x.reshape(1, -1))
        answer = self._asked(lambda: self.oracle(x[None]))
        if answer is None:
            return 0.0
        energies, gradients = answer
        process = self.surrogate
        process.add(x.reshape(1, -1), energies, gradients.reshape(1, -1))
        process.forget_farthest(process.distances(x))
        return float(np.linalg.norm(gradients[0] - believed.reshape(x.shape), axis=1).max())

    def exact(self, x: np.ndarray) -> np.ndarray | None:
        """The cheaper level's own Hessian at (N, 3), for 3N + 1 evaluations; None if it fails."""
        return self._asked(lambda: hessian(self.oracle, x, forward=True))

    def _asked(self, question: Callable):
        if self.failure:
            return None
        try:
            with self.oracle.clocked():
                return question()
        except InputError:
            raise
        except Exception as error:  # whatever a calculator raises
            self.failure = plainly(error)
            return None
