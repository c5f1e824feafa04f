"""Every evaluation of a search, on the disk before the next begins, and never asked for twice.

Extended XYZ, so that other programs read it, with all digits: a frame an evaluation, with energy,
forces, charge and multiplicity, what the potential is (see `identity`), the seconds it took, how
often it was asked for, and a checksum. Frames are only ever appended.

A search that starts again asks as it asked before, and a geometry that is on record to the last
bit, for the same potential in the same state, is answered from there. Each frame answers once, in
the order of the file: two stages that asked for one geometry had two answers, which need not agree
where self-consistent fields remember densities, and get the same two again. Whatever is not on
record is evaluated.
"""

import fcntl
import os
import re
import zlib
from collections import Counter, defaultdict, deque
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from ase.data import chemical_symbols

from ..errors import InputError, SCFFailure, described, one_line

FILE = "evaluations.xyz"
PAID = 0.1  # seconds of evaluations that the loss of power, not that of the process, may cost
HEAD = "source=mepbench Properties=species:S:1:pos:R:3:forces:R:3"
COMMENT = re.compile(
    HEAD + r' energy=(\S+) charge=(-?\d+) multiplicity=(\d+) seconds=(\S+) tries=(\d+) pbc="F F F"'
    r' potential="([^"]*)"'
)
OTHERWISE = "choose another folder for the results (--output, folder=), or move that file away"

State = tuple[int, int]  # charge and multiplicity


@dataclass(frozen=True)
class Kept:
    """One evaluation: energy (eV), gradient (N, 3) in eV/angstrom, seconds, and how many tries."""

    energy: float
    gradient: np.ndarray
    seconds: float
    tries: int = 1


