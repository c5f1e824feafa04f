"""MACE, equivariant message passing with many-body messages, from a file of weights.

Batatia, Kovacs, Simm, Ortner, Csanyi, NeurIPS 35, 11423 (2022), arXiv:2206.07697. The file is one
that the program saves, such as MACE-OFF's (Kovacs et al., J. Am. Chem. Soc. 147, 17598 (2025),
doi:10.1021/jacs.4c07099). A model that is told charge and multiplicity gets them; all others are
asked for neutral singlets alone.

MACE is an optional package, and comes without weights. Its files are pickles: reading one runs what
is in it. The option `trust` says that you vouch for yours.
"""

import os
import warnings
from functools import cache
from pathlib import Path

import numpy as np
from ase.data import chemical_symbols

from ..errors import InputError, NotInstalled
from ..files.checksums import sha256
from ..registry import nearest
from ._network import NetworkPotential, device, refuse

ADVICE = "is not installed: `pip install 'mepbench[mace]'`"
UNGUARDED = "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"
STATE = {"total_charge", "total_spin"}  # what MACE calls charge and multiplicity


def load(
    numbers: np.ndarray,
    charge: int,
    multiplicity: int,
    *,
    method: str,
    trust: bool = False,
    head: str | None = None,
) -> NetworkPotential:
    """Return the potential of one molecule.

    Parameters
    ----------
    numbers : (N,) int array, atomic numbers
    charge, multiplicity : int
    method : the file of a model, `./MACE-OFF23_medium.model`
    trust : whether you vouch for the file: it is a pickle, and may do anything when it is read
    head : of a model that has several

    Raises
    ------
    NotInstalled
        without MACE.
    InputError
        for a file that is missing, no model, or not vouched for, and for a head that it has not.
    NotSupported
        for other elements, and for a charge or multiplicity that the model is not told.
    """
    check({"method": method, "trust": trust})
    model, backend = _model(Path(method))
    elements = [chemical_symbols[int(z)] for z in model.atomic_numbers]
    told = STATE & set(getattr(model, "embedding_specs", None) or {})
    spin = 1 if "total_spin" in told else multiplicity
    charges = None if "total_charge" in told else (0,)
    refuse(level({"method": method}), elements, numbers, charge, spin, charges=charges)
    import torch

    of = [elements.index(chemical_symbols[z]) for z in numbers]
    attributes = torch.nn.functional.one_hot(torch.tensor(of), len(elements)).double().to(device())
    which = _head(model, head)
    state = {"total_charge": float(charge), "total_spin": float(multiplicity)}

    def forward(x):
        graph = _graph(x, attributes, float(model.r_max))
        graph["head"] = torch.full((len(x),), which, device=x.device)
        graph |= {name: torch.full((len(x),), state[name]).to(x) for name in told}
        found = model(graph, compute_force=True)
        return found["energy"], -found["forces"].reshape(x.shape)

    return NetworkPotential(forward, backend)


def check(options: dict) -> None:
    """Raise `InputError` for a file that is missing or not vouched for, before any job starts."""
    file = options["method"]
    if not Path(file).is_file():
        raise InputError(f"MACE: there is no file {file}")
    if not options.get("trust"):
        raise InputError(
            f"MACE: {file} is a pickle, and may do anything when it is read. If you know where it "
            "is from, say so: trust: true"
        )


def level(options: dict) -> str:
    """Return the model's name: that of its file."""
    return Path(options["method"]).stem


@cache
def _model(file: Path):
    """Return a model, and what computes it: its weights are told apart by their hash."""
    import torch

    guarded = UNGUARDED not in os.environ
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from mace import __version__, modules  # noqa: F401 - what is in the file is of these
    except ImportError:
        raise NotInstalled(f"MACE {ADVICE}") from None
    finally:
        if guarded:  # MACE leaves the door open for whatever this process reads later
            os.environ.pop(UNGUARDED, None)
    try:
        model = torch.load(file, map_location=device(), weights_only=False)
        model = model.double().eval().requires_grad_(False)
    except Exception as error:  # whatever a pickle raises
        raise InputError(f"MACE: {file} is no model of it ({type(error).__name__})") from None
    return model, f"MACE {__version__}, {file.name} {sha256(file)[:12]}"


def _head(model, head: str | None) -> int:
    heads = list(getattr(model, "heads", None) or ["Default"])
    if head is None and len(heads) > 1:
        raise InputError(f"MACE: the model has several heads, say which: {', '.join(heads)}")
    if head is not None and head not in heads:
        raise InputError(f"MACE: the model has no head {head!r}. {nearest(head, heads)}")
    return 0 if head is None else heads.index(head)


def _graph(x, attributes, cutoff: float) -> dict:
    """Return a batch of (B, N, 3) geometries as one graph, whose edges stay within a molecule."""
    import torch

    batch, n, _ = x.shape
    near = torch.cdist(x.detach(), x.detach()) < cutoff
    near &= ~torch.eye(n, dtype=torch.bool, device=x.device)
    of, i, j = near.nonzero(as_tuple=True)
    counted = torch.arange(batch + 1, device=x.device)
    nowhere = torch.zeros((len(of), 3)).to(x)  # no periodic images
    return {
        "positions": x.reshape(-1, 3),
        "node_attrs": attributes.repeat(batch, 1),
        "batch": counted[:-1].repeat_interleave(n),
        "ptr": n * counted,
        "edge_index": torch.stack([of * n + i, of * n + j]),
        "shifts": nowhere,
        "unit_shifts": nowhere,
        "cell": torch.zeros((3 * batch, 3)).to(x),
    }
