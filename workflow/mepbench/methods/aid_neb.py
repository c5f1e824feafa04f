"""A band relaxed on a Gaussian process that learns along it, by its authors' package, gpatom.

The band is relaxed on the surrogate; where it is least sure of it, or highest, the potential is
called, and again, until the climbing image's true forces and the uncertainty along the band are
small. Garrido Torres, Jennings, Hansen, Boes, Bligaard, Phys. Rev. Lett. 122, 156001 (2019),
doi:10.1103/PhysRevLett.122.156001; Koistinen, Dagbjartsdottir, Asgeirsson, Vehtari, Jonsson, J.
Chem. Phys. 147, 152720 (2017), doi:10.1063/1.4986787.

gpatom is an optional package (in the registry: ase-gpatom), with the successor (AIDNEB) of
CatLearn's ML-NEB. Defaults are its own; the potential's calls are the same, but that the ends
are free.
"""

import sys
from contextlib import suppress

import numpy as np
from ase import Atoms

from ..errors import NotInstalled
from ..oracle import Oracle
from ..path import Path, Peak, remove_rigid_motion, resample, tangents
from ..reaction import Reaction
from ..seeding import seeded
from ._aside import aside

ADVICE = "gpatom is not installed: `pip install 'mepbench[mlneb]'`"


def solve(
    reaction: Reaction,
    oracle: Oracle,
    guess: Path,
    seed: int,
    *,
    images: int = 15,
    fmax: float = 0.05,
    uncertainty: float = 0.025,
    remembered: int = 25,
) -> Path:
    """Relax a band on what is learned; return it, the last evaluated geometry its peak.

    Parameters
    ----------
    images : frames of the band, the fixed ends included
    fmax : eV/angstrom, largest true force on an atom of the last geometry evaluated
    uncertainty : eV, the most that is left anywhere along the band
    remembered : evaluations, nearest to the band, that the surrogate is fitted to
    """
    with aside(), seeded(seed):
        aidneb = _import()
        calculator = oracle.calculator()
        frames = [Atoms(reaction.numbers, x) for x in resample(guess.positions, images)]

        class Learning(aidneb.AIDNEB):
            """gpatom's, whose band is recorded each time that it has been told something."""

            @property
            def step(self):
                return self._step

            @step.setter
            def step(self, count):
                self._step = count
                if count:
                    band = np.array([image.positions for image in self.images])
                    band[0], band[-1] = reaction.ends
                    force = np.linalg.norm(self.atoms.get_forces(), axis=1).max()
                    oracle.checkpoint(Path(band), residual=force)

        band = Learning(
            frames[0],
            frames[-1],
            calculator=calculator,
            interpolation=frames,
            n_images=images,
            max_train_data=remembered,
        )
        band.run(fmax=fmax, unc_convergence=uncertainty)
    path = oracle.path
    x, energy, gradient = (part[-1] for part in vars(oracle.evaluated).values())
    nearest = np.argmin(np.linalg.norm(path.positions[1:-1] - x, axis=(1, 2)))
    tangent = remove_rigid_motion(tangents(path.positions)[1 + nearest], x, oracle.invariances)
    peak = Peak(x, float(energy), gradient, tangent / np.linalg.norm(tangent), converged=True)
    return Path(path.positions, peak=peak, converged=True)


def _import():
    """Return gpatom's module of the band; ASE has moved what it imports as `ase.neb`."""
    from ase.mep import neb

    sys.modules.setdefault("ase.neb", neb)
    try:
        from gpatom import aidneb
    except ImportError as error:
        raise NotInstalled(f"{ADVICE} ({error.__class__.__name__})") from None
    return aidneb


def warm_up() -> None:
    """Import gpatom if it is there: no cost of the first reaction."""
    with suppress(NotInstalled):
        _import()
