"""XYZ files as text of any origin: encodings, line ends, and the rows of atoms.

Read are UTF-8 with or without a byte-order mark, UTF-16, and lines in Latin-1; line ends of Unix,
Windows and the old Mac; atomic numbers in the place of symbols; labels (`H1`, `C_2`); Fortran's
exponents (`1.0D+00`) and Mathematica's (`1*^-6`); empty lines between and after frames; the three
lines after the atoms in a file of QM9 (Ramakrishnan, Dral, Rupp, von Lilienfeld, Sci. Data 1,
140022 (2014), doi:10.1038/sdata.2014.22). Everything else is refused with its line.
"""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import TextIO

from ase.data import atomic_numbers, chemical_symbols

from ..errors import InputError

LONGEST_LINE = 1 << 20  # characters: a binary file may have no line's end at all
MOST_ATOMS = 2000  # a frame is a molecule; this also bounds what a hostile file can ask for
MOST_COLUMNS = 1000
PLAIN = "species:S:1:pos:R:3"  # what the rows hold where no `Properties=` says so
_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",  # before UTF-16, whose mark it starts with
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_PROPERTIES = re.compile(r"(?:^|\s)Properties\s*=\s*\"?([^\s\"]+)")
_NUMBER = re.compile(
    r"([+-]?(?:\d+\.?\d*|\.\d+))(?:(?:[eEdD]|\*\^)([+-]?\d+))?|([+-]?(?:nan|inf(?:inity)?))",
    re.ASCII | re.IGNORECASE,
)
_USUAL = re.compile(r"\s*([A-Z][a-z]?)(?:\s+-?\d+\.\d+){3}\s*", re.ASCII)  # row of most files
_LABELLED = re.compile(r"([A-Z][a-z]?|[a-z])[_-]?\d+|([A-Z][a-z]?)_\w+", re.ASCII)
_ISOTOPES = {"D": "deuterium", "T": "tritium"}


@dataclass(frozen=True)
class Block:
    """The lines of one frame: the number of its first one, its comment, and a row for each atom."""

    line: int
    comment: str
    rows: list[str]


def xyz_blocks(path: str | Path) -> Iterator[Block]:
    """Yield the frames of an XYZ file, of which only one is held.

    Raises
    ------
    InputError
        if the file is missing, or from the first line on that is no XYZ file.
    """
    path = Path(path)
    try:
        # A byte that is no UTF-8 is kept, so that it costs its own frame and no other.
        with path.open(encoding=_encoding(path), errors="surrogateescape") as file:
            yield from _blocks(path, file)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.__class__.__name__}: {error})") from None
    except UnicodeError as error:
        raise InputError(f"{path}: is not valid text ({error})") from None


