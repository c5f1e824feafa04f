"""Any ASE calculator as a potential: `{name: ase, factory: "module:function"}`.

The factory is called as `factory(numbers, charge, multiplicity)` and returns an ASE
calculator whose energy is invariant under translation and rotation.
"""

import importlib
from typing import Any

import numpy as np

from ..errors import InputError, NotSupported, SCFFailure, described
from ..oracle import counted


class CalculatorRaised(Exception):
    """A user's calculator, or the function that makes it, raised its `__cause__`."""

    def __init__(self, name: str, cause: Exception):
        super().__init__(f"{name} raised {described(cause)[:200]}")


class ASEPotential:
    """An ASE calculator behind the contract of potentials."""

    invariances = ("translation", "rotation")

    def __init__(self, atoms: "Atoms", calculator):  # noqa: F821 - importing ASE takes half a second
        from ase import __version__ as version

        self.backend = f"{type(calculator).__module__}.{type(calculator).__name__} (ASE {version})"
        self._atoms = atoms.copy()  # with what says charge and spin: info, charges, moments
        self._atoms.calc = self.calculator = calculator

    @counted
    def evaluate(self, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Energies (B,) in eV and gradients (B, N, 3) in eV/angstrom at (B, N, 3) angstrom."""
        energies, gradients = np.empty(len(positions)), np.empty_like(positions)
        for i, x in enumerate(positions):
            energies[i], forces = self._singlepoint(x)
            gradients[i] = -forces
        return energies, gradients

    def _singlepoint(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        from ase.calculators.calculator import CalculationFailed, SCFError

        name = f"calculator {type(self._atoms.calc).__name__}"
        self._atoms.positions = x
        try:
            # Whoever is asked for forces knows the energy; the other way about many compute twice.
            forces = np.asarray(self._atoms.get_forces(), dtype=float)
            energy = np.asarray(self._atoms.get_potential_energy(), dtype=float).reshape(())
            if forces.shape != x.shape:
                raise ValueError(f"its forces have shape {forces.shape}, not {x.shape}")
        except (CalculationFailed, SCFError) as error:
            raise SCFFailure(f"{type(error).__name__}: {error}") from None
        except Exception as error:
            raise CalculatorRaised(name, error) from error
        for what, value in (("energy", energy), ("forces", forces)):
            if not np.isfinite(value).all():
                raise SCFFailure(f"{name} returned no finite {what}")
        return float(energy), forces


def is_calculator(thing: Any) -> bool:
    """Whether `thing` is an ASE calculator (not the class of one)."""
    return hasattr(thing, "get_potential_energy") and not isinstance(thing, type)


def made_by(make: Any, name: str, numbers: np.ndarray, charge: int, multiplicity: int) -> Any:
    """Return the calculator that a user's function of these makes.

    Raises
    ------
    InputError
        if it makes none.
    NotSupported
        if the function says so itself.
    CalculatorRaised
        for what the function raises.
    """
    if isinstance(make, type) and hasattr(make, "get_potential_energy"):
        raise InputError(
            f"calculator: {name} is a class: pass {make.__name__}(), or a function of (numbers, "
            "charge, multiplicity) that makes one"
        )
    try:
        made = make(numbers, charge, multiplicity)
    except NotSupported:
        raise
    except Exception as error:
        raise CalculatorRaised(name, error) from error
    if not is_calculator(made):
        raise InputError(f"calculator: {name} returned {made!r}, no ASE calculator")
    return made


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
    except Exception as error:  # whatever a user's file raises
        raise InputError(
            f"potential ase: factory {factory!r} cannot be imported ({described(error)})"
        ) from error
    made = made_by(make, factory, numbers, charge, multiplicity)
    return ASEPotential(Atoms(numbers), made)
