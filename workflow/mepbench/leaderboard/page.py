"""The leaderboard: a table for each set, of the archives in which nothing differed.

Verdicts are those of the judge of today. Numbers of evaluations are claims, but for the runs
that were made again.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ..errors import InputError
from ..files.metrics import formatted
from ..files.tidy import read_rows
from ..reporting.markup import markdown
from ..scoring.score import KEY, typed
from ..statistics.censored import censored, counted, quantile, solved
from .official import official_entries
from .rejudge import COLUMNS, budget_of, potential_of
from .rejudge_command import rejudged_file
from .submission import NAME, Submission, read_submission

INTRODUCTION = """\
# Leaderboard

Runs on sets that everyone has, each judged anew from its geometries by `mepbench rejudge`: the
ends are those of the set, each saddle is proven again. *Solved* is a verified saddle of the
intended reaction. *Cost* is gradient evaluations of path and refinement, the median with quartiles
over all runs, a failed one above any other; those on the cheaper level of a *prior* are not in it,
so such methods have tables of their own. It is what the author claims, but for the runs that
were made again: *checked* says how many of a method's were, and all came to the same numbers.

How to submit: [submitting.md](../submitting.md). Built by `mepbench leaderboard`.
"""


@dataclass(frozen=True)
class Accepted:
    """An archive, its table, and a link to it."""

    submission: Submission
    table: list[dict[str, str]]
    link: str


def accepted(archive: Path, folder: Path) -> Accepted:
    """Read an archive that was rejudged.

    Raises
    ------
    InputError
        if it was not, or something differed.
    """
    if not NAME.fullmatch(archive.name):
        raise InputError(f"{archive}: its name must be NAME.zip, in plain letters.")
    submission, file = read_submission(archive), rejudged_file(archive)
    if not file.is_file():
        raise InputError(f"{archive}: was not rejudged. Run `mepbench rejudge {archive}`.")
    table = read_rows(str(file))
    keys = [tuple(row.get(key) for key in ("set", "reaction", "method", "seed")) for row in table]
    whole = [(*key[:3], str(key[3])) for key in submission.rows]
    same = all(set(row) == set(COLUMNS) and row["archive"] == submission.digest for row in table)
    if not same or sorted(keys) != sorted(whole):
        raise InputError(f"{file}: is not the table of {archive}. Run `mepbench rejudge` again.")
    if wrong := [row for row in table if row["differs"]]:
        raise InputError(f"{archive}: {len(wrong)} of its runs are not as claimed, see {file}.")
    return Accepted(submission, table, Path(os.path.relpath(archive, folder)).as_posix())


def write_page(archives: list[Path], folder: Path) -> Path:
    """Write `README.md` into a folder; return it."""
    rows = [row for archive in archives for row in _rows(accepted(archive, folder))]
    order = {"group": True, "share": False, "cost_value": True, "method": True, "entry": True}
    table = pd.DataFrame(rows).sort_values(list(order), ascending=list(order.values()))
    text = [INTRODUCTION]
    for group, part in table.groupby("group", sort=True):
        shown = part.drop(columns=["group", "share", "cost_value", "link"])
        links = iter(part["link"])
        body = markdown(shown).splitlines(keepends=True)
        # The link is ours, the title is not: only the latter is escaped.
        cut = (line.rpartition("@archive@") for line in body[2:])
        lines = [f"{before}[archive]({next(links)}){after}" for before, _, after in cut]
        text.append(f"## {group}\n\n" + "".join([*body[:2], *lines]))
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "README.md"
    file.write_text("\n".join(text), encoding="utf-8")
    return file


def _rows(entry: Accepted) -> list[dict]:
    """Return a row for each set and method of an archive."""
    submission, counts = entry.submission, ("gradients_path", "gradients_refine")
    table = pd.DataFrame(entry.table)
    runs = counted(typed(table[[*KEY, "verdict", *counts]]).assign(counts=table["counts"]))
    rows = []
    for (name, method), mine in runs.groupby(["set", "method"], sort=False):
        good = solved(mine)
        cost = mine[list(counts)].astype(float).sum(axis=1, skipna=False)
        costs = censored(cost, good).to_numpy()
        middle, low, high = (float(quantile(costs, q)) for q in (0.5, 0.25, 0.75))
        official = submission.sets[name][0]
        budget = budget_of(submission, method)
        about = f"{potential_of(submission).level}, budget {budget['path']} + {budget['refine']}"
        if submission.config["methods"][method].get("prior"):
            about += ", with a prior"
        asked, there = mine["reaction"].nunique(), len(official_entries(official))
        part = "" if asked == there else f", {asked} of {there} reactions"
        rows.append(
            {
                "group": f"{official}{part} ({about})",
                "method": method,
                "solved": f"{good.sum()}/{len(mine)}",
                "cost": _spread(middle, low, high),
                "checked": f"{mine['counts'].eq('confirmed').sum()}/{len(mine)}",
                "entry": submission.title,
                "commit": str(submission.provenance.get("commit") or "")[:7],
                "files": "@archive@",
                "share": good.mean(),
                "cost_value": middle,
                "link": entry.link,
            }
        )
    return rows


def _spread(middle: float, low: float, high: float) -> str:
    texts = [formatted("cost_to_saddle_median", value) for value in (middle, low, high)]
    return f"{texts[0]} ({texts[1]} to {texts[2]})" if np.isfinite(low) else texts[0]
