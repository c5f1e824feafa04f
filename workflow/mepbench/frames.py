"""Extended XYZ files that keep text as text.

ASE reads and writes the files. It turns values that look like numbers, booleans or lists
into those (`reaction=001` becomes 1), so strings that would change are written in ASE's
own `_JSON` form, and plain ones in files of other origin are read back verbatim.
"""

import io
import json
import re
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io.extxyz import key_val_dict_to_str, key_val_str_to_dict, read_xyz, write_xyz

from .errors import InputError

TEXT_KEYS = ("reaction", "role", "set", "method", "guess", "verdict", "reason", "source")
_TOKEN = r'(?:^|\s){key}=("(?:[^"\\]|\\.)*"|\S+)'


def quoted(text: str) -> str:
    """Return `text` in the form in which ASE reads back exactly the same string."""
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.+-]*", text):
        back = key_val_str_to_dict(key_val_dict_to_str({"k": text})).get("k")
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


def write_frames(path: str | Path, frames: list[Atoms]) -> None:
    """Write `frames` to an extended XYZ file (empty where there are none)."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    text = io.StringIO()
    if frames:
        write_xyz(text, frames)
    path.write_text(text.getvalue(), encoding="utf-8")


def read_frames(path: str | Path) -> list[Atoms]:
    """Read all frames of an (extended) XYZ file; text keys are strings, whatever they look like.

    Raises
    ------
    InputError
        if the file is missing or not an XYZ file.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read ({error.__class__.__name__}: {error})") from None
    if not text.strip():
        return []
    try:
        frames = list(read_xyz(io.StringIO(text), slice(None)))
        comments = _comment_lines(text)
    except Exception as error:
        raise InputError(f"{path}: is not a valid XYZ file ({error})") from None
    for atoms, comment in zip(frames, comments, strict=True):
        for key in TEXT_KEYS:
            if key in atoms.info and not isinstance(atoms.info[key], str):
                match = re.search(_TOKEN.format(key=key), comment)
                atoms.info[key] = match.group(1).strip('"') if match else str(atoms.info[key])
    return frames


def _comment_lines(text: str) -> list[str]:
    lines, comments, at = text.splitlines(), [], 0
    while at < len(lines) and lines[at].strip():
        comments.append(lines[at + 1])
        at += 2 + int(lines[at])
    return comments
