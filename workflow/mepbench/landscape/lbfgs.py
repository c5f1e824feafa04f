"""Limited-memory quasi-Newton steps for the forces on a whole chain of images.

Sheppard, Terrell, Henkelman, J. Chem. Phys. 128, 134106 (2008), doi:10.1063/1.2841941: one
L-BFGS for all images at once ("global") needs fewer evaluations than one per image, or
than damped dynamics. The first metric is a model Hessian. The forces on a band are no
gradient and have kinks where an image's tangent switches sides, so the steps are kept on
a leash, whose length each method chooses.
"""

from collections import deque

import numpy as np

from .model_hessian import model_hessian

MEMORY = 8  # pairs of steps that are remembered
DAMPING = 0.7  # of the plain step F / (model Hessian)


class LBFGS:
    """Steps for (M, N, 3) images under (M, N, 3) forces.

    Parameters
    ----------
    numbers : (N,) int array, atomic numbers
    max_step : angstrom, the largest displacement of an atom
    longest : the longest step, in units of the plain one, F / (model Hessian)
    smallest_cosine : with the plain step; below, the memory is cleared
    largest_growth : of the force in one step; above, the memory is cleared
    """

    def __init__(
        self,
        numbers: np.ndarray,
        max_step: float,
        *,
        longest: float = 3.0,
        smallest_cosine: float = 0.3,
        largest_growth: float = 1.5,
    ):
        self.longest, self.smallest_cosine = longest, smallest_cosine
        self.largest_growth = largest_growth
        self.numbers, self.max_step = numbers, max_step
        self.reset()

    def reset(self) -> None:
        """Forget all pairs: the forces have changed their meaning."""
        self._pairs: deque = deque(maxlen=MEMORY)
        self._last = None
        self._inverse = None

    def step(self, positions: np.ndarray, forces: np.ndarray) -> np.ndarray:
        """Return the displacement, (M, N, 3) in angstrom."""
        if self._inverse is None:
            self._inverse = np.linalg.inv(model_hessian(self.numbers, positions))
        self._remember(positions, forces)
        plain = DAMPING * self._metric(forces)
        step, size = plain, np.linalg.norm(plain)
        if self._pairs:
            step = self._two_loops(forces)
            length = np.linalg.norm(step)
            if np.vdot(step, plain) < self.smallest_cosine * length * size:
                self._pairs.clear()
                step = plain
            elif length > self.longest * size:
                step *= self.longest * size / length
        longest = np.sqrt((step**2).sum(axis=-1).max())
        return step * min(1.0, self.max_step / max(longest, 1e-12))

    def _remember(self, positions: np.ndarray, forces: np.ndarray) -> None:
        if self._last is not None:
            s, y = positions - self._last[0], self._last[1] - forces
            sy = np.vdot(s, y)
            if np.linalg.norm(forces) > self.largest_growth * np.linalg.norm(self._last[1]):
                self._pairs.clear()
            elif sy > 1e-4 * np.linalg.norm(s) * np.linalg.norm(y):
                self._pairs.append((s, y, sy))
        self._last = positions.copy(), forces.copy()

    def _metric(self, forces: np.ndarray) -> np.ndarray:
        flat = forces.reshape(len(forces), -1, 1)
        return (self._inverse @ flat).reshape(forces.shape)

    def _two_loops(self, forces: np.ndarray) -> np.ndarray:
        q, alphas = forces.copy(), []
        for s, y, sy in reversed(self._pairs):
            alphas.append(np.vdot(s, q) / sy)
            q -= alphas[-1] * y
        q = self._metric(q)
        _, y, sy = self._pairs[-1]
        q *= sy / np.vdot(y, self._metric(y))
        for (s, y, sy), alpha in zip(self._pairs, reversed(alphas), strict=True):
            q += s * (alpha - np.vdot(y, q) / sy)
        return q


def largest_force(forces: np.ndarray) -> np.ndarray:
    """Return the largest force on an atom of each image: (M, N, 3) -> (M,)."""
    return np.sqrt((forces**2).sum(axis=-1)).max(axis=-1)
