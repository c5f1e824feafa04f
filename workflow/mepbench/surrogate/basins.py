"""What a surrogate of minima believes: springs at rest at each given geometry; the lowest count.

Each geometry e has springs between all pairs of atoms, those of `landscape.model_hessian.gaussian`,

    V_e(x) = sum_ij k_ij/2 (r_ij - R_ij)^2,    k and R those of the geometry e,

and of several the lowest holds, by a smooth minimum,

    V_0 = -1/beta log sum_e exp(-beta V_e).

So one mean function serves all ends of a reaction, and near each it is the springs of that end, as
in an empirical valence bond without coupling: Warshel, Weiss, J. Am. Chem. Soc. 102, 6218 (1980),
doi:10.1021/ja00540a008. (`prior.Springs`, made for paths, leaves out the bonds that react.)
"""

import numpy as np

from ..landscape.model_hessian import gaussian
from .descriptor import InverseDistances
from .prior import Belief

BETA = 3.0  # 1/eV


class Basins(Belief):
    """Prior mean of molecules near given geometries.

    Parameters
    ----------
    numbers : (N,) int array
    geometries : (E, N, 3) array, angstrom
    pairs : `InverseDistances`
    """

    def __init__(self, numbers: np.ndarray, geometries: np.ndarray, pairs: InverseDistances):
        self.pairs = pairs
        self.rest, _ = pairs.between(np.asarray(geometries).reshape(len(geometries), -1))
        square = np.ones((len(self.rest), len(numbers), len(numbers)))
        square[:, pairs.i, pairs.j] = self.rest
        self.k = gaussian(numbers, square)[:, pairs.i, pairs.j]

    def _springs(self, x: np.ndarray):
        """Distances, directions, V_e (K, E), its slopes to r (K, E, D), and the weights of e."""
        r, unit = self.pairs.between(x)
        stretch = r[:, None] - self.rest
        energy, slope = 0.5 * (self.k * stretch**2).sum(axis=2), self.k * stretch
        weight = np.exp(-BETA * (energy - energy.min(axis=1, keepdims=True)))
        return r, unit, energy, slope, weight / weight.sum(axis=1, keepdims=True)

    def __call__(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Energy (K,) and gradient (K, 3N) at (K, 3N) geometries."""
        _, unit, energy, slope, weight = self._springs(x)
        lowest = energy.min(axis=1, keepdims=True)
        total = lowest[:, 0] - np.log(np.exp(-BETA * (energy - lowest)).sum(axis=1)) / BETA
        return total, self.pairs.pull(unit, np.einsum("ke,ked->kd", weight, slope))

    def hessian(self, x: np.ndarray) -> np.ndarray:
        """(K, 3N) -> (K, 3N, 3N), eV/angstrom^2."""
        r, unit, _, slope, weight = self._springs(x)
        across = np.einsum("ke,ked->kd", weight, slope) / r
        gradients = np.stack([self.pairs.pull(unit, one) for one in slope.swapaxes(0, 1)], axis=1)
        apart = gradients - np.einsum("ke,kex->kx", weight, gradients)[:, None]
        mixing = np.einsum("ke,kex,key->kxy", weight, apart, apart)
        return self.pairs.radial(unit, weight @ self.k - across, across) - BETA * mixing
