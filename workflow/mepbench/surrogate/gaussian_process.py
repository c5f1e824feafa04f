"""Gaussian process on energies and gradients, with exact derivatives of all orders.

With the scaled descriptor p = q/l and u = |p - p'|^2 the kernel is sigma^2 f(u): squared
exponential, f = exp(-u/2), or Matern 5/2. An observed geometry m gives an energy and a
gradient; after the fit it is one number a_m and one vector w_m in the space of p, and

    V(p) = b + V_0 + sum_m [ a_m f - 2 f' (p - p_m).w_m ],

whose derivatives of any order cost one pass over the data, no matrix. The block of the
kernel matrix for two geometries is

    [ f,                -2 f' (d^T J')                       ]
    [ 2 f' (J^T d),     -4 f'' (J^T d)(d^T J') - 2 f' J^T J' ],     d = p - p', J = dp/dx.

A new geometry appends 3N + 1 rows to the Cholesky factor; nothing is factorised again.
Rasmussen, Williams, Gaussian Processes for Machine Learning (2006), chapters 2, 5 and 9;
on molecules: Denzel, Kaestner, J. Chem. Phys. 148, 094114 (2018), doi:10.1063/1.5017103.
"""

from collections.abc import Iterable

import numpy as np

from .descriptor import Described
from .factor import GrowingFactor

ROWS, POINTS = 2600, 36  # forget above this many rows, but not below this many points
KEPT = 0.7  # share of the points that stay
AT_ONCE = 6  # points appended together: their kernel blocks are all in memory
LEAST_DIFFERENCE = 0.3  # eV, of sigma where the mean is another level's


def squared_exponential(u: np.ndarray):
    """f, f', f'', f''' of exp(-u/2)."""
    f = np.exp(-u / 2)
    return f, -f / 2, f / 4, -f / 8


def matern(u: np.ndarray):
    """f, f', f'', f''' of Matern 5/2 in u = r^2; f''' is only used where it vanishes times r."""
    r = np.sqrt(5 * np.maximum(u, 1e-24))
    e = np.exp(-r)
    return (1 + r + r**2 / 3) * e, -5 / 6 * (1 + r) * e, 25 / 12 * e, -125 / 24 * e / r


KERNELS = {"squared-exponential": squared_exponential, "matern": matern}


