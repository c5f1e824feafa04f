"""Small MACE models with random weights, saved as the program saves its own."""

import os
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

SYMBOLS = (1, 6, 7, 8)
STATE = {
    "total_charge": {"type": "categorical", "per": "graph", "num_classes": 9, "offset": 4},
    "total_spin": {"type": "categorical", "per": "graph", "num_classes": 6},
}


def saved(folder: Path, *, told: bool = False, heads: tuple[str, ...] = ("Default",)) -> str:
    """Save a model of H, C, N and O; it is told charge and multiplicity, or not."""
    if find_spec("mace") is None:
        pytest.skip("MACE is not installed")
    import torch

    before = os.environ.get("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD")
    from mace import modules  # before e3nn, whose constants torch refuses to read without it

    from e3nn.o3 import Irreps  # isort: skip

    if before is None:
        os.environ.pop("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", None)
    blocks = modules.interaction_classes
    torch.manual_seed(0)
    torch.set_default_dtype(torch.float64)
    try:
        model = modules.ScaleShiftMACE(
            r_max=4.0,
            num_bessel=4,
            num_polynomial_cutoff=5,
            max_ell=1,
            interaction_cls=blocks["RealAgnosticResidualInteractionBlock"],
            interaction_cls_first=blocks["RealAgnosticInteractionBlock"],
            num_interactions=2,
            num_elements=len(SYMBOLS),
            hidden_irreps=Irreps("4x0e"),
            MLP_irreps=Irreps("4x0e"),
            gate=torch.nn.functional.silu,
            atomic_energies=np.array([[-13.6, -1000.0, -1500.0, -2000.0]] * len(heads)),
            avg_num_neighbors=3.0,
            atomic_numbers=list(SYMBOLS),
            correlation=2,
            atomic_inter_scale=[1.0] * len(heads),
            atomic_inter_shift=[0.0] * len(heads),
            heads=list(heads),
            embedding_specs={k: v | {"emb_dim": 4} for k, v in STATE.items()} if told else None,
        )
    finally:
        torch.set_default_dtype(torch.float32)
    file = folder / f"small-{'told' if told else 'untold'}-{len(heads)}.model"
    torch.save(model, file)
    return str(file)
