"""Runs that tests disturb: four reactions in one job of a method that takes its time.

The method keeps a record of what it begins and what it has done, so that a test knows when to
strike and, afterwards, what was computed twice.
"""

import contextlib
import signal
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from repository_copy import Copy

from mepbench.files.tidy import read_rows

FOUR = [
    "hcn-isomerisation",
    "hydroxymethylene-formaldehyde",
    "ammonia-inversion",
    "formaldehyde-dissociation",
]
SLOW_METHOD = Path(__file__).with_name("slow_method.py")
SECONDS = {"wall_guess_s", "wall_path_s", "oracle_path_s"}


def copy_with_slow_method(folder: Path) -> Copy:
    """Return a copy of the repository that has the method `slow`."""
    copy = Copy(folder)
    (copy.folder / "workflow/mepbench/methods/slow.py").write_text(SLOW_METHOD.read_text())
    return copy


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Processes started here can be interrupted, which a shell's background jobs ignore."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


class SlowRun:
    """One method's path stage on `FOUR` in one job.

    Parameters
    ----------
    method : its name, another one for each test
    results : folder, which runs may share: what one has prepared serves the next
    pause : seconds for each reaction

    Attributes
    ----------
    config : name of the configuration's file
    target : the table that the run makes
    """

    def __init__(self, copy: Copy, method: str, pause: float, results: str = "results"):
        self.copy = copy
        self.record = copy.folder / f"{method}.record"
        self.config = f"{method}.yaml"
        self.target = f"{results}/sets/four/solved/{method}/000.csv"
        options = {"solver": "slow", "pause": pause, "record": str(self.record)}
        config = {
            "sets": {"four": "textbook"},
            "select": FOUR,
            "methods": {method: options},
            "results": results,
        }
        copy.configure(config, self.config)

    def recorded(self) -> list[str]:
        return self.record.read_text().splitlines() if self.record.exists() else []

    def wait_for_second(self, seconds: float = 900) -> None:
        """Wait until the first reaction is done and the second one has begun."""
        end = time.monotonic() + seconds
        while len(self.recorded()) < 3:
            assert time.monotonic() < end, "the second reaction never began"
            time.sleep(0.05)

    def times_done(self) -> list[int]:
        """Return how often each of `FOUR` was computed to its end."""
        counts = Counter(self.recorded())
        return [counts[f"done {name}"] for name in FOUR]

    def assert_nothing_was_lost(self, twice: int) -> None:
        """Each was finished once; only what was running when it struck began twice."""
        assert self.times_done() == [1, 1, 1, 1]
        assert sum(line.startswith("begin ") for line in self.recorded()) == 4 + twice

    def rows(self) -> list[dict]:
        """Return the table, without seconds."""
        rows = read_rows(self.copy.folder / self.target)
        return [{k: v for k, v in row.items() if k not in SECONDS} for row in rows]
