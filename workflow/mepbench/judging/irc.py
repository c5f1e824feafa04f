"""The intrinsic reaction coordinate: steepest descent from a saddle, mass-weighted.

In coordinates q = sqrt(m) x the path obeys dq/dt = -g(q) (Fukui, Acc. Chem. Res. 14, 363
(1981), doi:10.1021/ar00072a001). Each step solves this equation exactly on the local
quadratic model, in the eigenbasis (h_i, v_i) of its Hessian,

    q(t) = q_0 + sum_i v_i (v_i . g) (exp(-h_i t) - 1) / h_i,

up to the t at which the wanted arc length is reached: Page, McIver, J. Chem. Phys. 88, 922
(1988), doi:10.1063/1.454172. The Hessian is exact at the saddle and updated along the path
by Bofill's formula, as in Hratchian, Schlegel, J. Chem. Theory Comput. 1, 61 (2005),
doi:10.1021/ct0499783. A step whose gradient the model predicts badly, or that goes uphill, is
taken again at half its length, with a Hessian that has learned from the failure.

Where the forces have become small the bottom of the well is near; the soft modes left there
are relaxed by quasi-Newton steps too short to leave the basin.

Limits: where the true path branches (a valley-ridge inflection) it follows one branch, or,
on a symmetry element, ends at a stationary point that is no minimum; `judge` looks for that.
"""

from dataclasses import dataclass

import numpy as np
from ase import Atoms
from ase.data import atomic_masses
from ase.optimize import BFGS

from ..landscape.hessian import bofill_update, hessian, without_rigid_motion
from ..landscape.minima import model_hessian
from ..path import remove_rigid_motion

STEP = 0.15  # angstrom sqrt(u): longest step, along the mass-weighted path
FIRST_DROP = 0.002  # eV: how far below the saddle the first point lies, by the quadratic model
FARTHEST_FIRST = 0.2  # angstrom sqrt(u)
LEFT = 0.5  # angstrom sqrt(u): a descent longer than this has left the saddle
TOLERANCE = 0.3  # largest error of the predicted gradient, relative to the gradient
SHORTEST = 1e-3  # angstrom sqrt(u)
NEAR = 0.1  # eV/angstrom: largest force on an atom at which the descent ends
BOTTOM = 0.3  # eV: the most that the relaxation of a well's bottom may yield
FMAX = 0.01  # eV/angstrom: at which the relaxation ends
LONGEST_RELAXATION = 0.1  # angstrom, of one atom in one step
STEPS = 200  # most evaluations of one side's descent, and of its relaxation


@dataclass(frozen=True)
class Branch:
    """One side of the path, from the first point off the saddle to its minimum.

    Attributes
    ----------
    positions : (M, N, 3) array, angstrom; the last one is the relaxed minimum
    energies : (M,) array, eV
    gradient : (N, 3) array, eV/angstrom, at the end
    converged : whether the forces vanished there
    """

    positions: np.ndarray
    energies: np.ndarray
    gradient: np.ndarray
    converged: bool

    @property
    def end(self) -> np.ndarray:
        """The minimum, (N, 3) array, angstrom."""
        return self.positions[-1]


def irc(
    oracle,
    numbers: np.ndarray,
    saddle: np.ndarray,
    matrix: np.ndarray,
    way: np.ndarray,
    *,
    step: float = STEP,
) -> tuple[Branch, Branch]:
    """Follow both sides of a first-order saddle down to their minima.

    Parameters
    ----------
    oracle : `Oracle`; pays one evaluation a step, some 30 to 100 a side
    numbers : (N,) int array, atomic numbers, for the standard atomic masses
    saddle : (N, 3) array, angstrom
    matrix : (3N, 3N) Hessian at the saddle, without rigid motion, eV/angstrom^2
    way : (N, 3) array: the mode to leave along, of mass-weighted length 1 (`reaction_mode`)
    step : longest step, angstrom sqrt(u)

    Raises
    ------
    SCFFailure, BudgetExhausted
        from the oracle.
    """
    curvature = way.ravel() @ matrix @ way.ravel()
    first = min(np.sqrt(2 * FIRST_DROP / max(-curvature, 1e-6)), FARTHEST_FIRST)
    displacement = first * way
    forth, back = (
        _side(oracle, numbers, saddle + sign * displacement, matrix, step) for sign in (1, -1)
    )
    return forth, back


def _side(oracle, numbers, start, matrix, step) -> Branch:
    masses = atomic_masses[numbers]
    positions, energies = descend(oracle, masses, start, matrix, step=step)
    end, energy, gradient = relax_gently(oracle, numbers, positions[-1])
    for near in (NEAR / 4, FMAX):
        if energies[-1] - energy < BOTTOM:
            break
        # A shoulder, or a shallow well that the relaxation has left: the descent goes on,
        # with a Hessian that knows which.
        last = positions[-1]
        further, lower = descend(
            oracle, masses, last, hessian(oracle, last), step=step, near=near, left=0.0
        )
        positions = np.concatenate([positions[:-1], further])
        energies = np.concatenate([energies[:-1], lower])
        end, energy, gradient = relax_gently(oracle, numbers, positions[-1])
    return Branch(
        np.concatenate([positions, end[None]]),
        np.append(energies, energy),
        gradient,
        converged=bool(np.linalg.norm(gradient, axis=1).max() <= FMAX),
    )


