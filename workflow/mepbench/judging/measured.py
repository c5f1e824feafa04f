"""What a proof asks of a surface, measured in full: Hessians by differences, each step evaluated.

`staged` answers the same questions with fewer evaluations.
"""

from dataclasses import dataclass

import numpy as np

from ..landscape.hessian import STEP as HESSIAN_STEP
from ..landscape.hessian import hessian
from ..landscape.index import Stationary, stationary_point
from ..landscape.minima import GENTLE_STEP, Minimum, minima, relax, scaled_hessian
from ..landscape.scale import ORDINARY, Scale, length_scale, surface_scale
from .irc import STEP, Branch, irc

TIGHT, TIGHT_STEPS = 5e-4, 100  # eV/angstrom; steps


@dataclass(frozen=True)
class Measured:
    """The full proof's means.

    Attributes
    ----------
    step : longest step of the IRC, angstrom sqrt(u)
    hessian_step : displacement of the Hessian's differences, angstrom
    tells_conformers : whether energies of ends are compared after tight relaxation
    """

    step: float = STEP
    hessian_step: float = HESSIAN_STEP
    tells_conformers = True

    def at(self, oracle, x: np.ndarray) -> tuple[float, np.ndarray]:
        """Energy, eV, and gradient (N, 3), eV/angstrom, at (N, 3)."""
        energies, gradients = oracle(x[None])
        return float(energies[0]), gradients[0]

    def hessian(self, oracle, x: np.ndarray, ends: np.ndarray) -> tuple[np.ndarray, Scale]:
        """(3N, 3N) at (N, 3), eV/angstrom^2, and the units that it sets; 6N evaluations."""
        length = length_scale(x, ends)
        matrix = hessian(oracle, x, step=self.hessian_step * length)
        return matrix, surface_scale(matrix, length)

    def stationary_point(self, oracle, x, energy, gradient, matrix, scale) -> Stationary:
        """Return the stationary point beside x (N, 3), where `matrix` is the Hessian."""
        return stationary_point(oracle, x, matrix, scale, step=2 * self.hessian_step)

    def branches(
        self, oracle, numbers: np.ndarray, point: Stationary, way: np.ndarray, scale: Scale
    ) -> tuple[Branch, Branch]:
        """Return both sides of the IRC; 30 to 100 evaluations a side."""
        return irc(oracle, numbers, point.position, point.hessian, way, step=self.step, scale=scale)

    def is_minimum(self, oracle, x: np.ndarray, gradient: np.ndarray) -> bool:
        """Whether a stationary point (N, 3) is a minimum; 3N + 20 evaluations."""
        return stationary_point(oracle, x, *scaled_hessian(oracle, x)).index == 0

    def minima_below(self, oracle, numbers: np.ndarray, x: np.ndarray) -> list[Minimum]:
        """Return the proven minima below a geometry (N, 3)."""
        return minima(oracle, numbers, x)

    def tight(self, oracle, numbers: np.ndarray, x: np.ndarray, scale: Scale = ORDINARY) -> Minimum:
        """Relax until soft modes are at rest, by steps too short to leave the basin."""
        return relax(oracle, numbers, x, TIGHT, TIGHT_STEPS, longest=GENTLE_STEP, scale=scale)


IN_FULL = Measured()
