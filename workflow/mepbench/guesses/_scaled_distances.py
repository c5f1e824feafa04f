"""Scaled interatomic distances: coordinates in which a reaction path is nearly straight.

    q = exp(alpha (1 - r / r_e)) + beta r_e / r,    beta = 0.01

The repulsive wall of a Morse potential counts short distances most; its tail keeps those apart that
the wall no longer feels. Zhu, Thompson, Martinez, J. Chem. Phys. 150, 164103 (2019),
doi:10.1063/1.5090303.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

BETA = 0.01
BONDED = 1.8  # angstrom
FEWEST = 4  # pairs of an atom
COINCIDE = 1e-8  # angstrom: no distance is shorter, so that all are differentiable


@dataclass(frozen=True)
class ScaledDistances:
    """Some pairs of N atoms, and how their distances are scaled.

    Attributes
    ----------
    pairs : (N, N) bool array, symmetric; P of them
    re : (N, N) array, angstrom
    alpha : how fast q decays with r / re
    """

    pairs: np.ndarray
    re: np.ndarray
    alpha: float

    @cached_property
    def _i_j_re(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        i, j = np.nonzero(np.triu(self.pairs))
        return i, j, self.re[i, j]

    @cached_property
    def _signs(self) -> np.ndarray:
        """Of each atom (row) in each difference x_i - x_j (column)."""
        i, j, _ = self._i_j_re
        atoms = np.arange(len(self.pairs))[:, None]
        return (atoms == i).astype(float) - (atoms == j)

    def __call__(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return q, (M, P), and its derivatives by the differences x_i - x_j, (M, P, 3).

        Parameters
        ----------
        x : (M, N, 3) array, angstrom
        """
        i, j, re = self._i_j_re
        apart = x[:, i] - x[:, j]
        r = np.sqrt(np.einsum("mpc,mpc->mp", apart, apart))
        r = np.maximum(r, COINCIDE)
        wall, tail = np.exp(self.alpha * (1 - r / re)), BETA * re / r
        slope = -(self.alpha / re) * wall - tail / r
        return wall + tail, (slope / r)[..., None] * apart

    def gradient(self, by_difference: np.ndarray) -> np.ndarray:
        """Return first derivatives by positions, (M, 3N), of those by differences, (M, P, 3)."""
        return (self._signs @ by_difference).reshape(len(by_difference), -1)

    def hessian(self, by_difference: np.ndarray) -> np.ndarray:
        """Return second derivatives by positions, (M, 3N, 3N), of those by differences.

        Parameters
        ----------
        by_difference : (M, P, 3, 3) array; those by two different pairs vanish
        """
        i, j, _ = self._i_j_re
        frames, n = len(by_difference), len(self.pairs)
        blocks = np.zeros((frames, n, n, 3, 3))
        blocks[:, i, j] = blocks[:, j, i] = -by_difference
        blocks[:, np.arange(n), np.arange(n)] = -blocks.sum(axis=2)
        return blocks.swapaxes(2, 3).reshape(frames, 3 * n, 3 * n)


def near(x: np.ndarray, threshold: float) -> np.ndarray:
    """Return which pairs of atoms interact in any of some frames, (N, N) bool array.

    Those nearer than the threshold, and those that at most three bonds separate.

    Parameters
    ----------
    x : (M, N, 3) array, angstrom
    threshold : angstrom
    """
    apart = x[:, :, None] - x[:, None]
    squares = np.einsum("mijc,mijc->mij", apart, apart)
    bonded = (squares <= BONDED**2).astype(np.float32)  # or the same atom
    others = 1 - np.eye(x.shape[1], dtype=np.float32)
    three_bonds = bonded @ (bonded * others) @ bonded > 0
    return ((squares <= threshold**2) | three_bonds).any(axis=0) & (others > 0)


def with_fewest(pairs: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Return pairs, (N, N), and for atoms with less than four those with the nearest in (N, 3)."""
    pairs = pairs.copy()
    fewest = min(FEWEST, len(x) - 1)
    for atom in np.flatnonzero(pairs.sum(axis=1) < fewest):
        nearest = np.argsort(((x - x[atom]) ** 2).sum(axis=1), kind="stable")[1 : fewest + 1]
        pairs[atom, nearest] = pairs[nearest, atom] = True
    return pairs
