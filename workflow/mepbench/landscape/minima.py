"""From a starting geometry to a minimum: relaxation, then proof by the Hessian.

Quasi-Newton steps (BFGS) from a model Hessian of pair springs whose stiffness falls off
with distance, in the spirit of Lindh et al., Chem. Phys. Lett. 241, 423 (1995),
doi:10.1016/0009-2614(95)00646-L. A relaxed geometry may still sit on a saddle, where
symmetry or chance has put it: it is then displaced along its negative mode, both ways, and
relaxed again.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from ase import Atoms

from ..errors import BadEndpoints
from ..path import remove_rigid_motion
from .hessian import STEP, hessian
from .index import FMAX_ASIDE, Stationary, aside, sides, stationary_point
from .model_hessian import gaussian, model_hessian
from .scale import ORDINARY, Scale, length_scale, surface_scale

FMAX = 0.005  # eV/angstrom
STEPS = 600
ROUNDS = 3
FREE = 5e-4  # eV: an end stays where the model of its energy falls by less, 0.3 A down a mode
SAME_MINIMUM = 0.05, 0.005  # angstrom, eV: an end so near to a given one is that one
PLAIN = 70.0  # eV/angstrom^2, where there are no bonds to model
GENTLE_FMAX, GENTLE_STEP, GENTLE_STEPS = 0.01, 0.1, 200  # eV/angstrom; angstrom, of one atom


@dataclass(frozen=True)
class Proof:
    """How a geometry was shown to be a minimum.

    Attributes
    ----------
    kind : "full", by the Hessian, or "staged", by its lowest eigenpair alone
    curvature : eV/angstrom^2, the lowest; infinite where nothing vibrates
    error : eV/angstrom^2, how far below that it may lie
    evaluations : what the proof took, without the relaxation
    doubt : why the staged proof did not do before the full one; mostly empty
    """

    kind: str
    curvature: float
    error: float
    evaluations: int
    doubt: str = ""


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
    displaced : whether it lies downhill of a saddle, left along its negative mode
    proof : that it is a minimum; None where it was not proven
    point : the stationary point it was proven at, with its Hessian, in the order of atoms and the
        orientation in which it was relaxed; None where there is no Hessian
    """

    positions: np.ndarray
    energy: float
    fmax: float
    converged: bool
    model: np.ndarray | None = None
    gradient: np.ndarray | None = None
    displaced: bool = False
    proof: Proof | None = None
    point: Stationary | None = None


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


