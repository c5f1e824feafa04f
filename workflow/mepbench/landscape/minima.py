"""From a starting geometry to a minimum: relaxation, then proof by the Hessian.

Quasi-Newton steps (BFGS) from a model Hessian of pair springs whose stiffness falls off
with distance, in the spirit of Lindh et al., Chem. Phys. Lett. 241, 423 (1995),
doi:10.1016/0009-2614(95)00646-L. A relaxed geometry may still sit on a saddle, where
symmetry or chance has put it: it is then displaced along its negative mode, both ways, and
relaxed again.
"""

from dataclasses import dataclass, replace

import numpy as np
from ase import Atoms
from ase.optimize import BFGS

from ..errors import BadEndpoints
from .hessian import STEP, lowest_modes, without_rigid_motion
from .model_hessian import gaussian, model_hessian

FMAX = 0.005  # eV/angstrom
STEPS = 600
# eV/angstrom^2. The softest modes of loose complexes are known to about 0.01.
NEGATIVE = -0.02
DISPLACEMENT = 0.1  # angstrom, of the atom that moves most
ROUNDS = 3
SAME_MINIMUM = 0.05, 0.005  # angstrom, eV: an end so near to a given one is that one
PLAIN = 70.0  # eV/angstrom^2, where there are no bonds to model
GENTLE_FMAX, GENTLE_STEP, GENTLE_STEPS = 0.01, 0.1, 200  # eV/angstrom; angstrom, of one atom
SOFTEST, SOFT_STEP = 4, 0.02  # modes; angstrom, of the whole molecule


@dataclass(frozen=True)
class Minimum:
    """One relaxed geometry.

    Attributes
    ----------
    positions : (N, 3) array, angstrom
    energy : eV
    fmax : largest atomic force, eV/angstrom
    converged : whether `fmax` is what was asked for
    model : (3N, 3N) array, eV/angstrom^2, the optimiser's Hessian, to go on from
    gradient : (N, 3) array, eV/angstrom; None where only the force is known
    curvature : eV/angstrom^2, the lowest of the Hessian; None where it was not computed
    displaced : whether it lies downhill of a saddle, left along its negative mode
    """

    positions: np.ndarray
    energy: float
    fmax: float
    converged: bool
    model: np.ndarray | None = None
    gradient: np.ndarray | None = None
    curvature: float | None = None
    displaced: bool = False


class Restraints:
    """Springs of 20 eV/A^2 that hold the distances of some pairs of atoms, for ASE.

    Parameters
    ----------
    pairs : (K, 2) int array
    lengths : (K,) array, angstrom
    """

    SPRING = 20.0  # eV/angstrom^2

    def __init__(self, pairs: np.ndarray, lengths: np.ndarray):
        self.pairs, self.lengths = np.asarray(pairs), np.asarray(lengths)

    def _stretch(self, positions):
        vectors = positions[self.pairs[:, 0]] - positions[self.pairs[:, 1]]
        distances = np.linalg.norm(vectors, axis=1)
        return distances - self.lengths, vectors / distances[:, None]

    def adjust_positions(self, atoms, new) -> None:
        """Let all atoms move."""

    def adjust_forces(self, atoms, forces) -> None:
        """Add the forces of the springs."""
        stretch, directions = self._stretch(atoms.positions)
        pull = self.SPRING * stretch[:, None] * directions
        np.add.at(forces, self.pairs[:, 0], -pull)
        np.add.at(forces, self.pairs[:, 1], pull)

    def adjust_potential_energy(self, atoms) -> float:
        """Return the energy of the springs, eV."""
        return float(self.SPRING / 2 * (self._stretch(atoms.positions)[0] ** 2).sum())

    def get_removed_dof(self, atoms) -> int:
        """No degree of freedom is lost."""
        return 0


