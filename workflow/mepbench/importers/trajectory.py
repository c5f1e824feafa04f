"""Trajectories, one file a reaction: ASE's `.traj`, or XYZ files of several frames.

First and last frame are the ends. `ts=highest` takes the frame of highest energy as a guess of the
transition state, `ts=middle` the middle one of files with three frames. A folder is searched for
files, not for folders; a reaction has its file's name.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from ..errors import InputError
from ._found import Found, Rejected
from ._path_ends import SUFFIXES, ends_of, structure_files
from ._structures import structures


def read(
    source: Path, *, ts: Literal["none", "highest", "middle"] = "none"
) -> Iterator[Found | Rejected]:
    """Yield a reaction for each file."""
    files = structure_files(source) if source.is_dir() else [source]
    if not files:
        raise InputError(f"{source}: has no trajectory ({', '.join(SUFFIXES)}).")
    stems = Counter(file.stem for file in files)
    for file in files:
        name = file.stem if stems[file.stem] == 1 else file.name
        yield Found(name, file.name, lambda file=file: ends_of(structures(file), ts), (file,))
