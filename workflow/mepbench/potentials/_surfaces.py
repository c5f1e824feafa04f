"""What the two-dimensional model surfaces share: V(x, y) behind the contract of potentials.

A geometry is one particle of shape (1, 3). The surface acts on x and y; z, which no
model has, is held by a spring of 10 eV/angstrom^2, so that it adds one stiff positive
eigenvalue to the Hessian and no spurious zero. Nothing is invariant.
"""

from dataclasses import dataclass

import numpy as np

from ..errors import SCFFailure
from ..oracle import counted
from ..reaction import Reaction

Z_SPRING = 10.0  # eV/angstrom^2
HYDROGEN = np.array([1])


@dataclass(frozen=True)
class Known:
    """A reaction whose saddle is known: (N, 3) in angstrom, `barrier` from the reactant in eV."""

    reaction: Reaction
    saddle: np.ndarray
    barrier: float


class Surface:
    """A model surface; `surface(x, y)` returns V, dV/dx and dV/dy for arrays of one shape."""

    invariances = ()

    def __init__(self, surface, name: str):
        self._surface = surface
        self.backend = f"analytic ({name})"

    @counted
    def evaluate(self, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Energies (B,) in eV and gradients (B, 1, 3) in eV/angstrom at (B, 1, 3) angstrom."""
        x, y, z = np.moveaxis(np.asarray(positions, dtype=float)[:, 0], -1, 0)
        with np.errstate(over="ignore", invalid="ignore"):
            v, dx, dy = self._surface(x, y)
        energies = v + 0.5 * Z_SPRING * z**2
        gradients = np.stack([dx, dy, Z_SPRING * z], axis=-1)[:, None, :]
        if not (np.isfinite(energies).all() and np.isfinite(gradients).all()):
            raise SCFFailure("the model surface has no finite energy at this point")
        return energies, gradients


def stationary(potential: Surface, x: float, y: float) -> np.ndarray:
    """Return the (1, 3) stationary point that Newton's method reaches from (x, y)."""
    point, step = np.array([x, y]), 1e-5
    for _ in range(50):
        stencil = point + step * np.array([[0, 0], [1, 0], [-1, 0], [0, 1], [0, -1]])
        g = potential.evaluate(np.insert(stencil, 2, 0.0, axis=1)[:, None, :])[1][:, 0, :2]
        hessian = np.array([g[1] - g[2], g[3] - g[4]]) / (2 * step)
        newton = np.linalg.solve((hessian + hessian.T) / 2, -g[0])
        point = point + newton
        if np.abs(newton).max() < 1e-13:
            break
    return np.array([[*point, 0.0]])


def reaction_between(potential: Surface, name: str, reactant, product) -> Reaction:
    """Return the reaction between the two minima nearest to the (x, y) given."""
    ends = np.stack([stationary(potential, *reactant), stationary(potential, *product)])
    energies, gradients = potential.evaluate(ends)
    return Reaction(name, HYDROGEN, *ends, energies=energies, gradients=gradients)


def known(potential: Surface, name: str, reactant, saddle, product) -> Known:
    """Return a reaction with its saddle, from starting points (x, y) for Newton's method."""
    reaction = reaction_between(potential, name, reactant, product)
    top = stationary(potential, *saddle)
    barrier = potential.evaluate(top[None])[0][0] - reaction.energies[0]
    return Known(reaction, top, float(barrier))
