"""A network potential that was taught GFN2-xTB on the paths of other reactions.

See docs/operator.md. Energies are up to a constant of the composition. It is there to be a prior,
and says itself where it should not be believed: where its members differ.
"""

from pathlib import Path

import numpy as np
from ase.data import chemical_symbols

from ..errors import NotSupported, SCFFailure
from ..learned import weights as released
from ..oracle import counted

STATE = (0, 1)  # charge and multiplicity that were taught


class LearnedPotential:
    """The mean of an ensemble, for one molecule; see `load`."""

    invariances = ("translation", "rotation")

    def __init__(self, ensemble, numbers: np.ndarray, unsure: float, name: str):
        import torch

        self._torch, self._ensemble = torch, ensemble.double().requires_grad_(False)
        self._numbers = torch.from_numpy(np.asarray(numbers, dtype=np.int64))
        self._unsure = unsure
        self.backend = f"{len(ensemble.members)} networks of {name}"

    @counted
    def evaluate(self, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Energies (B,) in eV and gradients (B, N, 3) in eV/angstrom at (B, N, 3) angstrom."""
        of_members, gradients = self._members(positions)
        energies = of_members.mean(axis=0)
        if not (np.isfinite(energies).all() and np.isfinite(gradients).all()):
            raise SCFFailure("the network's energy or gradient is not finite")
        return energies, gradients

    def _members(self, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        at = self._torch.from_numpy(np.ascontiguousarray(positions))
        numbers = self._numbers.expand(len(positions), -1)
        energies, gradients = self._ensemble.energies_and_gradient(numbers, at)
        return energies.numpy(), gradients.numpy()

    def spread(self, positions: np.ndarray) -> np.ndarray:
        """How far members differ, (B,), eV: of energies less that of the first geometry."""
        energies, _ = self._members(positions)
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
    weights: str,
    members: int | None = None,
    unsure: float = 0.5,
) -> LearnedPotential:
    """Return the potential of one molecule.

    Parameters
    ----------
    numbers : (N,) int array, atomic numbers
    charge, multiplicity : int
    weights : a file that `make train` has written, its checksum beside it
    members : how many networks of the ensemble are used; all by default
    unsure : eV, spread of the members along a path from which they should not be believed

    Raises
    ------
    NotSupported
        for elements, charges and multiplicities that were not taught.
    InputError
        if the file is not what was released, or of another version.
    """
    ensemble, _ = released.load(Path(weights))
    elements = ensemble.shape.elements
    foreign = sorted({int(z) for z in numbers} - set(elements))
    if foreign or (charge, multiplicity) != STATE:
        taught = ", ".join(chemical_symbols[z] for z in elements)
        asked = [chemical_symbols[z] for z in foreign]
        if (charge, multiplicity) != STATE:
            asked.append(f"charge {charge}, multiplicity {multiplicity}")
        raise NotSupported(
            f"the network was taught neutral singlets of {taught}, not {', '.join(asked)}"
        )
    ensemble.members = ensemble.members[:members]
    return LearnedPotential(ensemble, numbers, unsure, Path(weights).name)


def files(*, weights: str, **others) -> tuple[Path]:
    """What it reads beside its code: with that changes what it computes."""
    return (Path(weights),)


def check(given: dict) -> None:
    """Check, before any job starts, that the weights are what was released."""
    released.described(Path(given["weights"]))