def relax(
    oracle,
    numbers: np.ndarray,
    positions: np.ndarray,
    fmax: float = FMAX,
    steps: int = STEPS,
    *,
    model: np.ndarray | None = None,
    restraints: Restraints | None = None,
    longest: float | None = None,
) -> Minimum:
    """Relax one geometry; not converging is a result.

    Parameters
    ----------
    oracle : `Oracle`; pays every evaluation
    numbers : (N,) int array, atomic numbers
    positions : (N, 3) array, angstrom
    fmax : largest atomic force to stop at, eV/angstrom
    steps : most steps
    model : (3N, 3N) array, eV/angstrom^2, a Hessian to start from
    restraints : distances to be held; their springs are part of the energy returned
    longest : displacement of an atom in one step, angstrom; ASE's 0.2 where not given
    """
    atoms = Atoms(numbers, positions)
    atoms.calc = oracle.calculator()
    if restraints is not None:
        atoms.set_constraint(restraints)
    optimizer = BFGS(atoms, logfile=None, maxstep=longest)
    optimizer.H0 = model_hessian(numbers, positions, gaussian) if model is None else model
    converged = optimizer.run(fmax=fmax, steps=steps)
    gradient = -atoms.get_forces()
    return Minimum(
        atoms.positions.copy(),
        float(atoms.get_potential_energy()),
        float(np.linalg.norm(gradient, axis=1).max()),
        bool(converged),
        optimizer.H0 if optimizer.state is None else optimizer.H,  # None: not a step taken
        gradient,
    )


def relax_gently(oracle, numbers: np.ndarray, start: np.ndarray) -> Minimum:
    """Relax into the minimum of the basin of `start`, by steps too short to leave it."""
    model = None if "rotation" in oracle.invariances else PLAIN * np.eye(start.size)
    return relax(
        oracle, numbers, start, GENTLE_FMAX, GENTLE_STEPS, model=model, longest=GENTLE_STEP
    )


def minima(
    oracle, numbers: np.ndarray, positions: np.ndarray, model: np.ndarray | None = None
) -> list[Minimum]:
    """Relax to minima proven by the Hessian: one, or several if the way down forks.

    Raises
    ------
    BadEndpoints
        if the relaxation does not converge, or a negative mode remains after
        three rounds of displacements.
    """
    found, waiting = [], [positions]
    for turn in range(ROUNDS):
        saddles = []
        for start in waiting:
            end = relax(oracle, numbers, start, model=model)
            if not end.converged:
                raise BadEndpoints(
                    f"is not relaxed after {STEPS} steps (largest force {end.fmax:.3f} eV/A, "
                    f"wanted {FMAX}): start from a geometry nearer to a minimum"
                )
            curvature, mode = lowest_mode(oracle, end.positions)
            if curvature > NEGATIVE:
                found.append(replace(end, curvature=curvature, displaced=turn > 0))
            else:
                saddles.append((end, curvature, mode))
        if not saddles:
            return found
        model = None
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
    """Smallest curvature (eV/angstrom^2) and its unit mode (N, 3), rigid motion left out.

    The Hessian is taken by forward differences, half the price of central ones, and names
    the softest four modes. Its error is in them, as they are the least harmonic; so they are
    followed by central differences, and the lowest curvature among them is what counts:
    3N + 9 evaluations.
    """
    size = positions.size
    steps = STEP * np.eye(size).reshape(size, *positions.shape)
    _, gradients = oracle(np.concatenate([positions[None], positions + steps]))
    raw = (gradients[1:] - gradients[0]).reshape(size, size) / STEP
    matrix = without_rigid_motion((raw + raw.T) / 2, positions, oracle.invariances)
    _, modes = lowest_modes(matrix, positions, oracle.invariances, count=SOFTEST)
    if not len(modes):
        return np.inf, np.zeros_like(positions)
    along = SOFT_STEP * modes
    _, gradients = oracle(np.concatenate([positions + along, positions - along]))
    products = (gradients[: len(modes)] - gradients[len(modes) :]) / (2 * SOFT_STEP)
    within = np.einsum("inx,jnx->ij", modes, products)
    values, vectors = np.linalg.eigh((within + within.T) / 2)
    return float(values[0]), np.einsum("i,inx->nx", vectors[:, 0], modes)
