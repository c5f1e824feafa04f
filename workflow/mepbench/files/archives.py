"""ZIP and tar.gz archives of any origin: their files are read, and nothing in them is believed.

No library unpacks them: each wanted file's content is handed out with a checked name. An archive
is refused as a whole, with one sentence, where such a name leads out of it or is given twice, is a
link or a device, or where more comes out of it than its reader allows, whatever it announces.
"""

import gzip
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError
from .xyz_text import printable

MEGABYTE = 1 << 20
HEADERS = 2048  # bytes of a tar about each file, padding included


@dataclass(frozen=True)
class Limits:
    """How much an archive may hold: its own bytes, its files, and what comes out of them."""

    packed: int = 1024 * MEGABYTE
    files: int = 200_000
    file: int = 16 * MEGABYTE
    total: int = 1024 * MEGABYTE


def is_archive(path: Path) -> bool:
    """Whether a file is a ZIP or is compressed by gzip, by its first bytes."""
    with path.open("rb") as file:
        head = file.read(4)
    return head == b"PK\x03\x04" or head[:2] == b"\x1f\x8b"


def read_archive(
    path: Path, limits: Limits, wanted: Callable[[str], bool] = lambda name: True
) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of each wanted file of an archive; folders are passed over.

    Raises
    ------
    InputError
        if it is no archive, is broken, or is refused; see the module.
    """
    try:
        if path.stat().st_size > limits.packed:
            raise _Refused(f"is larger than {limits.packed} bytes")
        members = _of_zip if zipfile.is_zipfile(path) else _of_tar
        seen, total = set(), 0
        for name, content in members(path, limits, wanted):
            total += len(content)
            if name in seen:
                raise _Refused(f"has two files {printable(name)}")
            if total > limits.total:
                raise _Refused(f"has more than {limits.total} bytes, unpacked")
            seen.add(name)
            yield name, content
    except _Refused as error:
        raise InputError(f"{path}: {error}: it is not read.") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error}).") from None
    except (EOFError, RuntimeError, ValueError, tarfile.TarError, zlib.error) as error:
        raise InputError(f"{path}: is not a complete ZIP or tar.gz archive ({error}).") from None
    except zipfile.BadZipFile as error:
        raise InputError(f"{path}: is a broken ZIP archive ({error}).") from None


class _Refused(Exception):
    """What is wrong with an archive, as the end of a sentence."""


def _of_zip(path: Path, limits: Limits, wanted) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
        if len(entries) > limits.files:
            raise _Refused(f"has more than {limits.files} files")
        for entry in entries:
            if entry.is_dir() or not wanted(entry.filename):
                continue
            _check_name(entry.filename)
            if stat.S_IFMT(entry.external_attr >> 16) not in (0, stat.S_IFREG):
                raise _Refused(f"has a link or device, {printable(entry.filename)}")
            if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise _Refused("is packed in an unusual way (only stored and deflated are read)")
            with archive.open(entry) as file:
                yield entry.filename, _content(entry.filename, file, limits)


def _of_tar(path: Path, limits: Limits, wanted) -> Iterator[tuple[str, bytes]]:
    most = limits.total + limits.files * HEADERS + MEGABYTE
    with gzip.open(path) as unpacked, _stream(_Limited(unpacked, most)) as archive:
        for count, entry in enumerate(archive):
            if count >= limits.files:
                raise _Refused(f"has more than {limits.files} files")
            name = entry.name.removeprefix("./")  # as `tar -c .` writes them
            if entry.isdir() or not wanted(name):
                continue
            _check_name(name)
            if not entry.isreg():
                raise _Refused(f"has a link or device, {printable(name)}")
            yield name, _content(name, archive.extractfile(entry), limits)
            archive.members.clear()


def _stream(file) -> tarfile.TarFile:
    return tarfile.open(fileobj=file, mode="r|")


def _content(name: str, file, limits: Limits) -> bytes:
    content = file.read(limits.file + 1)
    if len(content) > limits.file:
        raise _Refused(f"has a file of more than {limits.file} bytes, {printable(name)}")
    return content


def _check_name(name: str) -> None:
    parts = name.split("/")
    if any(part in ("", ".", "..") for part in parts) or set(name) & set("\\:\0"):
        raise _Refused(f"has a file whose name may lead out of it, {printable(name)}")


class _Limited:
    """A stream that may give so many bytes: a tar's headers, too, can be bombs."""

    def __init__(self, stream, most: int):
        self.stream, self.left, self.most = stream, most, most

    def read(self, size: int) -> bytes:
        """Return the next bytes."""
        block = self.stream.read(size)
        self.left -= len(block)
        if self.left < 0:
            raise _Refused(f"has more than {self.most} bytes, unpacked")
        return block
