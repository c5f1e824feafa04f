"""A submission: a run's rows, saddles, ends, configuration and provenance in one ZIP of text.

| file | content |
| --- | --- |
| `manifest.json` | title, official sets with their hashes, SHA-256 of the other files |
| `config.json`, `provenance.json` | as the run had them, without names of machines and folders |
| `runs.csv` | the rows of the first pass |
| `endpoints.xyz` | both ends of each reaction |
| `saddles.xyz` | where each refinement ended |
| `paths.xyz` | of `multistep` rows, whose verdict is one on the path |

An archive comes from anywhere: it is read as text only, whole or not at all, and what it says is a
claim (`rejudge`).
"""

import csv
import hashlib
import io
import json
import re
import tempfile
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ase import Atoms

from ..errors import InputError
from ..files.archives import MEGABYTE, Limits, read_archive
from ..files.checksums import sha256
from ..files.columns import COLUMNS
from ..files.frames import read_frames
from ..files.tidy import number
from ..files.xyz_text import printable
from ..reaction import Reaction, read_endpoints

FORMAT = 1
MANIFEST = "manifest.json"
FILES = ("config.json", "provenance.json", "runs.csv", "endpoints.xyz", "saddles.xyz", "paths.xyz")
LIMITS = Limits(packed=100 * MEGABYTE, files=20, file=256 * MEGABYTE, total=512 * MEGABYTE)
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*\.zip")  # of an archive; it becomes a link
LONGEST_TITLE = 100
OLDEST = (1980, 1, 1, 0, 0, 0)  # of every file: the same run is the same archive

Key = tuple[str, str, str, int]  # set, reaction, method, seed


@dataclass(frozen=True)
class Submission:
    """What an archive claims.

    Attributes
    ----------
    digest : SHA-256 of the archive
    title : what its author calls it
    sets : by its name in the config, the official name of each set and the hash of its entries
    config, provenance : plain values
    rows : of `runs.csv`, text by column, by key
    ends : the reactions, by set and name
    saddles : frames, by key
    paths : (M, N, 3) arrays, angstrom, by key
    """

    digest: str
    title: str
    sets: dict[str, tuple[str, str]]
    config: dict
    provenance: dict
    rows: dict[Key, dict[str, str]]
    ends: dict[tuple[str, str], Reaction]
    saddles: dict[Key, Atoms]
    paths: dict[Key, np.ndarray]


def write_submission(
    file: Path, title: str, sets: dict[str, tuple[str, str]], content: dict[str, str]
) -> None:
    """Write an archive; `content` is the text of each of `FILES`."""
    manifest = {
        "format": FORMAT,
        "title": title,
        "sets": {name: {"set": of, "entries": digest} for name, (of, digest) in sets.items()},
        "sha256": {name: _digest(content[name].encode()) for name in FILES},
    }
    texts = {MANIFEST: json.dumps(manifest, indent=2) + "\n", **content}
    file.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in (MANIFEST, *FILES):
            entry = zipfile.ZipInfo(name, OLDEST)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, texts[name], zipfile.ZIP_DEFLATED, 9)


def read_submission(file: Path) -> Submission:
    """Read an archive.

    Raises
    ------
    InputError
        if it is no submission, is not whole, or a file of it is not the one that was packed.
    """
    if not file.is_file():
        raise InputError(f"{file}: there is no such archive.")
    content = dict(read_archive(file, LIMITS))
    try:
        return _parsed(sha256(file), content)
    except InputError as error:
        raise InputError(f"{file}: {error}") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, csv.Error) as error:
        what = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        raise InputError(f"{file}: is no submission of `mepbench submit` ({what}).") from None


def _parsed(digest: str, content: dict[str, bytes]) -> Submission:
    if unknown := sorted(set(content) - {MANIFEST, *FILES}):
        raise InputError(f"has a file that no submission has, {printable(unknown[0])}.")
    if missing := [name for name in (MANIFEST, *FILES) if name not in content]:
        raise InputError(f"has no {missing[0]}, so it is no submission of `mepbench submit`.")
    manifest = json.loads(content[MANIFEST])
    if manifest["format"] != FORMAT:
        raise InputError(f"is of format {manifest['format']!r}; this mepbench reads {FORMAT}.")
    for name in FILES:
        if manifest["sha256"][name] != _digest(content[name]):
            raise InputError(f"{name} is not the file that was packed (its SHA-256 is another).")
    sets = {str(k): (str(v["set"]), str(v["entries"])) for k, v in manifest["sets"].items()}
    frames = _frames(content)
    paths: dict[Key, list] = {}
    for atoms in frames["paths.xyz"]:
        paths.setdefault(key_of(atoms.info), []).append(atoms.positions)
    return Submission(
        digest=digest,
        title=str(manifest["title"])[:LONGEST_TITLE],
        sets=sets,
        config=_mapping(content["config.json"]),
        provenance=_mapping(content["provenance.json"]),
        rows=_once(_rows(content["runs.csv"]), "two rows"),
        ends=frames["endpoints.xyz"],
        saddles=_once(((key_of(a.info), a) for a in frames["saddles.xyz"]), "two saddles"),
        paths={key: np.array(positions) for key, positions in paths.items()},
    )


def _frames(content: dict[str, bytes]) -> dict:
    """Return the frames of each file; of the ends, the reactions."""
    found = {}
    with tempfile.TemporaryDirectory(prefix="mepbench-") as folder:
        for name in ("saddles.xyz", "paths.xyz", "endpoints.xyz"):
            file = Path(folder) / name
            file.write_bytes(content[name])
            try:
                found[name] = (read_endpoints if name == "endpoints.xyz" else read_frames)(file)
            except InputError as error:
                raise InputError(str(error).replace(f"{file}", name)) from None
    pairs = (((r.set, r.name), r) for r in found["endpoints.xyz"])
    return found | {"endpoints.xyz": _once(pairs, "two pairs of ends")}


def claimed_number(text: str) -> float:
    """Return the number that a cell of a submission claims; NaN where it claims none."""
    try:
        value = number(text)
    except ValueError:
        return np.nan
    return value if np.isfinite(value) else np.nan


def _rows(content: bytes) -> Iterable[tuple[Key, dict[str, str]]]:
    table = csv.DictReader(io.StringIO(content.decode("utf-8")))
    if missing := [column for column in COLUMNS if column not in (table.fieldnames or ())]:
        raise InputError(f"runs.csv has no column {missing[0]}.")
    for row in table:
        if None in row or None in row.values():
            raise InputError(f"runs.csv has a broken row, line {table.line_num}.")
        yield key_of(row), row


def key_of(of: dict) -> Key:
    """Return whose a row of `runs.csv`, or the information of a frame, is."""
    return *(str(of[name]) for name in ("set", "reaction", "method")), int(of["seed"])


def _once(items: Iterable[tuple], what: str) -> dict:
    found = {}
    for key, value in items:
        if key in found:
            raise InputError(f"has {what} of {' '.join(map(printable, map(str, key)))}.")
        found[key] = value
    return found


def _mapping(content: bytes) -> dict:
    return dict(json.loads(content).items())


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
