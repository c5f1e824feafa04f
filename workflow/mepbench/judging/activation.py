"""What a reaction's Hessians say of its rate: free energies and transition-state theory.

    k = kappa (kT / h) exp(-(G_saddle - G_reactant) / kT),    kappa = 1 + (h nu / kT)^2 / 24,

(Eyring, J. Chem. Phys. 3, 107 (1935), doi:10.1063/1.1749604; Wigner, Z. Phys. Chem. B 19, 203
(1932), doi:10.1515/zpch-1932-1920), nu the modulus of the reaction's imaginary frequency. Both
ends are one species each, whatever they consist of: k is of first order, 1/s. Wigner's kappa is
the first term of a series in h nu / 2 pi kT, and says little where that is not small.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from ase.units import _hplanck, _k, invcm, kB

from ..landscape.index import Stationary
from ..landscape.thermochemistry import STANDARD, Conditions, Thermochemistry, thermochemistry
from ..reaction import Reaction
from .judge import FIRST_ORDER

WHERE = ("reactant", "saddle", "product")


def wigner(frequency_cm: float, temperature: float) -> float:
    """Return kappa of an imaginary frequency (1/cm, positive) at a temperature (K)."""
    return 1 + reduced(frequency_cm, temperature) ** 2 / 24


def reduced(frequency_cm: float, temperature: float) -> float:
    """Return h nu / kT of a frequency (1/cm) at a temperature (K)."""
    return invcm * frequency_cm / (kB * temperature)


def eyring(free_energy_of_activation: float, temperature: float) -> float:
    """Return the rate constant, 1/s, of a free energy of activation (eV) at a temperature (K)."""
    with np.errstate(under="ignore"):
        exponential = np.exp(-free_energy_of_activation / (kB * temperature))
    return float(_k * temperature / _hplanck * exponential)


@dataclass(frozen=True)
class Activation:
    """Thermochemistry of a reaction over a proven saddle, at one temperature and pressure.

    Attributes
    ----------
    at : temperature and pressure
    reactant, saddle, product : what is added to their energies
    energies : (3,) array, eV, electronic, of reactant, saddle and product
    """

    at: Conditions
    reactant: Thermochemistry
    saddle: Thermochemistry
    product: Thermochemistry
    energies: np.ndarray

    @property
    def energies_0K(self) -> np.ndarray:  # noqa: N802 - as the column
        """(3,) array, eV, of reactant, saddle and product: with the zero-point energy."""
        return self._energies("zero_point")

    @property
    def enthalpies(self) -> np.ndarray:
        """(3,) array, eV, of reactant, saddle and product."""
        return self._energies("enthalpy")

    @property
    def free_energies(self) -> np.ndarray:
        """(3,) array, eV, of reactant, saddle and product."""
        return self._energies("free_energy")

    def _energies(self, name: str) -> np.ndarray:
        return self.energies + [getattr(getattr(self, where), name) for where in WHERE]

    @property
    def wigner(self) -> float:
        """Wigner's correction for tunnelling."""
        return wigner(self.saddle.imaginary_cm, self.at.temperature)

    @property
    def rates(self) -> tuple[float, float]:
        """Rate constants forward and back, 1/s, with Wigner's correction."""
        reactant, saddle, product = self.free_energies
        forward, back = (eyring(saddle - end, self.at.temperature) for end in (reactant, product))
        return self.wigner * forward, self.wigner * back


def activation(
    reaction: Reaction, ends: Sequence[Stationary], saddle: Stationary, at: Conditions = STANDARD
) -> Activation:
    """Return the thermochemistry of a reaction.

    Parameters
    ----------
    ends : stationary points of reactant and product, with their Hessians
    saddle : that of the judge
    at : temperature and pressure

    Raises
    ------
    ValueError
        if one of the ends is no minimum; the message names it.
    """
    points, found = (ends[0], saddle, ends[1]), []
    for where, point in zip(WHERE, points, strict=True):
        try:
            found.append(
                thermochemistry(
                    reaction.numbers,
                    point,
                    reaction.multiplicity,
                    at,
                    saddle=where == "saddle",
                )
            )
        except ValueError as error:
            raise ValueError(f"the {where} {error}") from None
    energies = np.array([reaction.energies[0], saddle.energy, reaction.energies[1]])
    return Activation(at, *found, energies)


def activation_cells(ends: dict, reaction: Reaction, judgement) -> dict:
    """Return a row's columns of thermochemistry, at 298.15 K and 1 bar.

    Parameters
    ----------
    ends : the reaction's row of `endpoints.csv`; where it has no thermochemistry there is none
    judgement : `Judgement` of the saddle, or None
    """
    try:
        zero_point, free = (
            [float(ends[f"{end}_{name}_eV"]) for end in ("reactant", "product")]
            for name in ("zero_point", "free_energy")
        )
    except (KeyError, ValueError):
        return {}
    energies = reaction.energies
    cells = {"reaction_free_energy_eV": energies[1] + free[1] - energies[0] - free[0]}
    if judgement is None or judgement.verdict not in FIRST_ORDER:
        return cells
    try:
        saddle = thermochemistry(
            reaction.numbers, judgement.point, reaction.multiplicity, saddle=True
        )
    except ValueError:
        return cells
    barrier = judgement.point.energy - energies[0]
    cells["barrier_0K_eV"] = barrier + saddle.zero_point - zero_point[0]
    cells["free_energy_barrier_eV"] = barrier + saddle.free_energy - free[0]
    return cells
