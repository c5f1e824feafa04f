"""What `find_saddle` costs: gradient evaluations by stage, from a set's own geometries.

    python -m mepbench.pair.price SET [--atoms FEWEST MOST] [--every N] [--prior JSON] [--proof P]

The ends are the set's, of whatever level of theory, relaxed on GFN2-xTB in the part of the
expensive level. What a prior takes is no part of the total, and has a median of its own.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from ase import Atoms

from ..errors import InputError
from ..reaction import Entry, read_set
from .saddle_search import find_saddle

STAGES = ("ends", "path", "refine", "verify")


def price(entry: Entry, **options) -> tuple[str, dict[str, int]]:
    """Return verdict and evaluations of one entry with geometries; see `find_saddle`."""
    ends = [Atoms(entry.numbers[end], entry.positions[end]) for end in ("reactant", "product")]
    state = {"charge": entry.charge, "multiplicity": entry.multiplicity}
    try:
        found = find_saddle(*ends, **state, **options)
    except InputError as error:
        return getattr(error, "verdict", "error"), {}
    return found.verdict, found.evaluations


def prices(entries: list[Entry], **options) -> Iterator[str]:
    """Yield a line for each reaction, then the medians of those that are intended."""
    rows = []
    for entry in entries:
        verdict, paid = price(entry, **options)
        counts = [paid.get(stage, 0) for stage in STAGES]
        if verdict == "intended":
            rows.append([*counts, sum(counts), paid.get("prior", 0)])
        told = ", ".join(f"{stage} {n}" for stage, n in zip(STAGES, counts, strict=True))
        size = len(entry.numbers["reactant"])
        yield f"{entry.name!r} ({size}): {verdict}; {told}; {sum(counts)}"
    if rows:
        columns = zip((*STAGES, "total", "prior"), np.median(rows, axis=0), strict=True)
        medians = ", ".join(f"{name} {value:g}" for name, value in columns)
        yield f"{len(rows)} of {len(entries)} intended; medians: {medians}"


def main() -> None:
    """Search, and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("set", help="a shipped set, a file or a folder, of geometries")
    parser.add_argument("--atoms", type=int, nargs=2, default=(1, 10_000))
    parser.add_argument("--every", type=int, default=1, help="every so many of these")
    parser.add_argument("--prior", type=json.loads, help='such as \'{"name": "xtb-python"}\'')
    parser.add_argument("--proof", default="staged")
    given = parser.parse_args()
    fewest, most = given.atoms
    entries = [
        entry
        for entry in read_set(Path(given.set).stem, given.set)
        if "reactant" in entry.numbers and fewest <= len(entry.numbers["reactant"]) <= most
    ][:: given.every]
    for line in prices(entries, prior=given.prior, proof=given.proof):
        print(line, flush=True)


if __name__ == "__main__":
    main()
