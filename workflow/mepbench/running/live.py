"""How far a run is, in one line: renewed in place on a terminal, else printed from time to time."""

import shutil
import sys
import time

from .progress import Progress, Standing

LOOK = 1.0  # seconds between two looks on a terminal
COST = 50  # a look that takes t seconds is not taken again before COST * t
FIRST, LAST = 30.0, 600.0  # seconds between two lines elsewhere, and at most
PATIENCE = 0.5  # of the time gone by, between two lines: a long run fills no log
NAMED = 4  # methods that are named on a terminal


class Live:
    """Shows how far a run is, on standard error; where nobody reads any more, nothing.

    Parameters
    ----------
    quiet : show nothing
    """

    def __init__(self, quiet: bool = False):
        self._terminal = sys.stderr.isatty()
        self._quiet = quiet
        self._begun = self._shown = time.monotonic()
        self._wait = LOOK if self._terminal else FIRST

    @property
    def due(self) -> bool:
        """Whether it is time for another look."""
        return not self._quiet and time.monotonic() - self._shown >= self._wait

    def say(self, text: str) -> None:
        """Print a line of its own."""
        if not self._quiet:
            self._write(f"{text}\n")

    def show(self, progress: Progress | None) -> None:
        """Look at a run, and show it; None while it is being planned."""
        start = time.monotonic()
        text = "planning"
        if progress is not None:
            text = line(progress.look(), NAMED if self._terminal else None)
        gone = clock(start - self._begun)
        if self._terminal:
            width = shutil.get_terminal_size().columns - 1
            self._write(f"\r\x1b[2K{f'{gone}  {text}'[:width]}")
        else:
            self._write(f"{gone}  {text}\n")
        self._shown = time.monotonic()
        self._wait = LOOK
        if not self._terminal:
            self._wait = min(max(FIRST, PATIENCE * (self._shown - self._begun)), LAST)
        self._wait = max(self._wait, COST * (self._shown - start))

    def clear(self) -> None:
        """Leave no half line behind."""
        if self._terminal and not self._quiet:
            self._write("\r\x1b[2K")

    def _write(self, text: str) -> None:
        try:
            sys.stderr.write(text)
            sys.stderr.flush()
        except BrokenPipeError:
            self._quiet = True


def line(standing: Standing, named: int | None = None) -> str:
    """Return how far a run is.

    Parameters
    ----------
    named : how many methods are named, of those that have begun and are not at their end; all
        methods if None
    """
    (done, every), (ends, all_ends) = standing.runs, standing.ends
    parts = [f"{done}/{every} runs of {all_ends} reactions"]
    if ends < all_ends:
        parts.insert(0, f"{ends}/{all_ends} endpoints")
    if standing.refused:
        parts.append(f"{standing.refused} refused")
    parts.append(f"{standing.unsolved} not solved")
    if standing.mechanisms:
        parts[-1] += f" ({standing.mechanisms} of them searched for steps)"
    if done == every and ends == all_ends and not standing.searching:
        parts.append("gathering results")
    else:
        if standing.rate is not None:
            parts.append(f"{standing.rate:.0f} evaluations/s")
        if standing.left is not None:
            parts.append(f"about {clock(max(standing.left, 1))} left")
    counts = standing.methods.items()
    if named is not None:
        counts = [(name, of) for name, of in counts if 0 < of[0] < of[1]][:named]
    methods = ", ".join(f"{name} {n}/{of}" for name, (n, of) in counts)
    return ", ".join(parts) + (f"; {methods}" if methods else "")


def clock(seconds: float) -> str:
    """Return a time as a person says it: `45 s`, `12 min`, `3 h 20 min`."""
    seconds = round(seconds)
    if seconds < 90:
        return f"{seconds} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min"
