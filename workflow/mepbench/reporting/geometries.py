"""The geometries that a results folder has of some of its reactions: paths, saddles, IRCs.

Of a set with thousands of reactions only the files of the jobs that had the wanted ones are opened,
and of these only the wanted frames are read. What is missing, or was written by hand and can't be
read, is left out: a page shows the rest.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..files.frames import comment_text, comment_texts, iterate_frames
from ..files.tidy import read_rows
from ..files.xyz_text import Block, canonical, columns, is_extended, xyz_blocks

Run = tuple[str, int]  # method and seed
KEYS = ("set", "reaction", "role", "method", "seed", "step", "from", "to")
# Frames of one curve differ by this alone in their comments.
_ENERGY = re.compile(r'(.*) energy=([-+.\deE]+)(?: pbc="[TF ]+")?\s*')


@dataclass(frozen=True)
class Curve:
    """Frames along a path, a trajectory or an IRC.

    Attributes
    ----------
    positions : (M, N, 3) array, angstrom
    energies : (M,) array, eV, absolute; NaN where unknown
    role : "path", "trajectory" or "irc"
    """

    positions: np.ndarray
    energies: np.ndarray
    role: str


@dataclass(frozen=True)
class Point:
    """A refined saddle: (N, 3) angstrom, eV (absolute), its mode where known, 1/cm."""

    positions: np.ndarray
    energy: float
    mode: np.ndarray | None
    frequency: float = float("nan")
    source: str = ""


@dataclass(frozen=True)
class Step:
    """One step of a chain: the names of its minima, and its coordinate from one to the other."""

    start: str
    end: str
    coordinate: Curve


@dataclass
class Geometries:
    """What there is of one reaction.

    Attributes
    ----------
    numbers : (N,) int array, atomic numbers; None where its ends were refused
    ends : (2, N, 3) array, angstrom
    energies : (2,) array, eV
    charge, multiplicity : of all frames
    paths, ircs, saddles : by method and seed
    chains : the steps of the chain of each run that has one
    reference, reference_irc : of its reference saddle
    """

    numbers: np.ndarray | None = None
    ends: np.ndarray | None = None
    energies: np.ndarray | None = None
    charge: int = 0
    multiplicity: int = 1
    paths: dict[Run, Curve] = field(default_factory=dict)
    ircs: dict[Run, Curve] = field(default_factory=dict)
    saddles: dict[Run, Point] = field(default_factory=dict)
    chains: dict[Run, list[Step]] = field(default_factory=dict)
    reference: Point | None = None
    reference_irc: Curve | None = None


def geometries(folder: Path, set_name: str, wanted: Collection[str]) -> dict[str, Geometries]:
    """Return what a results folder has of the `wanted` reactions of one set, by name."""
    found = {name: Geometries() for name in wanted}
    _read_ends(folder / "sets" / set_name / "endpoints.xyz", found)
    for job in _jobs(folder / "sets" / set_name, wanted):
        for kind, target in (("paths", "paths"), ("irc", "ircs")):
            for file in sorted((folder / "sets" / set_name / kind).glob(f"*/{job}.xyz")):
                for name, run, curve in _curves(file, found):
                    getattr(found[name], target)[run] = curve
    for atoms in _frames(folder / "saddles.xyz", set_name, found):
        if atoms.info.get("role") == "saddle":
            run = str(atoms.info["method"]), int(atoms.info["seed"])
            found[atoms.info["reaction"]].saddles[run] = _point(atoms)
    for atoms in _frames(folder / "reference.xyz", set_name, found):
        found[atoms.info["reaction"]].reference = _point(atoms)
    for name, run, step in _steps(folder / "chains.xyz", found, set_name):
        found[name].chains.setdefault(run, []).append(step)
    for name, _, curve in _curves(folder / "reference_irc.xyz", found, set_name):
        found[name].reference_irc = curve
    return {name: _fitting(geometries) for name, geometries in found.items()}


def _jobs(folder: Path, wanted: Collection[str]) -> list[str]:
    """Names of the jobs that had a wanted reaction, the newest last, which wins."""
    files = sorted(
        (folder / "endpoints").glob("*.csv"), key=lambda file: (file.stat().st_mtime, file.name)
    )
    return [
        file.stem
        for file in files
        if any(row.get("reaction") in wanted for row in read_rows(str(file)))
    ]


def _read_ends(file: Path, found: dict[str, Geometries]) -> None:
    pairs: dict[str, dict] = {}
    for atoms in _frames(file, None, found):
        pairs.setdefault(atoms.info["reaction"], {})[atoms.info.get("role")] = atoms
    for name, pair in pairs.items():
        ends = [pair.get(role) for role in ("reactant", "product")]
        if None in ends or not np.array_equal(ends[0].numbers, ends[1].numbers):
            continue
        one = found[name]
        one.numbers = ends[0].numbers
        one.ends = np.array([atoms.positions for atoms in ends])
        one.energies = np.array([_energy(atoms) for atoms in ends])
        one.charge = int(ends[0].info.get("charge", 0))
        one.multiplicity = int(ends[0].info.get("multiplicity", 1))


def _frames(file: Path, set_name: str | None, found: dict[str, Geometries]) -> Iterator:
    def wanted(comment: str) -> bool:
        return comment_text(comment, "reaction") in found and (
            set_name is None or comment_text(comment, "set") == set_name
        )

    if not file.exists():
        return
    try:
        yield from iterate_frames(file, wanted)
    except InputError:  # what came before it is used
        return


def _curves(
    file: Path, found: dict[str, Geometries], set_name: str | None = None
) -> Iterator[tuple[str, Run, Curve]]:
    """Yield the curves of a file; a run's frames stand one after another."""
    groups: dict[tuple, list[tuple[np.ndarray, float]]] = {}
    for block in _blocks(file):
        said = _ENERGY.fullmatch(block.comment)
        identity, energy = said.groups() if said else (block.comment, "nan")
        owner, name, role, method, seed = _texts(identity)[:5]
        if name in found and role != "peak" and set_name in (None, owner):
            run = method or "reference", int(seed or 0)
            groups.setdefault((name, run, role or "irc"), []).append(
                (_positions(block), float(energy))
            )
    for (name, run, role), frames in groups.items():
        if len({len(positions) for positions, _ in frames}) == 1:
            positions, energies = zip(*frames, strict=True)
            yield name, run, Curve(np.array(positions), np.array(energies), role)


