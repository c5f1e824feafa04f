"""What the judge says of the transition states that a set gives itself.

A set's `ts` geometries are the work of others, checked by them at another time with another
program. Each goes through the very stages of a run: ends prepared, the given geometry
refined, the saddle judged. Whatever is not `intended` then wants an explanation, by a fault of
the geometry or by one of the judge; docs/judge.md has those of the development sets.
"""

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path as File

import numpy as np

from ..files.tidy import write_rows
from ..oracle import PotentialSpec
from ..path import Path, Peak, rmsd
from ..preparation.prepare import prepare
from ..reaction import Entry, read_set
from .judge import FIRST_ORDER
from .verify import refine_and_judge

COLUMNS = tuple(
    """set reaction natoms verdict reason barrier_eV imaginary_frequency_cm curvature_1_eV_A2
    curvature_2_eV_A2 reactant_gap_eV product_gap_eV end_match end_conformer moved_A
    gradients_refine gradients_verify cpu_s potential backend""".split()
)


def calibrate(
    entry: Entry, potential: PotentialSpec, *, refiner: str = "sella", budget: int = 200
) -> dict:
    """Judge the given transition state of one entry; return its row of `COLUMNS`.

    Parameters
    ----------
    budget : gradient evaluations of the refinement
    """
    row = {"set": entry.set, "reaction": entry.name, "potential": potential.name}
    # The given geometry has its ends' numbering.
    prepared = prepare(entry, potential.load, keep_order=True)
    reaction = prepared.reaction
    if reaction is None:
        return row | {"verdict": prepared.verdict, "reason": prepared.reason}
    given = entry.positions["ts"]
    if not np.array_equal(entry.numbers["ts"], reaction.numbers):
        return row | {"verdict": "error", "reason": "the ts has other atoms than the ends"}
    start = time.process_time()
    judged = refine_and_judge(
        reaction,
        Path(given[None], is_path=False),
        Peak(given),
        refiner,
        potential,
        budget,
        seed=0,
    )
    row |= {
        "natoms": reaction.natoms,
        "verdict": judged.verdict,
        "reason": judged.reason,
        "gradients_refine": judged.refine_evaluations,
        "gradients_verify": judged.verify_evaluations,
        "cpu_s": time.process_time() - start,
        "backend": potential.of(reaction).backend,
    }
    if judged.judgement is None:
        return row
    found = judged.judgement
    values = np.append(found.eigenvalues, [np.nan, np.nan])
    return row | {
        "barrier_eV": found.energy - reaction.energies[0] if found.verdict in FIRST_ORDER else "",
        "imaginary_frequency_cm": found.imaginary_frequency_cm,
        "curvature_1_eV_A2": values[0],
        "curvature_2_eV_A2": values[1],
        "reactant_gap_eV": found.end_gaps[0],
        "product_gap_eV": found.end_gaps[1],
        "end_match": found.end_match,
        "end_conformer": found.end_conformer,
        "moved_A": rmsd(judged.saddle.position, given, prepared.invariances),
    }


def calibrate_set(spec: str, potential: PotentialSpec, output: File | None) -> Iterator[str]:
    """Judge all transition states of a set; yield a line each, then the count of verdicts.

    Parameters
    ----------
    spec : a set's file or folder, as in a config
    output : file to write the rows to
    """
    name = File(spec).stem
    rows = []
    for entry in read_set("".join(c if c.isalnum() else "_" for c in name), spec):
        if "ts" not in entry.positions:
            continue
        rows.append(calibrate(entry, potential))
        yield f"{entry.name!r}: {rows[-1]['verdict']}  {rows[-1]['reason']}"
    if output is not None:
        write_rows(output, COLUMNS, rows)
    counts = Counter(row["verdict"] for row in rows)
    yield f"{len(rows)} given: " + ", ".join(f"{n} {v}" for v, n in counts.most_common())
