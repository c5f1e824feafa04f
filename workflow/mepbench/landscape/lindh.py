"""Force constants of stretches, for any pair of atoms at any distance.

Lindh, Bernhardsson, Karlstroem, Malmqvist, Chem. Phys. Lett. 241, 423 (1995),
doi:10.1016/0009-2614(95)00646-L.
"""

import numpy as np
from ase.units import Bohr, Hartree

STRETCH = 0.45 * Hartree / Bohr**2  # eV/angstrom^2
# Rows of the periodic table (H-He, Li-Ne, others): decay in 1/bohr^2, reference in bohr.
DECAY = np.array([[1.0, 0.3949, 0.3949], [0.3949, 0.28, 0.28], [0.3949, 0.28, 0.28]])
REFERENCE = np.array([[1.35, 2.10, 2.53], [2.10, 2.87, 3.40], [2.53, 3.40, 3.40]])


def stretch_constants(
    numbers: np.ndarray, i: np.ndarray, j: np.ndarray, r: np.ndarray, cap: float = 0.0
) -> np.ndarray:
    """Return `STRETCH exp(min(decay (reference^2 - r^2), cap))` of D pairs, eV/angstrom^2.

    Parameters
    ----------
    numbers : (N,) int array, atomic numbers
    i, j : (D,) int arrays, the pairs
    r : (..., D) array, their distances, angstrom
    cap : of the exponent, so that a bond shorter than the reference is not stiffer without end
    """
    row = np.digitize(numbers, [3, 11])
    decay, reference = DECAY[row[i], row[j]], REFERENCE[row[i], row[j]]
    return STRETCH * np.exp(np.minimum(decay * (reference**2 - (r / Bohr) ** 2), cap))
