"""ANI, networks on symmetry functions of each atom's surroundings, by TorchANI.

ANI-1x: Smith, Nebgen, Lubbers, Isayev, Roitberg, J. Chem. Phys. 148, 241733 (2018),
doi:10.1063/1.5023802. ANI-1ccx: Smith et al., Nat. Commun. 10, 2903 (2019),
doi:10.1038/s41467-019-10827-4. ANI-2x: Devereux et al., J. Chem. Theory Comput. 16, 4192 (2020),
doi:10.1021/acs.jctc.0c00121. TorchANI: Gao, Ramezanghorbani, Isayev, Smith, Roitberg, J. Chem. Inf.
Model. 60, 3408 (2020), doi:10.1021/acs.jcim.0c00451. The energy is the mean of eight networks.

TorchANI is an optional package. Its wheel holds the weights of ANI-1x; those of the others are read
where TorchANI 2.2 leaves them when it has loaded them from the network once.
"""

import warnings
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import numpy as np
from ase.data import chemical_symbols
from ase.units import Hartree

from ..errors import NotInstalled
from ._network import NetworkPotential, device, refuse

ADVICE = "is not installed: `pip install 'mepbench[ani]'`"
VERSION = "2.2"  # later ones come without weights, and read another format
NETWORKS = 8
ELEMENTS = {
    "ANI-1x": ("H", "C", "N", "O"),
    "ANI-1ccx": ("H", "C", "N", "O"),
    "ANI-2x": ("H", "C", "N", "O", "S", "F", "Cl"),
}


def load(
    numbers: np.ndarray,
    charge: int,
    multiplicity: int,
    *,
    method: Literal["ANI-1x", "ANI-1ccx", "ANI-2x"] = "ANI-1x",
) -> NetworkPotential:
    """Return the potential of one molecule.

    Parameters
    ----------
    numbers : (N,) int array, atomic numbers
    charge, multiplicity : int, 0 and 1
    method : the model

    Raises
    ------
    NotInstalled
        without TorchANI 2.2, or the weights of the model.
    NotSupported
        for other elements, for ions and for open shells.
    """
    refuse(method, ELEMENTS[method], numbers, charge, multiplicity)
    to_species, energy, backend = _model(method)
    import torch

    species = to_species([chemical_symbols[z] for z in numbers]).to(device())

    def forward(x):
        energies = Hartree * energy((species.expand(len(x), -1), x)).energies
        return energies, torch.autograd.grad(energies.sum(), x)[0]

    return NetworkPotential(forward, backend)


@cache
def _model(method: str):
    """Return what numbers a model's elements, the model, and its name and version."""
    import torch

    try:
        if not version("torchani").startswith(VERSION):
            raise ImportError
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from torchani import AEVComputer, neurochem
    except ImportError:
        raise NotInstalled(f"TorchANI {VERSION} {ADVICE}") from None

    folder = _weights(method)
    constants = neurochem.Constants(str(next(folder.glob("*.params"))))
    model = torch.nn.Sequential(
        AEVComputer(**constants),
        neurochem.load_model_ensemble(constants.species, str(folder / "train"), NETWORKS),
        neurochem.load_sae(str(folder / "sae_linfit.dat")),
    )
    model = model.double().to(device()).requires_grad_(False)
    return constants.species_to_tensor, model, f"TorchANI {version('torchani')}"


def _weights(method: str) -> Path:
    """Return the folder with a model's files, in the format of NeuroChem."""
    name = f"{method.lower()}_{NETWORKS}x"
    package = Path(find_spec("torchani").origin).parent / "resources"
    for folder in (package / name, Path.home() / ".local" / "torchani" / name):
        if any(file.stat().st_size for file in folder.glob("*.params")):
            return folder
    raise NotInstalled(
        f"the weights of {method} are not in TorchANI's wheel: once, with a network, "
        f"`python -c 'import torchani; torchani.models.{method.replace('-', '')}()'`"
    )