class GaussianProcess:
    """A fit to energies and gradients.

    Parameters
    ----------
    descriptor : `InverseDistances` or `Cartesians`
    prior : mean function, see `prior`, that needs no other level
    kernel : "squared-exponential" or "matern"
    length : in the descriptor's unit
    noise : of an energy in units of sigma, and of a gradient in units of sigma / angstrom
    least : eV, of sigma

    Attributes
    ----------
    prior : the mean at present: its own, or the surrogate of a cheaper level
    x : (M, 3N) array, angstrom
    energy, gradient : (M,) and (M, 3N) arrays, what was observed
    sigma : eV, by marginal likelihood
    """

    def __init__(
        self,
        descriptor,
        prior,
        kernel: str,
        length: float,
        noise: tuple[float, float],
        least: float = 0.0,
    ):
        self.descriptor, self.prior, self.kernel = descriptor, prior, KERNELS[kernel]
        self.length, self.noise, self.least = length, noise, least
        self._own = prior, least
        self.x = self.energy = self.gradient = None

    def __len__(self) -> int:
        return 0 if self.x is None else len(self.x)

    def believe(self, learned) -> None:
        """Take the surrogate of a cheaper level, `prior.Learned`, for the mean."""
        self.prior, self.least = learned, LEAST_DIFFERENCE
        self._solve()

    def disbelieve(self) -> None:
        """Go back to its own mean, with all that was evaluated."""
        self.prior, self.least = self._own
        self._solve()

    @property
    def believes(self) -> bool:
        """Whether the mean is another level's."""
        return self.prior is not self._own[0]

    @property
    def contradicted(self) -> bool:
        """Whether all that was evaluated is less likely with another level's than with its own."""
        return self.believes and self.misfit(self.prior) > self.misfit(self._own[0])

    def consult(self, x: np.ndarray) -> float:
        """Ask the cheaper level about one geometry (N, 3); by how much it was off, eV/A.

        0 where it was not asked: it is known there, or fails, or there is no cheaper level.
        """
        off = self.prior.consult(x)
        if off > 0:
            self._solve()
        return off

    def away(self, x: np.ndarray) -> float:
        """How far the atom of (N, 3) that moved most is from the nearest point known, angstrom."""
        return float(self.distances(x).min())

    def distances(self, x: np.ndarray) -> np.ndarray:
        """How far the atom of (N, 3) that moved most is from each point known, (M,), angstrom."""
        return apart(self.x.reshape(len(self), *x.shape), x)

    def forget_farthest(self, far: np.ndarray) -> None:
        """Keep the points for which `far` (M,) is least, if there are too many."""
        if len(self) > self.most:
            self.keep(np.sort(np.argsort(far, kind="stable")[: int(KEPT * self.most)]))

    @property
    def most(self) -> int:
        """How many points it remembers."""
        return remembered(self.x.shape[1])

    def describe(self, x: np.ndarray) -> Described:
        """Return p = q/l and its slope."""
        return self.descriptor(x).over(self.length)

    def _cross(self, a: Described, b: Described, xs: int) -> np.ndarray:
        """Kernel blocks of K against M geometries, (K (3N+1), M (3N+1))."""
        k, m = len(a.q), len(b.q)
        d = a.q[:, None] - b.q[None]
        f, f1, f2, _ = self.kernel((d**2).sum(axis=2))
        on_a = d @ self.descriptor.jacobian(a.slope)
        on_b = (d.swapaxes(0, 1) @ self.descriptor.jacobian(b.slope)).swapaxes(0, 1)
        first, second = np.repeat(a.slope, m, axis=0), np.concatenate([b.slope] * k)
        jj = self.descriptor.product(first, second).reshape(k, m, xs, xs)
        block = np.empty((k, m, xs + 1, xs + 1))
        block[..., 0, 0] = f
        block[..., 0, 1:] = -2 * f1[..., None] * on_b
        block[..., 1:, 0] = 2 * f1[..., None] * on_a
        block[..., 1:, 1:] = -2 * f1[..., None, None] * jj
        block[..., 1:, 1:] -= (4 * f2[..., None] * on_a)[..., :, None] * on_b[..., None, :]
        return block.transpose(0, 2, 1, 3).reshape(k * (xs + 1), m * (xs + 1))

    def add(self, x: np.ndarray, energy: np.ndarray, gradient: np.ndarray) -> None:
        """Append observations, (K, 3N), (K,), (K, 3N): block Cholesky."""
        if self.x is None:
            self.factor, self.data = GrowingFactor(), None
            self.x, self.energy, self.gradient = x[:0], energy[:0], gradient[:0]
        for at in range(0, len(x), AT_ONCE):
            self._append(self.describe(x[at : at + AT_ONCE]), x.shape[1])
        self.x = np.concatenate([self.x, x])
        self.energy = np.concatenate([self.energy, energy])
        self.gradient = np.concatenate([self.gradient, gradient])
        self._solve()

    def _append(self, new: Described, size: int) -> None:
        one = np.append(self.noise[0], np.full(size, self.noise[1])) ** 2
        corner = self._cross(new, new, size) + np.diag(np.tile(one, len(new.q)))
        if self.data is None:
            self.factor.append(np.empty((0, len(corner))), corner)
            self.data = new
        else:
            self.factor.append(self._cross(self.data, new, size), corner)
            self.data = self.data.joined(new)

    def keep(self, points: np.ndarray) -> None:
        """Factorise anew, for these of the data alone."""
        x, energy, gradient = self.x[points], self.energy[points], self.gradient[points]
        self.x = None
        self.add(x, energy, gradient)

    def _solve(self) -> None:
        if self.x is None:
            return
        self.constant, alpha, likely = self._fitted(self.prior)
        self.sigma = max(likely, self.least)
        self.a, self.w = alpha[:, 0], self.descriptor.push(self.data.slope, alpha[:, 1:])

    def _fitted(self, prior) -> tuple[float, np.ndarray, float]:
        """Constant, weights (M, 3N + 1), and the likeliest sigma of the data less a mean."""
        v0, g0 = prior(self.x)
        residual = np.concatenate([(self.energy - v0)[:, None], self.gradient - g0], axis=1)
        constant = float(prior.offset(residual[:, 0]))
        residual[:, 0] -= constant
        alpha = self.factor.solve(residual.ravel())
        likely = np.sqrt(max(float(residual.ravel() @ alpha), 0.0) / len(alpha))
        return constant, alpha.reshape(residual.shape), likely

    def misfit(self, prior) -> float:
        """Return how large what a prior leaves to be learned is, eV: the likeliest sigma.

        Of two priors the one of smaller misfit makes the data likelier: the marginal likelihood
        is exp(-n/2) |K|^(-1/2) (2 pi sigma^2)^(-n/2), with the same K and n for both.
        """
        return self._fitted(prior)[2]

    def __call__(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Energy (K,) and gradient (K, 3N) at (K, 3N) geometries."""
        at = self.describe(x)
        d, (f, f1, f2, _) = self._apart(at)
        dw = np.einsum("kmd,md->km", d, self.w)
        v0, g0 = self.prior(x)
        energy = self.constant + v0 + f @ self.a - 2 * (f1 * dw).sum(axis=1)
        on_p = _of_each(2 * self.a * f1 - 4 * f2 * dw, d) - 2 * f1 @ self.w
        return energy, g0 + self.descriptor.pull(at.slope, on_p)

    def expansion(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Energy (K,), gradient (K, 3N) and Hessian (K, 3N, 3N) at (K, 3N) geometries."""
        at = self.describe(x)
        d, (f, f1, f2, f3) = self._apart(at)
        dw = np.einsum("kmd,md->km", d, self.w)
        v0, g0, h0 = self.prior.expansion(x)
        energy = self.constant + v0 + f @ self.a - 2 * (f1 * dw).sum(axis=1)
        along = 2 * self.a * f1 - 4 * f2 * dw
        on_p = _of_each(along, d) - 2 * f1 @ self.w
        j = self.descriptor.jacobian(at.slope)
        on_d, on_w = d @ j, self.w @ j
        # Half of the matrix, without what the descriptor's own bend adds.
        dd = 2 * self.a * f2 - 4 * f3 * dw
        half = on_d.mT @ (dd[..., None] * on_d - 4 * f2[..., None] * on_w)
        bend = self.descriptor.bend(at, on_p, along.sum(axis=1))
        return energy, g0 + _of_each(on_p, j), h0 + half + half.mT + bend

    def _apart(self, at: Described):
        """Differences to the data (K, M, D), and of their squares the kernel, (K, M) each."""
        d = at.q[:, None] - self.data.q
        return d, self.kernel(np.einsum("kmd,kmd->km", d, d))

    def deviation(self, x: np.ndarray) -> np.ndarray:
        """Standard deviation of the energy, (K, 3N) -> (K,), eV.

        That of the prior adds to sigma, and like sigma counts for nothing at the data.
        """
        d, (f, f1, _, _) = self._apart(self.describe(x))
        on_b = (d.swapaxes(0, 1) @ self.descriptor.jacobian(self.data.slope)).swapaxes(0, 1)
        cross = np.concatenate([f[..., None], -2 * f1[..., None] * on_b], axis=2)
        solved = self.factor.forward(cross.reshape(len(x), -1).T)
        open_still = np.sqrt(np.maximum(1 - (solved**2).sum(axis=0), 0.0))
        return np.hypot(self.sigma, self.prior.deviation(x)) * open_still

    def deviations(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Standard deviations of energy (K,), eV, and forces (K, 3N), eV/angstrom, at (K, 3N)."""
        k, size = x.shape
        cross = self._cross(self.data, self.describe(x), size)
        solved = self.factor.forward(cross)
        explained = (solved**2).sum(axis=0)
        own = [self.describe(one[None]) for one in x]
        prior = np.concatenate([np.diag(self._cross(one, one, size)) for one in own])
        sigma = np.hypot(self.sigma, self.prior.deviation(x))[:, None]
        spread = sigma * np.sqrt(np.maximum(prior - explained, 0.0)).reshape(k, size + 1)
        return spread[:, 0], spread[:, 1:]


def _of_each(weights: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Sums of vectors, weighted: (K, M), (K, M, n) -> (K, n)."""
    return (weights[:, None] @ vectors)[:, 0]


def apart(positions: np.ndarray, x: np.ndarray) -> np.ndarray:
    """How far the atom that moved most is, (K, N, 3) from (N, 3): (K,), angstrom."""
    return np.linalg.norm(positions - x, axis=2).max(axis=1)


def remembered(size: int) -> int:
    """How many points of 3N = `size` coordinates a process remembers."""
    return max(ROWS // (size + 1), POINTS)


def far_apart(
    positions: np.ndarray, order: Iterable[int], distance: float, known: np.ndarray
) -> list[int]:
    """Say which of (K, N, 3) points are beside none that came before in an order, nor known.

    `known` (M, N, 3), M of 0 and more; `distance` is that of the atom that moved most, angstrom.
    """
    kept: list[int] = []
    for k in order:
        before = np.concatenate([known, positions[kept]])
        if not len(before) or apart(before, positions[k]).min() > distance:
            kept.append(int(k))
    return kept
