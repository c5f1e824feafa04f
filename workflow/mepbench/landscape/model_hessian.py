"""A model Hessian, cheap and positive, that knows which bonds are stiff.

Springs between all pairs of atoms, H = sum_ij k_ij u_ij u_ij^T, u_ij the pair's direction, plus a
constant for what no spring holds (bends, torsions). It serves as a metric or as a first estimate
only: a change of coordinates in which stiff and soft motions relax at one rate, like the
preconditioner of Packwood et al., J. Chem. Phys. 144, 164109 (2016), doi:10.1063/1.4947024. It
moves no stationary point. Three laws for k(r) serve three purposes, each at its best there: `lindh`
for bands and dynamics, `gaussian` for relaxations, `exponential` along a trained path.
"""

from collections.abc import Callable

import numpy as np
from ase.data import covalent_radii
from ase.units import Bohr, Hartree

STRETCH = 0.45 * Hartree / Bohr**2  # eV/angstrom^2
# Rows of the periodic table (H-He, Li-Ne, others): decay in 1/bohr^2, reference in bohr.
DECAY = np.array([[1.0, 0.3949, 0.3949], [0.3949, 0.28, 0.28], [0.3949, 0.28, 0.28]])
REFERENCE = np.array([[1.35, 2.10, 2.53], [2.10, 2.87, 3.40], [2.53, 3.40, 3.40]])

BOND, STIFFEST = 35.0, 60.0  # eV/angstrom^2: `gaussian` at bonding distance, and at the most
MULTIPLE, LONGER, SHORTER = 45.0, 3.0, 5.0  # `exponential`: eV/angstrom^2; per covalent length
SHORTEST = -0.3  # of covalent length: a bond stretched by less is not stiffer
SOFT = 2.0  # eV/angstrom^2


def stretch_constants(
    numbers: np.ndarray, i: np.ndarray, j: np.ndarray, r: np.ndarray, cap: float = 0.0
) -> np.ndarray:
    """Return `STRETCH exp(min(decay (reference^2 - r^2), cap))` of pairs, eV/angstrom^2.

    Lindh, Bernhardsson, Karlstroem, Malmqvist, Chem. Phys. Lett. 241, 423 (1995),
    doi:10.1016/0009-2614(95)00646-L.

    Parameters
    ----------
    numbers : (N,) int array, atomic numbers
    i, j : (...) int arrays, the pairs
    r : (..., *i.shape) array, their distances, angstrom
    cap : of the exponent, so that a bond shorter than the reference is not stiffer without end
    """
    row = np.digitize(numbers, [3, 11])
    decay, reference = DECAY[row[i], row[j]], REFERENCE[row[i], row[j]]
    return STRETCH * np.exp(np.minimum(decay * (reference**2 - (r / Bohr) ** 2), cap))


def lindh(numbers: np.ndarray, r: np.ndarray) -> np.ndarray:
    """Return Lindh's constants, up to e times the reference's, (..., N, N), eV/angstrom^2."""
    i, j = np.indices(r.shape[-2:])
    return stretch_constants(numbers, i, j, r, cap=1.0)


def gaussian(numbers: np.ndarray, r: np.ndarray) -> np.ndarray:
    """Return constants that fall off with r^2, in the spirit of Lindh.

    They were chosen on relaxations of 44 geometries of 3 to 27 atoms, where they halve the
    number of steps against a unit matrix.
    """
    return np.minimum(BOND * np.exp(-(r**2 - _lengths(numbers) ** 2)), STIFFEST)


def exponential(numbers: np.ndarray, r: np.ndarray) -> np.ndarray:
    """Return constants that fall off with r, and grow in multiple bonds."""
    stretch = r / _lengths(numbers) - 1
    rate = np.where(stretch > 0, LONGER, SHORTER)
    return MULTIPLE * np.exp(-rate * np.maximum(stretch, SHORTEST))


def model_hessian(
    numbers: np.ndarray,
    positions: np.ndarray,
    stiffness: Callable[[np.ndarray, np.ndarray], np.ndarray] = lindh,
    soft: float = SOFT,
) -> np.ndarray:
    """Return the model Hessian, positive definite, at one geometry or many.

    Parameters
    ----------
    numbers : (N,) int array, atomic numbers
    positions : (..., N, 3) array, angstrom
    stiffness : of the springs, eV/angstrom^2, from atomic numbers and distances (..., N, N)
    soft : constant added on the diagonal, eV/angstrom^2

    Returns
    -------
    (..., 3N, 3N) array, eV/angstrom^2
    """
    n = len(numbers)
    apart = positions[..., :, None, :] - positions[..., None, :, :]
    r = np.linalg.norm(apart, axis=-1) + np.eye(n)
    k = stiffness(numbers, r) * (1 - np.eye(n))
    u = apart / r[..., None]
    springs = k[..., None, None] * u[..., :, None] * u[..., None, :]
    hessian = -springs.swapaxes(-3, -2)
    atom = np.arange(n)
    hessian[..., atom, :, atom, :] += np.moveaxis(springs.sum(axis=-3), -3, 0)
    hessian = hessian.reshape(*positions.shape[:-2], 3 * n, 3 * n)
    return hessian + soft * np.eye(3 * n)


def _lengths(numbers: np.ndarray) -> np.ndarray:
    radii = covalent_radii[numbers]
    return radii[:, None] + radii[None]
