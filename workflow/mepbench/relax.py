"""From a starting geometry to a minimum: relaxation, then proof by the Hessian.

Quasi-Newton steps (BFGS) from a model Hessian of pair springs whose stiffness falls off
with distance, in the spirit of Lindh et al., Chem. Phys. Lett. 241, 423 (1995),
doi:10.1016/0009-2614(95)00646-L. A relaxed geometry may still sit on a saddle, where
symmetry or chance has put it: it is then displaced along its negative mode, both ways, and
relaxed again.
"""

from dataclasses import dataclass

import numpy as np
from ase import Atoms
from ase.data import covalent_radii
from ase.optimize import BFGS

from .errors import BadEndpoints
from .hessian import hessian, lowest_modes

FMAX = 0.005  # eV/angstrom
STEPS = 600
# eV/angstrom^2. The softest modes of loose complexes are known to about 0.01.
NEGATIVE = -0.02
DISPLACEMENT = 0.1  # angstrom, of the atom that moves most
ROUNDS = 3


@dataclass(frozen=True)
class Minimum:
    """One relaxed geometry.

    Attributes
    ----------
    positions : (N, 3) array, angstrom
    energy : eV
    fmax : largest atomic force, eV/angstrom
    converged : whether `fmax` is what was asked for
    """

    positions: np.ndarray
    energy: float
    fmax: float
    converged: bool


def relax(
    oracle, numbers: np.ndarray, positions: np.ndarray, fmax: float = FMAX, steps: int = STEPS
) -> Minimum:
    """Relax one geometry; not converging is a result.

    Parameters
    ----------
    oracle : `Oracle`; pays every evaluation
    numbers : (N,) int array, atomic numbers
    positions : (N, 3) array, angstrom
    fmax : largest atomic force to stop at, eV/angstrom
    steps : most steps
    """
    atoms = Atoms(numbers, positions)
    atoms.calc = oracle.calculator()
    optimizer = BFGS(atoms, logfile=None)
    optimizer.H0 = model_hessian(numbers, positions)
    converged = optimizer.run(fmax=fmax, steps=steps)
    force = float(np.linalg.norm(atoms.get_forces(), axis=1).max())
    return Minimum(atoms.positions.copy(), atoms.get_potential_energy(), force, bool(converged))


def minima(oracle, numbers: np.ndarray, positions: np.ndarray) -> list[Minimum]:
    """Relax to minima proven by the Hessian: one, or several if the way down forks.

    Raises
    ------
    BadEndpoints
        if the relaxation does not converge, or a negative mode remains after
        three rounds of displacements.
    """
    found, waiting = [], [positions]
    for _ in range(ROUNDS):
        saddles = []
        for start in waiting:
            end = relax(oracle, numbers, start)
            if not end.converged:
                raise BadEndpoints(
                    f"is not relaxed after {STEPS} steps (largest force {end.fmax:.3f} eV/A, "
                    f"wanted {FMAX}): start from a geometry nearer to a minimum"
                )
            curvature, mode = lowest_mode(oracle, end.positions)
            if curvature > NEGATIVE:
                found.append(end)
            else:
                saddles.append((end, curvature, mode))
        if not saddles:
            return found
        waiting = [
            end.positions + sign * DISPLACEMENT * mode / np.linalg.norm(mode, axis=1).max()
            for end, _, mode in saddles
            for sign in (1, -1)
        ]
    if found:
        return found
    raise BadEndpoints(
        f"relaxes to a saddle, not a minimum (curvature {saddles[0][1]:.2f} eV/A^2 after "
        f"{ROUNDS} rounds of displacement along its negative mode): start from a lower symmetry"
    )


def lowest_mode(oracle, positions: np.ndarray) -> tuple[float, np.ndarray]:
    """Smallest curvature (eV/angstrom^2) and its unit mode (N, 3), rigid motion left out."""
    values, modes = lowest_modes(hessian(oracle, positions), positions, oracle.invariances, count=1)
    if not len(values):
        return np.inf, np.zeros_like(positions)
    return float(values[0]), modes[0]


def model_hessian(numbers: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """Springs between all pairs, 35 eV/A^2 at bonding distance, (3N, 3N), eV/angstrom^2.

    The constants were chosen on relaxations of 44 geometries of 3 to 27 atoms, where they
    halve the number of steps against a unit matrix.
    """
    n = len(positions)
    vectors = positions[:, None] - positions[None]
    squared = (vectors**2).sum(axis=-1) + np.eye(n)
    radii = covalent_radii[numbers]
    excess = squared - (radii[:, None] + radii[None]) ** 2
    stiffness = np.minimum(35.0 * np.exp(-excess), 60.0) * (1 - np.eye(n))
    pairs = np.einsum("ij,ija,ijb->iajb", stiffness / squared, vectors, vectors)
    model = -pairs
    diagonal = np.arange(n)
    model[diagonal, :, diagonal, :] = pairs.sum(axis=2)
    return model.reshape(3 * n, 3 * n) + 2.0 * np.eye(3 * n)
