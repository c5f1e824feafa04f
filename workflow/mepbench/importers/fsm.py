"""Folders as the freezing string method's sets have them: both ends in one file, charge in another.

`NAME/initial.xyz` holds two frames, reactant and product, `NAME/ts.xyz` the transition state where
one is known, the files `chg` and `mult` beside them a number each.
(Marks, Gomes, J. Chem. Theory Comput. (2025), doi:10.1021/acs.jctc.5c01492.)
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path

from ..errors import BadEndpoints, InputError
from ._found import Found, Geometries, Rejected
from ._structures import combined, read_structure, structures

ENDS, TS = "initial.xyz", "ts.xyz"
STATE_FILES = {"charge": "chg", "multiplicity": "mult"}
LONGEST = 40  # characters of a number and what may stand around it


def read(source: Path) -> Iterator[Found | Rejected]:
    """Yield the reactions of a folder, sorted by name."""
    if not source.is_dir():
        raise InputError(f"{source}: is not a folder; fsm reads a folder of NAME/{ENDS}.")
    for folder in sorted(child for child in source.iterdir() if (child / ENDS).is_file()):
        files = (folder / name for name in (ENDS, TS, *STATE_FILES.values()))
        present = tuple(file for file in files if file.is_file())
        yield Found(folder.name, folder.name, partial(_load, folder), present)


def _load(folder: Path) -> Geometries:
    ends = list(islice(structures(folder / ENDS), 3))
    if len(ends) != 2:
        count = "more than two" if len(ends) > 2 else len(ends)
        raise BadEndpoints(f"{ENDS} has {count} frames, not two: reactant and product")
    by_role, notes = dict(zip(("reactant", "product"), ends, strict=True)), ()
    if (folder / TS).is_file():
        try:
            by_role["ts"] = read_structure(folder / TS)
        except BadEndpoints as error:
            notes = (f"ts left out: {error}",)
    found = combined(by_role, notes)
    for key, name in STATE_FILES.items():
        said, number = getattr(found, key), _number(folder / name)
        if number is None:
            continue
        if said not in (None, number):
            raise BadEndpoints(f"the file {name} says {key} {number}, {ENDS} says {said}")
        found = replace(found, **{key: number})
    return found


def _number(file: Path) -> int | None:
    try:
        with file.open(encoding="utf-8") as opened:
            text = opened.read(LONGEST).strip()
        return int(text)
    except FileNotFoundError:
        return None
    except (OSError, ValueError):  # a folder, binary garbage, words
        raise BadEndpoints(f"the file {file.name} is no number: correct it") from None
