"""Extended XYZ files that keep text as text.

ASE reads and writes the files. It turns values that look like numbers, booleans or lists
into those (`reaction=001` becomes 1), so strings that would change are written in ASE's
own `_JSON` form, and plain ones in files of other origin are read back verbatim.
"""

import io
import json
import re
from collections.abc import Callable, Iterator
from copy import copy
from functools import lru_cache
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator

from ..errors import InputError
from .xyz_text import Block, canonical, is_extended, xyz_blocks

TEXT_KEYS = tuple("reaction role set method guess verdict reason source state_from".split())
_PAIR = re.compile(
    r"(?<!\S)[A-Za-z_][\w-]{0,60}\s{0,9}=\s{0,9}"
    r"(?:\"(?:[^\"\\]|\\.){0,4000}\"|\{[^{}]{0,4000}\}|\[[^\[\]]{0,4000}\]|[^\s\"'{}\[\]=]+)(?!\S)"
)
_SIMPLE_PAIR = re.compile(r"[^\s=\"'{}\[\]\\]+=(?:\"[^\"\\]+\"|[^\s=\"'{}\[\]\\]+)(?!\S)")
_SIMPLE = re.compile(rf"(?:\s*{_SIMPLE_PAIR.pattern})*\s*")
_TOKEN = r'(?:^|\s){key}=("(?:[^"\\]|\\.)*"|\S+)'


def _extxyz():
    """ASE's reader and writer, imported late: half a second that planning saves.

    Every SLURM job starts Snakemake twice, and so reads the Snakefile twice.
    """
    from ase.io import extxyz

    return extxyz


def quoted(text: str) -> str:
    """Return `text` in the form in which ASE reads back exactly the same string."""
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.+-]*", text):
        extxyz = _extxyz()
        back = extxyz.key_val_str_to_dict(extxyz.key_val_dict_to_str({"k": text})).get("k")
        if isinstance(back, str) and back == text:
            return text
    return "_JSON " + json.dumps(text).replace("\\", "\\\\")


def frame(
    numbers: np.ndarray,
    positions: np.ndarray,
    *,
    energy: float | None = None,
    gradient: np.ndarray | None = None,
    arrays: dict[str, np.ndarray] | None = None,
    **info: object,
) -> Atoms:
    """Build one frame.

    Parameters
    ----------
    numbers : (N,) int array, atomic numbers
    positions : (N, 3) array, angstrom
    energy : eV
    gradient : (N, 3) array, eV/angstrom; stored as forces
    arrays : further per-atom columns
    info : the comment line; None is left out
    """
    atoms = Atoms(numbers=numbers, positions=positions)
    for key, value in info.items():
        if value is not None:
            atoms.info[key] = quoted(value) if isinstance(value, str) else value
    for key, value in (arrays or {}).items():
        atoms.set_array(key, np.asarray(value))
    if energy is not None:
        forces = None if gradient is None else -np.asarray(gradient)
        atoms.calc = SinglePointCalculator(atoms, energy=float(energy), forces=forces)
    return atoms


def as_read(atoms: Atoms) -> Atoms:
    """Return what `frame` built as a reader gives it back: its text is not that of a file."""
    for key, value in atoms.info.items():
        if isinstance(value, str) and value.startswith("_JSON "):
            atoms.info[key] = json.loads(value[len("_JSON ") :].replace("\\\\", "\\"))
    return atoms


