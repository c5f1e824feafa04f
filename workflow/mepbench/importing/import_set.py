"""From files of any origin to a set file, reaction by reaction.

An importer (`importers/`) says what a source holds; here its reactions are chosen, checked, and
written as they come. A sample is the reactions with the smallest SHA-256 of (seed, name): one pass
draws it in no more memory than itself, the order of the source does not matter, and a smaller
sample of one seed is part of a larger one.
"""

import csv
import hashlib
import heapq
import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import BadEndpoints, InputError, one_line
from ..files.frames import frame, frames_text
from ..importers._found import Found, Rejected
from ..reaction import ROLES
from ..registry import check_options, load, module_of, nearest
from .accept import Accepted, Choice, TooLarge, accept

ARCHIVES = {b"PK\x03\x04": "zip", b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ": "xz"}
MOST_LISTED = 1000  # notes and rejected reactions held in memory; the report has all


@dataclass
class Tally:
    """What became of a source's reactions.

    `inputs` are the SHA-256 over names and contents of the files, besides the source itself, that
    the imported reactions were read from, and their number.
    """

    counts: Counter = field(default_factory=Counter)
    charge_from: Counter = field(default_factory=Counter)
    multiplicity_from: Counter = field(default_factory=Counter)
    states: Counter = field(default_factory=Counter)
    mapped: list[str] = field(default_factory=list)
    notes: list[dict[str, str]] = field(default_factory=list)
    rejected: list[tuple[str, str]] = field(default_factory=list)
    inputs: tuple[str, int] = ("", 0)


def import_set(
    importer: str,
    source: Path,
    output: Path,
    choice: Choice | None = None,
    options: dict | None = None,
) -> Tally:
    """Write the wanted reactions of a source to a set file, and those rejected to a report.

    Parameters
    ----------
    importer : name of a file in `importers/`
    source : file or folder
    output : the set file, extended XYZ; an older one is replaced only if a reaction was imported
    choice : which reactions, and what is done to them
    options : of the importer

    Raises
    ------
    InputError
        if the source can't be read at all, holds nothing, or lacks a selected reaction.
    """
    choice, options = choice or Choice(), options or {}
    check_options("importers", importer, options, "--option")
    read = load("importers", importer)
    stated = getattr(module_of("importers", importer), "STATED", {})
    _check_files(source, output)
    output.parent.mkdir(parents=True, exist_ok=True)
    tally, names = Tally(), set()
    sample = None if choice.sample is None else Sample(choice.sample, choice.seed)
    report_file = rejected_file(output)
    unfinished = [f.with_name(f"{f.name}.unfinished") for f in (output, report_file)]
    try:
        with (
            unfinished[0].open("w", encoding="utf-8") as target,
            unfinished[1].open("w", newline="", encoding="utf-8") as report,
        ):
            reject, write = _rejecter(report, tally), _writer(target, source, tally)
            admits = sample.admits if sample else lambda name: True
            found = read(source, **options)
            for reaction in _reactions(found, choice, stated, names, admits, reject, tally):
                (sample.add if sample else write)(reaction)
            for reaction in sample or ():
                write(reaction)
        if not tally.counts["found"]:
            raise InputError(f"{source}: there is no reaction in it that {importer} could read.")
        _check_selected(choice, names, source)
        unfinished[1].replace(report_file)
        if tally.counts["imported"]:
            unfinished[0].replace(output)
    finally:
        for file in unfinished:
            file.unlink(missing_ok=True)
    left = ("rejected", "not selected", "too large", "imported")
    tally.counts["not drawn"] = tally.counts["found"] - sum(tally.counts[key] for key in left)
    return tally


def rejected_file(output: Path) -> Path:
    """Return the report of rejected reactions that stands beside a set file."""
    return output.with_name(f"{output.stem}.rejected.csv")


class Sample:
    """The `size` reactions of smallest hash of (seed, name), in the order they came."""

    def __init__(self, size: int, seed: int):
        self.size, self.seed = size, seed
        self._drawn: list[tuple[int, int, Accepted]] = []
        self._count = 0

    def admits(self, name: str) -> bool:
        """Whether a reaction of this name would be part of the sample, as it is now."""
        full = len(self._drawn) >= self.size
        return not full or (self.size > 0 and self._key(name) > self._drawn[0][0])

    def add(self, reaction: Accepted) -> None:
        """Add a reaction that was admitted; the one of largest hash goes where there are enough."""
        self._count += 1
        item = (self._key(reaction.name), self._count, reaction)
        if len(self._drawn) < self.size:
            heapq.heappush(self._drawn, item)
        else:
            heapq.heapreplace(self._drawn, item)

    def _key(self, name: str) -> int:
        # Negative, since the heap has its smallest item first, and the largest hash is to go.
        digest = hashlib.sha256(f"{self.seed}\0{name}".encode("utf-8", "surrogateescape"))
        return -int.from_bytes(digest.digest()[:8], "big")

    def __iter__(self) -> Iterator[Accepted]:
        return (reaction for _, _, reaction in sorted(self._drawn, key=lambda item: item[1]))


def _check_files(source: Path, output: Path) -> None:
    if not source.exists():
        raise InputError(f"{source}: there is no such file or folder.")
    if source.is_file():
        with source.open("rb") as file:
            head = file.read(6)
        for magic, kind in ARCHIVES.items():
            if head.startswith(magic):
                raise InputError(f"{source}: is a {kind} archive: unpack it, and name its content.")
    if output.suffix.lower() not in (".xyz", ".extxyz"):
        raise InputError(f"{output}: a set file must end in .xyz or .extxyz.")
    if output.exists() and (output.is_dir() or os.path.samefile(source, output)):
        raise InputError(f"{output}: is the source, or a folder: give another file with -o.")


def _reactions(
    found: Iterator[Found | Rejected],
    choice: Choice,
    stated: dict[str, int],
    names: set[str],
    admits: Callable[[str], bool],
    reject: Callable[[str, str, str], None],
    tally: Tally,
) -> Iterator[Accepted]:
    """Yield the reactions that are wanted and sound; the names met are collected in `names`."""
    for item in found:
        tally.counts["found"] += 1
        if isinstance(item, Rejected):
            reject(item.name, item.where, item.reason)
            continue
        again = item.name in names
        names.add(item.name)
        if choice.select is not None and item.name not in choice.select:
            tally.counts["not selected"] += 1
        elif again:
            reject(
                item.name, item.where, "a second reaction of this name: rename one in the source"
            )
        elif admits(item.name):
            try:
                yield accept(item, choice, stated)
            except TooLarge:
                tally.counts["too large"] += 1
            except (BadEndpoints, InputError) as error:
                reject(item.name, item.where, str(error))


def _check_selected(choice: Choice, names: set[str], source: Path) -> None:
    for name in sorted(choice.select or ()):
        if name not in names:
            hint = nearest(name, names)
            if hint.startswith("Known") and len(names) > 20:
                hint = f"It has {len(names)}, such as {', '.join(map(repr, sorted(names)[:3]))}."
            raise InputError(f"--select: {source} has no reaction {name!r}. {hint}")


def _rejecter(report, tally: Tally) -> Callable[[str, str, str], None]:
    lines = csv.writer(report, lineterminator="\n")
    lines.writerow(["reaction", "where", "reason"])

    def reject(name: str, where: str, reason: str) -> None:
        cells = [one_line(cell) for cell in (name, where, reason)]
        lines.writerow(cells)
        tally.counts["rejected"] += 1
        if len(tally.rejected) < MOST_LISTED:
            tally.rejected.append((cells[0] or cells[1], cells[2]))

    return reject


def _writer(target, source: Path, tally: Tally) -> Callable[[Accepted], None]:
    digest, files = hashlib.sha256(), 0

    def write(reaction: Accepted) -> None:
        nonlocal files
        frames = [
            frame(
                reaction.numbers,
                reaction.positions[role],
                reaction=reaction.name,
                role=role,
                charge=reaction.charge,
                multiplicity=reaction.multiplicity,
                state_from=reaction.state_from,
                source=reaction.where,
            )
            for role in ROLES
            if role in reaction.positions
        ]
        target.write(frames_text(frames))
        tally.counts["imported"] += 1
        tally.counts["with ts"] += "ts" in reaction.positions
        tally.charge_from[reaction.charge_from] += 1
        tally.multiplicity_from[reaction.multiplicity_from] += 1
        tally.states[reaction.charge, reaction.multiplicity, reaction.state_from] += 1
        if reaction.mapped:
            tally.mapped.append(one_line(reaction.name))
        for note in reaction.notes:
            if len(tally.notes) < MOST_LISTED:
                tally.notes.append({"reaction": one_line(reaction.name), "note": one_line(note)})
        for file in reaction.files:
            if file != source:
                digest.update(os.fsencode(os.path.relpath(file, source)) + b"\0")
                digest.update(file.read_bytes())
                files += 1
        tally.inputs = (digest.hexdigest() if files else "", files)

    return write
