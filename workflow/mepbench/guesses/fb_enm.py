"""The path of least resistance on an elastic network that is flat where bonds may be long or short.

Each pair of atoms feels no force between its distances at the two ends, bonds that break or form
do so together (the correlated flat-bottom elastic network), and direct MaxFlux finds the path:
Koda, Saito, J. Chem. Theory Comput. 20, 7176 (2024), doi:10.1021/acs.jctc.4c00792; ibid. 21, 3513
(2025), doi:10.1021/acs.jctc.4c01549. By the authors' package, PyDMF, which is optional, with its
own settings; no evaluation.
"""

import logging

import numpy as np
from ase import Atoms

from ..errors import NotInstalled
from ..path import resample, turn_back
from ..reaction import Reaction
from . import idpp, linear
from .geodesic import collides

ADVICE = (
    "PyDMF is not installed: `apt-get install coinor-libipopt-dev libblas-dev liblapack-dev "
    "libmumps-seq-dev pkg-config`, then `pip install 'mepbench[dmf]'` (or cyipopt from conda-forge)"
)
QUIET = {"output_file": "", "print_level": 0, "sb": "yes"}  # no file in the working directory
FINE = 101  # points of the B-spline that stand for it


def interpolate(reaction: Reaction, seed: int, *, frames: int = 21) -> np.ndarray:
    """Return (frames, N, 3) geometries in angstrom from reactant to product.

    A single particle has no distances: it gets the straight line. Where the network fails, or
    lets atoms coincide, the path is that of `idpp`.

    Raises
    ------
    NotInstalled
        if PyDMF is.
    """
    if reaction.natoms < 2:
        return linear.interpolate(reaction, seed, frames=frames)
    pydmf()
    try:
        ends = [Atoms(reaction.numbers, x) for x in reaction.ends]
        curve = elastic_network(ends).get_positions(np.linspace(0, 1, FINE))
        path = resample(turn_back(curve, reaction.ends), frames)
        if np.isfinite(path).all() and not collides(path):
            return path
        problem = "atoms coincide"
    except (ValueError, ArithmeticError, np.linalg.LinAlgError) as error:
        problem = f"{type(error).__name__}: {error}"
    logging.getLogger(__name__).warning("%s: fb-enm -> idpp (%s)", reaction.name, problem)
    return idpp.interpolate(reaction, seed, frames=frames)


def elastic_network(ends: list[Atoms], **options):
    """Return PyDMF's B-spline through the network between two ends; `options` of its path."""
    _, dmf = pydmf()
    return dmf.interpolate_fbenm(ends, output_file="", dmf_options=options, ipopt_options=QUIET)


def pydmf():
    """Return the modules of cyipopt and PyDMF.

    Raises
    ------
    NotInstalled
        saying how to get them.
    """
    try:
        import cyipopt
        import dmf
    except ImportError as error:
        raise NotInstalled(f"{ADVICE} ({error.__class__.__name__})") from None
    return cyipopt, dmf
