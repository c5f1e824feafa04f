"""The Hessian by central differences of the gradient, its modes and its frequencies.

    H[:, j] = (g(x + h e_j) - g(x - h e_j)) / 2h + O(h^2),    one round of 6N evaluations,

symmetrised; infinitesimal rigid motion is then projected out, H -> P H P, which leaves the
eigenvalues of the vibrations and sets those of the rigid motions to zero (away from a
stationary point they would not be). Eigenvalues are Cartesian, not mass-weighted; only
frequencies weigh masses: Wilson, Decius, Cross, Molecular Vibrations (1955).
"""

import numpy as np
from ase.units import _amu, _c, _e

from ..path import rigid_motions

# Angstrom. With xTB the error of an eigenvalue below 1 eV/A^2 is at most 2e-3 (the h^2 term;
# noise takes over below 0.002 A); the softest are measured again by `index`.
STEP = 0.005


def hessian(
    oracle, positions: np.ndarray, *, step: float = STEP, forward: bool = False
) -> np.ndarray:
    """Second derivatives of the energy at one geometry, without rigid motion.

    Parameters
    ----------
    oracle : `Oracle`; pays one round of 6N evaluations
    positions : (N, 3) array, angstrom
    step : displacement of one coordinate, angstrom
    forward : take forward differences, for 3N + 1 evaluations and an error of O(h)

    Returns
    -------
    (3N, 3N) symmetric array, eV/angstrom^2

    Raises
    ------
    BudgetExhausted, SCFFailure
        from the oracle.
    """
    size = positions.size
    displacements = step * np.eye(size).reshape(size, *positions.shape)
    if forward:
        _, gradients = oracle(np.concatenate([positions[None], positions + displacements]))
        raw = (gradients[1:] - gradients[0]).reshape(size, size) / step
    else:
        _, gradients = oracle(
            np.concatenate([positions + displacements, positions - displacements])
        )
        ahead, behind = gradients.reshape(2, size, size)
        raw = (ahead - behind) / (2 * step)
    return without_rigid_motion((raw + raw.T) / 2, positions, oracle.invariances)


def without_rigid_motion(
    matrix: np.ndarray, positions: np.ndarray, invariances: tuple[str, ...]
) -> np.ndarray:
    """Project the rigid motions at `positions` out of a (3N, 3N) matrix, on both sides."""
    return projected(matrix, rigid_motions(positions, invariances))


def projected(matrix: np.ndarray, rigid: np.ndarray) -> np.ndarray:
    """Project orthonormal motions (K, 3N) out of a (3N, 3N) matrix, on both sides."""
    left = matrix - rigid.T @ (rigid @ matrix)
    return left - (left @ rigid.T) @ rigid


def lowest_modes(
    matrix: np.ndarray, positions: np.ndarray, invariances: tuple[str, ...], count: int = 3
) -> tuple[np.ndarray, np.ndarray]:
    """Lowest eigenvalues and modes among the vibrations: rigid motions are left out.

    Parameters
    ----------
    matrix : (3N, 3N) Hessian, eV/angstrom^2
    positions : (N, 3) array, angstrom
    invariances : the potential's
    count : how many modes, at most

    Returns
    -------
    eigenvalues : (count,) array, eV/angstrom^2, ascending
    modes : (count, N, 3) array, unit vectors; of either sign, the largest component positive
    """
    rigid = rigid_motions(positions, invariances)
    # Made stiffer than any vibration, rigid motions come last.
    stiff = 2 * np.abs(matrix).sum(axis=1).max() + 1.0
    values, vectors = np.linalg.eigh(projected(matrix, rigid) + stiff * rigid.T @ rigid)
    count = min(count, len(values) - len(rigid))
    modes = vectors[:, :count].T
    largest = np.take_along_axis(modes, np.abs(modes).argmax(axis=1)[:, None], axis=1)
    return values[:count], (modes * np.sign(largest)).reshape(-1, *positions.shape)


def frequencies(matrix: np.ndarray, masses: np.ndarray) -> np.ndarray:
    """Harmonic wavenumbers of a stationary point.

    Parameters
    ----------
    matrix : (3N, 3N) Hessian without rigid motion, eV/angstrom^2
    masses : (N,) array, unified atomic mass units

    Returns
    -------
    (3N,) array, 1/cm, ascending; imaginary ones negative, those of rigid motions about zero.
    """
    root = np.sqrt(np.repeat(masses, 3))
    return _wavenumbers(np.linalg.eigvalsh(matrix / np.outer(root, root)))


def reaction_mode(matrix: np.ndarray, masses: np.ndarray) -> tuple[float, np.ndarray]:
    """The imaginary mode in which a saddle is left: wavenumber and direction.

    Masses change which of two negative modes is the lower. Where a second one, too flat to
    count, belongs to light atoms, the reaction's is that which resembles the lowest
    Cartesian mode.

    Parameters
    ----------
    matrix : (3N, 3N) Hessian without rigid motion, eV/angstrom^2, of a saddle
    masses : (N,) array, unified atomic mass units

    Returns
    -------
    wavenumber : 1/cm, negative
    way : (N, 3) array, angstrom a unit of mass-weighted length, angstrom sqrt(u)
    """
    root = np.sqrt(np.repeat(masses, 3))
    curvatures, modes = np.linalg.eigh(matrix / np.outer(root, root))
    ways = modes / root[:, None]
    lowest = np.linalg.eigh(matrix)[1][:, 0]
    likeness = np.abs(lowest @ ways) / np.linalg.norm(ways, axis=0)
    first = int(np.argmax(np.where(curvatures < 0, likeness, -1.0)))
    return float(_wavenumbers(curvatures[first])), ways[:, first].reshape(-1, 3)


def _wavenumbers(curvatures):
    """Mass-weighted curvatures, eV/(angstrom^2 u), to 1/cm; imaginary ones negative."""
    omega = np.sqrt(np.abs(curvatures) * _e * 1e20 / _amu)  # 1/s
    return np.sign(curvatures) * omega / (2 * np.pi * _c * 100)
