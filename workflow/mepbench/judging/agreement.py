"""How often the staged proof says what the full one does, and at what price.

    python -m mepbench.judging.agreement RESULTS METHOD [--potential NAME] [--output FILE]

For each reaction of a results folder the method is run anew from the folder's ends and guess, its
saddle is refined, and proven in both ways. Then each saddle of the folder's other methods that is
another one, whatever it is, is proven in both ways, without any knowledge of the search. No
`intended` of the staged proof may be refused by the full one.
"""

import argparse
from collections import Counter
from collections.abc import Iterator
from pathlib import Path as File

import numpy as np

from ..files.frames import read_frames
from ..files.tidy import write_rows
from ..oracle import PotentialSpec
from ..path import Path, Peak, rmsd
from ..reaction import Reaction
from ..solving.job import read_prepared
from ..solving.solve import solve
from .verify import Judged, refine_and_judge

COLUMNS = tuple(
    """set reaction natoms saddle verdict_full verdict_staged proof doubt gradients_full
    gradients_staged gradients_index gradients_walk gradients_ends energy_deviation_eV
    force_deviation_eV_A""".split()
)
BUDGET = {"path": 1000, "refine": 200}
SAME = 0.05  # angstrom RMSD: saddles so near to each other are one
SIZES = 13, 16  # atoms, of the median that is told apart


def agreement(results: File, method: str, potential: PotentialSpec) -> Iterator[dict]:
    """Yield a row of `COLUMNS` for each saddle of a results folder."""
    for folder in sorted(results.glob("sets/*")):
        others = _saddles(folder)
        for reaction, guess in read_prepared(folder):
            solved = solve(reaction, guess, method, {}, potential, BUDGET["path"], 0)
            places = []
            if solved.peak is not None:
                one = [solved.path, solved.peak, solved.evaluated]
                row, judged = _row(reaction, method, *one, potential)
                places = [judged.saddle.position] if judged.saddle is not None else []
                yield row
            for name, x in others.get(reaction.name, []):
                if all(rmsd(x, place) > SAME for place in places):
                    places.append(x)
                    path = Path(x[None], is_path=False)
                    yield _row(reaction, name, path, Peak(x), None, potential)[0]


def _saddles(folder: File) -> dict[str, list[tuple[str, np.ndarray]]]:
    """Return the refined saddles of all methods by reaction."""
    found: dict[str, list] = {}
    for file in sorted(folder.glob("saddles/*/*.xyz")):
        for atoms in read_frames(str(file)):
            if atoms.info.get("role") == "saddle":
                place = file.parent.name, atoms.positions
                found.setdefault(atoms.info["reaction"], []).append(place)
    return found


def _row(reaction: Reaction, name: str, path, peak, evaluated, potential) -> tuple[dict, Judged]:
    full, staged = (
        refine_and_judge(
            reaction, path, peak, "sella", potential, BUDGET["refine"], 0, proof, evaluated
        )
        for proof in ("full", "staged")
    )
    row = {
        "set": reaction.set,
        "reaction": reaction.name,
        "natoms": reaction.natoms,
        "saddle": name,
        "verdict_full": full.verdict,
        "verdict_staged": staged.verdict,
        "proof": staged.proof.kind,
        "doubt": staged.proof.doubt,
        "gradients_full": full.verify_evaluations,
        "gradients_staged": staged.verify_evaluations,
    }
    if (found := staged.proof.evidence) is not None:
        row |= {
            "gradients_index": found.index,
            "gradients_walk": found.walk,
            "gradients_ends": found.ends,
            "energy_deviation_eV": found.energy_deviation,
            "force_deviation_eV_A": found.force_deviation,
        }
    return row, full


def said(rows: list[dict]) -> Iterator[str]:
    """Yield what the rows say, in lines."""
    intended = [row for row in rows if row["verdict_full"] == "intended"]
    confirmed = [row for row in intended if row["proof"] == "staged"]
    wrong = [
        row["reaction"]
        for row in rows
        if row["verdict_staged"] == "intended" != row["verdict_full"]
    ]
    yield f"{len(rows)} saddles; full: " + _counts(rows, "verdict_full")
    yield f"intended by the staged proof and refused in full: {', '.join(wrong) or 'none'}"
    if not intended:
        return
    share = len(confirmed) / len(intended)
    yield f"of {len(intended)} intended {len(confirmed)} ({share:.0%}) without the full proof"
    sized = [row for row in intended if SIZES[0] <= row["natoms"] <= SIZES[1]]
    for what, some in (("all", intended), (f"{SIZES[0]} to {SIZES[1]} atoms", sized)):
        if some:
            medians = [
                np.median([row[key] for row in some])
                for key in ("gradients_full", "gradients_staged")
            ]
            yield f"{what} ({len(some)}): {medians[0]:g} evaluations in full, {medians[1]:g} staged"


def _counts(rows: list[dict], column: str) -> str:
    counts = Counter(row[column] for row in rows)
    return ", ".join(f"{n} {verdict}" for verdict, n in counts.most_common())


def main() -> None:
    """Prove, print a line each and what they say."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("results", type=File)
    parser.add_argument("method")
    parser.add_argument("--potential", default="xtb-python")
    parser.add_argument("--output", type=File)
    given = parser.parse_args()
    rows = []
    for row in agreement(given.results, given.method, PotentialSpec(given.potential)):
        rows.append(row)
        print(*(row.get(key, "") for key in COLUMNS[1:10]), flush=True)
    if given.output is not None:
        write_rows(str(given.output), COLUMNS, rows)
    print(*said(rows), sep="\n")


if __name__ == "__main__":
    main()
