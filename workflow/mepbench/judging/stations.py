"""Points of a finished path below which an intermediate may lie: where a second pass starts.

A path that visits an intermediate minimum has no single saddle. It has a well there; or, where
that is too shallow to show, it passes near the minimum to which the saddle's IRC leads. Both
are kept as points of the path itself, unrelaxed: `chains` relaxes them, and takes only what
then is a minimum of its own.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from ase import Atoms

from ..files.frames import frame
from ..landscape.tangency import PathQuality
from ..molecule.relabelling import rmsds
from ..molecule.structure import RIGID, compare
from ..path import Path, spline
from ..reaction import Reaction
from .judge import Judgement

# A half-intended saddle is a first or last step where the path visits what it leads to.
VERDICTS = ("multistep", "half-intended")
SAMPLES = 201


@dataclass(frozen=True)
class Station:
    """One such point.

    Attributes
    ----------
    s : its place along the path, in (0, 1)
    position : (N, 3) array, angstrom, on the path
    minimum : (N, 3) array, angstrom: what must lie below it, an end of the saddle's IRC; None
        for a well, below which lies what lies there
    """

    s: float
    position: np.ndarray
    minimum: np.ndarray | None = None


def find_stations(
    reaction: Reaction,
    path: Path,
    verdict: str,
    quality: PathQuality | None,
    judgement: Judgement | None,
    invariances: tuple[str, ...] = RIGID,
) -> list[Station]:
    """Return the stations of a judged path, in its order; none unless it may have several steps.

    Parameters
    ----------
    verdict : of the run; only `VERDICTS` have stations
    quality : for the wells, which count where the verdict is `multistep`
    judgement : for the ends of the IRC
    invariances : the potential's
    """
    if verdict not in VERDICTS or not path.is_path or judgement is None or judgement.irc is None:
        return []
    found = []
    if verdict == "multistep" and quality is not None:
        found = [Station(well.s, well.position) for well in quality.wells]
    s = np.linspace(0, 1, SAMPLES)
    points = spline(path.positions)(s)
    for end in (judgement.irc[0], judgement.irc[-1]):
        if is_end(reaction, end, invariances):
            continue
        nearest = int(np.argmin(rmsds(points, end, invariances)))
        if 0 < nearest < SAMPLES - 1:
            found.append(Station(float(s[nearest]), points[nearest], end))
    return sorted(found, key=lambda station: station.s)


def is_end(reaction: Reaction, geometry: np.ndarray, invariances: tuple[str, ...]) -> bool:
    """Whether a minimum is the reactant or the product."""
    return any(
        compare(reaction.numbers, geometry, one, other, invariances).matches
        for one, other in (reaction.ends, reaction.ends[::-1])
    )


def station_frames(numbers: np.ndarray, stations: list[Station], identity: dict) -> list[Atoms]:
    """Return the frames of `stations/{method}/{job}.xyz`: each station, then its minimum."""
    frames = []
    for station in stations:
        frames.append(frame(numbers, station.position, role="station", s=station.s, **identity))
        if station.minimum is not None:
            frames.append(frame(numbers, station.minimum, role="minimum", **identity))
    return frames


def read_stations(frames: Iterable[Atoms]) -> dict[tuple[str, str, str, int], list[Station]]:
    """Return the stations by (set, reaction, method, seed)."""
    found: dict[tuple[str, str, str, int], list[Station]] = {}
    for atoms in frames:
        key = *(atoms.info[k] for k in ("set", "reaction", "method")), int(atoms.info["seed"])
        stations = found.setdefault(key, [])
        if atoms.info["role"] == "station":
            stations.append(Station(float(atoms.info["s"]), atoms.positions))
        else:
            last = stations[-1]
            stations[-1] = Station(last.s, last.position, atoms.positions)
    return found
