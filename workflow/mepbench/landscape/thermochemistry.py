"""Free energy of a stationary point: an ideal gas of rigid rotors and harmonic oscillators.

    G(T, p) = E + E_0 + (H(T) - H(0)) - T S(T, p),    E_0 = sum h nu / 2,

by ASE's `IdealGasThermo`, with average atomic masses, S holding k ln (2S + 1) of the spin and
-k ln sigma of the symmetry number. One exception: the harmonic entropy of a soft mode has no
bound, so each mode's is mixed with that of a free rotor of the same frequency (Grimme, Chem. Eur.
J. 18, 9955 (2012), doi:10.1002/chem.201200497, by ASE's `RRHOMode`),

    S = w S_oscillator + (1 - w) S_rotor,    w = 1 / (1 + (100/cm / nu)^4).

Zero-point energy and enthalpy stay harmonic. A saddle's reaction mode is left out. An imaginary
mode below 100/cm elsewhere, as of a methyl group that turns freely, counts with its modulus.
"""

from dataclasses import dataclass

import numpy as np
from ase import Atoms
from ase.data import atomic_masses
from ase.thermochemistry import IdealGasThermo, RRHOMode
from ase.units import invcm

from ..errors import InputError
from ..molecule.stereo import RIGID
from ..molecule.symmetry import symmetry_number
from ..path import rigid_motions
from .hessian import frequencies, reaction_mode
from .index import FMAX, FMAX_NOISE, Stationary

CUTOFF = 100.0  # 1/cm: where oscillator and rotor weigh the same
SOFTEST = 1.0  # 1/cm: of no frequency at all the entropy has no value
GEOMETRIES = {3: "monatomic", 5: "linear", 6: "nonlinear"}  # by rigid motions
PASCAL_PER_BAR = 1e5


@dataclass(frozen=True)
class Conditions:
    """Temperature (K) and pressure (bar).

    Raises
    ------
    InputError
        if one of them is not positive.
    """

    temperature: float = 298.15
    pressure: float = 1.0

    def __post_init__(self):
        for name, unit in (("temperature", "K"), ("pressure", "bar")):
            value = getattr(self, name)
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if not number or not 0 < value < np.inf:
                raise InputError(f"{name}: must be a positive number of {unit}, it is {value!r}")


STANDARD = Conditions()


@dataclass(frozen=True)
class Thermochemistry:
    """What is added to the energy of a stationary point, at one temperature and pressure.

    Attributes
    ----------
    zero_point : eV, sum of h nu / 2
    enthalpy : eV, H(T) - E
    entropy : eV/K, S(T, p)
    frequencies_cm : (K,) array, 1/cm, all vibrations, ascending; imaginary ones negative
    imaginary_cm : of a saddle the frequency of the reaction's mode, positive; NaN of a minimum
    symmetry_number : of a saddle, of the rotations that keep the way over it
    geometry : "monatomic", "linear" or "nonlinear"
    temperature : K
    """

    zero_point: float
    enthalpy: float
    entropy: float
    frequencies_cm: np.ndarray
    imaginary_cm: float
    symmetry_number: int
    geometry: str
    temperature: float

    @property
    def counted_as_real_cm(self) -> np.ndarray:
        """Imaginary frequencies, negative, 1/cm, other than the reaction's."""
        imaginary = self.frequencies_cm[self.frequencies_cm < 0]
        return imaginary[~np.isclose(imaginary, -self.imaginary_cm)]

    @property
    def free_energy(self) -> float:
        """G(T, p) - E, eV."""
        return self.enthalpy - self.temperature * self.entropy


def thermochemistry(
    numbers: np.ndarray,
    point: Stationary,
    multiplicity: int,
    at: Conditions = STANDARD,
    *,
    saddle: bool = False,
) -> Thermochemistry:
    """Return the thermochemistry of a minimum, or of a saddle.

    Parameters
    ----------
    numbers : (N,) int array, atomic numbers
    point : its position and Hessian
    multiplicity : 2S + 1
    at : temperature and pressure
    saddle : leave the reaction's mode out

    Raises
    ------
    ValueError
        if it is not at rest, or has an imaginary mode beyond 100/cm that is not the reaction's.
    """
    force = np.linalg.norm(point.gradient, axis=1).max()
    if force > FMAX + FMAX_NOISE:
        raise ValueError(f"is not at rest, largest force {force:.2g} eV/A")
    masses = atomic_masses[numbers]
    rigid = len(rigid_motions(point.position, RIGID))
    found = frequencies(point.hessian, masses)
    found = np.sort(found[np.argsort(np.abs(found))[rigid:]])
    vibrations, crossed, mode = found, np.nan, None
    if saddle:
        crossed, mode = reaction_mode(point.hessian, masses)
        vibrations = np.delete(found, np.abs(found - crossed).argmin())
    if len(vibrations) and vibrations[0] < -CUTOFF:
        raise ValueError(f"has an imaginary frequency, {-vibrations[0]:.0f} / cm")
    energies = invcm * np.maximum(np.abs(vibrations), SOFTEST)

    atoms = Atoms(numbers, point.position)
    sigma, geometry = symmetry_number(numbers, point.position, mode), GEOMETRIES[rigid]
    gas = IdealGasThermo(
        list(energies),
        geometry,
        atoms=atoms,
        symmetrynumber=sigma,
        spin=(multiplicity - 1) / 2,
        vib_selection="all",
    )
    inertia = atoms.get_moments_of_inertia().mean()
    with np.errstate(over="ignore"):  # exp(h nu / kT) near 0 K
        enthalpy = gas.get_enthalpy(at.temperature, verbose=False)
        entropy, _ = gas.get_ideal_entropy(
            at.temperature,
            translation=True,
            rotation=True,
            electronic=True,
            geometry=geometry,
            symmetrynumber=sigma,
            pressure=at.pressure * PASCAL_PER_BAR,
        )
        for energy in energies:
            entropy += RRHOMode(energy, inertia, tau=CUTOFF).get_entropy(at.temperature, False)
    return Thermochemistry(
        zero_point=float(energies.sum() / 2),
        enthalpy=float(enthalpy),
        entropy=float(entropy),
        frequencies_cm=found,
        imaginary_cm=-float(crossed),
        symmetry_number=sigma,
        geometry=geometry,
        temperature=at.temperature,
    )
