"""Where a results folder has the geometries of one reaction: files, and which of their frames.

Frames are named as ASE reads them: `saddles.xyz@3` is the fourth frame, `path.xyz@0:21` are
the first 21.
"""

from collections.abc import Iterable
from pathlib import Path

from ..errors import InputError
from ..files.frames import comment_text
from ..files.tidy import read_rows
from ..files.xyz_text import xyz_blocks
from ..reaction import SAFE_NAME

Frames = dict[tuple[str, str], str]  # by method and seed: FILE@FRAMES


def whereabouts(results: Path, set_name: str, reaction: str) -> tuple[list[str], dict[str, Frames]]:
    """Return where the geometries of a reaction lie, relative to the results folder.

    Returns
    -------
    What all methods share: ends, and the reference with its IRC; and of each run the
    `path`, the `saddle` and the `IRC`. What is not there is left out.
    """
    folder, key = set_folder(results, set_name), {"reaction": reaction}
    in_set = {**key, "set": set_name}
    shared = [
        *_named(results, folder / "endpoints.xyz", key).values(),
        *_named(results, results / "reference.xyz", in_set).values(),
        *_named(results, results / "reference_irc.xyz", in_set).values(),
    ]
    runs: dict[str, Frames] = {"path": {}, "saddle": {}, "IRC": {}}
    for job in _jobs(folder, reaction):
        for what, kind in (("path", "paths"), ("IRC", "irc")):
            for file in sorted((folder / kind).glob(f"*/{job}.xyz")):
                runs[what] |= _named(results, file, in_set)
    runs["saddle"] = _named(results, results / "saddles.xyz", {**in_set, "role": "saddle"})
    return shared, runs


def set_folder(results: Path, set_name: str) -> Path:
    """Return the folder of a set; a set is named in a table, where anything may stand."""
    return results / "sets" / (set_name if SAFE_NAME.fullmatch(set_name) else "no set")


def _jobs(folder: Path, reaction: str) -> Iterable[str]:
    """Return the jobs that had the reaction."""
    for file in sorted((folder / "endpoints").glob("*.csv")):
        if any(row.get("reaction") == reaction for row in read_rows(str(file))):
            yield file.stem


def _named(results: Path, file: Path, texts: dict[str, str]) -> Frames:
    """Return the frames of a file whose comments have these texts, by method and seed."""
    found: dict[tuple[str, str], list[int]] = {}
    if not file.exists():
        return {}
    try:
        for at, block in enumerate(xyz_blocks(file)):
            if all(comment_text(block.comment, key) == text for key, text in texts.items()):
                run = tuple(comment_text(block.comment, key) or "" for key in ("method", "seed"))
                found.setdefault(run, []).append(at)
    except InputError:  # broken by hand: what came before is named
        pass
    name = file.relative_to(results).as_posix()
    return {run: f"{name}@{_slice(frames)}" for run, frames in found.items()}


def _slice(frames: list[int]) -> str:
    first, last = frames[0], frames[-1]
    return str(first) if first == last else f"{first}:{last + 1}"