def _steps(
    file: Path, found: dict[str, Geometries], set_name: str
) -> Iterator[tuple[str, Run, Step]]:
    """Yield the steps of all chains of a file, which stand there in order."""
    groups: dict[tuple, list[tuple[np.ndarray, float]]] = {}
    for block in _blocks(file):
        said = _ENERGY.fullmatch(block.comment)
        identity, energy = said.groups() if said else (block.comment, "nan")
        owner, name, _, method, seed, number, start, end = _texts(identity)
        if name in found and owner == set_name:
            step = number or "", start or "", end or ""
            frames = groups.setdefault((name, (method or "", int(seed or 0)), step), [])
            frames.append((_positions(block), float(energy)))
    for (name, run, (_, start, end)), frames in groups.items():
        positions, energies = zip(*frames, strict=True)
        curve = Curve(np.array(positions), np.array(energies), "chain")
        yield name, run, Step(start, end, curve)


def _blocks(file: Path) -> Iterator[Block]:
    if not file.exists():
        return
    try:
        yield from xyz_blocks(file)
    except InputError:
        return


@lru_cache(256)
def _texts(comment: str) -> list[str | None]:
    return comment_texts(comment, KEYS)


def _positions(block: Block) -> np.ndarray:
    """Return a frame's coordinates; ASE's reader would take ten times as long."""
    x = 1
    if is_extended(block.comment):
        x = columns(block.comment.split("Properties=", 1)[1].split()[0].strip('"'))[2]
    return np.array([row.split()[x : x + 3] for row in canonical(block)], dtype=float)


def _point(atoms) -> Point:
    wave = atoms.info.get("imaginary_frequency_cm", np.nan)
    return Point(
        atoms.positions,
        _energy(atoms),
        atoms.arrays.get("mode"),
        float(wave),
        str(atoms.info.get("source", "")),
    )


def _energy(atoms) -> float:
    results = {} if atoms.calc is None else atoms.calc.results
    return float(results.get("energy", np.nan))


def _fitting(one: Geometries) -> Geometries:
    """Leave out what has not as many atoms as the ends."""
    if one.numbers is None:
        return Geometries()
    shape = (len(one.numbers), 3)

    def fits(found: Curve | Point | None) -> bool:
        return found is not None and found.positions.shape[-2:] == shape

    for of_run in (one.paths, one.ircs, one.saddles):
        for run in [run for run, found in of_run.items() if not fits(found)]:
            del of_run[run]
    for run, steps in list(one.chains.items()):
        if not all(fits(step.coordinate) for step in steps):
            del one.chains[run]
    one.reference = one.reference if fits(one.reference) else None
    one.reference_irc = one.reference_irc if fits(one.reference_irc) else None
    return one
