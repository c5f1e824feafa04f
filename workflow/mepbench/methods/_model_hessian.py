"""A model Hessian, cheap and positive, that knows which bonds are stiff.

Pair stretches with the force constants of Lindh, Bernhardsson, Karlstroem, Malmqvist, Chem.
Phys. Lett. 241, 423 (1995), doi:10.1016/0009-2614(95)00646-L, plus a constant for bends
and torsions. It serves as a metric only: a change of coordinates in which stiff and
soft motions relax at one rate, like the preconditioner of Packwood et al., J. Chem. Phys.
144, 164109 (2016), doi:10.1063/1.4947024. It moves no stationary point.
"""

import numpy as np
from ase.units import Bohr, Hartree

STRETCH = 0.45 * Hartree / Bohr**2  # eV/angstrom^2
SOFT = 2.0  # eV/angstrom^2
# Rows of the periodic table (H-He, Li-Ne, others): decay in 1/bohr^2, reference in bohr.
DECAY = np.array([[1.0, 0.3949, 0.3949], [0.3949, 0.28, 0.28], [0.3949, 0.28, 0.28]])
REFERENCE = np.array([[1.35, 2.10, 2.53], [2.10, 2.87, 3.40], [2.53, 3.40, 3.40]])


def model_hessian(numbers: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """Return (..., 3N, 3N) in eV/angstrom^2 for (..., N, 3) positions in angstrom."""
    n = len(numbers)
    row = np.digitize(numbers, [3, 11])
    i, j = np.triu_indices(n, 1)
    bond = positions[..., i, :] - positions[..., j, :]
    r = np.linalg.norm(bond, axis=-1)
    decay, reference = DECAY[row[i], row[j]], REFERENCE[row[i], row[j]]
    k = STRETCH * np.exp(np.minimum(decay * (reference**2 - (r / Bohr) ** 2), 1.0))
    u = bond / r[..., None]
    block = k[..., None, None] * u[..., :, None] * u[..., None, :]
    hessian = np.zeros((*positions.shape[:-2], n, 3, n, 3))
    for pair, (a, b) in enumerate(zip(i, j, strict=True)):
        hessian[..., a, :, a, :] += block[..., pair, :, :]
        hessian[..., b, :, b, :] += block[..., pair, :, :]
        hessian[..., a, :, b, :] -= block[..., pair, :, :]
        hessian[..., b, :, a, :] -= block[..., pair, :, :]
    return hessian.reshape(*positions.shape[:-2], 3 * n, 3 * n) + SOFT * np.eye(3 * n)
