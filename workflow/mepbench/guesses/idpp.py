"""Image dependent pair potential: interatomic distances change linearly.

Smidstrup, Pedersen, Stokbro, Jonsson, J. Chem. Phys. 140, 214106 (2014), doi:10.1063/1.4878664.
Each image minimises sum_ij (d_ij - |x_i - x_j|)^2 / d_ij^4 under a nudged elastic band
(ASE's implementation), from a straight line, bent aside where it would push atoms
through each other.
"""

import numpy as np

from ..reaction import Reaction
from . import linear


def interpolate(
    reaction: Reaction, seed: int, *, frames: int = 21, fmax: float = 0.1, steps: int = 100
) -> np.ndarray:
    """Return (frames, N, 3) geometries in angstrom from reactant to product.

    Parameters
    ----------
    fmax : stop rule of the pair potential's band, in its own units
    steps : the most steps of its optimiser

    A single particle has no distances: it gets the straight line.
    """
    path = linear.interpolate(reaction, seed, frames=frames)
    if reaction.natoms < 2:
        return path
    from ase import Atoms
    from ase.mep.neb import IDPP, NEB
    from ase.optimize import MDMin

    images = [
        Atoms(numbers=reaction.numbers, positions=x) for x in linear.step_aside(path, seed, 0.7)
    ]
    ends = linear.pair_distances(reaction.ends)
    for s, image in zip(np.linspace(0, 1, frames), images, strict=True):
        image.calc = IDPP((1 - s) * ends[0] + s * ends[1], mic=False)
    band = NEB(images, method="improvedtangent")
    with MDMin(band, logfile=None) as optimizer:
        optimizer.run(fmax=fmax, steps=steps)
    relaxed = np.array([image.positions for image in images])
    relaxed[0], relaxed[-1] = reaction.ends
    return relaxed
