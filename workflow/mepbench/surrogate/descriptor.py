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
        of Cartesians (K, D), dq_d / dx_d
    """

    q: np.ndarray
    slope: np.ndarray

    def joined(self, other: "Described") -> "Described":
        """Both sets of geometries, one after the other."""
        return Described(
            np.concatenate([self.q, other.q]), np.concatenate([self.slope, other.slope])
        )

    def over(self, length: float) -> "Described":
        """The same in units of a length."""
        return Described(self.q / length, self.slope / length)


class InverseDistances:
    """R/r of every pair, R the sum of covalent radii."""

    def __init__(self, numbers: np.ndarray):
        self.natoms = natoms = len(numbers)
        self.i, self.j = np.triu_indices(natoms, 1)
        self.radius = covalent_radii[numbers[self.i]] + covalent_radii[numbers[self.j]]
        self._pairs = np.arange(len(self.i))
        self._incidence = np.zeros((natoms, len(self.i)))
        self._incidence[self.i, self._pairs], self._incidence[self.j, self._pairs] = 1.0, -1.0
        self._membership = np.abs(self._incidence)
        # Which 3 x 3 block, of pairs and then of atoms, each element of a (3N, 3N) matrix is from.
        block = np.diag(len(self.i) + np.arange(natoms))
        block[self.i, self.j] = block[self.j, self.i] = self._pairs
        within = np.arange(9).reshape(3, 1, 3)
        self._place = (9 * block[:, None, :, None] + within).reshape(3 * natoms, 3 * natoms)

    def between(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Distances (K, D) and unit vectors (K, D, 3) of all pairs of (K, 3N) geometries."""
        atoms = x.reshape(len(x), -1, 3)
        bond = atoms[:, self.i] - atoms[:, self.j]
        r = np.sqrt(np.einsum("kdi,kdi->kd", bond, bond))
        return r, bond / r[..., None]

    def __call__(self, x: np.ndarray) -> Described:
        """Describe (K, 3N) geometries in angstrom."""
        r, unit = self.between(x)
        q = self.radius / r
        return Described(q, -(q / r)[..., None] * unit)

    def pull(self, slope: np.ndarray, w: np.ndarray) -> np.ndarray:
        """J^T w: (K, D, 3), (K, D) -> (K, 3N)."""
        return (self._incidence @ (slope * w[..., None])).reshape(len(w), -1)

    def push(self, slope: np.ndarray, v: np.ndarray) -> np.ndarray:
        """J v: (K, D, 3), (K, 3N) -> (K, D)."""
        atoms = v.reshape(len(v), -1, 3)
        return (slope * (atoms[:, self.i] - atoms[:, self.j])).sum(axis=2)

    def jacobian(self, slope: np.ndarray) -> np.ndarray:
        """J: (K, D, 3) -> (K, D, 3N)."""
        j = np.zeros((len(slope), len(self.i), self.natoms, 3))
        j[:, self._pairs, self.i], j[:, self._pairs, self.j] = slope, -slope
        return j.reshape(len(slope), len(self.i), -1)

    def product(self, slope: np.ndarray, other: np.ndarray) -> np.ndarray:
        """J^T J' of each of K pairs of geometries: (K, D, 3) twice -> (K, 3N, 3N)."""
        return self._assembled(slope[..., :, None] * other[..., None, :])

    def bend(self, at: Described, w: np.ndarray, level: np.ndarray) -> np.ndarray:
        """Sum over d of w_d times the second derivative of q_d, plus level J^T J.

        (K, D), (K,) -> (K, 3N, 3N). With q = c/r and slope s = dq/dx, the second derivative is
        2 s s^T / q - (s.s/q) (1 - s s^T / s.s).
        """
        square = np.einsum("kdi,kdi->kd", at.slope, at.slope)
        return self.radial(at.slope, level[:, None] + 3 * w / at.q, -w * square / at.q)

    def radial(self, vector: np.ndarray, along: np.ndarray, alike: np.ndarray) -> np.ndarray:
        """Hessian of a sum over pairs: of each the block `along v v^T + alike 1`.

        (K, D, 3), (K, D), (K, D) -> (K, 3N, 3N)
        """
        pair = along[..., None, None] * vector[..., :, None] * vector[..., None, :]
        pair[..., [0, 1, 2], [0, 1, 2]] += alike[..., None]
        return self._assembled(pair)

    def _assembled(self, pair: np.ndarray) -> np.ndarray:
        """Sum over pairs of [[B, -B], [-B, B]]: (K, D, 3, 3) -> (K, 3N, 3N)."""
        pair = pair.reshape(len(pair), -1, 9)
        blocks = np.concatenate([-pair, self._membership @ pair], axis=1)
        return blocks.reshape(len(pair), -1).take(self._place, axis=1)


class Cartesians:
    """The coordinates themselves, angstrom."""

    def __call__(self, x: np.ndarray) -> Described:
        """Describe (K, 3N) geometries in angstrom."""
        return Described(x, np.ones_like(x))

    def pull(self, slope: np.ndarray, w: np.ndarray) -> np.ndarray:
        """J^T w: (K, D) twice -> (K, D)."""
        return slope * w

    def push(self, slope: np.ndarray, v: np.ndarray) -> np.ndarray:
        """J v: (K, D) twice -> (K, D)."""
        return slope * v

    def jacobian(self, slope: np.ndarray) -> np.ndarray:
        """J: (K, D) -> (K, D, D)."""
        return slope[..., None] * np.eye(slope.shape[1])

    def product(self, slope: np.ndarray, other: np.ndarray) -> np.ndarray:
        """J^T J' of each of K pairs of geometries: (K, D) twice -> (K, D, D)."""
        return self.jacobian(slope * other)

    def bend(self, at: Described, w: np.ndarray, level: np.ndarray) -> np.ndarray:
        """Level J^T J, (K,) -> (K, D, D): the coordinates have no second derivative."""
        return level[:, None, None] * self.product(at.slope, at.slope)


def descriptor(numbers: np.ndarray, invariances: tuple[str, ...]):
    """Return the coordinates that share the potential's invariances."""
    rigid = "rotation" in invariances and "translation" in invariances
    return InverseDistances(numbers) if rigid and len(numbers) > 2 else Cartesians()
