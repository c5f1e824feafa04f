"""Coordinates in which the surrogate is fitted, with exact first and second derivatives.

Molecules: inverse distances q_ij = R_ij / r_ij of all pairs of atoms, R the sum of their
covalent radii: blind to rigid motion, and the more sensitive the nearer two atoms are
(Chmiela et al., Sci. Adv. 3, e1603015 (2017), doi:10.1126/sciadv.1603015). Potentials without
rotational invariance: q = x itself.

A pair moves only its two atoms: J^T w, J = dq/dx, is a sum over pairs, and J J'^T a matrix of
3 x 3 blocks, one a pair. J itself is formed only where one geometry meets many w.
"""

from dataclasses import dataclass

import numpy as np
from ase.data import covalent_radii


@dataclass(frozen=True)
class Described:
    """K geometries in the descriptor.

    Attributes
    ----------
    q : (K, D) array
    slope : (K, D, 3) array, dq_d / dx of the pair's first atom (minus that of its second);
        None for Cartesians
    """

    q: np.ndarray
    slope: np.ndarray | None

    def joined(self, other: "Described") -> "Described":
        """Both sets of geometries, one after the other."""
        slope = None if self.slope is None else np.concatenate([self.slope, other.slope])
        return Described(np.concatenate([self.q, other.q]), slope)


class InverseDistances:
    """R/r of every pair, R the sum of covalent radii."""

    def __init__(self, numbers: np.ndarray):
        self.natoms = natoms = len(numbers)
        self.i, self.j = np.triu_indices(natoms, 1)
        self.radius = covalent_radii[numbers[self.i]] + covalent_radii[numbers[self.j]]
        pairs = np.arange(len(self.i))
        self._incidence = np.zeros((natoms, len(pairs)))
        self._incidence[self.i, pairs], self._incidence[self.j, pairs] = 1.0, -1.0
        self._membership = np.abs(self._incidence)

    def between(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Distances (K, D) and unit vectors (K, D, 3) of all pairs of (K, 3N) geometries."""
        atoms = x.reshape(len(x), -1, 3)
        bond = atoms[:, self.i] - atoms[:, self.j]
        r = np.sqrt((bond**2).sum(axis=2))
        return r, bond / r[..., None]

    def __call__(self, x: np.ndarray) -> Described:
        """Describe (K, 3N) geometries in angstrom."""
        r, unit = self.between(x)
        q = self.radius / r
        return Described(q, -(q / r)[..., None] * unit)

    def pull(self, slope: np.ndarray, w: np.ndarray) -> np.ndarray:
        """J^T w: (K, D, 3), (K, D) -> (K, 3N)."""
        return (self._incidence @ (slope * w[..., None])).reshape(len(w), -1)

    def pulls(self, slope: np.ndarray, w: np.ndarray) -> np.ndarray:
        """J^T w of several w each: (K, D, 3), (K or 1, M, D) -> (K, M, 3N)."""
        transposed = self._incidence[:, None] * slope.swapaxes(1, 2)[:, None]
        return w @ transposed.reshape(len(slope), -1, w.shape[-1]).mT

    def push(self, slope: np.ndarray, v: np.ndarray) -> np.ndarray:
        """J v: (K, D, 3), (K, 3N) -> (K, D)."""
        atoms = v.reshape(len(v), -1, 3)
        return (slope * (atoms[:, self.i] - atoms[:, self.j])).sum(axis=2)

    def assemble(self, pair: np.ndarray) -> np.ndarray:
        """Sum over pairs of [[B, -B], [-B, B]]: (K, D, 3, 3) -> (K, 3N, 3N)."""
        n, count = self.natoms, len(pair)
        full = np.zeros((count, n, n, 3, 3))
        full[:, self.i, self.j] = -pair
        full[:, self.j, self.i] = -pair
        diagonal = self._membership @ pair.reshape(count, -1, 9)
        full[:, np.arange(n), np.arange(n)] = diagonal.reshape(count, n, 3, 3)
        return full.transpose(0, 1, 3, 2, 4).reshape(count, 3 * n, 3 * n)

    def product(self, slope: np.ndarray, other: np.ndarray) -> np.ndarray:
        """J^T J' of each of K pairs of geometries: (K, D, 3) twice -> (K, 3N, 3N)."""
        return self.assemble(slope[..., :, None] * other[..., None, :])

    def bend(self, x: np.ndarray, w: np.ndarray) -> np.ndarray:
        """Sum over d of w_d times the second derivative of q_d: (K, 3N), (K, D) -> (K, 3N, 3N)."""
        r, unit = self.between(x)
        outer = 3 * unit[..., :, None] * unit[..., None, :] - np.eye(3)
        return self.assemble((w * self.radius / r**3)[..., None, None] * outer)


class Cartesians:
    """The coordinates themselves, angstrom."""

    def __call__(self, x: np.ndarray) -> Described:
        """Describe (K, 3N) geometries in angstrom."""
        return Described(x, None)

    def pull(self, slope, w: np.ndarray) -> np.ndarray:
        """J^T w = w."""
        return w

    def pulls(self, slope, w: np.ndarray) -> np.ndarray:
        """J^T w = w."""
        return w

    def push(self, slope, v: np.ndarray) -> np.ndarray:
        """J v = v."""
        return v


def descriptor(numbers: np.ndarray, invariances: tuple[str, ...]):
    """Return the coordinates that share the potential's invariances."""
    rigid = "rotation" in invariances and "translation" in invariances
    return InverseDistances(numbers) if rigid and len(numbers) > 2 else Cartesians()