def descend(
    oracle,
    masses: np.ndarray,
    start: np.ndarray,
    matrix: np.ndarray,
    *,
    step: float = STEP,
    near: float = NEAR,
    left: float = LEFT,
) -> tuple[np.ndarray, np.ndarray]:
    """Follow the mass-weighted steepest descent from `start` until the forces are small.

    Parameters
    ----------
    masses : (N,) array, u
    start : (N, 3) array, angstrom
    matrix : (3N, 3N) Hessian near `start`, eV/angstrom^2
    step : longest step, angstrom sqrt(u)
    near : largest force on an atom at which it ends, eV/angstrom
    left : arc length before which it does not end there, angstrom sqrt(u)

    Returns
    -------
    positions (M, N, 3) and energies (M,), from `start` on.
    """
    root = np.sqrt(np.repeat(masses, 3))
    weights = np.outer(root, root)
    x, (energy, gradient) = start, _evaluate(oracle, start)
    track, length, travelled = [(x, energy)], step, 0.0
    H = without_rigid_motion(matrix, x, oracle.invariances) / weights
    for _ in range(STEPS):
        g = gradient.ravel() / root
        # Just off a flat saddle the forces are small as well, and the path may curve upwards
        # for a moment where it leaves the straight line of the first point.
        limit = max(near if travelled >= left else 0.0, FMAX)
        in_well = np.linalg.norm(gradient, axis=1).max() <= limit and g @ H @ g > 0
        if in_well or length < SHORTEST:
            break
        move, arc = _local_quadratic_step(g, H, length)
        new = x + (move / root).reshape(x.shape)
        new_energy, new_gradient = _evaluate(oracle, new)
        change = new_gradient.ravel() / root - g
        error = np.linalg.norm(change - H @ move) / np.linalg.norm(g)
        H = bofill_update(H, move, change)
        if new_energy > energy or error > 2 * TOLERANCE:
            length = 0.5 * min(length, arc)
        else:
            x, energy, gradient = new, new_energy, new_gradient
            travelled += arc
            track.append((x, energy))
            if error > TOLERANCE:
                length *= 0.7
            elif error < 0.5 * TOLERANCE:
                length = min(1.5 * length, step)
        H = without_rigid_motion(H * weights, x, oracle.invariances) / weights
    positions, energies = (np.array(column) for column in zip(*track, strict=True))
    return positions, energies


def relax_gently(
    oracle, numbers: np.ndarray, start: np.ndarray
) -> tuple[np.ndarray, float, np.ndarray]:
    """Relax into the minimum of the basin of `start`; return position, energy and gradient."""
    atoms = Atoms(numbers, start)
    atoms.calc = oracle.calculator()
    optimizer = BFGS(atoms, logfile=None, maxstep=LONGEST_RELAXATION)
    if "rotation" in oracle.invariances:
        optimizer.H0 = model_hessian(numbers, start)
    optimizer.run(fmax=FMAX, steps=STEPS)
    return atoms.positions.copy(), float(atoms.get_potential_energy()), -atoms.get_forces()


def _local_quadratic_step(gradient, matrix, length) -> tuple[np.ndarray, float]:
    """Return the step of arc length `length` (less if the model ends before), and its length.

    `gradient` (n,) and `matrix` (n, n) are mass-weighted.
    """
    values, modes = np.linalg.eigh(matrix)
    g = modes.T @ gradient
    # Arc length grows as the integral of the speed sqrt(sum g_i^2 exp(-2 h_i t)); times
    # from a hundredth of the straight-line time to far beyond it, evenly in the logarithm.
    t = np.concatenate([[0.0], np.geomspace(1e-2, 1e6, 400) * length / np.linalg.norm(gradient)])
    decay = np.exp(np.clip(-np.outer(t, values), None, 60.0))
    speed = np.sqrt((decay**2) @ g**2)
    arc = np.concatenate([[0.0], np.cumsum(np.diff(t) * (speed[1:] + speed[:-1]) / 2)])
    reached = min(length, arc[-1])
    time = np.interp(reached, arc, t)
    # (exp(-h t) - 1) / h, with its limit -t for small h t.
    product = np.clip(values * time, -60.0, None)
    small = np.abs(product) < 1e-8
    factor = np.where(small, -time, np.expm1(-product) / np.where(small, 1.0, values))
    return modes @ (factor * g), reached


def _evaluate(oracle, x):
    energies, gradients = oracle(x[None])
    return float(energies[0]), remove_rigid_motion(gradients[0], x, oracle.invariances)
