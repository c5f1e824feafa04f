"""A job's log: everything its process prints, Fortran libraries and children included."""

import os
import sys
from pathlib import Path


def log_to(path: str) -> None:
    """Send standard output and error of this process, and of its children, to a file."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    sys.stdout.flush()
    sys.stderr.flush()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.close(descriptor)


def log(message: str) -> None:
    """Write one line to the log, at once."""
    print(message, file=sys.stderr, flush=True)
