"""Saddle optimisation by ASE's dimer: uphill along the softest mode, downhill across it.

Two geometries close together are rotated until the line between them is the mode of lowest
curvature; the force along it is inverted. Henkelman, Jonsson, J. Chem. Phys. 111, 7010 (1999),
doi:10.1063/1.480097, with the rotations of Heyden, Bell, Keil, J. Chem. Phys. 123, 224101 (2005),
doi:10.1063/1.2104507, and Kaestner, Sherwood, J. Chem. Phys. 128, 014106 (2008),
doi:10.1063/1.2815812. All settings are ASE's defaults; the first mode is the path's tangent.
"""

import warnings

from ase import Atoms

from ..path import Peak
from ._recorded import recorded, started


def refine(reaction, oracle, peak: Peak, seed: int, *, fmax: float = 0.01) -> Peak:
    """Optimise a first-order saddle from `peak`.

    Parameters
    ----------
    fmax : converged when no atom feels a force above this, eV/angstrom, at negative curvature

    Raises
    ------
    BudgetExhausted, SCFFailure
        from the oracle; the last geometry has been checkpointed.
    """
    from ase.mep.dimer import DimerControl, MinModeAtoms, MinModeTranslate

    last = started(oracle, peak, fmax)
    if last.converged:
        return last
    atoms = Atoms(reaction.numbers, last.position)
    atoms.calc = oracle.calculator()
    # What the method paid for is not paid again.
    atoms.calc.atoms = atoms.copy()
    atoms.calc.results = {"energy": last.energy, "forces": -last.gradient}
    modes = None if peak.tangent is None else [peak.tangent.copy()]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # without a tangent, that all atoms are displaced
        dimer = MinModeAtoms(atoms, DimerControl(logfile=None), eigenmodes=modes, random_seed=seed)
        for _ in MinModeTranslate(dimer, logfile=None).irun(fmax=0.0):
            energy, gradient = dimer.get_potential_energy(), -dimer.get_forces(real=True)
            position, mode = dimer.get_positions(), dimer.get_eigenmode()
            last = recorded(oracle, position, float(energy), gradient, fmax, mode)
            if last.converged and dimer.get_curvature() < 0:
                break
    return last
