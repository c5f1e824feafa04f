"""ASE's dimer, step by step: uphill along the mode of lowest curvature, downhill across it.

Two geometries close together are rotated until the line between them is that mode, and the force
along it is inverted. Henkelman, Jonsson, J. Chem. Phys. 111, 7010 (1999), doi:10.1063/1.480097,
with the rotations of Heyden, Bell, Keil, J. Chem. Phys. 123, 224101 (2005), doi:10.1063/1.2104507,
and Kaestner, Sherwood, J. Chem. Phys. 128, 014106 (2008), doi:10.1063/1.2815812. All settings are
ASE's defaults.
"""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from ase import Atoms


@dataclass(frozen=True)
class Dimer:
    """Where a dimer is.

    Attributes
    ----------
    position : (N, 3) array, angstrom
    energy : eV
    gradient : (N, 3) array, eV/angstrom
    mode : (N, 3) unit vector
    curvature : eV/angstrom^2, along the mode
    """

    position: np.ndarray
    energy: float
    gradient: np.ndarray
    mode: np.ndarray
    curvature: float


def dimer_steps(atoms: Atoms, mode: np.ndarray | None, seed: int) -> Iterator[Dimer]:
    """Yield the dimer after its first rotations, and after each step; without end.

    Parameters
    ----------
    atoms : where it starts, with a calculator
    mode : (N, 3) unit vector, the first direction; drawn at random from `seed` where it is None
    """
    from ase.mep.dimer import DimerControl, MinModeAtoms, MinModeTranslate

    modes = None if mode is None else [mode.copy()]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # without a mode, that all atoms are displaced
        pair = MinModeAtoms(atoms, DimerControl(logfile=None), eigenmodes=modes, random_seed=seed)
        for _ in MinModeTranslate(pair, logfile=None).irun(fmax=0.0):
            yield Dimer(
                pair.get_positions(),
                float(pair.get_potential_energy()),
                -pair.get_forces(real=True),
                pair.get_eigenmode(),
                float(pair.get_curvature()),
            )
