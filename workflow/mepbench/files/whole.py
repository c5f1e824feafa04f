"""A file that is there whole, or not at all."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole(file: Path) -> Iterator[Path]:
    """Yield what to write instead of a file; it takes the file's place when it is complete."""
    unfinished = file.with_name(f"{file.stem}.part{file.suffix}")
    yield unfinished
    unfinished.replace(file)
