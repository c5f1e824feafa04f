"""CSV files of plain rows, and many jobs' files gathered into one, streaming."""

import csv
import io
import shutil
from collections.abc import Collection
from pathlib import Path

import numpy as np

from ..errors import sentence

TRACE_COLUMNS = "set reaction method seed evaluations rounds seconds barrier_eV residual".split()
PROFILE_COLUMNS = "set reaction method seed s arc_length_A energy_eV".split()


def write_rows(path: str, columns: list[str] | tuple[str, ...], rows: list[dict]) -> None:
    """Write rows to a CSV file; a value that is missing, None or NaN is an empty cell."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", newline="", encoding="utf-8") as file:
        file.write(header_text(columns) + rows_text(columns, rows))


def header_text(columns: list[str] | tuple[str, ...]) -> str:
    """Return the first line of a CSV file."""
    return ",".join(columns) + "\n"


def rows_text(columns: list[str] | tuple[str, ...], rows: list[dict]) -> str:
    """Return rows as the lines of a CSV file, without its header."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    for row in rows:
        writer.writerow({key: _cell(row.get(key), _is_sentence(key)) for key in columns})
    return text.getvalue()


def read_rows(path: str, reactions: Collection[str] | None = None) -> list[dict[str, str]]:
    """Read a CSV file; every value is text, an empty cell the empty string.

    Where `reactions` are named, only their rows are kept.
    """
    with open(path, newline="", encoding="utf-8") as file:
        rows = csv.DictReader(file)
        if reactions is None:
            return list(rows)
        return [row for row in rows if row.get("reaction") in reactions]


def number(text: str) -> float:
    """Return the number in a cell; an empty one is NaN."""
    return float(text) if text else np.nan


def _is_sentence(column: str) -> bool:
    return column in ("reason", "ends_note") or column.startswith("check_")


def _cell(value: object, is_sentence: bool) -> object:
    if is_sentence and isinstance(value, str):
        return sentence(value)
    if value is None or (isinstance(value, (float, np.floating)) and np.isnan(value)):
        return ""
    if isinstance(value, (float, np.floating)):
        return repr(float(value))
    return value


def concatenate(files: list[str], output: str) -> None:
    """Write the frames of all `files`, in order, to `output`."""
    with open(output, "wb") as target:
        for file in files:
            with open(file, "rb") as source:
                shutil.copyfileobj(source, target)


def concatenate_rows(files: list[str], output: str) -> None:
    """Write the rows of all CSV `files`, which have the same columns, to `output`."""
    columns = None
    with open(output, "w", newline="", encoding="utf-8") as target:
        writer = csv.writer(target, lineterminator="\n")
        for file in files:
            with open(file, newline="", encoding="utf-8") as source:
                header = next(csv.reader([source.readline()]))
                if columns is None:
                    columns = header
                    writer.writerow(columns)
                elif header != columns:
                    raise ValueError(f"{file} has the columns {header}, not {columns}")
                shutil.copyfileobj(source, target)
