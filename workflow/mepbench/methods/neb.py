"""Nudged elastic band with the improved tangent and a climbing image, in two stages.

Henkelman, Jonsson, J. Chem. Phys. 113, 9978 (2000), doi:10.1063/1.1323224, and Henkelman,
Uberuaga, Jonsson, J. Chem. Phys. 113, 9901 (2000), doi:10.1063/1.1329672, as ASE has them:
images feel the potential's force across the path and springs along it; once the band
is nearly relaxed, the highest image feels no spring and climbs along the tangent.
"""

import numpy as np

from ..landscape.lbfgs import LBFGS, largest_force
from ..oracle import Oracle
from ..path import Path, remove_rigid_motion, resample
from ..reaction import Reaction


def solve(
    reaction: Reaction,
    oracle: Oracle,
    guess: Path,
    seed: int,
    *,
    images: int = 11,
    spring: float = 3.0,
    fmax: float = 0.05,
    fmax_band: float = 0.2,
    climb_below: float = 1.0,
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

    from ._band import band_path

    start = resample(guess.positions, images)
    frames = [Atoms(numbers=reaction.numbers, positions=x) for x in start]
    for frame in frames:
        frame.calc = _Evaluated()
    band = NEB(frames, k=spring, climb=False, method="improvedtangent")
    # Springs and kinks make a band's forces less like a gradient than a string's.
    optimizer = LBFGS(
        reaction.numbers, max_step, longest=2.0, smallest_cosine=0.5, largest_growth=1.1
    )
    while True:
        positions = np.array([frame.positions for frame in frames])
        energies, gradients = oracle(positions)
        for frame, energy, gradient in zip(frames, energies, gradients, strict=True):
            frame.calc.energy, frame.calc.forces = energy, -gradient
        forces = band.get_forces().reshape(positions[1:-1].shape)
        forces = remove_rigid_motion(forces, positions[1:-1], oracle.invariances)
        sizes = largest_force(forces)
        done = band.climb and sizes[band.imax - 1] < fmax and sizes.max() < fmax_band
        path = band_path(band, positions, energies, gradients, done)
        oracle.checkpoint(path, sizes.max())
        if done:
            return path
        if not band.climb and sizes.max() < climb_below:
            band.climb = True
            optimizer.reset()
            forces = band.get_forces().reshape(forces.shape)
        moved = positions[1:-1] + optimizer.step(positions[1:-1], forces)
        for frame, x in zip(frames[1:-1], moved, strict=True):
            frame.positions = x


class _Evaluated:
    """An ASE calculator that hands out what the oracle found for the whole band at once."""

    energy: float
    forces: np.ndarray

    def get_potential_energy(self, atoms, **_) -> float:
        return self.energy

    def get_forces(self, atoms) -> np.ndarray:
        return self.forces.copy()
