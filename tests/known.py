"""Reactions whose saddle is known: of model surfaces, and of the references that ship."""

from functools import cache

import numpy as np

from mepbench.files.frames import read_frames
from mepbench.oracle import PotentialSpec
from mepbench.path import align, resample
from mepbench.potentials import double_double_well, leps_ho, mueller_brown, ring_valley
from mepbench.reaction import Reaction, reference_file

XTB = PotentialSpec("xtb-python")
TBLITE = PotentialSpec("tblite")
SURFACES = {m.__name__.rpartition(".")[2]: m for m in (
    mueller_brown, leps_ho, double_double_well, ring_valley,
)}  # fmt: skip
# How far the guess is bent sideways, so that its peak is more than 0.3 A from the saddle.
BEND = {"mueller_brown": 0.0, "leps_ho": 0.5, "double_double_well": 0.45, "ring_valley": -0.55}


@cache
def _frames() -> dict:
    frames = {}
    for atoms in read_frames(reference_file("textbook", "GFN2-xTB")):
        frames.setdefault(atoms.info["reaction"], {})[atoms.info["role"]] = atoms
    return frames


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


def problem(surface):
    """A surface, its known reaction, and a guess that misses the saddle."""
    module = SURFACES[surface]
    known = module.KNOWN[0]
    ends = known.reaction.ends
    s = np.linspace(0, 1, 21)[:, None, None]
    along = ends[1] - ends[0]
    sideways = np.array([[-along[0, 1], along[0, 0], 0.0]]) / np.linalg.norm(along)
    skew = 4 * s * (1 - s) * (1.2 - 0.4 * s)
    guess = ends[0] + s * along + BEND[surface] * -skew * sideways
    guess[0], guess[-1] = ends
    return module, known, guess
