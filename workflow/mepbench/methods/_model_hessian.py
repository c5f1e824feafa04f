"""A model Hessian, cheap and positive, that knows which bonds are stiff.

Pair stretches with Lindh's force constants (molecule/lindh.py), plus a constant for bends
and torsions. It serves as a metric only: a change of coordinates in which stiff and
soft motions relax at one rate, like the preconditioner of Packwood et al., J. Chem. Phys.
144, 164109 (2016), doi:10.1063/1.4947024. It moves no stationary point.
"""

import numpy as np

from ..landscape.lindh import stretch_constants

SOFT = 2.0  # eV/angstrom^2


def model_hessian(numbers: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """Return (..., 3N, 3N) in eV/angstrom^2 for (..., N, 3) positions in angstrom."""
    n = len(numbers)
    i, j = np.triu_indices(n, 1)
    bond = positions[..., i, :] - positions[..., j, :]
    r = np.linalg.norm(bond, axis=-1)
    k = stretch_constants(numbers, i, j, r, cap=1.0)
    u = bond / r[..., None]
    block = k[..., None, None] * u[..., :, None] * u[..., None, :]
    hessian = np.zeros((*positions.shape[:-2], n, 3, n, 3))
    for pair, (a, b) in enumerate(zip(i, j, strict=True)):
        hessian[..., a, :, a, :] += block[..., pair, :, :]
        hessian[..., b, :, b, :] += block[..., pair, :, :]
        hessian[..., a, :, b, :] -= block[..., pair, :, :]
        hessian[..., b, :, a, :] -= block[..., pair, :, :]
    return hessian.reshape(*positions.shape[:-2], 3 * n, 3 * n) + SOFT * np.eye(3 * n)
