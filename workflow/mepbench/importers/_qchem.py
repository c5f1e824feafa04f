"""The last geometry of a Q-Chem log, with the charge and multiplicity of its input."""

import re
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.data import atomic_numbers

from ..errors import BadEndpoints
from ..files.xyz_text import MOST_ATOMS
from ..molecule.geometry import Geometry

HEAD = "Standard Nuclear Orientation (Angstroms)"
ROW = re.compile(r"\s*\d+\s+([A-Z][a-z]?)\s+(-?\d+\.\d+)\s+(-?\d+\.\d+)\s+(-?\d+\.\d+)\s*")


def read_log(path: Path) -> Geometry:
    """Return the last geometry of a log, which is read line by line."""
    said, rows, reading = None, [], False
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            for line in iter(lambda: file.readline(1 << 16), ""):
                if HEAD in line:
                    rows, reading = [], True
                elif reading and (match := ROW.fullmatch(line)) and len(rows) < MOST_ATOMS:
                    rows.append(match.groups())
                elif reading and rows:
                    reading = False
                elif said == "next":
                    said = re.fullmatch(r"\s*(-?\d+)\s+(\d+)\s*", line)
                elif said is None and line.strip().lower() == "$molecule":
                    said = "next"
    except OSError as error:
        raise BadEndpoints(f"{path.name} cannot be read ({error.strerror})") from None
    if not rows or any(row[0] not in atomic_numbers for row in rows):
        raise BadEndpoints(f"{path.name} has no geometry ({HEAD!r})")
    charge, multiplicity = map(int, said.groups()) if isinstance(said, re.Match) else (None, None)
    positions = np.array([row[1:] for row in rows], dtype=float)
    return Geometry(
        Atoms([row[0] for row in rows], positions),
        charge,
        multiplicity,
    )