def _encoding(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(4)
    for mark, name in _MARKS.items():
        if head.startswith(mark):
            return name
    if len(head) == 4 and head.count(0) == 2:  # a line of ASCII in UTF-16, without a mark
        return "utf-16-be" if head[0] == 0 else "utf-16-le"
    return "utf-8"


def _blocks(path: Path, file: TextIO) -> Iterator[Block]:
    at, comment = 0, ""

    def following(count: int) -> list[str]:
        return list(islice(iter(lambda: file.readline(LONGEST_LINE), ""), count))

    while head := file.readline(LONGEST_LINE):
        at += 1
        count = head.strip()
        if not count:
            continue
        if not (count.isascii() and count.isdecimal()):
            if comment.startswith("gdb ") and "InChI=" in "".join(following(2)):
                at += 2
                continue
            raise InputError(
                f"{path}: is not a valid XYZ file (line {at} should be the number of atoms"
                f"{' of a next frame' if at > 1 else ''}, it is {printable(count)})"
            )
        natoms = int(count[:12])
        if natoms > MOST_ATOMS:
            raise InputError(
                f"{path}: the frame at line {at} announces {natoms} atoms: more than {MOST_ATOMS} "
                "are not read"
            )
        lines = following(natoms + 1)
        if len(lines) < natoms + 1:
            raise InputError(
                f"{path}: is not a valid XYZ file (the frame at line {at} has "
                f"{max(len(lines) - 1, 0)} atoms, it announces {natoms})"
            )
        comment = _text(lines[0].rstrip("\r\n"))
        yield Block(at, comment, lines[1:])
        at += natoms + 1


def _text(line: str) -> str:
    """Return a line as text: what is no UTF-8 is taken for Latin-1."""
    if line.isascii():
        return line
    try:
        line.encode("utf-8")
        return line
    except UnicodeEncodeError:
        return line.encode("utf-8", "surrogateescape").decode("latin-1")


def is_extended(comment: str) -> bool:
    """Whether a comment line says what the columns are, as extended XYZ does."""
    return _PROPERTIES.search(comment) is not None


@lru_cache(64)
def columns(properties: str) -> tuple[list[tuple[str, str]], int, int]:
    """Return name and type of each column, and which are the element and x.

    Raises
    ------
    ValueError
        if `properties` is malformed, or has no elements or positions.
    """
    fields, names = properties.split(":"), []
    for name, kind, count in zip(fields[::3], fields[1::3], fields[2::3], strict=False):
        if kind in ("R", "I", "S", "L") and re.fullmatch("[1-9][0-9]{0,2}", count):
            names += [(name, kind)] * int(count)
    if len(fields) % 3 or not len(fields) // 3 <= len(names) <= MOST_COLUMNS:
        raise ValueError(f"has columns that can't be understood: {printable(properties)}")
    species = next((at for at, (name, _) in enumerate(names) if name in ("species", "Z")), None)
    x = [at for at, column in enumerate(names) if column == ("pos", "R")]
    if species is None or len(x) != 3:
        raise ValueError(f"has no columns `species` and `pos`: {printable(properties)}")
    return names, species, x[0]


def canonical(block: Block) -> list[str]:
    """Return the rows of a frame as any reader understands them.

    Raises
    ------
    ValueError
        naming the line, and what is wrong with it.
    """
    said = _PROPERTIES.search(block.comment)
    try:
        names, species, x = columns(said[1] if said else PLAIN)
    except ValueError as error:
        raise ValueError(f"line {block.line + 1} {error}") from None
    plain, rows = names == columns(PLAIN)[0], []
    for line, row in enumerate(block.rows, block.line + 2):
        usual = _USUAL.fullmatch(row) if plain else None
        if usual is None or usual[1] not in atomic_numbers:
            row = _canonical(row, line, names, species, x)
        rows.append(row.strip())
    return rows


def _canonical(row: str, line: int, names: list[tuple[str, str]], species: int, x: int) -> str:
    words = row.split()
    if len(words) < len(names):
        what = "an element and three coordinates" if len(names) == 4 else f"{len(names)} columns"
        raise ValueError(f"line {line} is not {what}: {printable(row.strip())}")
    try:
        symbol = chemical_symbols[element(words[species])]
    except ValueError as error:
        raise ValueError(f"line {line}: {error}") from None
    for at, (name, kind) in enumerate(names):
        if kind != "R":
            continue
        match = _NUMBER.fullmatch(words[at])
        if match is None:
            what = "a coordinate" if x <= at < x + 3 else f"`{printable(name)[1:-1]}`"
            raise ValueError(
                f"line {line} has {what} that is not a number: {printable(row.strip())}"
            )
        if match[2]:
            words[at] = f"{match[1]}e{match[2]}"
    if names[species][0] == "species":
        words[species] = symbol
    return " ".join(words)


@lru_cache(4096)
def element(word: str) -> int:
    """Return the atomic number of a symbol, a number, or a symbol with a label.

    Raises
    ------
    ValueError
        if it is no element, an isotope, or may be one of two (`CA1`, a protein's carbon).
    """
    if word.isascii() and word.isdecimal():
        at = int(word[:4])
    else:
        label = _LABELLED.fullmatch(word)
        symbol = (label[1] or label[2]) if label else word
        if symbol.upper() in _ISOTOPES:
            raise ValueError(
                f"{word[:20]!r} is {_ISOTOPES[symbol.upper()]}: isotopes can't be treated, write H"
            )
        at = atomic_numbers.get(symbol.capitalize(), -1)
    if not 0 <= at < len(chemical_symbols):
        raise ValueError(f"{word[:20]!r} is no element")
    return at


def printable(text: str) -> str:
    """Return the beginning of hostile text for a message."""
    return repr(text[:60]).encode("ascii", "backslashreplace").decode()
