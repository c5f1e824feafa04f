"""The path that MEPIN's network makes of a geodesic one.

Nam, Steiner, Misterka, Yang, Singhal, Gomez-Bombarelli, arXiv:2504.15370 (2025),
doi:10.48550/arXiv.2504.15370: a network taught on the paths of many reactions, public with its
weights (MIT licence). By the authors' program, which is not in the registry: the environment
variable `MEPIN` names the folder of its clone. Its network is the one taught on Transition1x from
geodesic paths, `ckpt/t1x_G.ckpt`; no evaluation.

The file is a pickle. It is read by torch's restricted reader, which may make nothing but tensors
and a configuration's containers.
"""

import os
import sys
from functools import cache
from pathlib import Path

import numpy as np
from ase import Atoms

from ..errors import InputError, NotInstalled
from ..path import align, resample
from ..potentials._network import refuse
from ..reaction import Reaction
from . import geodesic, linear

FOLDER = "MEPIN"
WEIGHTS = "ckpt/t1x_G.ckpt"
TAUGHT = ("H", "C", "N", "O")
ADVICE = (
    "MEPIN is not installed: clone learningmatter-mit/mepin, `pip install` what its pyproject.toml "
    f"names into this environment, and let the environment variable {FOLDER} be the clone's folder"
)
CONTROLS = 17  # frames of the geodesic that its B-spline runs by: as many as their program makes


def interpolate(reaction: Reaction, seed: int, *, frames: int = 21) -> np.ndarray:
    """Return (frames, N, 3) geometries in angstrom from reactant to product.

    A single particle has no distances: it gets the straight line.

    Raises
    ------
    NotInstalled
        if MEPIN, or what it needs, is.
    NotSupported
        for what its network was not taught: other elements, ions, open shells.
    InputError
        if its file of weights cannot be read.
    """
    if reaction.natoms < 2:
        return linear.interpolate(reaction, seed, frames=frames)
    network, batch_of = _mepin(os.environ.get(FOLDER, ""))
    refuse("MEPIN", TAUGHT, reaction.numbers, reaction.charge, reaction.multiplicity)
    import torch

    controls = geodesic.interpolate(reaction, seed, frames=CONTROLS)
    images = [Atoms(reaction.numbers, x) for x in controls]
    batch = batch_of(images[0], images[-1], images, num_images=frames, use_geodesic=True)
    with torch.no_grad():
        path = network(batch).reshape(frames, -1, 3).double().numpy()
    near = resample(controls, frames)  # in the frame of reference of the ends
    path = np.array([align(x, y) for x, y in zip(path, near, strict=True)])
    path[[0, -1]] = reaction.ends
    return resample(path, frames)


def files(**options) -> tuple[Path, ...]:
    """Return what it reads beside its code, where that is there."""
    folder = os.environ.get(FOLDER)
    file = Path(folder or "") / WEIGHTS
    return (file,) if folder and file.exists() else ()


@cache
def _mepin(folder: str):
    """Return MEPIN's network, and what makes its input."""
    if not folder:
        raise NotInstalled(ADVICE)
    if not (Path(folder) / "mepin").is_dir():
        raise InputError(
            f"{FOLDER}={folder}: there is no folder mepin in it. Let the environment variable name "
            "the clone of learningmatter-mit/mepin."
        )
    sys.path.insert(0, folder)
    try:
        from mepin.model.modules import TripleCrossPaiNNModule
        from mepin.tools.inference import create_reaction_batch
    except ImportError as error:
        raise NotInstalled(f"{ADVICE} ({error})") from None
    finally:
        sys.path.remove(folder)
    settings, tensors = _read(Path(folder) / WEIGHTS)
    network = TripleCrossPaiNNModule(**settings)
    network.load_state_dict(tensors)
    return network.eval().requires_grad_(False), create_reaction_batch


def _read(file: Path) -> tuple[dict, dict]:
    """Return the settings of the network in a checkpoint, and its tensors; run nothing of it."""
    import pickle
    from collections import defaultdict
    from typing import Any

    import torch
    from omegaconf import DictConfig, ListConfig  # MEPIN's own requirement, which has been imported
    from omegaconf.base import ContainerMetadata, Metadata
    from omegaconf.nodes import AnyNode

    harmless = [DictConfig, ListConfig, ContainerMetadata, Metadata, AnyNode]
    try:
        with torch.serialization.safe_globals([*harmless, Any, dict, list, int, defaultdict]):
            found = torch.load(file, map_location="cpu", weights_only=True)
        settings = dict(found["hyper_parameters"])
        for of_training in ("optimizer_config", "loss_configs"):
            settings.pop(of_training, None)
        return settings, found["state_dict"]
    except (OSError, EOFError, KeyError, RuntimeError, pickle.UnpicklingError) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise InputError(
            f"{file}: is no checkpoint of MEPIN that can be read ({reason}). Restore it from its "
            "repository."
        ) from None
