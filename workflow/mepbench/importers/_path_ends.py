"""The ends, and if asked for the top, of a path that is read frame by frame."""

import re
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path

from ..errors import BadEndpoints
from ..molecule.geometry import Geometry
from ._found import Geometries
from ._structures import XYZ_SUFFIXES, combined

SUFFIXES = (".traj", *XYZ_SUFFIXES)


def structure_files(folder: Path) -> list[Path]:
    """Return a folder's trajectories and XYZ files, `image10` after `image9`."""
    files = (file for file in folder.iterdir() if file.suffix.lower() in SUFFIXES)
    return sorted((file for file in files if file.is_file()), key=_natural)


def _natural(file: Path) -> list:
    # Each number is followed by text: lists compare number to number, text to text.
    return [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", file.name)]


def ends_of(frames: Iterable[Geometry], ts: str = "none", images: int = 0) -> Geometries:
    """Return first and last frame of a path as reactant and product.

    Parameters
    ----------
    frames : read once, and never more than one path of them is held
    ts : "highest" takes the frame of highest energy as the transition state, "middle" the
        middle one of three
    images : where not 0, `frames` is the history of a band of so many images, of which the
        last one is the path
    """
    if images:
        frames = _last_band(frames, images)
    first = last = top = None
    count, without_energy = 0, 0
    for frame in frames:
        if count == 0:
            first = frame
        elif ts == "middle" and count == 1:
            top = frame
        elif frame.energy is not None and (top is None or frame.energy > top.energy):
            top = frame if ts == "highest" else top
        without_energy += frame.energy is None
        count += 1
        last = frame
    if count < 2:
        raise BadEndpoints(f"has {count} frames, a path needs at least two")
    notes, by_role = (), {"reactant": first, "product": last}
    if ts == "highest":
        at_an_end = top is None or top is last or _higher(first, top)
        if without_energy:
            notes = (f"ts left out: {without_energy} of {count} frames have no energy",)
        elif at_an_end:
            notes = ("ts left out: the highest frame is an end",)
        else:
            by_role["ts"] = top
    elif ts == "middle":
        if count == 3:
            by_role["ts"] = top
        else:
            notes = (f"ts left out: {count} frames have no middle of three",)
    return combined(by_role, notes)


def _higher(a: Geometry, b: Geometry) -> bool:
    return a.energy is not None and a.energy >= b.energy


def _last_band(frames: Iterable[Geometry], images: int) -> Iterator[Geometry]:
    band, count = deque(maxlen=images), 0
    for frame in frames:
        band.append(frame)
        count += 1
    if images < 2 or count == 0 or count % images:
        raise BadEndpoints(f"has {count} frames, which is no multiple of images={images}")
    return iter(band)
