"""What both xTB backends share: reuse of densities, and what to do when an SCF fails."""

from collections import deque

import numpy as np
from ase.data import chemical_symbols
from ase.units import Bohr, Hartree
from scipy.spatial.transform import Rotation

from ..errors import NotSupported, SCFFailure
from ..oracle import counted

ROOM_TEMPERATURE = 300.0
WARM_TEMPERATURES = (1000.0, 3000.0, 6000.0)
HYDROGEN = np.array([1, 1])  # the cheapest molecule
HEAVIEST = 86  # Rn: GFN1- and GFN2-xTB have parameters up to there
REMEMBERED = 32
REUSE_WITHIN = 0.5  # angstrom: largest displacement of an atom over which a density is reused

# xtb-python 22.1 returns a wrong gradient, by 0.5 eV/angstrom in a bent CO2, where two bonded
# atoms share two Cartesian coordinates exactly, as linear molecules on an axis do. Every geometry
# is turned by this rotation (any generic one), under which that does not happen; for both backends
# it is the same, as the energy in a solvent depends on it (`_solvation`).
TILT = Rotation.from_euler("xyz", [0.3, 0.5, 0.7]).as_matrix()


class SCFPotential:
    """A self-consistent method: energy and gradient, each SCF started from a near density.

    Densities of the last 32 geometries are kept, and the next SCF starts from that of the
    nearest one. A failed SCF starts afresh; after that a higher electronic temperature,
    which changes the Hamiltonian, serves only to make a starting density: the result is
    always that of 300 K, or there is none.
    """

    invariances = ("translation", "rotation")
    backend: str

    def __init__(self, numbers: np.ndarray, failure: type[Exception]):
        check_elements(numbers)
        self._failure = failure  # what the library raises when an SCF fails
        self._states: deque = deque(maxlen=REMEMBERED)

    def singlepoint(self, positions: np.ndarray, start, temperature: float):
        """Run one SCF; return energy (hartree), gradient (hartree/bohr) and its density.

        `positions` is (N, 3) in bohr, `start` a density of this class or None. Raises
        the library's own error if it does not converge.
        """
        raise NotImplementedError

    @counted
    def evaluate(self, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Energies (B,) in eV and gradients (B, N, 3) in eV/angstrom at (B, N, 3) angstrom."""
        energies = np.empty(len(positions))
        gradients = np.empty_like(positions)
        for i, x in enumerate(positions):
            energy, gradient, density = self._converge(x / Bohr, self._nearest_density(x))
            energies[i], gradients[i] = energy * Hartree, gradient * (Hartree / Bohr)
            self._states.append((x.copy(), density))
        return energies, gradients

    def _nearest_density(self, x: np.ndarray):
        if not self._states:
            return None
        distances = [np.abs(x - known).max() for known, _ in self._states]
        best = int(np.argmin(distances))
        return self._states[best][1] if distances[best] < REUSE_WITHIN else None

    def _converge(self, x: np.ndarray, start):
        if not np.isfinite(x).all():
            raise SCFFailure("a coordinate is not finite")
        for density in [start, None] if start is not None else [None]:
            try:
                return self._checked(x, density, ROOM_TEMPERATURE)
            except SCFFailure as error:
                failure = error
        for temperature in WARM_TEMPERATURES:
            try:
                *_, warm = self._checked(x, None, temperature)
                return self._checked(x, warm, ROOM_TEMPERATURE)
            except SCFFailure:
                continue
        raise failure

    def _checked(self, x, start, temperature):
        try:
            energy, gradient, density = self.singlepoint(x @ TILT, start, temperature)
        except self._failure as error:
            raise SCFFailure(" ".join(str(error).split())) from None
        if not (np.isfinite(energy) and np.isfinite(gradient).all()):
            raise SCFFailure("the energy or gradient is not finite")
        return energy, gradient @ TILT.T, density


def apart(n: int) -> np.ndarray:
    """Return a harmless geometry (n, 3): libraries refuse coinciding atoms when they are set up."""
    return np.outer(np.arange(n), [4.0, 0.0, 0.0])


def check_elements(numbers: np.ndarray) -> None:
    """Raise `NotSupported` for elements beyond GFN-xTB, with which xtb-python ends the process."""
    beyond = sorted({int(z) for z in numbers if z > HEAVIEST})
    if beyond:
        names = ", ".join(f"{chemical_symbols[z]} (Z = {z})" for z in beyond)
        raise NotSupported(
            f"no parameters for {names}; GFN-xTB goes to {chemical_symbols[HEAVIEST]} ({HEAVIEST})"
        )