class Evaluations:
    """The evaluations kept in one folder; no two searches at a time.

    Parameters
    ----------
    folder : an existing one
    numbers : (N,) int array, atomic numbers of the search
    name : of the file in the folder

    Attributes
    ----------
    taken : int, how many were on record when the search began
    torn : whether an end by force had left part of a frame, which is dropped
    stopped : what a user is told when no more can be kept, else None; nothing is evaluated then

    Raises
    ------
    InputError
        on entering, if another search writes there, or the file is another molecule's, or damaged.
    """

    def __init__(self, folder: Path, numbers: np.ndarray, name: str = FILE):
        self.file, self._symbols = folder / name, [chemical_symbols[z] for z in numbers]
        self.taken, self.torn, self.stopped = 0, False, None
        self._answers: dict[tuple, deque[Kept]] = defaultdict(deque)
        self._failed, self._counts, self._potential = Counter(), Counter(), ""
        self._unsynced, self._length = 0.0, 0

    def __enter__(self) -> "Evaluations":
        try:
            self._descriptor = os.open(self.file, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
        except OSError as error:
            raise InputError(f"{self.file}: can't be opened ({described(error)})") from None
        try:
            self._lock()
            self._read(self.file.read_bytes())
        except BaseException:
            os.close(self._descriptor)
            raise
        return self

    def __exit__(self, *exception) -> None:
        if self._length == 0:
            self.file.unlink(missing_ok=True)
        elif self._unsynced:
            os.fsync(self._descriptor)
        os.close(self._descriptor)

    def __len__(self) -> int:
        """How many are on record of the potential that is asked."""
        return self._counts[self._potential]

    def _lock(self) -> None:
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(
                f"{self.file.parent}: another search writes there: wait for its end, or choose "
                "another folder"
            ) from None
        except OSError:  # a file system without locks
            pass

    def _read(self, data: bytes) -> None:
        size, atoms = len(self._symbols) + 2, self._symbols
        lines, at = data.split(b"\n"), 0
        while at < len(lines) - 1 or lines[at]:
            try:
                block, symbols, state, potential, kept = _parsed(lines, at)
            except (ValueError, IndexError):
                break
            if symbols != atoms:
                raise InputError(
                    f"{self.file}: has evaluations of another molecule ({_formula(symbols)}, not "
                    f"{_formula(atoms)}{_order(symbols, atoms)}): {OTHERWISE}"
                )
            self._answers[potential, state, kept[0].tobytes()].append(kept[1])
            self._counts[potential] += 1
            self._length += len(block) + 1
            at += len(symbols) + 2
        rest = data[self._length :]
        if rest:
            head = f"{len(atoms)}\n{HEAD}".encode()
            begun = head.startswith(rest[: len(head)]) or not rest.strip(b"\0")
            if not begun or rest.count(b"\n") > size:
                raise InputError(
                    f"{self.file}: line {at + 1} begins no evaluation as mepbench wrote it (its "
                    f"checksum is another): restore it, or {OTHERWISE}"
                )
            os.ftruncate(self._descriptor, self._length)
            self.torn = True
        self.taken = self._counts.total()

    def answer_for(self, potential: str) -> list[str]:
        """Say what the potential is, before it is asked.

        Evaluations of other potentials stay in the file, where nobody asks for them: what they
        differ in is returned, a sentence each.
        """
        self._potential, said = potential, []
        for other, count in self._counts.items():
            if other != potential:
                theirs, ours = (text.split("; ") for text in (other, potential))
                there = "; ".join(item for item in theirs if item not in ours) or "less"
                here = "; ".join(item for item in ours if item not in theirs) or "less"
                said.append(
                    f"{self.file}: {count} evaluations are of another calculator or with other "
                    f"parameters and not used (there {one_line(there)[:300]}; now {here[:300]})"
                )
        return said

    def recall(self, state: State, x: np.ndarray) -> Kept | None:
        """Return the next answer on record for one geometry (N, 3), angstrom; None without one.

        Raises
        ------
        SCFFailure
            as often as tries had failed before it, so that a search counts what it counted.
        """
        answers = self._answers.get((self._potential, state, x.tobytes()))
        if not answers:
            return None
        if answers[0].tries > 1:
            answers[0] = replace(answers[0], tries=answers[0].tries - 1)
            raise SCFFailure("a try failed here, as is on record")
        return answers.popleft()

    def make_sure_of_room(self) -> None:
        """Raise `InputError` where the next evaluation could not be kept, before it is paid."""
        if self.stopped is not None:
            raise self.stopped
        disk = os.fstatvfs(self._descriptor)
        if disk.f_blocks and disk.f_bavail * disk.f_frsize < 200 * len(self._symbols) + 2000:
            self._stop("No space left on device")

    def failed(self, state: State, x: np.ndarray) -> None:
        """Note that a try failed; the frame of the next one that does not says how many did."""
        self._failed[state, x.tobytes()] += 1

    def keep(
        self, state: State, x: np.ndarray, energy: float, gradient: np.ndarray, seconds: float
    ) -> None:
        """Append one evaluation; it is in the file when this returns."""
        tries = 1 + self._failed.pop((state, x.tobytes()), 0)
        frame = self._frame(state, x, Kept(float(energy), gradient, seconds, tries))
        try:
            if os.write(self._descriptor, frame) < len(frame):
                raise OSError("No space left on device")
            self._unsynced += seconds
            if self._unsynced > PAID:
                os.fsync(self._descriptor)
                self._unsynced = 0.0
        except OSError as error:
            os.ftruncate(self._descriptor, self._length)
            self._stop(error.strerror or str(error))
        self._length += len(frame)
        self._counts[self._potential] += 1

    def _frame(self, state: State, x: np.ndarray, kept: Kept) -> bytes:
        comment = (
            f"{HEAD} energy={kept.energy!r} charge={state[0]} multiplicity={state[1]} "
            f'seconds={kept.seconds:.6g} tries={kept.tries} pbc="F F F" '
            f'potential="{self._potential}"'
        )
        rows = np.hstack([x, -kept.gradient]).tolist()
        atoms = [" ".join([s, *map(repr, row)]) for s, row in zip(self._symbols, rows, strict=True)]
        lines = [str(len(atoms)), comment, *atoms]
        lines[1] += f" checksum={_checksum(line.encode() for line in lines)}"
        return ("\n".join(lines) + "\n").encode()

    def _stop(self, why: str) -> None:
        self.stopped = InputError(
            f"{self.file}: can't be written ({why}): make room and give the same command again, "
            f"the {len(self)} evaluations in it are not asked for again"
        )
        raise self.stopped


def _parsed(
    lines: list[bytes], at: int
) -> tuple[bytes, list[str], State, str, tuple[np.ndarray, Kept]]:
    """Return the frame at a line: its bytes, symbols, state, potential, geometry and answer."""
    size = int(lines[at]) + 2
    if len(lines) <= at + size:  # its last line does not end
        raise ValueError
    lines = lines[at : at + size]
    comment, _, checksum = lines[1].rpartition(b" checksum=")
    if checksum.decode() != _checksum([lines[0], comment, *lines[2:]]):
        raise ValueError
    found = COMMENT.fullmatch(comment.decode())
    if found is None:
        raise ValueError
    energy, charge, multiplicity, seconds, tries, potential = found.groups()
    rows = [line.decode().split() for line in lines[2:]]
    numbers = np.array([row[1:] for row in rows], dtype=float).reshape(len(rows), 2, 3)
    kept = Kept(float(energy), -numbers[:, 1], float(seconds), int(tries))
    state = int(charge), int(multiplicity)
    geometry = np.ascontiguousarray(numbers[:, 0])
    return b"\n".join(lines), [row[0] for row in rows], state, potential, (geometry, kept)


def _checksum(lines) -> str:
    return f"crc32-{zlib.crc32(b'/'.join(lines)):08x}"


def _formula(symbols: list[str]) -> str:
    return "".join(s + str(n if n > 1 else "") for s, n in sorted(Counter(symbols).items()))


def _order(theirs: list[str], ours: list[str]) -> str:
    return ", the atoms in another order" if sorted(theirs) == sorted(ours) else ""