def write_frames(path: str | Path, frames: list[Atoms]) -> None:
    """Write `frames` to an extended XYZ file (empty where there are none)."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(frames_text(frames), encoding="utf-8")


def frames_text(frames: list[Atoms]) -> str:
    """Return `frames` as the text of an extended XYZ file."""
    text = io.StringIO()
    if frames:
        _extxyz().write_xyz(text, frames)
    return text.getvalue()


def read_frames(path: str | Path) -> list[Atoms]:
    """Read all frames of an (extended) XYZ file; text keys are strings, whatever they look like.

    Raises
    ------
    InputError
        if the file is missing or not an XYZ file.
    """
    return list(iterate_frames(path))


def iterate_frames(
    path: str | Path, wanted: Callable[[str], bool] | None = None
) -> Iterator[Atoms]:
    """Read an (extended) XYZ file frame by frame, so that its length costs no memory.

    Parameters
    ----------
    path : the file
    wanted : says by the comment line whether a frame is read; all are where not given

    Raises
    ------
    InputError
        if the file is missing, or from the first line on that is no XYZ file.
    """
    blocks = xyz_blocks(path)
    return (frame_of(path, block) for block in blocks if not wanted or wanted(block.comment))


def frame_of(path: str | Path, block: Block) -> Atoms:
    """Return one frame of a file as ASE's atoms.

    A comment without `Properties=` is free text, of which `key=value` is kept.

    Raises
    ------
    InputError
        naming the line, and what is wrong with it.
    """
    comment = block.comment.strip()
    free = not is_extended(comment)
    if free:
        comment = " ".join(match[0].strip() for match in _PAIR.finditer(comment))
    try:
        rows = canonical(block)
        try:
            atoms = _read(comment, rows, free)
        except Exception as error:  # ASE's reader fails in many ways
            if not free or "Lattice" in comment:
                raise ValueError(
                    f"line {block.line + 1} is no comment of extended XYZ: {error}"
                ) from None
            atoms = _read("", rows, free)
    except ValueError as error:
        raise InputError(
            f"{path}: is not a valid XYZ file (frame at line {block.line}: {error})"
        ) from None
    for key in TEXT_KEYS:
        if key in atoms.info and not isinstance(atoms.info[key], str):
            atoms.info[key] = comment_text(block.comment, key) or str(atoms.info[key])
    return atoms


def _read(comment: str, rows: list[str], free: bool) -> Atoms:
    def parse(line: str) -> dict:
        info = _pairs(line)
        if not free and "Properties" not in info:
            raise ValueError("a quote or brace in it is not closed")
        return info

    text = io.StringIO("\n".join([str(len(rows)), comment, *rows, ""]))
    (atoms,) = _extxyz().read_xyz(text, slice(None), properties_parser=parse)
    return atoms


def _pairs(comment: str) -> dict:
    """Return a comment's keys and values as ASE reads them.

    ASE goes through it letter by letter; what is the same in many frames is read once.
    """
    if not _SIMPLE.fullmatch(comment):
        return _extxyz().key_val_str_to_dict(comment)
    return {
        key: copy(value) if isinstance(value, list | np.ndarray) else value
        for key, value in map(_pair, _SIMPLE_PAIR.findall(comment))
    }


@lru_cache(1024)
def _pair(text: str) -> tuple[str, object]:
    return next(iter(_extxyz().key_val_str_to_dict(text).items()))


def comment_text(comment: str, key: str) -> str | None:
    """Return the value of a text key in a comment line, without reading the frame."""
    match = re.search(_TOKEN.format(key=key), comment)
    if match is None:
        return None
    token = match.group(1).strip('"')
    if re.fullmatch(r"[A-Za-z0-9_.+-]+", token):
        return token
    try:
        value = _extxyz().key_val_str_to_dict(comment).get(key)
    except ValueError:  # broken JSON, which reading the frame reports
        return token
    return value if isinstance(value, str) else token


def comment_texts(comment: str, keys: tuple[str, ...]) -> list[str | None]:
    """Return the values of several keys of a comment line as text, without reading the frame.

    What looks like a key within another's quoted text is none, as a name may have it.
    """
    if _SIMPLE.fullmatch(comment):
        return [comment_text(comment, key) for key in keys]
    values = _extxyz().key_val_str_to_dict(comment)
    return [
        value
        if isinstance(value, str)
        else comment_text(comment, key)
        if key in TEXT_KEYS
        else None
        if value is None
        else str(value)
        for key, value in ((key, values.get(key)) for key in keys)
    ]
