"""One run at a time in a working folder; a run that was killed leaves nothing locked.

Snakemake's own lock is a file: it stays when Snakemake is killed, and `--unlock` is needed.
The lock here belongs to the processes that hold it and goes with the last of them, so that
the next run knows whether an earlier one was ended by force.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import InputError

FILE = Path(".snakemake") / "mepbench.lock"


@contextmanager
def only_run(file: Path = FILE, of: str = "") -> Iterator[tuple[int, bool]]:
    """Hold the working folder, or a folder of results by a lock of its own.

    Parameters
    ----------
    file : of the lock, made where it is not there
    of : what else than the working folder it is for, for the error

    Yields
    ------
    descriptor : int, to be handed to the process that does the run
    killed : bool, whether the last run here did not come to an end of its own

    Raises
    ------
    InputError
        if another run goes on here.
    """
    file.parent.mkdir(exist_ok=True)
    with open(file, "a+") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise InputError(
                f"another run goes on in {of or Path.cwd()}: wait for its end, or run in another "
                "folder."
            ) from None
        held.seek(0)
        killed = held.read() != ""
        held.truncate(0)
        held.write(f"{os.getpid()}\n")
        held.flush()
        yield held.fileno(), killed
        held.truncate(0)
