"""Paths of any length, as a nudged elastic band (NEB) or a string leaves them: the ends are taken.

A path is a file of several frames, or a folder of files with one frame each, in the order of the
numbers in their names. A folder may hold several paths: files of several frames, or folders of
images. `images` is the length of the band where a file holds all of its iterations, as ASE's
`NEB` writes them: the last band counts. `ts=highest` keeps the highest image.
"""

from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Literal

from ..errors import BadEndpoints, InputError
from ._found import Found, Geometries, Rejected
from ._path_ends import SUFFIXES, ends_of, structure_files
from ._structures import structures


def read(
    source: Path, *, images: int = 0, ts: Literal["none", "highest"] = "none"
) -> Iterator[Found | Rejected]:
    """Yield a reaction for each path."""
    if not source.is_dir():
        yield _path(source.stem, source.name, [source], ts, images)
        return
    folders = sorted(child for child in source.iterdir() if child.is_dir())
    found = False
    for folder in (source, *folders):
        files = structure_files(folder)
        found = found or bool(files)
        name = folder.resolve().name
        if len(files) > 1 and _has_one_frame(files[0]):
            yield _path(name, folder.name, files, ts, images)
            continue
        for file in files:
            called = file.stem if folder == source else f"{name}_{file.stem}"
            if folder != source and len(files) == 1:
                called = name
            yield _path(called, str(file.relative_to(source)), [file], ts, images)
    if not found:
        raise InputError(f"{source}: has no path ({', '.join(SUFFIXES)}).")


def _has_one_frame(file: Path) -> bool:
    try:
        return len(list(islice(structures(file), 2))) == 1
    except (BadEndpoints, InputError):
        return False


def _path(name: str, where: str, files: list[Path], ts: str, images: int) -> Found:
    def load() -> Geometries:
        if len(files) > 1 and images:
            raise BadEndpoints("is a folder of images: `images` is for files of several frames")
        return ends_of(chain.from_iterable(structures(file) for file in files), ts, images)

    return Found(name, where, load, tuple(files))
