"""Tables as CSV, Markdown and LaTeX.

Numbers come from `statistics`, their words from `wording`, headings and formats from `metrics`.
CSV keeps every digit and plain column names, for programs (infinity is `inf`: a failed run is
worse than any other); the other two are for readers.
"""

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from ..errors import InputError, one_line
from ..files.columns import COLUMNS, EXTRA_COLUMNS
from ..scoring.score import read_runs, typed
from ..statistics.budget import accuracy
from ..statistics.comparison import pairwise, virtual_best
from ..statistics.hardness import hardness
from ..statistics.profiles import profiles_table
from ..statistics.ranks import ranks
from ..statistics.summary import failures, intervals, summary
from . import wording
from .markup import latex, markdown
from .verdicts import unsolved, verdicts_table

# Each table's numbers, and their words for readers. `accuracy` alone needs the traces too.
TABLES: dict[str, tuple[Callable, Callable]] = {
    "summary": (lambda runs: summary(runs, by=("set", "method")), wording.summary),
    "intervals": (intervals, wording.intervals),
    "verdicts": (verdicts_table, wording.plain),
    "unsolved": (unsolved, wording.plain),
    "reactions": (wording.reactions_table, wording.reactions),
    "failures": (failures, wording.failures),
    "pairwise": (pairwise, wording.pairwise),
    "virtual_best": (virtual_best, wording.virtual_best),
    "profiles": (profiles_table, wording.profiles),
    "ranks": (ranks, wording.ranks),
    "accuracy": (accuracy, wording.accuracy),
    "hardness": (hardness, wording.hardness),
}

NEEDED = "set reaction method seed verdict gradients_path gradients_refine".split()


def leave_table(results: Path, name: str, table: pd.DataFrame, text: str) -> None:
    """Leave a further table of a run beside the others, as csv and md; print its text."""
    folder = results / "tables"
    folder.mkdir(exist_ok=True)
    table.to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")
    (folder / f"{name}.md").write_text(text, encoding="utf-8")
    print(text)


def exact(name: str, runs: pd.DataFrame, traces: pd.DataFrame) -> pd.DataFrame:
    """Return the numbers of a table.

    Parameters
    ----------
    runs, traces : as read by `score.read_runs`
    """
    function = TABLES[name][0]
    return function(runs, traces) if name == "accuracy" else function(runs)


def write_tables(runs: pd.DataFrame, traces: pd.DataFrame, folder: str | Path) -> list[Path]:
    """Write every table as csv, md and tex into `folder`; return the files."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for name, (_, worded) in TABLES.items():
        numbers = exact(name, runs, traces)
        readable = worded(numbers)
        texts = {
            "csv": numbers.to_csv(index=False, lineterminator="\n"),
            "md": markdown(readable),
            "tex": latex(readable, wording.CAPTIONS[name], f"tab:{name}"),
        }
        for kind, text in texts.items():
            files.append(folder / f"{name}.{kind}")
            files[-1].write_text(text, encoding="utf-8")
    return files


def write_tables_of(results: str | Path, folder: str | Path) -> list[Path]:
    """Write every table from the `runs.csv` and, if there, `traces.csv` of a folder."""
    runs, traces = read_any_runs(Path(results)), Path(results) / "traces.csv"
    checkpoints = read_runs(traces) if traces.exists() else pd.DataFrame()
    return write_tables(runs, checkpoints, folder)


def read_any_runs(results: Path) -> pd.DataFrame:
    """Return the `runs.csv` of a folder, also one of an older version or of another program.

    Raises
    ------
    InputError
        where the file, or a column that everything rests on, is missing, or it is no table.
    """
    file = results / "runs.csv"
    if not file.is_file():
        raise InputError(f"{file} does not exist: nothing was run here. Try `mepbench run`.")
    try:
        runs = pd.read_csv(file, dtype=str, keep_default_na=False)
        missing = [column for column in NEEDED if column not in runs]
        if missing:
            raise InputError(f"{file} has no column {', '.join(missing)}: is it a table of runs?")
        # What an older or a foreign table lacks is missing, not wrong.
        return typed(runs.reindex(columns=[*COLUMNS, *EXTRA_COLUMNS]))
    except ValueError as error:  # pandas' own are among these
        raise InputError(f"{file}: is no table of runs: {one_line(error)}") from None
