"""Nudged elastic band with the improved tangent and a climbing image, in two stages.

Henkelman, Jonsson, J. Chem. Phys. 113, 9978 (2000), doi:10.1063/1.1323224, and Henkelman,
Uberuaga, Jonsson, J. Chem. Phys. 113, 9901 (2000), doi:10.1063/1.1329672, as ASE has them:
images feel the potential's force across the path and springs along it; once the band
is nearly relaxed, the highest image feels no spring and climbs along the tangent.
"""

import warnings

import numpy as np

from ..oracle import Oracle, evaluate_band
from ..path import Path, Peak, remove_rigid_motion, resample
from ..reaction import Reaction
from ._lbfgs import LBFGS


def solve(
    reaction: Reaction,
    oracle: Oracle,
    guess: Path,
    seed: int,
    *,
    images: int = 11,
    spring: float = 1.0,
    fmax: float = 0.05,
    fmax_band: float = 0.15,
    climb_below: float = 0.5,
    max_step: float = 0.1,
) -> Path:
    """Relax a band between the ends; return it with its climbing image as the peak.

    Parameters
    ----------
    images : frames of the band, the fixed ends included
    spring : eV/angstrom^2
    fmax : eV/angstrom, largest force on an atom of the climbing image when it has converged
    fmax_band : the same of the other images
    climb_below : eV/angstrom, force below which the highest image starts to climb
    max_step : angstrom, largest displacement of an atom in one iteration
    """
    from ase import Atoms
    from ase.mep.neb import NEB

    frames = [
        Atoms(numbers=reaction.numbers, positions=x) for x in resample(guess.positions, images)
    ]
    for frame in frames:
        frame.calc = oracle.calculator()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        band = NEB(frames, k=spring, climb=False, method="improvedtangent")
    optimizer = LBFGS(reaction.numbers, max_step)
    while True:
        evaluate_band(frames, oracle)
        forces = band.get_forces().reshape(images - 2, -1, 3)
        inner = np.array([frame.positions for frame in frames[1:-1]])
        forces = remove_rigid_motion(forces, inner, oracle.invariances)
        sizes = np.sqrt((forces**2).sum(axis=-1)).max(axis=-1)
        top = band.imax - 1
        residual = sizes.max()
        done = band.climb and sizes[top] < fmax and residual < fmax_band
        path = _path(frames, band, done)
        oracle.checkpoint(path, residual)
        if done:
            return path
        if not band.climb and residual < climb_below:
            band.climb = True
            optimizer.reset()
            continue
        inner = inner + optimizer.step(inner, forces)
        for frame, x in zip(frames[1:-1], inner, strict=True):
            frame.positions = x


def _path(frames: list, band, done: bool) -> Path:
    from ase.mep.neb import NEBState

    positions = np.array([frame.positions for frame in frames])
    state = NEBState(band, frames, band.energies)
    i = band.imax
    tangent = band.neb_method.get_tangent(state, state.spring(i - 1), state.spring(i), i)
    peak = Peak(
        positions[i],
        energy=float(band.energies[i]),
        gradient=-band.real_forces[i],
        tangent=tangent,
        converged=done,
    )
    return Path(positions, band.energies.copy(), peak=peak, converged=done)
