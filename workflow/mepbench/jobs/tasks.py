"""What one job of the workflow does: some tasks, files in, files out.

A job is a sequence of tasks, one for each reaction and seed, each of which gives rows and frames
for the job's files; what is finished is in the journal before the next task starts. Rows are
keyed by reaction and seed. Every reaction of the job has a row at the end, also those whose
endpoints were refused, and those that killed or outlasted their worker.
"""

import json
from collections.abc import Callable, Iterable
from pathlib import Path as File

from ..files.frames import frames_text
from ..files.tidy import header_text, rows_text
from .journal import Journal

FRAMES = None  # in place of a CSV file's columns: the file is extended XYZ


def do(tasks: Iterable[tuple[str, Callable]], kinds: dict, outputs: dict, journal: Journal):
    """Do what the journal doesn't hold yet, and write the job's files.

    `tasks` are (key, function) pairs; the function returns a list of rows or frames for each
    name in `kinds`, which says the columns of each of the files named in `outputs`.
    """
    finished = []
    with journal:
        for key, work in tasks:
            texts = journal.finished(key)
            if texts is None:
                made = work()
                texts = {name: _text(kinds[name], made.get(name, [])) for name in kinds}
                journal.add(key, texts)
            finished.append(texts)
        for name, columns in kinds.items():
            header = "" if columns is FRAMES else header_text(columns)
            File(outputs[name]).parent.mkdir(parents=True, exist_ok=True)
            with open(outputs[name], "w", newline="", encoding="utf-8") as file:
                file.write(header + "".join(texts[name] for texts in finished))


def _text(columns, made: list) -> str:
    return frames_text(made) if columns is FRAMES else rows_text(columns, made)


def task_key(reaction: str, seed: int) -> str:
    """Return the key of the task of one reaction and seed."""
    return json.dumps([reaction, seed])
