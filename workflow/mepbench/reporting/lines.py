"""Lines for a terminal: columns that stand under each other, colour where there is one for it.

Names are text from files: what would move a cursor, or turn writing round, is printed as the
escape that stands for it.
"""

import os
import sys
import textwrap
from collections.abc import Sequence

WIDTH = 100
CODES = {"bold": "1", "red": "31", "green": "32", "yellow": "33", "dim": "2"}


class Painted(str):
    """Text that has a colour where there is a terminal."""

    colour: str = ""


def painted(text: str, colour: str) -> Painted:
    """Return text with one of the `CODES`."""
    found = Painted(text)
    found.colour = colour
    return found


def verdict_colour(verdict: str) -> str:
    """Return the colour of a verdict; what is said is never in the colour alone."""
    if verdict == "intended":
        return "green"
    if verdict in ("multistep", "half-intended"):
        return "yellow"
    return "dim" if verdict in ("bad-endpoints", "not-supported", "not-installed") else "red"


def wants_colour(stream=None) -> bool:
    """Whether a stream is a terminal whose user has not said no (https://no-color.org)."""
    stream = stream or sys.stdout
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return not plain and stream.isatty()


def shade(text: str, colour: bool) -> str:
    """Return a painted text with its escape codes, where colour is wanted."""
    code = CODES.get(getattr(text, "colour", ""))
    return f"\x1b[{code}m{text}\x1b[0m" if colour and code and text else str(text)


def escaped(text: object) -> str:
    """Return text as one line of what can be printed, an escape for every other character."""
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode("ascii")
        for c in str(text)
    )


def short(text: object, most: int) -> str:
    """Return text `escaped`, its end left out where it is long."""
    line = escaped(text)
    return line if len(line) <= most else f"{line[: most - 3]}..."


def aligned(rows: Sequence[Sequence[str]], left: Sequence[int] = (0,), colour: bool = False) -> str:
    """Return rows of cells as lines; the columns `left` begin, the others end at one place."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = []
        for at, (text, width) in enumerate(zip(row, widths, strict=True)):
            room = " " * (width - len(text))
            cells.append(shade(text, colour) + room if at in left else room + shade(text, colour))
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def wrapped(text: str, first: str = "", width: int = WIDTH) -> str:
    """Return a sentence after a heading, its further lines under its beginning."""
    indent = " " * min(len(first), 24)
    return textwrap.fill(
        text, width, initial_indent=first, subsequent_indent=indent, break_on_hyphens=False
    )
