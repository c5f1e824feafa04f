"""What ends cost by a surrogate and their softest mode, and whether they are the same minima.

    python -m mepbench.preparation.staged_ends SET ... [--from METHOD] [--atoms LEAST MOST]

prepares the reactions of sets of geometries both ways, `full` and `staged`, and says of each what
it took, which minima were reached, and what the full proof says of the staged ends: a Hessian by
central differences, which counts nowhere. `--from GFN1-xTB` relaxes the given geometries on that
method first, so that they come from another level of theory.
"""

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import pandas as pd

from ..landscape.hessian import hessian
from ..landscape.index import stationary_point
from ..landscape.minima import relax, turns_freely
from ..landscape.scale import ORDINARY
from ..molecule.structure import bonds
from ..oracle import Oracle, PotentialSpec
from ..path import rmsd
from ..reaction import Entry, read_set
from .checks import ENDS
from .prepare import Prepared, prepare

SAME_ENERGY, SAME_RMSD = 1e-4, 0.1  # eV, angstrom
POTENTIAL = PotentialSpec("xtb-python")


def compared(entry: Entry, level: str | None = None) -> dict:
    """Prepare one entry both ways; return a row."""
    numbers = entry.numbers["reactant"]
    row = {"set": entry.set, "reaction": entry.name, "natoms": len(numbers)}
    if level is not None:
        entry = _relaxed_on(entry, level)
    found = {"full": prepare(entry, POTENTIAL.load)}
    found["staged"] = prepare(entry, POTENTIAL.load, staged=True)
    for kind, prepared in found.items():
        row[f"verdict_{kind}"], row[f"evaluations_{kind}"] = prepared.verdict, prepared.evaluations
        row[f"proof_{kind}"] = sum(proof.evaluations for proof in prepared.proofs)
    row["proven"] = "+".join(proof.kind for proof in found["staged"].proofs)
    for at, end in enumerate(ENDS):
        row |= {f"{end}_{name}": value for name, value in _same(found, at).items()}
        if found["staged"].reaction is not None:
            row[f"{end}_falls_eV_A2"] = _falling_curvature(found["staged"], at)
    return row


def _relaxed_on(entry: Entry, level: str) -> Entry:
    """Return an entry whose geometries are relaxed on another method."""
    spec, positions = PotentialSpec("xtb-python", {"method": level}), {}
    for end in ENDS:
        numbers, x = entry.numbers[end], entry.positions[end]
        oracle = Oracle(spec.load(numbers, entry.charge, entry.multiplicity))
        positions[end] = relax(oracle, numbers, x).positions
    return replace(entry, positions=positions)


def _same(found: dict[str, Prepared], at: int) -> dict:
    """Compare one end of both preparations."""
    full, staged = (found[kind].reaction for kind in ("full", "staged"))
    if full is None or staged is None:
        return {}
    numbers, x, y = full.numbers, full.ends[at], staged.ends[at]
    return {
        "gap_eV": float(staged.energies[at] - full.energies[at]),
        "rmsd_A": rmsd(y, x, found["full"].invariances),
        "same_bonds": bonds(numbers, x) == bonds(numbers, y),
    }


def _falling_curvature(prepared: Prepared, at: int) -> float:
    """Return the lowest curvature by the full Hessian where the energy falls down its mode, or 0.

    A rotation without hindrance is no fall, see `landscape.minima.turns_freely`.
    """
    oracle, x = Oracle(POTENTIAL.of(prepared.reaction)), prepared.reaction.ends[at]
    point = stationary_point(oracle, x, hessian(oracle, x))
    down = slice(point.index)
    free = turns_freely(point.curvatures[down], point.modes[down], ORDINARY)
    return 0.0 if free else float(point.curvatures[0])


def summary(rows: pd.DataFrame) -> str:
    """Say what many rows come to."""
    good = rows[(rows.verdict_full == "ok") & (rows.verdict_staged == "ok")]
    ends = pd.concat(
        good[[f"{end}_{c}" for c in ("gap_eV", "rmsd_A", "same_bonds", "falls_eV_A2")]].set_axis(
            ["gap", "rmsd", "bonds", "falls"], axis=1
        )
        for end in ENDS
    )
    same = (ends.gap.abs() < SAME_ENERGY) | (ends.rmsd < SAME_RMSD)
    lines = [f"{len(rows)} reactions, {len(good)} of them prepared both ways"]
    for kind in ("full", "staged"):
        total, proof = good[f"evaluations_{kind}"], good[f"proof_{kind}"]
        rest = total - proof
        lines.append(
            f"{kind}: {total.median():.0f} evaluations in the median (mean {total.mean():.0f}, "
            f"90% {total.quantile(0.9):.0f}), of which the proofs {proof.median():.0f}, "
            f"all else {rest.median():.0f} (mean {rest.mean():.0f}, 90% {rest.quantile(0.9):.0f})"
        )
    lower, higher = ~same & (ends.gap < 0), ~same & (ends.gap > 0)
    lines.append(
        f"{len(ends)} ends: {same.sum()} in the same minimum, {lower.sum()} in a lower and "
        f"{higher.sum()} in a higher one, {(~ends.bonds.astype(bool)).sum()} with other bonds; "
        f"{(ends.falls < 0).sum()} are none by the full Hessian; "
        f"{good.proven.str.count('full').sum()} needed the full proof"
    )
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> None:
    """Compare, and print the table and what it comes to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sets", nargs="+", help="sets of geometries: names, files or folders")
    parser.add_argument("--from", dest="level", help="relax on this method of xtb-python first")
    parser.add_argument("--atoms", nargs=2, type=int, default=(3, 1000), help="least and most")
    parser.add_argument("--cores", type=int, default=1)
    parser.add_argument("--output", type=Path, help="a CSV file for the rows")
    options = parser.parse_args(arguments)
    least, most = options.atoms
    entries = [
        entry
        for name in options.sets
        for entry in read_set(Path(name).stem, name)
        if not entry.problem
        and entry.smiles is None
        and least <= len(entry.numbers["reactant"]) <= most
    ]
    rows = []
    with ProcessPoolExecutor(options.cores) as pool:
        for row in pool.map(partial(compared, level=options.level), entries):
            rows.append(row)
            print(row["reaction"], row["natoms"], row["evaluations_staged"], file=sys.stderr)
            if options.output is not None:
                pd.DataFrame(rows).to_csv(options.output, index=False)
    table = pd.DataFrame(rows)
    print(table.round(4).to_string(index=False))
    print(summary(table))


if __name__ == "__main__":
    main()
