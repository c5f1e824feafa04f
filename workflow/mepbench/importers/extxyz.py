"""An extended XYZ file whose frames carry `reaction` and `role`: a set file, of mepbench or not.

It can be used as it is; to import it is to select, to sample, to map atoms, or to leave out
what is wrong. The frames of a reaction stand one after the other.
"""

from collections.abc import Iterator
from pathlib import Path

from ..errors import InputError
from ..files.frames import comment_text
from ..files.xyz_text import xyz_blocks
from ..molecule.geometry import geometry_of
from ._found import Found, Rejected
from ._structures import combined

ROLES = ("reactant", "product", "ts")


def read(source: Path) -> Iterator[Found | Rejected]:
    """Yield the reactions of the file, in its order."""
    name, blocks, start = None, [], 0
    try:
        for block in xyz_blocks(source):
            line = block.line
            said, role = (comment_text(block.comment, key) for key in ("reaction", "role"))
            if said is None or role not in ROLES:
                yield Rejected(
                    said or "", f"line {line}", f"needs reaction= and role=, one of {ROLES}"
                )
                continue
            if said != name or role in {r for r, _ in blocks}:
                if blocks:
                    yield _found(source, name, start, blocks)
                name, blocks, start = said, [], line
            blocks.append((role, block))
    except InputError as error:
        if name is None:
            raise
        yield _found(source, name, start, blocks)
        yield Rejected("", "from here on", f"{error}; the rest of the file is not read")
        return
    if blocks:
        yield _found(source, name, start, blocks)


def _found(source: Path, name: str, start: int, blocks: list) -> Found:
    def load():
        return combined({role: geometry_of(source.name, block) for role, block in blocks})

    return Found(name, f"line {start}", load)
