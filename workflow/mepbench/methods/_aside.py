"""Packages that write files, logs and tables wherever they are: kept out of sight."""

import io
import logging
import os
import tempfile
from collections.abc import Iterator
from contextlib import chdir, contextmanager, redirect_stdout

MEMORY = "/dev/shm"  # gpatom writes its band at each step on the surrogate: a disk may take minutes


@contextmanager
def aside() -> Iterator[None]:
    """Run in an empty folder that is removed, with the logs opened there; print nothing."""
    memory = MEMORY if os.access(MEMORY, os.W_OK) else None
    with (
        tempfile.TemporaryDirectory(dir=memory) as folder,
        chdir(folder),
        redirect_stdout(io.StringIO()),
    ):
        try:
            yield
        finally:
            loggers = [logging.getLogger(name) for name in logging.root.manager.loggerDict]
            for logger, handler in [(a, b) for a in loggers for b in a.handlers]:
                if str(getattr(handler, "baseFilename", "")).startswith(folder):
                    handler.close()
                    logger.removeHandler(handler)
