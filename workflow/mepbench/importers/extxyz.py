"""An extended XYZ file whose frames carry `reaction` and `role`: a set file, of mepbench or not.

It can be used as it is; to import it is to select, to sample, to map atoms, or to leave out
what is wrong. The frames of a reaction stand one after the other.
"""

from collections.abc import Iterator
from pathlib import Path

from ..errors import InputError
from ..files.frames import comment_text, xyz_blocks
from ._found import Found, Rejected
from ._structures import combined, structure_of

ROLES = ("reactant", "product", "ts")


def read(source: Path) -> Iterator[Found | Rejected]:
    """Yield the reactions of the file, in its order."""
    name, blocks, start = None, [], 0
    try:
        for line, block in xyz_blocks(source):
            said = comment_text(block[1], "reaction")
            role = comment_text(block[1], "role")
            if said is None or role not in ROLES:
                yield Rejected(
                    said or "", f"line {line}", f"needs reaction= and role=, one of {ROLES}"
                )
                continue
            if said != name or role in {r for r, _, _ in blocks}:
                if blocks:
                    yield _found(name, start, blocks)
                name, blocks, start = said, [], line
            blocks.append((role, line, block))
    except InputError as error:
        if name is None:
            raise
        yield _found(name, start, blocks)
        yield Rejected("", "from here on", f"{error}; the rest of the file is not read")
        return
    if blocks:
        yield _found(name, start, blocks)


def _found(name: str, start: int, blocks: list) -> Found:
    def load():
        return combined({role: structure_of(block, line) for role, line, block in blocks})

    return Found(name, f"line {start}", load)
