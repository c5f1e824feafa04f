"""The intrinsic reaction coordinate of a saddle: both sides, down to their minima.

Each side is the mass-weighted steepest descent of `landscape.descent`, with a Hessian that is exact
at the saddle. Where the forces have become small the bottom of the well is near; the soft modes
left there are relaxed by quasi-Newton steps too short to leave the basin.

Limits: where a descent ends at a stationary point that is no minimum; `connection` looks for that.
"""

from dataclasses import dataclass

import numpy as np
from ase.data import atomic_masses

from ..landscape.descent import NEAR, STEP, descend
from ..landscape.hessian import hessian
from ..landscape.minima import GENTLE_FMAX, relax_gently
from ..landscape.scale import ORDINARY, Scale

FIRST_DROP = 0.002  # eV: how far below the saddle the first point lies, by the quadratic model
FARTHEST_FIRST = 0.2  # angstrom sqrt(u)
BOTTOM = 0.3  # eV: the most that the relaxation of a well's bottom may yield


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

    def in_units(self, scale: Scale) -> "Branch":
        """Return this side, walked in a surface's own units, in angstrom and eV."""
        lengths, energies = scale.length * self.positions, scale.energy * self.energies
        return Branch(lengths, energies, scale.force * self.gradient, self.converged)

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
    scale: Scale = ORDINARY,
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
    scale : the surface's units, in which all lengths, energies and forces here are meant

    Raises
    ------
    SCFFailure, BudgetExhausted
        from the oracle.
    """
    oracle, saddle, matrix = oracle.in_units(scale), saddle / scale.length, matrix / scale.curvature
    displacement = first_step(matrix, way)
    forth, back = (
        _side(oracle, numbers, saddle + sign * displacement, matrix, step).in_units(scale)
        for sign in (1, -1)
    )
    return forth, back


def first_step(matrix: np.ndarray, way: np.ndarray) -> np.ndarray:
    """Return the way (N, 3) from a saddle to the first point of a side, by the quadratic model."""
    curvature = way.ravel() @ matrix @ way.ravel()
    return min(np.sqrt(2 * FIRST_DROP / max(-curvature, 1e-6)), FARTHEST_FIRST) * way


def _side(oracle, numbers, start, matrix, step) -> Branch:
    masses = atomic_masses[numbers]
    positions, energies = descend(oracle, masses, start, matrix, step=step)
    end = relax_gently(oracle, numbers, positions[-1])
    for near in (NEAR / 4, GENTLE_FMAX):
        if energies[-1] - end.energy < BOTTOM:
            break
        # A shoulder, or a shallow well that the relaxation has left: the descent goes on,
        # with a Hessian that knows which.
        last = positions[-1]
        further, lower = descend(
            oracle, masses, last, hessian(oracle, last), step=step, near=near, left=0.0
        )
        positions = np.concatenate([positions[:-1], further])
        energies = np.concatenate([energies[:-1], lower])
        end = relax_gently(oracle, numbers, positions[-1])
    return Branch(
        np.concatenate([positions, end.positions[None]]),
        np.append(energies, end.energy),
        end.gradient,
        end.converged,
    )
