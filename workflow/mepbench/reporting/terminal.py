"""What came out of a run, for a terminal: methods, reactions of a small set, refused endpoints."""

from pathlib import Path

import pandas as pd

from ..errors import REFUSED
from ..files.metrics import KCAL_PER_EV, formatted
from .lines import WIDTH, aligned, escaped, painted, short, verdict_colour
from .tables import exact, read_any_runs
from .wording import NOTHING, summary_cell

SMALL = 15  # reactions of a set of which each has a line
MOST_REFUSED = 20
NAME = 40
COLUMNS = {
    "cost": "cost_to_saddle_median",
    "path error (eV)": "path_barrier_error_eV_median",
    "error (meV)": "barrier_error_eV_median",
    "T (eV)": "tangency_defect_eV_median",
    "potential (s)": "oracle_path_s_median",
    "own (s)": "own_path_s_median",
}
IF_ANY = "error (meV)"  # left out where all are zero


def print_results(results: Path, colour: bool = False) -> None:
    """Print what a results folder holds, and where its report is.

    Raises
    ------
    InputError
        if nothing was run there.
    """
    file, report = results / "runs.csv", results / "report" / "index.html"
    runs = read_any_runs(results)
    texts = (methods_text(runs, colour), reactions_text(runs, colour))
    print("\n\n".join(text for text in texts if text))
    if text := refused_text(runs):
        print(text)
    if report.exists() and report.stat().st_mtime >= file.stat().st_mtime:
        print(f"Report: {escaped(report.resolve())}")
    else:
        print(f"Table: {escaped(file.resolve())}")


def methods_text(runs: pd.DataFrame, colour: bool = False) -> str:
    """Return the summary as aligned lines, a block for each set and a line for each method.

    Parameters
    ----------
    runs : as read by `score.read_runs`
    """
    blocks = []
    for name, table in exact("summary", runs, pd.DataFrame()).groupby("set", sort=False):
        rows = table.to_dict("records")
        columns = {
            heading: [summary_cell(heading, column, row) for row in rows]
            for heading, column in COLUMNS.items()
        }
        if all(NOTHING.fullmatch(cell) for cell in columns[IF_ANY]):
            del columns[IF_ANY]
        if "explained" in table and (table["explained"] > table["intended"]).any():
            paid = [
                formatted("gradients_explained_median", row["gradients_explained_median"])
                for row in rows
            ]
            explained = [f"{row['explained']}/{row['runs']}" for row in rows]
            columns = {"explained": explained, "its cost": paid, **columns}
        lines = [[f"set {escaped(name)}", "solved", *columns]]
        for row, numbers in zip(rows, zip(*columns.values(), strict=True), strict=True):
            solved = painted(f"{row['intended']}/{row['runs']}", _shade(row))
            lines.append([escaped(row["method"]), solved, *numbers])
        blocks.append(aligned(lines, colour=colour))
    if not blocks:
        return "No run with accepted endpoints to sum up."
    note = (
        "Medians, a failed run worse than any other. Cost: gradient evaluations to the saddle;\n"
        "error: of the barrier, before refinement (path) and after, where it is not zero for all;\n"
        "T: tangency defect."
    )
    return "\n\n".join(blocks) + f"\n{note}"


def _shade(row: dict) -> str:
    if row["intended"] == row["runs"]:
        return "green"
    return "" if row["intended"] else "red"


def reactions_text(runs: pd.DataFrame, colour: bool = False) -> str:
    """Return barrier and verdicts of each reaction of the sets that have few."""
    blocks = []
    for name, of in runs.groupby("set", sort=False):
        if of["reaction"].nunique() > SMALL:
            continue
        rows = [[f"set {escaped(name)}", "eV", "kcal/mol", "verdicts"]]
        for reaction, mine in of.groupby("reaction", sort=False):
            barrier = mine.loc[mine["verdict"] == "intended", "barrier_eV"].min()
            numbers = ["", ""]
            if pd.notna(barrier):
                numbers = [f"{barrier:.3f}", f"{barrier * KCAL_PER_EV:.1f}"]
            rows.append([short(reaction, NAME), *numbers, _verdicts(mine)])
        room = max(20, WIDTH - len(aligned([row[:3] for row in rows]).splitlines()[0]) - 2)
        cut = [[*row[:3], _cut(row[3], room)] for row in rows]
        blocks.append(aligned(cut, left=(0, 3), colour=colour))
    return "\n\n".join(blocks)


def _cut(text: str, most: int) -> str:
    return painted(short(text, most), getattr(text, "colour", ""))


def refused_text(runs: pd.DataFrame) -> str:
    """Return which endpoints were refused, and why."""
    refused = runs[runs["verdict"].isin(REFUSED)].drop_duplicates(["set", "reaction"])
    lines = [
        f"  {short(row.reaction, NAME)} ({escaped(row.set)}): {escaped(row.reason)}"
        for row in refused.head(MOST_REFUSED).itertuples()
    ]
    if not lines:
        return ""
    if len(refused) > len(lines):
        lines.append(f"  and {len(refused) - len(lines)} more: sets/*/endpoints.csv has them all")
    return "\n".join([f"Refused endpoints, outside all counts: {len(refused)}", *lines])


def _verdicts(runs: pd.DataFrame) -> str:
    """What became of a reaction's runs: how many are solved, and which methods' are not."""
    if len(runs) == 1 or runs["verdict"].isin(REFUSED).all():
        row = runs.iloc[0]
        reason = "" if row["verdict"] in ("intended", *REFUSED) else f": {row['reason']}"
        return painted(escaped(f"{row['verdict']}{reason}"), verdict_colour(row["verdict"]))
    solved = (runs["verdict"] == "intended").sum()
    parts = [f"{solved}/{len(runs)} intended"]
    for verdict, of in runs[runs["verdict"] != "intended"].groupby("verdict", sort=False):
        parts.append(f"{verdict} ({', '.join(dict.fromkeys(of['method']))})")
    found = "green" if solved == len(runs) else "" if solved else "red"
    return painted(escaped(", ".join(parts)), found)
