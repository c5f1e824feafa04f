"""Saddle optimisation by ASE's dimer, with its own settings, from the path's tangent.

Henkelman, Jonsson, J. Chem. Phys. 111, 7010 (1999), doi:10.1063/1.480097; see `landscape.dimer`.
"""

from ase import Atoms

from ..landscape.dimer import dimer_steps
from ..oracle import hand_over
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
    last = started(oracle, peak, fmax)
    if last.converged:
        return last
    atoms = Atoms(reaction.numbers, last.position)
    atoms.calc = oracle.calculator()
    hand_over(atoms, last.energy, last.gradient)
    for at in dimer_steps(atoms, peak.tangent, seed):
        last = recorded(oracle, at.position, at.energy, at.gradient, fmax, at.mode)
        if last.converged and at.curvature < 0:
            break
    return last
