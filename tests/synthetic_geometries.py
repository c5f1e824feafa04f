"""Geometries of a made-up results folder: a hydrogen that goes round a chain of carbons.

The reaction's path, saddle and IRC are known in closed form: the hydrogen's angle runs from `LEFT`
to `RIGHT`, the energy is `height` sin^2 of how far it has come.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import synthetic

from mepbench.files.frames import frame, write_frames
from mepbench.scoring.score import write_runs

LEFT, RIGHT, AROUND = -1.2, 1.2, 1.9  # radians; angstrom from the middle
ZERO = -100.0  # eV, energy of the reactant


def numbers(natoms: int) -> np.ndarray:
    return np.array([1] + [6] * (natoms - 1))


def positions(angle: float, natoms: int = 4) -> np.ndarray:
    """The hydrogen at an angle above a zigzag of carbons."""
    chain = np.arange(natoms - 1) - (natoms - 2) / 2
    x = np.zeros((natoms, 3))
    x[0] = AROUND * np.array([np.sin(angle), np.cos(angle), 0.3 * np.cos(angle)])
    x[1:, 0] = 1.3 * chain
    x[1:, 1] = 0.2 * (-1.0) ** np.arange(natoms - 1)
    return x


def energies(frames: int, height: float) -> np.ndarray:
    return ZERO + height * np.sin(np.pi * np.linspace(0, 1, frames)) ** 2


def along(frames: int, natoms: int = 4, bulge: float = 0.0) -> np.ndarray:
    """Geometries from end to end; the hydrogen bulges out of its way on both sides of the top."""
    path = np.array([positions(a, natoms) for a in np.linspace(LEFT, RIGHT, frames)])
    path[:, 0, 2] += bulge * np.sin(2 * np.pi * np.linspace(0, 1, frames))
    return path


def mode(natoms: int = 4) -> np.ndarray:
    """The hydrogen's motion at the top, a unit vector."""
    found = np.zeros((natoms, 3))
    found[0, 0] = 1.0
    return found


def write_geometries(
    folder: Path, table: pd.DataFrame, natoms: int = 4, bulge: float = 0.0
) -> Path:
    """Write what a run leaves beside a table of runs, and around it; return the folder.

    Every method's path bulges more than that of the one before, by `bulge` angstrom.
    """
    synthetic.write_results(folder, table)
    profiles, saddles, references, coordinates = [], [], [], []
    for owner, of_set in table.groupby("set", sort=False):
        place = folder / "sets" / owner
        ends = []
        for name in dict.fromkeys(of_set.reaction):
            identity = {"set": owner, "reaction": name}
            ends += [
                _frame(natoms, positions(angle, natoms), ZERO, identity, role=role)
                for role, angle in (("reactant", LEFT), ("product", RIGHT))
            ]
            height = float(of_set[of_set.reaction == name].barrier_eV.min())
            references.append(
                frame(
                    numbers(natoms),
                    positions(0, natoms),
                    energy=ZERO + height,
                    arrays={"mode": mode(natoms)},
                    **identity,
                    role="ts",
                    source="shipped",
                    imaginary_frequency_cm=1234.5,
                )
            )
            coordinates += _curve(21, natoms, height, identity | {"source": "shipped"})
        write_frames(place / "endpoints.xyz", ends)
        rows = of_set.drop_duplicates("reaction")[["reaction"]]
        write_runs(place / "endpoints" / "000.csv", rows)
        for at, (method, of_method) in enumerate(of_set.groupby("method", sort=False)):
            paths, ircs = [], []
            for row in of_method.to_dict("records"):
                identity = {key: row[key] for key in ("set", "reaction", "method", "seed")}
                height = row["barrier_eV"]
                paths += _path(natoms, identity, at * bulge)
                saddles.append(
                    frame(
                        numbers(natoms),
                        positions(0, natoms),
                        energy=ZERO + height,
                        arrays={"mode": mode(natoms)},
                        role="saddle",
                        **identity,
                    )
                )
                if row["verdict"] == "intended":
                    ircs += _curve(31, natoms, height, identity)
                profiles.append(_profile(identity, height, natoms))
            write_frames(place / "paths" / method / "000.xyz", paths)
            write_frames(place / "irc" / method / "000.xyz", ircs)
    write_runs(folder / "profiles.csv", pd.concat(profiles))
    write_frames(folder / "saddles.xyz", saddles)
    write_frames(folder / "reference.xyz", references)
    write_frames(folder / "reference_irc.xyz", coordinates)
    return folder


def _frame(natoms: int, x: np.ndarray, energy: float | None, identity: dict, **info):
    state = {"charge": 0, "multiplicity": 1}
    return frame(numbers(natoms), x, energy=energy, **identity, **info, **state)


def _path(natoms: int, identity: dict, bulge: float) -> list:
    """Eleven frames without energies and, as a run leaves it, the peak."""
    frames = [_frame(natoms, x, None, identity, role="path") for x in along(11, natoms, bulge)]
    return [*frames, _frame(natoms, positions(0, natoms), ZERO, identity, role="peak")]


def _curve(count: int, natoms: int, height: float, identity: dict) -> list:
    pairs = zip(along(count, natoms), energies(count, height), strict=True)
    return [_frame(natoms, x, energy, identity) for x, energy in pairs]


def _profile(identity: dict, height: float, natoms: int) -> pd.DataFrame:
    s = np.linspace(0, 1, 61)
    length = np.linalg.norm(np.diff(along(11, natoms), axis=0).reshape(10, -1), axis=1).sum()
    return pd.DataFrame(
        identity
        | {"s": s, "arc_length_A": length * s, "energy_eV": height * np.sin(np.pi * s) ** 2}
    )
