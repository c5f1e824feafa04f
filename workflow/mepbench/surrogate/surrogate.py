"""The surrogate of one reaction: a Gaussian process that pays for what it learns.

Its prior mean are springs, or the surrogate of a cheaper level as long as what is evaluated is
likelier so than with springs (`prior`).

The two ends, with their gradients, are free and always part of it. Beyond some thousand rows
of the kernel matrix it forgets the points farthest from the path (a window that moves with
the search), so that memory and time of a search stay bounded for large molecules.
"""

from dataclasses import dataclass

import numpy as np

from ..oracle import Evaluated
from .descriptor import InverseDistances, descriptor
from .gaussian_process import KEPT, GaussianProcess, apart, far_apart, remembered
from .prior import BESIDE, Flat, Learned, Springs

KERNEL, LENGTH, NOISE = "matern", 0.6, 1e-5
NEAR = 0.05  # angstrom: a point nearer to a known one teaches nothing
LEAST_SIGMA = 2.0  # eV, of molecules: two ends with zero gradients look like no variance at all


@dataclass(frozen=True)
class SurrogateSurface:
    """The surrogate as a `landscape.surface.Surface`, with its exact Hessian."""

    surrogate: GaussianProcess
    invariances: tuple[str, ...]

    def __call__(self, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Energies (B,) and gradients (B, N, 3) at (B, N, 3) geometries."""
        energies, gradients = self.surrogate(positions.reshape(len(positions), -1))
        return energies, gradients.reshape(positions.shape)

    def expansion(self, x: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        """Energy, gradient (N, 3) and Hessian (3N, 3N) at one geometry (N, 3)."""
        energies, gradients, hessians = self.surrogate.expansion(x.reshape(1, -1))
        return float(energies[0]), gradients[0].reshape(x.shape), hessians[0]

    def hessian(self, x: np.ndarray) -> np.ndarray:
        """(3N, 3N) at one geometry (N, 3)."""
        return self.expansion(x)[2]

    def model_hessian(self, x: np.ndarray) -> np.ndarray:
        """Return the same, with the Hessian of a cheaper level itself where that is the mean."""
        matrix, prior = self.hessian(x), self.surrogate.prior
        if (exact := prior.exact(x)) is None:
            return matrix
        return matrix + exact - prior.expansion(x.reshape(1, -1))[2][0]


def learned_from(reaction, coordinates, oracle, evaluated, beside: np.ndarray) -> Learned:
    """Return the prior mean of a cheaper level, from what it has answered in a search.

    Parameters
    ----------
    reaction : of the expensive level
    coordinates : `InverseDistances`
    oracle : `Oracle` of the cheaper level, for what is asked from now on
    evaluated : `oracle.Evaluated` of the cheaper level; near points teach nothing
    beside : (N, 3) array, angstrom: the nearest to it are learned, as many as a search remembers
    """
    springs = Springs(reaction.numbers, reaction.ends, coordinates)
    fit = GaussianProcess(coordinates, springs, KERNEL, LENGTH, (NOISE, 10 * NOISE), LEAST_SIGMA)
    order = np.argsort(apart(evaluated.positions, beside), kind="stable")
    kept = far_apart(evaluated.positions, order, BESIDE, evaluated.positions[:0])
    kept = kept[: remembered(beside.size)]
    x, gradients = (column[kept] for column in (evaluated.positions, evaluated.gradients))
    fit.add(x.reshape(len(x), -1), evaluated.energies[kept], gradients.reshape(len(x), -1))
    return Learned(fit, oracle)


class Surrogate(GaussianProcess):
    """A Gaussian process on one reaction, fed by its oracle.

    Parameters
    ----------
    reaction : its ends are the first two points
    oracle : `Oracle`
    kernel : see `gaussian_process`
    length : in sums of covalent radii per distance; on surfaces, in shares of the ends' distance
    noise : relative to sigma, of energies; ten times that of gradients

    Attributes
    ----------
    ends : (2,) array, eV
    contradicted_at : which evaluation made springs the likelier prior; 0 if none did
    """

    def __init__(
        self,
        reaction,
        oracle,
        *,
        kernel: str = KERNEL,
        length: float = LENGTH,
        noise: float = NOISE,
    ):
        self.oracle, self.invariances = oracle, oracle.invariances
        self.coordinates = descriptor(reaction.numbers, self.invariances)
        self.molecular = isinstance(self.coordinates, InverseDistances)
        mean, least, self.contradicted_at = Flat(), 0.1, 0
        if self.molecular:
            mean = Springs(reaction.numbers, reaction.ends, self.coordinates)
            least = LEAST_SIGMA
        else:
            length = length * float(np.linalg.norm(reaction.ends[1] - reaction.ends[0]))
        super().__init__(self.coordinates, mean, kernel, length, (noise, 10 * noise), least)
        self.ends, gradients = oracle(reaction.ends)
        self.add(reaction.ends.reshape(2, -1), self.ends, gradients.reshape(2, -1))

    @property
    def surface(self) -> SurrogateSurface:
        """What `landscape` walks on."""
        return SurrogateSurface(self, self.invariances)

    def observe(self, x: np.ndarray) -> tuple[float, np.ndarray, float]:
        """Pay for one geometry (N, 3); return energy, gradient (N, 3), and the surprise, eV.

        The prior's own level is asked first; where it is contradicted, it is dropped.
        """
        self.consult(x)
        predicted, _ = self(x.reshape(1, -1))
        energies, gradients = self.oracle(x[None])
        self.add(x.reshape(1, -1), energies, gradients.reshape(1, -1))
        if self.contradicted:
            self.disbelieve()
            self.contradicted_at = self.oracle.evaluations
        return float(energies[0]), gradients[0], float(abs(energies[0] - predicted[0]))

    def learn(self, x: np.ndarray, energies: np.ndarray, gradients: np.ndarray) -> None:
        """Take over what another paid for, (K, N, 3), the last first; near ones teach nothing."""
        new = far_apart(x, reversed(range(len(x))), NEAR, self.x.reshape(-1, *x.shape[1:]))
        if new:
            self.add(
                x[new].reshape(len(new), -1), energies[new], gradients[new].reshape(len(new), -1)
            )

    def recall(self, known: Evaluated, path: np.ndarray) -> None:
        """Take over what earlier searches paid for, as much as is near to a path (M, N, 3)."""
        flat = known.positions.reshape(len(known), -1)
        order = np.argsort(self._from_path(self.describe(flat).q, path), kind="stable")
        kept = order[: int(KEPT * self.most)][::-1]
        self.learn(known.positions[kept], known.energies[kept], known.gradients[kept])

    def forget(self, path: np.ndarray) -> None:
        """Keep the points nearest to a path's (M, N, 3) frames, if there are too many."""
        if len(self) <= self.most:
            return
        distance = self._from_path(self.data.q, path)
        distance[:2], distance[-5:] = -1.0, -0.5
        self.forget_farthest(distance)

    def _from_path(self, q: np.ndarray, path: np.ndarray) -> np.ndarray:
        """Distances of points q (K, D) of the descriptor from a path's nearest frames, (K,)."""
        near = self.describe(path.reshape(len(path), -1)).q
        return np.sqrt(((q[:, None] - near[None]) ** 2).sum(axis=2)).min(axis=1)
