"""Tables as CSV, Markdown and LaTeX, and the summary for a terminal.

Numbers come from `score`, headings and formats from `metrics`. CSV keeps every digit and
plain column names, for programs; the other two are for readers.
"""

from pathlib import Path

import pandas as pd

from .markup import latex, markdown
from .metrics import KCAL_PER_EV, formatted
from .score import failures, summary

# Headings of the readable summary, short enough for a page, and the columns behind them.
SUMMARY = {
    "path error (eV)": "path_barrier_error_eV_median",
    "error (eV)": "barrier_error_eV_median",
    "error, others (eV)": "barrier_error_eV_median_others",
    "path RMSD (Å)": "path_saddle_rmsd_A_median",
    "RMSD (Å)": "saddle_rmsd_A_median",
    "T (eV)": "tangency_defect_eV_median",
    "its floor (eV)": "tangency_floor_eV_median",
    "X (eV)": "excess_eV_median",
    "potential (s)": "oracle_path_s_median",
    "own (s)": "own_path_s_median",
    "own (ms/evaluation)": "own_ms_per_gradient_median",
}
CAPTIONS = {
    "summary": (
        "Medians per method, in the order of the configuration. Solved: runs with verdict "
        "intended, of all with accepted endpoints. Cost: gradient evaluations of path and "
        "refinement, of the solved runs, with quartiles. Error: of the barrier, and RMSD of the "
        "saddle, absolute, against the reference: on the path before refinement (all runs), and "
        "after it (solved runs; others: without runs that are the reference themselves; 1 eV = "
        f"{KCAL_PER_EV:.2f} kcal/mol). T: tangency defect of the finished path (its floor: what "
        "the spline through its frames adds), X: its excess. Seconds of the path stage, in the "
        "potential and in the method itself."
    ),
    "reactions": (
        "Barrier in eV (kcal/mol in brackets) where a method's saddle is verified as intended, "
        "else the verdict; with several seeds the lowest barrier, and the number of seeds."
    ),
    "failures": "Every run that is not intended, with verdict and reason.",
}


def write_tables(runs: pd.DataFrame, folder: str | Path) -> list[Path]:
    """Write summary, reactions and failures as csv, md and tex into `folder`.

    Parameters
    ----------
    runs : as read by `score.read_runs`
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    tables = {
        "summary": (summary_table(runs), summary_worded(runs)),
        "reactions": (reactions_table(runs), reactions_worded(runs)),
        "failures": (failures(runs), failures_worded(runs)),
    }
    files = []
    for name, (exact, readable) in tables.items():
        texts = {
            "csv": exact.to_csv(index=False, lineterminator="\n"),
            "md": markdown(readable),
            "tex": latex(readable, CAPTIONS[name], f"tab:{name}"),
        }
        for kind, text in texts.items():
            files.append(folder / f"{name}.{kind}")
            files[-1].write_text(text, encoding="utf-8")
    return files


def summary_table(runs: pd.DataFrame) -> pd.DataFrame:
    """Return `score.summary` per set and method."""
    return summary(runs, by=("set", "method"))


def summary_worded(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the summary for readers: a cell for the share solved, one for the cost."""
    table = summary_table(runs)
    if table.empty:
        return pd.DataFrame(columns=["set", "method", "solved"])
    rows = table.to_dict("records")
    columns = {"set": table["set"], "method": table["method"]}
    columns["solved"] = [f"{row['intended']}/{row['runs']}" for row in rows]
    columns["share"] = [formatted("share_intended", row["share_intended"]) for row in rows]
    columns["cost"] = [_quartiles(row, "cost_to_saddle") for row in rows]
    for heading, column in SUMMARY.items():
        columns[heading] = [formatted(column, row[column]) for row in rows]
    return pd.DataFrame(columns)


def _quartiles(row: dict, column: str) -> str:
    median, low, high = (
        formatted(f"{column}_{which}", row[f"{column}_{which}"])
        for which in ("median", "q25", "q75")
    )
    return f"{median} ({low} to {high})" if row["intended"] else median


