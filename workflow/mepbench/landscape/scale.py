"""The surface's own units of length and energy, in which thresholds mean the same everywhere.

Forces of 0.01 eV/A and steps of 0.1 A are small for a molecule. On a cluster of argon, where the
stiffest curvature is 0.2 eV/A^2 and not 50, such a force is ten times the largest there is. So
the stiffest curvature k and the shortest distance d set the units: within 5 to 1000 eV/A^2 and
above 0.6 A, where molecules are, they are 1 eV and 1 A and nothing changes; outside, the surface
is looked at through units in which it lies at the edge of that range.
"""

from dataclasses import dataclass

import numpy as np
from scipy.spatial.distance import pdist

SOFTEST, STIFFEST = 5.0, 1000.0  # eV/angstrom^2: between them is the stiffest mode of a molecule
SHORTEST = 0.6  # angstrom, the least distance of two atoms; of a model surface's two ends


@dataclass(frozen=True)
class Scale:
    """Units: `length` in angstrom, `energy` in eV."""

    length: float = 1.0
    energy: float = 1.0

    @property
    def force(self) -> float:
        """The unit of force, eV/angstrom."""
        return self.energy / self.length

    @property
    def curvature(self) -> float:
        """The unit of curvature, eV/angstrom^2."""
        return self.energy / self.length**2


ORDINARY = Scale()


def length_scale(positions: np.ndarray, ends: np.ndarray | None = None) -> float:
    """Return the unit of length at a geometry, angstrom; at most 1.

    Parameters
    ----------
    positions : (N, 3) array, angstrom
    ends : (2, N, 3) array, angstrom; their distance counts where there is one particle only
    """
    if len(positions) > 1:
        shortest = pdist(positions).min()
    elif ends is not None:
        shortest = np.linalg.norm(ends[1] - ends[0])
    else:
        return 1.0
    return float(np.clip(shortest / SHORTEST, 1e-6, 1.0))


def surface_scale(matrix: np.ndarray, length: float = 1.0) -> Scale:
    """Return the units of a surface with the Hessian `matrix` (3N, 3N), eV/angstrom^2."""
    stiffest = np.abs(np.linalg.eigvalsh(matrix)).max() * length**2
    energy = stiffest / np.clip(stiffest, SOFTEST, STIFFEST)
    return Scale(length, float(energy) if energy > 0 else 1.0)