class AtRest:
    """Forces without net force and torque, for ASE.

    Grids of integration, which do not turn with the molecule, leave a torque of some 1e-3
    eV/angstrom: a relaxation that follows it turns the molecule without end.
    """

    def __init__(self, invariances: tuple[str, ...]):
        self.invariances = invariances

    def adjust_positions(self, atoms, new) -> None:
        """Let all atoms move."""

    def adjust_forces(self, atoms, forces) -> None:
        """Take out what would move or turn the whole."""
        forces[:] = remove_rigid_motion(forces, atoms.positions, self.invariances)

    def get_removed_dof(self, atoms) -> int:
        """No degree of freedom of the kinetic energy is lost."""
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
    scale: Scale = ORDINARY,
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
    scale : the units of `fmax` and of the steps; restraints have none
    """
    atoms = Atoms(numbers, positions / scale.length)
    atoms.calc = oracle.in_units(scale).calculator()
    held = [] if restraints is None else [restraints]
    atoms.set_constraint([*held, AtRest(oracle.invariances)])
    from ase.optimize import BFGS

    optimizer = BFGS(atoms, logfile=None, maxstep=longest)
    if model is None:
        optimizer.H0 = model_hessian(numbers, positions, gaussian)
    else:
        optimizer.H0 = model / scale.curvature
    converged = optimizer.run(fmax=fmax, steps=steps)
    gradient = -atoms.get_forces()
    return Minimum(
        scale.length * atoms.positions,
        scale.energy * float(atoms.get_potential_energy()),
        scale.force * float(np.linalg.norm(gradient, axis=1).max()),
        bool(converged),
        # Without a state not a step was taken.
        scale.curvature * (optimizer.H0 if optimizer.state is None else optimizer.H),
        scale.force * gradient,
    )


def relax_gently(
    oracle, numbers: np.ndarray, start: np.ndarray, scale: Scale = ORDINARY
) -> Minimum:
    """Relax into the minimum of the basin of `start`, by steps too short to leave it."""
    plain = PLAIN * scale.curvature * np.eye(start.size)
    return relax(
        oracle,
        numbers,
        start,
        GENTLE_FMAX,
        GENTLE_STEPS,
        model=None if "rotation" in oracle.invariances else plain,
        longest=GENTLE_STEP,
        scale=scale,
    )


def by_hessian(
    oracle, numbers: np.ndarray, start: np.ndarray, model: np.ndarray | None, fmax: float
) -> tuple[Minimum, np.ndarray]:
    """Relax a geometry by quasi-Newton steps and count its negative curvatures by its Hessian.

    Parameters
    ----------
    start : (N, 3) array, angstrom
    model : (3N, 3N) array, eV/angstrom^2, a Hessian to start from
    fmax : largest atomic force to relax to, eV/angstrom

    Returns
    -------
    minimum : with its proof, if it is one
    below : (K, N, 3) array, angstrom, where to go on down both sides of its lowest mode; empty
        where that is not negative, or a rotation without hindrance
    """
    end, point, scale, evaluations = _relaxed(oracle, numbers, start, model, fmax)
    curvature, error = np.inf, 0.0
    if len(point.curvatures):
        curvature, error = float(point.curvatures[0]), float(point.errors[0])
    end = replace(end, point=point, proof=Proof("full", curvature, error, evaluations))
    down = slice(point.index)
    if turns_freely(point.curvatures[down], point.modes[down], scale):
        return end, np.empty((0, *start.shape))
    return end, sides(point, 0, scale)


def minima(
    oracle,
    numbers: np.ndarray,
    positions: np.ndarray,
    model: np.ndarray | None = None,
    proven: Callable = by_hessian,
) -> list[Minimum]:
    """Relax to proven minima: one, or several if the way down forks.

    Parameters
    ----------
    oracle : `Oracle`; pays every evaluation
    numbers : (N,) int array, atomic numbers
    positions : (N, 3) array, angstrom
    model : (3N, 3N) array, eV/angstrom^2, a Hessian to start from
    proven : relaxes and proves one geometry: `by_hessian`, or what returns the same for less

    Raises
    ------
    BadEndpoints
        if the relaxation does not converge, or a negative mode remains after
        three rounds of displacements.
    """
    found, waiting, wanted = [], [positions], FMAX
    for turn in range(ROUNDS):
        saddles = []
        for start in waiting:
            end, below = proven(oracle, numbers, start, model, wanted)
            if len(below):
                saddles.append((end, below))
            else:
                found.append(replace(end, displaced=turn > 0))
        if not saddles:
            return found
        model, wanted = None, FMAX_ASIDE
        waiting = [start for _, below in saddles for start in below]
    if found:
        return found
    curvature = saddles[0][0].proof.curvature
    raise BadEndpoints(
        f"relaxes to a saddle, not a minimum (curvature {curvature:.2g} eV/A^2 after "
        f"{ROUNDS} rounds of displacement along its negative mode): start from a lower symmetry"
    )


def turns_freely(curvatures: np.ndarray, modes: np.ndarray, scale: Scale) -> bool:
    """Whether next to nothing is gained down some modes, by their curvatures.

    A methyl group beside a radical turns over 0.1 meV. Which of its tops and wells an end is in
    says nothing, and to go down there would lead from one to the next without end.

    Parameters
    ----------
    curvatures : (K,) array, eV/angstrom^2
    modes : (K, N, 3) array, unit vectors
    """
    steps = [aside(mode, scale) for mode in modes]
    falls = [-k * (step**2).sum() / 2 for k, step in zip(curvatures, steps, strict=True)]
    return max(falls, default=0.0) < FREE * scale.energy


def _relaxed(oracle, numbers, start, model, fmax) -> tuple[Minimum, Stationary, Scale, int]:
    """Relax, on a soft surface as tightly as its own scale asks for, and count the index.

    The last is how many evaluations followed the first relaxation.
    """
    end, scale = relax(oracle, numbers, start, fmax, model=model), ORDINARY
    relaxed = oracle.evaluations
    if end.converged:
        matrix, scale = scaled_hessian(oracle, end.positions)
    if end.fmax > fmax * scale.force:
        end = relax(oracle, numbers, end.positions, fmax, scale=scale)
        matrix, _ = scaled_hessian(oracle, end.positions)
    if not end.converged:
        raise not_relaxed(end, fmax * scale.force)
    point = stationary_point(oracle, end.positions, matrix, scale)
    return end, point, scale, oracle.evaluations - relaxed


def not_relaxed(end: Minimum, wanted: float) -> BadEndpoints:
    """Return the error that says how far a relaxation came, of the force `wanted`, eV/angstrom."""
    return BadEndpoints(
        f"is not relaxed after {STEPS} steps (largest force {end.fmax:.2g} eV/A, "
        f"wanted {wanted:.2g}): start from a geometry nearer to a minimum"
    )


def scaled_hessian(oracle, positions: np.ndarray) -> tuple[np.ndarray, Scale]:
    """Hessian by forward differences, half the price of central ones, and the units it sets.

    Good enough for `stationary_point`, which measures the softest modes again.
    """
    length = length_scale(positions)
    matrix = hessian(oracle, positions, step=STEP * length, forward=True)
    return matrix, surface_scale(matrix, length)
