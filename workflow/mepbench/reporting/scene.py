"""What a page shows of one reaction in 3D: geometries, each with its place on a curve.

A `Track` is a curve of energies over arc length with geometries along it: a method's path, an
intrinsic reaction coordinate, a chain of steps. A `Shown` run has some of them, and its saddle. A
`Scene` is all that a page's viewer knows; `as_values` turns it into the plain values of a JSON
island, with coordinates as integers of 1/1000 angstrom, of which `workflow/report/scene.js`
makes geometries again.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from ase.data import chemical_symbols, covalent_radii

from ..files.metrics import KCAL_PER_EV
from ..molecule.stereo import BOND, bonds
from ..path import arc_length, spline, superposition

STEP = 1e-3  # angstrom: coordinates of paths are rounded to it
GEOMETRIES = 41  # of a track, at most and some that are marked
EDGE = np.iinfo(np.int16).max


@dataclass(frozen=True)
class Track:
    """A curve and the geometries along it.

    Attributes
    ----------
    kind : "path", "trajectory", "irc" or "chain"
    arc : (M,) array, angstrom, from the curve's highest point, negative towards the reactant
    energies : (M,) array, eV above the reactant; NaN where unknown
    positions : (K, N, 3) array, angstrom
    at : (K,) int array, the places on the curve that have a geometry
    marks : (place on the curve, what is there)
    """

    kind: str
    arc: np.ndarray
    energies: np.ndarray
    positions: np.ndarray
    at: np.ndarray
    marks: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True)
class Saddle:
    """A refined point.

    Attributes
    ----------
    positions : (N, 3) array, angstrom
    energy : eV above the reactant
    mode : (N, 3) array, the lowest mode; None where it is unknown
    frequency : of it, 1/cm, positive where it is imaginary; NaN where unknown
    """

    positions: np.ndarray
    energy: float
    mode: np.ndarray | None = None
    frequency: float = float("nan")


@dataclass(frozen=True)
class Shown:
    """One run: a line of the profile, and what the viewer shows when it is chosen.

    Attributes
    ----------
    method, seed : whose it is; the seed None where there is one only
    verdict : of the run; "reference" of a reference
    look : colour, dash and symbol, see `looks`; None of a reference, which is broad and grey
    row : cells of the table that is downloaded, in the order of `Scene.columns`
    """

    method: str
    seed: int | None
    verdict: str
    tracks: tuple[Track, ...] = ()
    saddle: Saddle | None = None
    look: dict[str, str] | None = None
    row: tuple[str, ...] = ()


@dataclass(frozen=True)
class Scene:
    """All that the viewer of a page knows.

    Attributes
    ----------
    numbers : (N,) int array, atomic numbers
    ends : (2, N, 3) array, angstrom; what reacts follows from it
    file : stem of the names of downloads
    info : comment of the XYZ files that the page makes
    columns : of the row that is downloaded
    first : place of the run that is shown first
    """

    numbers: np.ndarray
    ends: np.ndarray
    file: str
    info: str
    runs: tuple[Shown, ...]
    columns: tuple[str, ...] = ()
    first: int = 0


def measured_track(
    frames: np.ndarray, s: np.ndarray, arc: np.ndarray, energies: np.ndarray, like: np.ndarray
) -> Track:
    """Return a path whose energy was sampled between its frames.

    Parameters
    ----------
    frames : (F, N, 3) array, angstrom
    s, arc, energies : (M,) arrays: in [0, 1] along the spline through the frames, angstrom, eV
        above the reactant
    like : (N, 3) array, the orientation in which the highest point is shown
    """
    at, top = _spread(arc, energies)
    positions = _turned(spline(frames)(s[at]), like, int(np.searchsorted(at, top)))
    return Track("path", arc - arc[top], energies, positions, at)


def track(
    kind: str,
    positions: np.ndarray,
    energies: np.ndarray,
    like: np.ndarray,
    *,
    top: int | None = None,
    marks: Sequence[tuple[int, str]] = (),
) -> Track:
    """Return a curve that is known at its geometries.

    Parameters
    ----------
    positions, energies : (M, N, 3) and (M,) arrays, angstrom and eV above the reactant
    like : (N, 3) array, the orientation in which its top is shown
    top : where its arc length is zero; its highest point if None
    marks : places, and what is there
    """
    if top is None:
        top = _top(energies)
    turned = _turned(positions, like, top)
    arc = arc_length(turned)
    at, _ = _spread(arc, energies, [top, *(place for place, _ in marks)])
    return Track(kind, arc - arc[top], energies, turned[at], at, tuple(marks))


def joined(parts: Sequence[Track], names: Sequence[str]) -> Track:
    """Return the chain of the coordinates of consecutive steps as one curve.

    Parameters
    ----------
    parts : one for each step, energies above the first reactant
    names : of the minima, one more than steps; saddles are named after their steps
    """
    arcs, energies, positions, at, marks = [], [], [], [], []
    end, count = 0.0, 0
    for k, part in enumerate(parts):
        turned = part.positions
        if positions:
            turned = _turned(turned, positions[-1][-1], 0)
        marks.append((count, names[k]))
        marks.append((count + _top(part.energies), f"TS{k + 1}"))
        arcs.append(part.arc - part.arc[0] + end)
        energies.append(part.energies)
        positions.append(turned)
        at.append(part.at + count)
        end, count = arcs[-1][-1], count + len(part.arc)
    marks.append((count - 1, names[-1]))
    arc, along = np.concatenate(arcs), np.concatenate(energies)
    return Track(
        "chain",
        arc - arc[_top(along)],
        along,
        np.concatenate(positions),
        np.concatenate(at),
        tuple(marks),
    )


def facing(positions: np.ndarray) -> np.ndarray:
    """Turn a geometry (N, 3) so that it is widest to the right and flattest towards the viewer."""
    centred = positions - positions.mean(axis=0)
    _, _, axes = np.linalg.svd(centred, full_matrices=True)
    axes[2] = np.cross(axes[0], axes[1])
    return centred @ axes.T


def as_values(scene: Scene) -> dict:
    """Return a scene as plain values, for a JSON island."""
    numbers = scene.numbers
    reactant, product = (bonds(numbers, x) for x in scene.ends)
    return {
        "symbols": [chemical_symbols[z] for z in numbers],
        "radii": [round(float(covalent_radii[z]), 3) for z in numbers],
        "bond": BOND,
        "kcal_per_eV": KCAL_PER_EV,
        "centre": sorted(map(list, reactant ^ product)),
        "file": scene.file,
        "info": scene.info,
        "columns": list(scene.columns),
        "first": scene.first,
        "runs": [_run_values(run) for run in scene.runs],
    }


def _run_values(run: Shown) -> dict:
    values = {
        "method": run.method,
        "seed": run.seed,
        "verdict": run.verdict,
        "look": run.look,
        "row": list(run.row),
        "tracks": [_track_values(track) for track in run.tracks],
        "saddle": None,
    }
    if run.saddle is not None:
        mode = run.saddle.mode
        values["saddle"] = {
            "positions": np.round(run.saddle.positions.ravel(), 6).tolist(),
            "mode": None if mode is None else np.round(mode.ravel(), 4).tolist(),
            "energy": _rounded(run.saddle.energy, 5),
            "frequency": _rounded(run.saddle.frequency, 0),
        }
    return values


def _track_values(track: Track) -> dict:
    return {
        "kind": track.kind,
        "arc": [_rounded(x, 3) for x in track.arc],
        "energies": [_rounded(x, 4) for x in track.energies],
        "at": track.at.tolist(),
        "marks": [[int(place), what] for place, what in track.marks],
        **packed(track.positions),
    }


def packed(positions: np.ndarray) -> dict:
    """Return coordinates as base64 of little-endian 16-bit integers, and the step they count.

    The step is `STEP`, unless a coordinate lies beyond the 32.8 angstrom that it reaches to.
    """
    step = max(STEP, float(np.abs(positions).max()) / EDGE)
    counted = np.round(positions / step).astype("<i2")
    return {"step": step, "coordinates": base64.b64encode(counted.tobytes()).decode("ascii")}


def _rounded(value: float, digits: int) -> float | None:
    return round(float(value), digits) if np.isfinite(value) else None


def _top(energies: np.ndarray) -> int:
    """The highest point; the middle where no energy is known."""
    return int(np.nanargmax(energies)) if np.isfinite(energies).any() else len(energies) // 2


def _spread(
    arc: np.ndarray, energies: np.ndarray, needed: Sequence[int] = ()
) -> tuple[np.ndarray, int]:
    """Places spread evenly over the length of a curve, and its highest point, one of them."""
    top = _top(energies)
    needed = {0, len(arc) - 1, top, *needed}
    if len(arc) <= GEOMETRIES:
        return np.arange(len(arc)), top
    even = np.linspace(arc[0], arc[-1], GEOMETRIES)
    nearest = np.abs(arc[:, None] - even).argmin(axis=0)
    return np.array(sorted(needed | set(nearest.tolist()))), top


def _turned(positions: np.ndarray, like: np.ndarray, first: int) -> np.ndarray:
    """Turn geometries (M, N, 3) each onto its neighbour, and the `first` onto `like`."""
    centred = positions - positions.mean(axis=1, keepdims=True)
    onto_next = _rotations(centred[:-1], centred[1:])
    turns = np.empty((len(centred), 3, 3))
    turns[first] = superposition(centred[first], like - like.mean(axis=0))
    for k in range(first - 1, -1, -1):
        turns[k] = onto_next[k] @ turns[k + 1]
    for k in range(first + 1, len(centred)):
        turns[k] = onto_next[k - 1].T @ turns[k - 1]
    return centred @ turns + like.mean(axis=0)


def _rotations(mobile: np.ndarray, fixed: np.ndarray) -> np.ndarray:
    """`path.superposition` of many pairs at once: (M, N, 3) twice, to (M, 3, 3)."""
    u, _, vt = np.linalg.svd(np.swapaxes(mobile, 1, 2) @ fixed)
    u[:, :, 2] *= np.sign(np.linalg.det(u @ vt))[:, None]
    return u @ vt
