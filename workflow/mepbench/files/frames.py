"""Extended XYZ files that keep text as text.

ASE reads and writes the files. It turns values that look like numbers, booleans or lists
into those (`reaction=001` becomes 1), so strings that would change are written in ASE's
own `_JSON` form, and plain ones in files of other origin are read back verbatim.
"""

import io
import json
import re
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator

from ..errors import InputError

TEXT_KEYS = ("reaction", "role", "set", "method", "guess", "verdict", "reason", "source")
LONGEST_LINE = 1 << 20  # characters: a binary file may have no line's end at all
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
    for line, block in xyz_blocks(path):
        if wanted is None or wanted(block[1]):
            try:
                yield parse_block(block)
            except Exception as error:
                raise InputError(
                    f"{path}: is not a valid XYZ file (frame at line {line}: {error})"
                ) from None


def xyz_blocks(path: str | Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the number of the first line and the lines of each frame of an XYZ file."""
    path, at = Path(path), 0
    try:
        # A byte that is no UTF-8 is kept, so that it costs its own frame and no other.
        with path.open(encoding="utf-8", errors="surrogateescape") as file:
            while head := file.readline(LONGEST_LINE):
                if not head.strip():
                    if not file.read(LONGEST_LINE).strip():
                        return
                    raise InputError(
                        f"{path}: is not a valid XYZ file (line {at + 1} is empty, it should be "
                        "the number of atoms)"
                    )
                if not head.strip().isdecimal():
                    raise InputError(
                        f"{path}: is not a valid XYZ file (line {at + 1} should be the number of "
                        f"atoms, it is {head.strip()[:40]!r})"
                    )
                natoms = int(head.strip()[:12])
                block = [head, *islice(iter(lambda: file.readline(LONGEST_LINE), ""), natoms + 1)]
                if len(block) < natoms + 2:
                    raise InputError(
                        f"{path}: is not a valid XYZ file (the frame at line {at + 1} has "
                        f"{max(len(block) - 2, 0)} atoms, it announces {natoms})"
                    )
                yield at + 1, block
                at += natoms + 2
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.__class__.__name__}: {error})") from None


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


def parse_block(block: list[str]) -> Atoms:
    """Return the frame of one block of lines."""
    text = "".join(block)
    if not text.isascii():
        text.encode("utf-8")  # raises what the file has that is not UTF-8
    (atoms,) = _extxyz().read_xyz(io.StringIO(text), slice(None))
    for key in TEXT_KEYS:
        if key in atoms.info and not isinstance(atoms.info[key], str):
            atoms.info[key] = comment_text(block[1], key) or str(atoms.info[key])
    return atoms
