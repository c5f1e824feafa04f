"""`mepbench data`: the published sets, and how each is made of a clone or an archive."""

import argparse
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from ..errors import InputError

if TYPE_CHECKING:
    from .public_sets import PublicSet

EPILOG = """\
Nothing is downloaded: get the repository or its archive yourself, and name it. The checksum says
whether what comes out is the set of docs/bench; if it is not, the exit status is 1."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.epilog = EPILOG
    parser.add_argument("name", nargs="?", help="tell all of this set; without, all are listed")
    parser.add_argument(
        "source", nargs="?", type=Path, help="clone or archive (zip, tar.gz) to prepare it from"
    )
    parser.add_argument(
        "-o", "--output", type=Path, help="the set file; default: results/data/NAME.xyz"
    )


def run(given: argparse.Namespace) -> int:
    """List, tell or prepare; return 1 where what was prepared is another set."""
    from .public_sets import public_set, public_sets

    if given.name is None:
        print("\n\n".join(_told(each) for each in public_sets().values()))
        return 0
    one = public_set(given.name)
    if given.source is None:
        print(_told(one, whole=True))
        return 0
    return prepare(one, given.source, given.output or one.prepared)


def prepare(one: "PublicSet", source: Path, output: Path) -> int:
    """Make the set file of a clone or an archive; return the exit status.

    Raises
    ------
    InputError
        if the source is none of this set, or can't be read.
    """
    from . import import_command

    parser = argparse.ArgumentParser()
    import_command.add_options(parser)
    with _root(one, source) as root:
        arguments = parser.parse_args(one.import_arguments(root, output))
        status = import_command.run(arguments, said=f"{source.name}/{one.source}")
    if status:
        return status
    if one.is_same(output):
        print(f"SHA-256 {one.sha256}: the set of docs/bench")
        return 0
    print(
        f"NOT the set of docs/bench, whose SHA-256 is {one.sha256}: the source should be that of "
        f"commit {one.commit}"
    )
    return 1


@contextmanager
def _root(one: "PublicSet", source: Path) -> Iterator[Path]:
    """Give the folder that holds what the set is made of, unpacked for so long if need be."""
    from ..files.archives import Limits, is_archive, read_archive

    if not source.exists():
        raise InputError(f"{source}: there is no such file or folder. Get it: {one.get_clone()}")
    if source.is_dir():
        yield _found(one, source)
        return
    if not is_archive(source):
        raise InputError(f"{source}: is neither a folder nor a zip or tar.gz archive.")
    inside = PurePosixPath(one.source)

    def wanted(name: str) -> bool:
        path = PurePosixPath(name)  # GitHub's archives have one folder on top
        return inside in path.parents or inside in PurePosixPath(*path.parts[1:]).parents

    folder = Path(tempfile.mkdtemp(prefix="mepbench-data-"))
    try:
        for name, content in read_archive(source, Limits(), wanted):
            file = folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        yield _found(one, folder, said=source)
    finally:
        shutil.rmtree(folder)


def _found(one: "PublicSet", folder: Path, said: Path | None = None) -> Path:
    tops = [folder, *sorted(child for child in folder.iterdir() if child.is_dir())]
    for top in tops:
        if (top / one.source).is_dir():
            return top
    bare = (folder / "objects").is_dir() and (folder / "HEAD").is_file()
    remedy = "It is a bare repository: clone it" if bare else f"Get it: {one.get_clone()}"
    raise InputError(f"{said or folder}: has no folder {one.source}. {remedy}.")


def _told(one: "PublicSet", *, whole: bool = False) -> str:
    lines = [
        f"{one.name}: {one.reactions} reactions, {_where(one)}",
        f"  what        {one.about}",
        f"  published   {one.literature}",
        f"  source      {one.repository}, {one.source}, commit {one.commit}",
        f"  licence     {'; '.join(text for text in (one.licence, one.note) if text)}",
        f"  SHA-256     {one.sha256}",
        f"  import      {one.command(whole=whole)}",
    ]
    if not one.shipped:
        lines.append(f"  in short    {one.get_clone()} && mepbench data {one.name} {one.clone}")
    return "\n".join(lines)


def _where(one: "PublicSet") -> str:
    file = one.shipped or one.prepared
    if not file.exists():
        return f"does not ship, not prepared yet ({file})"
    state = "ships" if one.shipped else f"prepared ({file})"
    return state if one.is_same(file) else f"{state}, but it is NOT the set of docs/bench"
