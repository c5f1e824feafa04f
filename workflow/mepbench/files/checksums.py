"""Checksums of released files, in a `SHA256SUMS` beside them."""

import hashlib
from pathlib import Path

from ..errors import InputError

SUMS = "SHA256SUMS"


def sha256(file: str | Path) -> str:
    """Return the SHA-256 of a file's bytes."""
    digest = hashlib.sha256()
    with open(file, "rb") as source:
        for block in iter(lambda: source.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def released(file: Path) -> bool:
    """Whether there is such a file, or should be: `SHA256SUMS` names what was deleted."""
    return file.exists() or file.name in _read_sums(file.parent)


def verify(*files: Path, remedy: str) -> None:
    """Compare files of one folder with the checksums beside them.

    Raises
    ------
    InputError
        if one is missing or another than was released; it ends with the remedy.
    """
    sums = _read_sums(files[0].parent)
    for file in files:
        if not file.exists():
            raise InputError(f"{file} is missing beside the others. {remedy}.")
        if sums.get(file.name) != sha256(file):
            raise InputError(
                f"{file}: its SHA-256 is not the one in {file.with_name(SUMS)}, so this is not "
                f"the file that was released. {remedy}."
            )


def write_sums(*files: Path) -> None:
    """Write the checksums of files of one folder beside them; of others there they stay."""
    folder = files[0].parent
    sums = _read_sums(folder) | {file.name: sha256(file) for file in files}
    lines = (f"{digest}  {name}\n" for name, digest in sorted(sums.items()))
    (folder / SUMS).write_text("".join(lines), encoding="utf-8")


def _read_sums(folder: Path) -> dict[str, str]:
    try:
        lines = (folder / SUMS).read_text(encoding="utf-8").splitlines()
    except OSError:
        return {}
    return {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
