"""The sets that a leaderboard may compare on: those that ship and those that are published."""

import hashlib
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..importing.public_sets import public_sets
from ..reaction import Entry, read_set, shipped_sets


def official_name(spec: str) -> str:
    """Return the name by which everyone knows the set that `spec` in a config stands for.

    Raises
    ------
    InputError
        if it is neither shipped nor, byte for byte, a published one.
    """
    if spec in shipped_sets():
        return spec
    known = public_sets().get(Path(spec).stem)
    if known is not None and Path(spec).is_file() and known.is_same(Path(spec)):
        return known.name
    raise InputError(
        f"submit: the set {spec!r} neither ships nor is a published one, so that nobody else has "
        "its ends. `mepbench data` lists the published sets."
    )


def official_entries(name: str) -> list[Entry]:
    """Read an official set.

    Raises
    ------
    InputError
        if there is none of this name, or it does not ship and was not prepared; says how to.
    """
    if name in shipped_sets():
        return read_set("official", name)
    known = public_sets().get(name)
    if known is None:
        raise InputError(f"no official set is called {name!r}.")
    if not known.prepared.is_file() or not known.is_same(known.prepared):
        raise InputError(
            f"the set {name!r} does not ship: prepare it, `{known.get_clone()} && "
            f"mepbench data {name} {known.clone}`, and run this again."
        )
    return read_set("official", str(known.prepared))


def entries_digest(entries: list[Entry]) -> str:
    """Return a hash of what a set asks for: names, states, and SMILES or geometries to 1e-6 A."""
    text = hashlib.sha256()
    for entry in entries:
        text.update(f"{entry.name}\0{entry.charge}\0{entry.multiplicity}\0{entry.smiles}".encode())
        for role in ("reactant", "product"):
            if role in entry.positions:
                text.update(np.asarray(entry.numbers[role], dtype=np.int64).tobytes())
                text.update(np.round(entry.positions[role] * 1e6).astype(np.int64).tobytes())
    return text.hexdigest()