def reactions_table(runs: pd.DataFrame) -> pd.DataFrame:
    """Return a row per reaction: what it is, then each method's verdict and barrier (eV)."""
    rows = []
    for (name, reaction), group in runs.groupby(["set", "reaction"], sort=False):
        first = group.iloc[0]
        row = {"set": name, "reaction": reaction}
        row |= {key: first[key] for key in ("formula", "natoms", "charge", "multiplicity")}
        row["intended"] = int((group.verdict == "intended").sum())
        row["runs"] = len(group)
        for method in dict.fromkeys(runs.method):
            row[f"{method} verdict"], row[f"{method} barrier_eV"] = _verdict(
                group[group.method == method]
            )
        rows.append(row)
    return pd.DataFrame(rows, columns=None if rows else ["set", "reaction"])


def _verdict(runs: pd.DataFrame) -> tuple[str, float]:
    """Verdict and barrier of one method's runs, one per seed: the best of them."""
    if runs.empty:
        return "", float("nan")
    solved = runs[runs.verdict == "intended"]
    if solved.empty:
        return runs.verdict.iloc[0], float("nan")
    count = "" if len(runs) == 1 else f" ({len(solved)}/{len(runs)})"
    return f"intended{count}", float(solved.barrier_eV.min())


def reactions_worded(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the table of reactions for readers: a cell per method, barrier or verdict."""
    table = reactions_table(runs)
    if table.empty:
        return pd.DataFrame(columns=["reaction"])
    columns = {} if table["set"].nunique() == 1 else {"set": table["set"]}
    columns |= {"reaction": table.reaction, "formula": table.formula}
    for method in dict.fromkeys(runs.method):
        cells = zip(table[f"{method} verdict"], table[f"{method} barrier_eV"], strict=True)
        columns[method] = [cell(verdict, barrier) for verdict, barrier in cells]
    return pd.DataFrame(columns)


def cell(verdict: str, barrier: float) -> str:
    """Return a barrier in eV (kcal/mol in brackets), or the verdict where there is none."""
    if pd.isna(barrier):
        return verdict
    return f"{barrier:.3f} ({barrier * KCAL_PER_EV:.1f}){verdict.removeprefix('intended')}"


def failures_worded(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the failures for readers: refused endpoints once, not once a method."""
    table = failures(runs).astype(str)
    refused = table.verdict == "bad-endpoints"
    table.loc[refused, ["method", "seed"]] = ["all", ""]
    return table.drop_duplicates().reset_index(drop=True)


def text_summary(runs: pd.DataFrame) -> str:
    """Return the summary as aligned lines for a terminal, one block per set."""
    blocks = []
    for name, table in summary_table(runs).groupby("set", sort=False):
        rows = [["method", "solved", "cost", "path error", "error", "T", "potential", "own"]]
        rows.append(["", "", "", "eV", "eV", "eV", "s", "s"])
        for row in table.to_dict("records"):
            columns = (
                "cost_to_saddle path_barrier_error_eV barrier_error_eV tangency_defect_eV "
                "oracle_path_s own_path_s"
            ).split()
            numbers = [formatted(f"{c}_median", row[f"{c}_median"]) for c in columns]
            rows.append([row["method"], f"{row['intended']}/{row['runs']}", *numbers])
        blocks.append(f"set {name}\n" + _aligned(rows))
    if not blocks:
        return "No run with accepted endpoints to sum up."
    notes = [
        "Medians. Cost: gradient evaluations to the saddle; error: of the barrier, before (path)",
        "and after refinement; T: tangency defect of the path; seconds of the path stage.",
    ]
    unsolved = failures_worded(runs).verdict.value_counts()
    if len(unsolved):
        notes.append("Not solved: " + ", ".join(f"{n} {v}" for v, n in unsolved.items()) + ".")
    return "\n\n".join([*blocks, "\n".join(notes)])


def _aligned(rows: list[list[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for first, *others in rows:
        cells = [text.rjust(width) for text, width in zip(others, widths[1:], strict=True)]
        lines.append("  ".join([first.ljust(widths[0]), *cells]).rstrip())
    return "\n".join(lines)
