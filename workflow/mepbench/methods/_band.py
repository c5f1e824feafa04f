"""ASE's band of images on an oracle: one round an iteration, each recorded as a `Path`."""

import numpy as np
from ase import Atoms
from ase.mep.neb import NEB, NEBState

from ..landscape.lbfgs import largest_force
from ..oracle import Oracle, evaluate_band
from ..path import Path, Peak, resample
from ..reaction import Reaction


class Band(NEB):
    """ASE's `NEB`, as it is, but for who evaluates its images.

    Parameters
    ----------
    guess : (M, N, 3) array, angstrom
    images : frames of the band, the fixed ends included
    options : of ASE's `NEB`
    """

    def __init__(
        self, reaction: Reaction, oracle: Oracle, guess: np.ndarray, images: int, **options
    ):
        frames = [Atoms(reaction.numbers, x) for x in resample(guess, images)]
        for frame in frames:
            frame.calc = oracle.calculator()
        super().__init__(frames, method="improvedtangent", **options)
        self.oracle = oracle

    def get_forces(self) -> np.ndarray:
        """Return ASE's forces on the inner images, of one round; record the band."""
        evaluate_band(self.images, self.oracle)
        forces = super().get_forces()
        sizes = largest_force(forces.reshape(self.nimages - 2, -1, 3))
        self.oracle.checkpoint(self.path(converged=False), sizes.max())
        return forces

    def path(self, converged: bool) -> Path:
        """Return the band as it was last evaluated."""
        positions = np.array([frame.positions for frame in self.images])
        return band_path(self, positions, self.energies, -self.real_forces, converged)


def band_path(band: NEB, positions, energies, gradients, converged: bool) -> Path:
    """Return a band with its highest image as the peak, whose tangent is the band's own there."""
    state, i = NEBState(band, band.images, energies), band.imax
    tangent = band.neb_method.get_tangent(state, state.spring(i - 1), state.spring(i), i)
    peak = Peak(positions[i], float(energies[i]), gradients[i], tangent, converged)
    return Path(positions, energies, peak=peak, converged=converged)
