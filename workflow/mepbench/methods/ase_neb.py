"""ASE's climbing-image NEB as its users run it: few images, FIRE or BFGS, all of them to 0.05 eV/A.

Henkelman, Uberuaga, Jonsson, J. Chem. Phys. 113, 9901 (2000), doi:10.1063/1.1329672; FIRE: Bitzek,
Koskinen, Gaehler, Moseler, Gumbsch, Phys. Rev. Lett. 97, 170201 (2006),
doi:10.1103/PhysRevLett.97.170201. Band, springs and optimisers are ASE's with its own defaults, and
the highest image climbs from the first step on; `neb` is what such a band can be made to cost. What
differs from a user's script is that the images are one round and the ends are free.
"""

from typing import Literal

from ..oracle import Oracle
from ..path import Path
from ..reaction import Reaction


def solve(
    reaction: Reaction,
    oracle: Oracle,
    guess: Path,
    seed: int,
    *,
    images: int = 9,
    optimizer: Literal["FIRE", "BFGS"] = "FIRE",
    spring: float = 0.1,
    fmax: float = 0.05,
) -> Path:
    """Relax a band between the ends; return it with its climbing image as the peak.

    Parameters
    ----------
    images : frames of the band, the fixed ends included
    optimizer : of ASE, with its own defaults
    spring : eV/angstrom^2
    fmax : eV/angstrom, largest force on an atom of any image when the band has converged
    """
    from ase import optimize

    from ._band import Band

    band = Band(reaction, oracle, guess.positions, images, k=spring, climb=True)
    with getattr(optimize, optimizer)(band, logfile=None) as relaxation:
        converged = relaxation.run(fmax=fmax)
    return band.path(converged=bool(converged))
