"""`mepbench rejudge`: a submitted archive is judged anew, and what differs is named."""

import argparse
from collections import Counter
from pathlib import Path

from ..errors import InputError, one_line


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.epilog = "The exit status is 1 where something differs from what is claimed."
    parser.add_argument("archive", type=Path)
    parser.add_argument("-o", "--output", type=Path, help="CSV; default: ARCHIVE.rejudged.csv")
    parser.add_argument(
        "--sample",
        type=int,
        default=0,
        metavar="N",
        help="run N runs of methods that ship again, to confirm their numbers of evaluations",
    )
    parser.add_argument("--seed", type=int, default=0, help="of the sample; default: 0")
    parser.add_argument("--timeout", type=float, default=1800, help="seconds for each judgement")


def rejudged_file(archive: Path) -> Path:
    """Return where the table of an archive stands."""
    return archive.with_suffix(".rejudged.csv")


def run(given: argparse.Namespace) -> int:
    """Judge; write the table, name what differs, and return 1 if anything does."""
    from ..files.tidy import write_rows
    from ..jobs.worker import Worker
    from .rejudge import COLUMNS, Sample, rejudge
    from .submission import read_submission

    if given.sample < 0:
        raise InputError(f"rejudge: --sample must not be negative, it is {given.sample}.")
    submission = read_submission(given.archive)
    rows, counts = [], Counter()
    with Worker(given.timeout) as worker:
        try:
            for row in rejudge(submission, worker, Sample(given.sample, given.seed)):
                rows.append(row | {"reason": one_line(row.get("reason", ""))})
                counts[row["counts"]] += 1
                if row["counts"] != "claimed":
                    print(f"run again: {_named(row)}: {row['counts']}", flush=True)
                if row["differs"]:
                    print(f"DIFFERS: {_named(row)}: {one_line(row['differs'])}", flush=True)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(f"{given.archive}: can't be judged: {one_line(error)}.") from None
    output = given.output or rejudged_file(given.archive)
    write_rows(str(output), COLUMNS, rows)
    wrong = sum(bool(row["differs"]) for row in rows)
    print(f"{len(rows)} runs, {len(rows) - wrong} as claimed, {wrong} differ: {output}")
    tallied = ", ".join(f"{n} {word}" for word, n in sorted(counts.items()))
    print(f"numbers of evaluations: {tallied or 'none'}")
    return 1 if wrong else 0


def _named(row: dict) -> str:
    names = (one_line(row[key]) for key in ("set", "reaction", "method"))
    return f"{' '.join(map(repr, names))} seed {row['seed']}"
