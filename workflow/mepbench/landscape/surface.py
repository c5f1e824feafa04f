"""What a surface is here: the oracle, or a surrogate of it."""

from typing import Protocol

import numpy as np

from ..path import remove_rigid_motion, rigid_motions
from .hessian import projected


class Surface(Protocol):
    """Energies and gradients of a batch of geometries, and what leaves them as they are.

    A surface that knows its second derivatives exactly offers `expansion(x)` as well: of one
    geometry (N, 3) the energy, the gradient (N, 3) and the (3N, 3N) Hessian, eV/angstrom^2. The
    oracle has none: there it is measured, or learned from steps.

    Attributes
    ----------
    invariances : names of the rigid motions that don't change the energy
    """

    invariances: tuple[str, ...]

    def __call__(self, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Energies (B,), eV, and gradients (B, N, 3), eV/angstrom, at (B, N, 3), angstrom."""


def evaluate(surface: Surface, x: np.ndarray) -> tuple[float, np.ndarray]:
    """Return energy and gradient (N, 3) of one geometry (N, 3), without rigid motion."""
    energies, gradients = surface(x[None])
    return float(energies[0]), remove_rigid_motion(gradients[0], x, surface.invariances)


def expand(surface: Surface, x: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """Return energy, gradient (N, 3) and exact Hessian (3N, 3N) at (N, 3), without rigid motion."""
    energy, gradient, hessian = surface.expansion(x)
    rigid = rigid_motions(x, surface.invariances)
    flat = gradient.ravel()
    flat = flat - rigid.T @ (rigid @ flat)
    return energy, flat.reshape(x.shape), projected(hessian, rigid)
