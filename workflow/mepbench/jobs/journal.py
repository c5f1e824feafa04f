"""What a job has finished so far, kept so that its end by force loses nothing.

A job does some reactions one after the other and writes its outputs at its end. Each finished
reaction is one line of a journal beside the job's log, on the disk before the next one
starts. A job that starts again - after a kill, a time limit, a full disk - takes from the
journal what is there, if it was made from the same inputs by the same code, and leaves
outputs as if it had never been disturbed. A torn last line is dropped.

Journals are removed when a run is scored, not at the end of their job: Snakemake throws away
the outputs of a job that ended after Snakemake itself was killed.
"""

import base64
import fcntl
import hashlib
import json
import os
import zlib
from collections.abc import Iterable
from pathlib import Path

from ..files.checksums import sha256
from .joblog import log

SUFFIX = ".journal"


def digest(files: Iterable[str], *parameters: object) -> str:
    """Return the hash of all that a job's results depend on: its files' contents and options."""
    contents = [sha256(file) for file in sorted(map(str, files))]
    text = json.dumps([parameters, contents], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


class Journal:
    """The finished tasks of one job: text by name for each.

    One process at a time: a second job for the same outputs waits here for the first, such
    as one that has outlived its Snakemake.

    Parameters
    ----------
    file : where it is kept
    key : `digest` of the job's inputs; what was written under another key is not used
    """

    def __init__(self, file: str | Path, key: str):
        self.file, self.key = Path(file), key

    def __enter__(self):
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self._stream = open(self.file, "a+b")
        try:
            fcntl.flock(self._stream, fcntl.LOCK_EX)
        except OSError as error:  # a file system without locks
            log(f"{self.file}: not locked ({error})")
        self._finished = self._read()
        if self._finished:
            log(f"taken from {self.file}: {len(self._finished)} finished earlier")
        return self

    def __exit__(self, *exception):
        self._stream.close()

    def _read(self) -> dict[str, dict[str, str]]:
        self._stream.seek(0)
        finished, whole = {}, 0
        for line in self._stream:
            entry = _entry(line)
            if entry is None or entry[0] != self.key:
                break
            finished[entry[1]] = entry[2]
            whole += len(line)
        self._stream.truncate(whole)
        return finished

    def finished(self, task: str) -> dict[str, str] | None:
        """Return the texts of a task that was finished earlier, else None."""
        return self._finished.get(task)

    def add(self, task: str, texts: dict[str, str]) -> None:
        """Keep the texts of a finished task; they are on the disk when this returns."""
        packed = base64.b64encode(zlib.compress(json.dumps(texts).encode())).decode()
        line = json.dumps({"key": self.key, "task": task, "texts": packed})
        self._stream.write(line.encode() + b"\n")
        self._stream.flush()
        os.fsync(self._stream.fileno())


def follow(file: str | Path, start: int) -> tuple[list[dict[str, str]], int]:
    """Return the texts of the tasks that a running job has added from byte `start` on, and where
    the next ones begin."""
    found = []
    with open(file, "rb") as stream:
        stream.seek(start)
        for line in stream:
            if (entry := _entry(line)) is None:
                break
            found.append(entry[2])
            start += len(line)
    return found, start


def _entry(line: bytes) -> tuple[str, str, dict[str, str]] | None:
    """Return key, task and texts of a line of a journal, None if it is torn."""
    if not line.endswith(b"\n"):
        return None
    try:
        entry = json.loads(line)
        texts = json.loads(zlib.decompress(base64.b64decode(entry["texts"])))
        return entry["key"], entry["task"], texts
    except (ValueError, KeyError, TypeError, zlib.error):
        return None


def journal_of(snakemake) -> Journal:
    """Return the journal of a rule's job, given the `snakemake` object of its script."""
    parameters = dict(snakemake.params.items()), dict(snakemake.wildcards.items())
    file = Path(snakemake.log[0]).with_suffix(SUFFIX)
    return Journal(file, digest(snakemake.input, *parameters))


def remove_journals(folder: str | Path) -> None:
    """Remove the journals under `folder`: their jobs' outputs are complete, and known to be."""
    for file in Path(folder).rglob(f"*{SUFFIX}"):
        file.unlink(missing_ok=True)
