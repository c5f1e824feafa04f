"""What machine-learned potentials share: a batch is one forward pass, in double precision.

It runs on a GPU where torch finds one.
"""

from collections.abc import Callable, Collection

import numpy as np
from ase.data import atomic_numbers, chemical_symbols

from ..errors import NotSupported, SCFFailure
from ..oracle import counted


class NetworkPotential:
    """A network behind the contract of potentials.

    Parameters
    ----------
    forward : of a (B, N, 3) float64 tensor, angstrom, on `device()` and with derivatives; returns
        the tensors energies (B,), eV, and gradients (B, N, 3), eV/angstrom
    backend : the code and the weights that compute it
    """

    invariances = ("translation", "rotation")

    def __init__(self, forward: Callable, backend: str):
        self._forward, self.backend = forward, backend

    @counted
    def evaluate(self, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Energies (B,) in eV and gradients (B, N, 3) in eV/angstrom at (B, N, 3) angstrom."""
        x = tensor_of(positions).requires_grad_()
        energies, gradients = (
            part.detach().cpu().numpy().astype(float) for part in self._forward(x)
        )
        if not (np.isfinite(energies).all() and np.isfinite(gradients).all()):
            raise SCFFailure(f"{self.backend} returned no finite energy or gradient")
        return energies, gradients


def tensor_of(positions: np.ndarray):
    """Return positions, in any order of memory, as a float64 tensor on `device()`."""
    import torch

    return torch.tensor(np.ascontiguousarray(positions), dtype=torch.float64, device=device())


def device() -> str:
    """Return where networks are evaluated."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def refuse(
    model: str,
    elements: Collection[str],
    numbers: np.ndarray,
    charge: int,
    multiplicity: int,
    *,
    charges: Collection[int] | None = (0,),
) -> None:
    """Raise `NotSupported` for what a model of singlets was not trained on.

    Parameters
    ----------
    model : its name
    elements : the symbols that it knows
    numbers, charge, multiplicity : of the molecule
    charges : those that it is told of and knows; None for any
    """
    known = {atomic_numbers[symbol] for symbol in elements}
    wrong = [chemical_symbols[z] for z in sorted({int(z) for z in numbers} - known)]
    if multiplicity != 1 or (charges is not None and charge not in charges):
        wrong.append(f"charge {charge}, multiplicity {multiplicity}")
    if wrong:
        kind = "singlets"
        if charges is not None:
            ions = ", ".join(f"{q:+d}" for q in charges if q)
            kind = f"singlets, neutral or of charge {ions}," if ions else "neutral singlets"
        raise NotSupported(
            f"{model} is a model of {kind} of {', '.join(elements)}; not of {', '.join(wrong)}"
        )
