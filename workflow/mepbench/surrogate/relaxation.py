"""Minima by few evaluations: relaxed on a surrogate that all ends share, proven by the lowest mode.

1. *Relax.* A Gaussian process on inverse distances, its mean the springs of the given geometries
   (`basins`), is fitted to every energy and gradient paid for. From the lowest point known Newton
   steps lead to the surrogate's minimum, no farther than a trust radius; there the potential is
   asked. Where the energy rises the radius shrinks and the surrogate, which has learned of it, is
   minimised again from the same point; where it falls by half of what was expected, the radius
   grows. With a cheaper level, of which a surrogate of its own is then the mean, that is asked
   first, until it is known where the potential is to be asked. Where sigma leaps an end is
   relaxed without what others have taught.
   Denzel, Kaestner, J. Chem. Phys. 148, 094114 (2018), doi:10.1063/1.5017103; Garijo del
   Rio, Mortensen, Jacobsen, Phys. Rev. B 100, 104103 (2019), doi:10.1103/PhysRevB.100.104103.
2. *Prove.* The softest curvature of the true Hessian, sought with the surrogate's for a model
   (`landscape.softest`). Where it is negative the way goes on down both sides of its mode.
3. *Doubt.* A surrogate that gets nowhere hands on to BFGS, with its Hessian to start from; a sign
   that is not certain is settled by the full Hessian, as without a surrogate.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from ..landscape.hessian import lowest_modes
from ..landscape.index import aside
from ..landscape.minima import Minimum, Proof, by_hessian, not_relaxed, relax
from ..landscape.scale import ORDINARY, length_scale, surface_scale
from ..landscape.softest import softest_decided
from ..landscape.steps import bent_upwards
from ..landscape.surface import expand
from ..oracle import Oracle
from ..path import remove_rigid_motion
from .basins import Basins
from .descriptor import InverseDistances
from .gaussian_process import GaussianProcess
from .prior import Learned
from .surrogate import SurrogateSurface

KERNEL, LENGTH = "matern", 2.5  # in sums of covalent radii per distance
NOISE = 1e-5, 1e-4  # of energies, and of gradients per angstrom, in units of sigma
LEAST_SIGMA = 2.0  # eV
REACH, FARTHEST, NEAREST = 0.2, 0.5, 0.01  # angstrom, of one atom: trust radius, its bounds
STILL = 1e-5  # angstrom: the surrogate takes a point for its minimum that is none
SHRUNK, GROWN, AS_EXPECTED = 0.4, 1.5, 0.5
RISES = 1e-5  # eV: a rise of less is noise
STRANGE = 3.0  # times sigma: a point that raises it so says that other ends teach nothing here
MOST = 60  # evaluations an end, before BFGS goes on
NEWTON_STEPS, LONGEST = 60, 0.15  # on the surrogate; angstrom, of one atom
SOFTEST = 0.02  # eV/angstrom^2: no Newton step is longer than such a curvature asks for
DEFINITE = 0.5  # eV/angstrom^2, the softest that BFGS starts with
BOTH_WAYS = np.array([1.0, -1.0])[:, None, None]
SHARE = 0.1  # of the forces wanted: the surrogate's own minimum
FEW = 3  # evaluations that contradict no cheaper level: springs are at rest at the start
FORESEEN, FORESIGHTS = 0.02, 20  # eV/angstrom, of a cheaper level; evaluations of it to get there


@dataclass(frozen=True)
class _Known:
    """One geometry (N, 3), angstrom, that was paid for: energy, eV, and gradient, eV/angstrom."""

    x: np.ndarray
    energy: float
    gradient: np.ndarray

    @property
    def force(self) -> float:
        """The largest of an atom, eV/angstrom."""
        return _largest(self.gradient)


def proven_on_surrogate(
    numbers: np.ndarray,
    starts: np.ndarray,
    invariances: tuple[str, ...],
    cheap: Oracle | None = None,
) -> Callable:
    """Return the way in which `landscape.minima.minima` relaxes and proves the ends of a reaction.

    Parameters
    ----------
    numbers : (N,) int array
    starts : (E, N, 3) array, angstrom, the ends as given
    invariances : the potential's; where it is not blind to rotation, and for two atoms, there is
        no surrogate, and `by_hessian` is returned
    cheap : of a cheaper level, the mean of the surrogate, if there is one

    Raises
    ------
    Exception
        whatever the cheaper level's potential raises at one of the starts.
    """
    if "rotation" not in invariances or len(numbers) < 3:
        return by_hessian
    pairs = InverseDistances(numbers)
    mean = Basins(numbers, starts, pairs)
    process = GaussianProcess(pairs, mean, KERNEL, LENGTH, NOISE, LEAST_SIGMA)
    if cheap is not None:
        below = GaussianProcess(pairs, mean, KERNEL, LENGTH, NOISE, LEAST_SIGMA)
        with cheap.clocked():
            energies, gradients = cheap(starts)
        flat = (len(starts), -1)
        below.add(starts.reshape(flat), energies, gradients.reshape(flat))
        process.believe(Learned(below, cheap))
    return partial(_proven, SurrogateSurface(process, invariances), True)


def proven_on(surface: SurrogateSurface) -> Callable:
    """Return the same for a surrogate that knows something already; it learns what is paid for."""
    return partial(_proven, surface, False)


def _proven(surface, forgets, oracle, numbers, start, model, fmax) -> tuple[Minimum, np.ndarray]:
    """Do what `by_hessian` does, with a surrogate; one that `forgets` what others have taught."""
    end = _relaxed(surface, forgets, oracle, numbers, start, fmax)
    x, nowhere = end.positions, np.empty((0, *start.shape))
    found = softest_decided(oracle, x, end.model, end.gradient)
    if surface_scale(found.matrix, length_scale(x)) != ORDINARY:
        return _by_hessian(oracle, numbers, end, fmax, "a soft surface")
    if found.sign == 0:
        doubt = f"a curvature between {found.least:.2g} and {found.curvature:.2g} eV/A^2"
        if found.curvature < 0:
            doubt += ", which the errors of its products may be"
        return _by_hessian(oracle, numbers, end, fmax, doubt)
    error = found.curvature - found.least
    proof = Proof("staged", found.curvature, error, found.evaluations)
    end = replace(end, model=found.matrix, proof=proof)
    return end, nowhere if found.sign > 0 else x + BOTH_WAYS * aside(found.mode)


def _by_hessian(oracle, numbers, end: Minimum, fmax, doubt: str) -> tuple[Minimum, np.ndarray]:
    """Prove an end as without a surrogate, and say why."""
    proven, below = by_hessian(
        oracle, numbers, end.positions, bent_upwards(end.model, DEFINITE), fmax
    )
    return replace(proven, proof=replace(proven.proof, doubt=doubt)), below


def _relaxed(surface, forgets, oracle, numbers, start, fmax) -> Minimum:
    """Relax on the surrogate, and where it gets nowhere by BFGS with its Hessian."""
    here, reach, steps = _seen(surface, oracle, start, 0 if forgets else None), REACH, 1
    while here.force > fmax and reach > NEAREST and steps < MOST:
        x = _foreseen(surface, here.x, reach, SHARE * fmax)
        if _largest(x - here.x) < STILL:
            break
        expected = float(surface(x[None])[0][0]) - here.energy
        there = _seen(surface, oracle, x, steps if forgets else None)
        steps += 1
        rise = there.energy - here.energy
        if there.force <= fmax or rise < RISES:
            if rise < AS_EXPECTED * min(expected, 0.0):
                reach = min(GROWN * reach, FARTHEST)
            here = there
        else:
            reach *= SHRUNK
    model = surface.model_hessian(here.x)
    if here.force > fmax:
        end = relax(oracle, numbers, here.x, fmax, model=bent_upwards(model, DEFINITE))
        if not end.converged:
            raise not_relaxed(end, fmax)
        return end
    return Minimum(here.x, here.energy, here.force, True, model, here.gradient)


def _seen(surface: SurrogateSurface, oracle, x: np.ndarray, own: int | None) -> _Known:
    """Pay for a geometry and learn it, the cheaper level first.

    `own` are the points of the same end before; None if all are to stay. What no one smooth
    surface joins to these is forgotten: two ends that are nearly mirror images are near in
    distances, and may be wells all the same.
    """
    process = surface.surrogate
    process.consult(x)
    before = max(process.sigma, LEAST_SIGMA) if len(process) else np.inf
    energies, gradients = oracle(x[None])
    process.add(x.reshape(1, -1), energies, gradients.reshape(1, -1))
    if len(process) > FEW and process.contradicted:
        process.disbelieve()
    elif own is not None and process.sigma > STRANGE * before and len(process) > own + 1:
        process.keep(np.arange(len(process) - own - 1, len(process)))
    process.forget_farthest(-np.arange(len(process)))  # the oldest
    return _Known(x, float(energies[0]), remove_rigid_motion(gradients[0], x, oracle.invariances))


def _foreseen(surface, start: np.ndarray, reach: float, fmax: float) -> np.ndarray:
    """Return where `_downhill` leads once the cheaper level is known there."""
    process = surface.surrogate
    for _ in range(FORESIGHTS):
        x = _downhill(surface, start, reach, fmax)
        if process.consult(x) < FORESEEN:
            break
    return x


def _downhill(surface, start: np.ndarray, reach: float, fmax: float) -> np.ndarray:
    """Return the surrogate's minimum, or where the way to it leaves the reach of `start`."""
    x = start
    for _ in range(NEWTON_STEPS):
        _, gradient, hessian = expand(surface, x)
        if _largest(gradient) < fmax:
            break
        values, modes = lowest_modes(hessian, x, surface.invariances, count=x.size)
        slopes = np.einsum("kij,ij->k", modes, gradient)
        # Curvatures are made positive: so each step leads down, also where the surrogate bends.
        move = np.einsum("k,kij->ij", -slopes / np.maximum(np.abs(values), SOFTEST), modes)
        x = x + move * min(1.0, LONGEST / _largest(move))
        if (far := _largest(x - start)) > reach:
            return start + (x - start) * reach / far
    return x


def _largest(vectors: np.ndarray) -> float:
    return float(np.linalg.norm(vectors, axis=1).max())
