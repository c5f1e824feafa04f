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
def only_run(folder: Path = Path(), lock: Path = FILE) -> Iterator[tuple[int, bool]]:
    """Hold the working folder, or another one.

    Parameters
    ----------
    lock : the file, within the folder

    Yields
    ------
    descriptor : int, to be handed to the process that does the run
    killed : bool, whether the last run here did not come to an end of its own

    Raises
    ------
    InputError
        if another run goes on here.
    """
    file = folder / lock
    file.parent.mkdir(exist_ok=True)
    with open(file, "a+") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise InputError(
                f"another run goes on in {folder.resolve()}: wait for its end, or run in another "
                "folder."
            ) from None
        held.seek(0)
        killed = held.read() != ""
        held.truncate(0)
        held.write(f"{os.getpid()}\n")
        held.flush()
        yield held.fileno(), killed
        held.truncate(0)
