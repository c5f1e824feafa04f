"""Any ASE calculator as a potential: `{name: ase, factory: "module:function"}`.

The factory is called as `factory(numbers, charge, multiplicity)` and returns an ASE
calculator whose energy is invariant under translation and rotation.
"""

import importlib

import numpy as np

from ..errors import InputError, SCFFailure


class ASEPotential:
    """An ASE calculator behind the contract of potentials."""

    invariances = ("translation", "rotation")

    def __init__(self, atoms: "Atoms", calculator):  # noqa: F821 - importing ASE takes half a second
        from ase import __version__ as version

        self.backend = f"{type(calculator).__module__}.{type(calculator).__name__} (ASE {version})"
        self._atoms = atoms.copy()  # with what says charge and spin: info, charges, moments
        self._atoms.calc = calculator

    def evaluate(self, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Energies (B,) in eV and gradients (B, N, 3) in eV/angstrom at (B, N, 3) angstrom."""
        from ase.calculators.calculator import CalculationFailed, SCFError

        energies, gradients = np.empty(len(positions)), np.empty_like(positions)
        for i, x in enumerate(positions):
            self._atoms.positions = x
            try:
                energies[i] = self._atoms.get_potential_energy()
                gradients[i] = -self._atoms.get_forces()
            except (CalculationFailed, SCFError) as error:
                raise SCFFailure(f"{type(error).__name__}: {error}") from None
        return energies, gradients


def load(numbers: np.ndarray, charge: int, multiplicity: int, *, factory: str) -> ASEPotential:
    """Return the potential of one molecule.

    Parameters
    ----------
    numbers : (N,) int array, atomic numbers
    charge, multiplicity : int, handed to the factory
    factory : `module:function`, importable where the workflow runs
    """
    from ase import Atoms

    module, _, function = factory.partition(":")
    try:
        make = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError, ValueError) as error:
        raise InputError(
            f"potential ase: factory {factory!r} cannot be imported ({error})"
        ) from None
    return ASEPotential(Atoms(numbers), make(numbers, charge, multiplicity))
