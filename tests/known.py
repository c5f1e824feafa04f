"""Reactions whose saddle is known: the references that ship."""

from functools import cache

import numpy as np

from mepbench.files.frames import read_frames
from mepbench.oracle import PotentialSpec
from mepbench.path import align, resample
from mepbench.reaction import Reaction, reference_file

XTB = PotentialSpec("xtb-python")
TBLITE = PotentialSpec("tblite")


@cache
def _frames() -> dict:
    frames = {}
    for atoms in read_frames(reference_file("textbook", "GFN2-xTB")):
        frames.setdefault(atoms.info["reaction"], {})[atoms.info["role"]] = atoms
    return frames


def names() -> list[str]:
    """Return the reactions of the textbook set that have a reference saddle."""
    return [name for name, roles in _frames().items() if "ts" in roles]


def shipped(name: str) -> tuple[Reaction, np.ndarray]:
    """Return a reaction of the textbook set, and its saddle (N, 3)."""
    roles = _frames()[name]
    ends = [roles[role] for role in ("reactant", "product")]
    reaction = Reaction(
        name,
        ends[0].numbers,
        *(atoms.positions for atoms in ends),
        charge=int(ends[0].info["charge"]),
        multiplicity=int(ends[0].info["multiplicity"]),
        energies=np.array([atoms.get_potential_energy() for atoms in ends]),
        gradients=np.array([-atoms.get_forces() for atoms in ends]),
    )
    return reaction, roles["ts"].positions


def over(reaction: Reaction, saddle: np.ndarray, frames: int = 9) -> np.ndarray:
    """Return a smooth path (frames, N, 3) from end to end over a saddle."""
    stations = [reaction.reactant, align(saddle, reaction.reactant), reaction.product]
    return resample(np.array(stations), frames)
