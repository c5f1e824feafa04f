"""The Cholesky factor of a matrix that grows: a new block of rows costs its own substitution.

The factor's rows lie in memory that doubles when it is full, so that nothing is copied as it
grows. Substitution goes by blocks of rows, whose diagonal blocks are kept inverted: all of it is
products of matrices.
"""

import numpy as np
from scipy.linalg import cholesky, solve_triangular

MOST = 128  # rows of a block


class GrowingFactor:
    """L of a symmetric positive definite matrix L L^T, (n, n); empty at first."""

    def __init__(self):
        self._rows = np.zeros((0, 0))
        self._blocks: list[tuple[slice, np.ndarray]] = []  # rows, inverse of the diagonal block

    def __len__(self) -> int:
        return self._blocks[-1][0].stop if self._blocks else 0

    @property
    def lower(self) -> np.ndarray:
        """L, (n, n)."""
        return self._rows[: len(self), : len(self)]

    def append(self, side: np.ndarray, corner: np.ndarray) -> None:
        """Let the matrix grow by its columns (n, m) to the right, and corner (m, m) below them.

        Raises
        ------
        numpy.linalg.LinAlgError
            where it is not positive definite.
        """
        old, new = len(self), len(self) + len(corner)
        left = self.forward(side).T
        root = _root(corner - left @ left.T)
        if new > len(self._rows):
            rows = np.zeros((2 * new, 2 * new))
            rows[:old, :old] = self.lower
            self._rows = rows
        self._rows[old:new, :old], self._rows[old:new, old:new] = left, root
        for first in range(old, new, MOST):
            rows = slice(first, min(first + MOST, new))
            block = self._rows[rows, rows]
            inverse = solve_triangular(block, np.eye(len(block)), lower=True, check_finite=False)
            self._blocks.append((rows, inverse))

    def forward(self, right: np.ndarray) -> np.ndarray:
        """L^-1 right, (n, ...)."""
        solved = np.empty_like(right)
        for at, inverse in self._blocks:
            before = slice(0, at.start)
            solved[at] = inverse @ (right[at] - self._rows[at, before] @ solved[before])
        return solved

    def solve(self, right: np.ndarray) -> np.ndarray:
        """(L L^T)^-1 right, (n,)."""
        solved = self.forward(right)
        for at, inverse in reversed(self._blocks):
            solved[at] = solved[at] @ inverse
            solved[: at.start] -= solved[at] @ self._rows[at, : at.start]
        return solved


def _root(matrix: np.ndarray) -> np.ndarray:
    """Cholesky factor; of nearly equal geometries with a little more noise."""
    for jitter in (0.0, 1e-9, 1e-7, 1e-5):
        try:
            noisy = matrix + jitter * np.eye(len(matrix)) if jitter else matrix
            return cholesky(noisy, lower=True, check_finite=False)
        except np.linalg.LinAlgError:
            continue
    raise np.linalg.LinAlgError("the surrogate's kernel matrix is not positive definite")
