"""What an importer yields: a reaction that can be loaded, or why there is none."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Geometries:
    """A reaction as its source holds it; nothing is checked yet.

    Attributes
    ----------
    numbers : atomic numbers, (N,) int array, by role (reactant, product, and ts where known)
    positions : (N, 3) arrays, angstrom, by role
    charge, multiplicity : None where the source does not say
    notes : lines for the provenance
    disorder : why the atoms are known to be numbered differently, empty where they are not
    """

    numbers: dict[str, np.ndarray]
    positions: dict[str, np.ndarray]
    charge: int | None = None
    multiplicity: int | None = None
    notes: tuple[str, ...] = ()
    disorder: str = ""


@dataclass(frozen=True)
class Found:
    """A reaction in a source.

    Attributes
    ----------
    name : text of any kind
    where : its place in the source: a file, a line, a group
    load : reads its geometries; raises `BadEndpoints` where it can't
    files : those its geometries are read from, besides the source itself
    """

    name: str
    where: str
    load: Callable[[], Geometries]
    files: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Rejected:
    """A place in a source that holds no reaction one could import, and why."""

    name: str
    where: str
    reason: str
