"""The scene of one reaction of a results folder: every method's curves, each step of its chains.

All curves are laid so that their highest points meet and are turned alike, after the reference
saddle or else the first one, so that another method is another line and not another view.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..files.frames import frame, frames_text
from ..path import superposition
from .geometries import Curve, Geometries, Point, Step
from .scene import Saddle, Scene, Shown, Track, facing, joined, measured_track, track

if TYPE_CHECKING:
    import pandas as pd

REFERENCE = "reference"


def reaction_scene(
    found: Geometries,
    identity: dict[str, str],
    file: str,
    runs: Sequence[dict],
    profiles: "pd.DataFrame",
    looks: dict[str, dict],
    cells: tuple[tuple[str, ...], dict[tuple[str, int], tuple[str, ...]]],
) -> Scene | None:
    """Return what the viewer of a reaction's page shows; None where there is no geometry.

    Parameters
    ----------
    found : its geometries
    identity : what the comments of its files say of it: set, reaction
    file : stem of the names of downloads
    runs : its rows of `runs.csv`
    profiles : its rows of `profiles.csv`
    looks : of the methods, by name
    cells : columns of `runs.csv`, and of each run its row as text
    """
    if found.numbers is None:
        return None
    like = _orientation(found)
    zero = found.energies[0]
    columns, texts = cells
    shown = []
    if (reference := _reference(found, zero, like)) is not None:
        shown.append(reference)
    for row in runs:
        run = row["method"], int(row["seed"])
        measured = profiles[(profiles.method == run[0]) & (profiles.seed == run[1])]
        tracks = [
            _path(found.paths.get(run), measured, zero, like),
            _irc(found.ircs.get(run), zero, like),
            _chain(found.chains.get(run), zero, like),
        ]
        shown.append(
            Shown(
                method=run[0],
                seed=run[1],
                verdict=row["verdict"],
                tracks=tuple(one for one in tracks if one is not None),
                saddle=_saddle(found.saddles.get(run), zero, like, row["imaginary_frequency_cm"]),
                look=looks[run[0]],
                row=texts.get(run, ()),
            )
        )
    state = {"charge": found.charge, "multiplicity": found.multiplicity}
    info = comment(found.numbers, **identity, **state)
    first = _first(shown, runs)
    return Scene(found.numbers, found.ends, file, info, tuple(shown), columns, first)


def _first(shown: Sequence[Shown], runs: Sequence[dict]) -> int:
    """The run that solved it at the least cost; else one with a chain, a saddle, any curve."""
    cost = {
        (row["method"], int(row["seed"])): row["gradients_path"] + row["gradients_refine"]
        for row in runs
        if row["verdict"] == "intended"
    }

    def merit(run: Shown) -> tuple:
        price = cost.get((run.method, run.seed))
        kinds = {track.kind for track in run.tracks}
        return (
            price is not None and bool(kinds),
            -price if price is not None else 0,
            "chain" in kinds,
            run.look is not None and run.saddle is not None and bool(kinds),
            bool(kinds),
        )

    return max(range(len(shown)), key=lambda k: merit(shown[k]), default=0)


def comment(numbers: np.ndarray, **info: object) -> str:
    """Return what a frame's comment says beside its columns, in the form that is read back."""
    text = frames_text([frame(numbers[:1], np.zeros((1, 3)), **info)])
    said = text.splitlines()[1].removeprefix("Properties=species:S:1:pos:R:3 ")
    return said.removesuffix(' pbc="F F F"')


def _orientation(found: Geometries) -> np.ndarray:
    points = [found.reference, *found.saddles.values()]
    known = [point.positions for point in points if point is not None]
    return facing(known[0] if known else found.ends[0])


def _reference(found: Geometries, zero: float, like: np.ndarray) -> Shown | None:
    if found.reference is None:
        return None
    irc = _irc(found.reference_irc, zero, like)
    return Shown(
        method=REFERENCE,
        seed=None,
        verdict=REFERENCE,
        tracks=() if irc is None else (irc,),
        saddle=_saddle(found.reference, zero, like, found.reference.frequency),
    )


def _saddle(point: Point | None, zero: float, like: np.ndarray, frequency) -> Saddle | None:
    if point is None:
        return None
    turned, mode = turned_with(point.positions, point.mode, like)
    wave = np.nan if frequency is None else float(frequency)
    return Saddle(turned, point.energy - zero, mode, wave)


def turned_with(
    positions: np.ndarray, mode: np.ndarray | None, like: np.ndarray
) -> tuple[np.ndarray, np.ndarray | None]:
    """Turn a geometry (N, 3) and its mode onto another geometry."""
    centre = positions.mean(axis=0)
    rotation = superposition(positions - centre, like - like.mean(axis=0))
    turned = (positions - centre) @ rotation + like.mean(axis=0)
    return turned, None if mode is None else mode @ rotation


def _path(curve: Curve | None, measured, zero: float, like: np.ndarray) -> Track | None:
    if curve is None or len(curve.positions) < 2:
        return None
    if len(measured) and curve.role == "path":
        s, arc, energies = (
            measured[column].to_numpy(float) for column in ("s", "arc_length_A", "energy_eV")
        )
        return measured_track(curve.positions, s, arc, energies, like)
    return track(curve.role, curve.positions, curve.energies - zero, like)


def _irc(curve: Curve | None, zero: float, like: np.ndarray) -> Track | None:
    if curve is None or len(curve.positions) < 2:
        return None
    return track("irc", curve.positions, curve.energies - zero, like)


def _chain(steps: list[Step] | None, zero: float, like: np.ndarray) -> Track | None:
    """The coordinates of all steps as one curve."""
    if not steps:
        return None
    parts = [_irc(step.coordinate, zero, like) for step in steps]
    if None in parts:
        return None
    return joined(parts, [steps[0].start, *(step.end for step in steps)])
