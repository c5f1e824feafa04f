"""The errors that a user may see, and those that become a verdict.

`InputError` stops a command before any job starts. The others are caught by the driver
and turned into the verdict they name: they cost one reaction, never a batch.
"""

import logging
import os
import re


class InputError(Exception):
    """Bad input: the message names the file, the reaction and the remedy."""


class BudgetExhausted(Exception):
    """The next round of evaluations would exceed the budget; nothing was evaluated."""

    verdict = "budget"


class SCFFailure(Exception):
    """The self-consistent field did not converge at 300 K, nor after a warmer start."""

    verdict = "scf-failure"


class NotInstalled(Exception):
    """An optional program or package is missing; the message says how to get it."""

    verdict = "not-installed"


class NotSupported(Exception):
    """The potential can't compute these atoms; the message says which, and how far it goes."""

    verdict = "not-supported"


class BadEndpoints(Exception):
    """The endpoints of one reaction are not what was asked for; the message says why."""

    verdict = "bad-endpoints"


# Verdicts of reactions that no method was asked about: kept as rows, outside all denominators.
REFUSED = (BadEndpoints.verdict, NotSupported.verdict)
# Verdicts where the potential failed: nothing more is asked, but it is worth another try.
FAILED = (SCFFailure.verdict, "error")


def refuse(mistakes: list[str], most: int = 20) -> None:
    """Raise `InputError` with all mistakes of one input, of very many the first ones."""
    if len(mistakes) == 1:
        raise InputError(mistakes[0])
    if mistakes:
        more = [f"and {len(mistakes) - most} more"] if len(mistakes) > most else []
        lines = [f"{len(mistakes)} mistakes:", *mistakes[:most], *more]
        raise InputError("\n  ".join(lines))


_NUMPY = re.compile(r"\bnp\.(?:(?:u?int|float|str)_?\d*\(([^()]*)\)|(True|False)_)")
_PATH = re.compile(r"(?<![\w.:/~])/(?:[^\s/'\"(),;:]+/)+")


def sentence(text: str) -> str:
    """Return a text for a table, of which no part is the machine's or Python's.

    Of a file with an absolute path its name stays; a number is a number: `np.int64(1)` is 1.
    """
    if "np." in text:
        text = _NUMPY.sub(lambda match: match[1] or match[2] or "", text)
    if "/" in text:
        text = _PATH.sub(_without_folder, text)
    return text


def _without_folder(match: re.Match) -> str:
    """Leave what only looks like a path, such as `/C(F)=C/`."""
    folder = match[0]
    return "" if os.path.isdir(folder[: folder.index("/", 1)]) else folder


def one_line(text: object) -> str:
    """Return a text with a space for each character that can't be printed."""
    return "".join(c if c.isprintable() else " " for c in str(text))


def described(error: Exception) -> str:
    """Return an exception as one line of text."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:300]


def plainly(error: Exception) -> str:
    """Return an exception as one line: of ours, which are sentences, the message alone."""
    ours = type(error).__module__.partition(".")[0] == __package__
    return " ".join(str(error).split()) if ours else described(error)


def reported(error: Exception) -> str:
    """Log a traceback; return the error `described`, for a table's `reason`."""
    line = described(error)
    logging.getLogger("mepbench").info("%s", line, exc_info=error)
    return line
