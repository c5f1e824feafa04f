"""A network potential that was taught GFN2-xTB on the paths of other reactions.

See docs/operator.md. Energies are up to a constant of the composition. It is there to be a prior,
and says itself where it should not be believed: where its members differ.
"""

from pathlib import Path

import numpy as np
from ase.data import chemical_symbols

from ..learned import weights as released
from ._network import NetworkPotential, device, refuse, tensor_of

SHIPPED = Path(released.__file__).with_name("learned-GFN2-xTB.safetensors")


class LearnedPotential(NetworkPotential):
    """The mean of an ensemble, for one molecule; see `load`.

    Parameters
    ----------
    ensemble : `learned.network.Ensemble`
    numbers : (N,) int array, atomic numbers
    charge : int, e
    unsure : eV, see `load`
    name : of its weights
    """

    def __init__(self, ensemble, numbers: np.ndarray, charge: int, unsure: float, name: str):
        import torch

        self._ensemble = ensemble.double().requires_grad_(False).to(device())
        self._numbers = torch.tensor(numbers, dtype=torch.long, device=device())
        self._charge = torch.tensor(charge, device=device())
        self._unsure = unsure
        super().__init__(self._mean, f"{len(ensemble.members)} networks of {name}")

    def _members(self, x):
        numbers, charges = self._numbers.expand(len(x), -1), self._charge.expand(len(x))
        return self._ensemble.energies_and_gradient(numbers, charges, x)

    def _mean(self, x):
        energies, gradients = self._members(x)
        return energies.mean(0), gradients

    def spread(self, positions: np.ndarray) -> np.ndarray:
        """How far members differ, (B,), eV: of energies less that of the first geometry."""
        energies, _ = self._members(tensor_of(positions))
        energies = energies.cpu().numpy()
        return (energies - energies[:, :1]).std(axis=0)

    def doubt(self, positions: np.ndarray) -> str:
        """Why it should not be believed along a path (B, N, 3); empty if it should."""
        most = float(self.spread(positions).max())
        if most <= self._unsure:
            return ""
        return f"its members differ by {most:.2g} eV along the path, more than {self._unsure:.2g}"


def load(
    numbers: np.ndarray,
    charge: int,
    multiplicity: int,
    *,
    weights: str | None = None,
    members: int | None = None,
    unsure: float = 0.25,
) -> LearnedPotential:
    """Return the potential of one molecule.

    Parameters
    ----------
    numbers : (N,) int array, atomic numbers
    charge, multiplicity : int
    weights : a file that `make train` has written, its checksum beside it; what ships by default
    members : how many networks of the ensemble are used; all by default
    unsure : eV, spread of the members along a path from which they should not be believed

    Raises
    ------
    NotSupported
        for elements, charges and multiplicities that were not taught.
    InputError
        if the file is not what was released, or of another version.
    """
    file = _file(weights)
    ensemble, _ = released.load(file)
    elements = [chemical_symbols[z] for z in ensemble.shape.elements]
    charges = ensemble.shape.charges
    refuse(file.stem, elements, numbers, charge, multiplicity, charges=charges)
    ensemble.members = ensemble.members[:members]
    return LearnedPotential(ensemble, numbers, charge, unsure, file.name)


def check(options: dict) -> None:
    """Raise `InputError`, before any job starts, for weights that are not what was released."""
    released.described(_file(options.get("weights")))


def level(options: dict) -> str:
    """Return the name of what was taught: that of its file."""
    return _file(options.get("weights")).stem


def files(*, weights: str | None = None, **others) -> tuple[Path]:
    """Return what it reads beside its code: with that changes what it computes."""
    return (_file(weights),)


def _file(weights: str | None) -> Path:
    return SHIPPED if weights is None else Path(weights)
