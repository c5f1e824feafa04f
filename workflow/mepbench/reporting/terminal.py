"""What came out of a run, for a terminal: methods, reactions of a small set, refused endpoints."""

from pathlib import Path

import pandas as pd

from ..errors import REFUSED, InputError, one_line
from ..files.metrics import KCAL_PER_EV, formatted
from ..scoring.score import read_runs
from .tables import exact

SMALL = 15  # reactions of a set of which each has a line
MOST_REFUSED = 20
WIDTH = 100
NAME = 40
COLUMNS = {
    "cost": "cost_to_saddle",
    "path error": "path_barrier_error_eV",
    "error": "barrier_error_eV",
    "T": "tangency_defect_eV",
    "potential (s)": "oracle_path_s",
    "own (s)": "own_path_s",
}


def print_results(results: Path) -> None:
    """Print what a results folder holds, and where its report is.

    Raises
    ------
    InputError
        if nothing was run there.
    """
    file, report = results / "runs.csv", results / "report" / "index.html"
    if not file.exists():
        raise InputError(f"{file} does not exist: nothing was run here. Try `mepbench run`.")
    runs = read_runs(file)
    print("\n\n".join(text for text in (methods_text(runs), reactions_text(runs)) if text))
    if text := refused_text(runs):
        print(text)
    if report.exists() and report.stat().st_mtime >= file.stat().st_mtime:
        print(f"Report: {report.resolve()}")
    else:
        print(f"Table: {file.resolve()}")


def methods_text(runs: pd.DataFrame) -> str:
    """Return the summary as aligned lines, a block for each set and a line for each method.

    Parameters
    ----------
    runs : as read by `score.read_runs`
    """
    blocks = []
    for name, table in exact("summary", runs, pd.DataFrame()).groupby("set", sort=False):
        chains = "explained" in table and (table["explained"] > table["intended"]).any()
        heading = ["explained", "its cost"] if chains else []
        rows = [[f"set {name}", "solved", *heading, *COLUMNS]]
        for row in table.to_dict("records"):
            numbers = [formatted(f"{c}_median", row[f"{c}_median"]) for c in COLUMNS.values()]
            if chains:
                paid = formatted("gradients_explained_median", row["gradients_explained_median"])
                numbers = [f"{row['explained']}/{row['runs']}", paid, *numbers]
            rows.append([row["method"], f"{row['intended']}/{row['runs']}", *numbers])
        blocks.append(_aligned(rows))
    if not blocks:
        return "No run with accepted endpoints to sum up."
    note = (
        "Medians, a failed run worse than any other. Cost: gradient evaluations to the saddle;\n"
        "error: of the barrier (eV), before refinement (path) and after; T: tangency defect (eV)."
    )
    return "\n\n".join(blocks) + f"\n{note}"


def reactions_text(runs: pd.DataFrame) -> str:
    """Return barrier and verdicts of each reaction of the sets that have few."""
    blocks = []
    for name, of in runs.groupby("set", sort=False):
        if of["reaction"].nunique() > SMALL:
            continue
        rows = [[f"set {name}", "eV", "kcal/mol", "verdicts"]]
        for reaction, mine in of.groupby("reaction", sort=False):
            barrier = mine.loc[mine["verdict"] == "intended", "barrier_eV"].min()
            numbers = ["", ""]
            if pd.notna(barrier):
                numbers = [f"{barrier:.3f}", f"{barrier * KCAL_PER_EV:.1f}"]
            rows.append([_short(reaction, NAME), *numbers, _verdicts(mine)])
        lines = _aligned(rows, left=(0, 3)).splitlines()
        blocks.append("\n".join(_short(line, WIDTH) for line in lines))
    return "\n\n".join(blocks)


def refused_text(runs: pd.DataFrame) -> str:
    """Return which endpoints were refused, and why."""
    refused = runs[runs["verdict"].isin(REFUSED)].drop_duplicates(["set", "reaction"])
    lines = [
        f"  {_short(row.reaction, NAME)} ({row.set}): {one_line(row.reason)}"
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
        return one_line(f"{row['verdict']}{reason}")
    parts = [f"{(runs['verdict'] == 'intended').sum()}/{len(runs)} intended"]
    for verdict, of in runs[runs["verdict"] != "intended"].groupby("verdict", sort=False):
        parts.append(f"{verdict} ({', '.join(dict.fromkeys(of['method']))})")
    return ", ".join(parts)


def _short(text: str, most: int) -> str:
    text = one_line(text)
    return text if len(text) <= most else f"{text[: most - 3]}..."


def _aligned(rows: list[list[str]], left: tuple[int, ...] = (0,)) -> str:
    """Return rows of cells as lines; the columns `left` begin, the others end at one place."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = [
            text.ljust(width) if at in left else text.rjust(width)
            for at, (text, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)
