"""Gather the files of many jobs into one, streaming: memory does not grow with their number."""

import csv
import shutil


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
        for file in files:
            with open(file, newline="", encoding="utf-8") as source:
                reader = csv.reader(source)
                header = next(reader)
                writer = csv.writer(target, lineterminator="\n")
                if columns is None:
                    columns = header
                    writer.writerow(columns)
                elif header != columns:
                    raise ValueError(f"{file} has the columns {header}, not {columns}")
                writer.writerows(reader)
