"""What a saddle and its proof cost by the pipeline that practitioners run, and by ours.

    python -m mepbench.judging.sella_bill RESULTS [--potential NAME] [--output FILE]

Theirs: the geodesic guess, its highest point, Sella, and Sella's own IRC down both sides, with the
settings of its documentation (Hermes, Sargsyan, Najm, Zador, J. Chem. Theory Comput. 18, 6974
(2022), doi:10.1021/acs.jctc.2c00395). It measures no Hessian and relaxes no end: what it proves is
that two descents end with the bonds of reactant and product. Ours, of the same saddle: the staged
proof, and the full one. The reactions, ends and guesses are those of a results folder.
"""

import argparse
import warnings
from collections.abc import Iterator
from pathlib import Path as File

import numpy as np
from ase import Atoms

from ..errors import BudgetExhausted, SCFFailure
from ..files.tidy import write_rows
from ..molecule.structure import compare_both
from ..oracle import Oracle, PotentialSpec
from ..path import Peak
from ..reaction import Reaction
from ..seeding import seeded
from ..solving.job import read_prepared
from ..solving.solve import solve
from .verify import refine_and_judge

COLUMNS = tuple(
    """set reaction natoms gradients_path gradients_refine gradients_sella_irc sella_irc
    gradients_staged verdict_staged gradients_full verdict_full""".split()
)
BUDGET = {"refine": 200, "irc": 3000}
SETTINGS = {"dx": 0.1, "eta": 1e-4, "gamma": 0.4}  # of Sella's documentation of IRC
FMAX, STEPS = 0.1, 1000


def bill(results: File, potential: PotentialSpec) -> Iterator[dict]:
    """Yield a row of `COLUMNS` for each reaction of a results folder."""
    for folder in sorted(results.glob("sets/*")):
        for reaction, guess in read_prepared(folder):
            yield priced(reaction, guess, potential)


def priced(reaction: Reaction, guess, potential: PotentialSpec) -> dict:
    """Return the row of one reaction."""
    row = {"set": reaction.set, "reaction": reaction.name, "natoms": reaction.natoms}
    solved = solve(reaction, guess, "guess-only", {}, potential, None, 0)
    row["gradients_path"] = solved.evaluations
    if solved.peak is None:
        return row | {"sella_irc": solved.verdict}
    for proof in ("full", "staged"):
        judged = refine_and_judge(
            *(reaction, solved.path, solved.peak, "sella", potential, BUDGET["refine"], 0),
            proof=proof,
            evaluated=solved.evaluated,
        )
        row |= {
            "gradients_refine": judged.refine_evaluations,
            f"gradients_{proof}": judged.verify_evaluations,
            f"verdict_{proof}": judged.verdict,
        }
    if judged.saddle is not None:
        oracle = Oracle(potential.of(reaction), reaction, BUDGET["irc"])
        row["sella_irc"] = sella_irc(reaction, oracle, judged.saddle)
        row["gradients_sella_irc"] = oracle.evaluations
    return row


def sella_irc(reaction: Reaction, oracle: Oracle, saddle: Peak) -> str:
    """Walk Sella's IRC down both sides of a saddle; return what its ends say, in a word or two."""
    from sella import IRC

    atoms = Atoms(reaction.numbers, saddle.position)
    atoms.calc = oracle.calculator()
    ends = []
    try:
        with warnings.catch_warnings(), seeded(0):
            warnings.simplefilter("ignore")
            walk = IRC(atoms, logfile=None, **SETTINGS)
            for direction in ("forward", "reverse"):
                walk.run(fmax=FMAX, steps=STEPS, direction=direction)
                ends.append(atoms.positions.copy())
    except BudgetExhausted:
        return "budget"
    except SCFFailure as error:
        return error.verdict
    except RuntimeError as error:  # its inner loop has not converged
        return type(error).__name__
    match = compare_both(reaction.numbers, np.array(ends), reaction.ends)
    if match.how:
        return "intended"
    return "half-intended" if match.reactant.matches or match.product.matches else "other"


def said(rows: list[dict]) -> Iterator[str]:
    """Yield what the rows say, in lines."""
    both = [row for row in rows if row.get("verdict_full") == row.get("sella_irc") == "intended"]
    yield (
        f"{len(rows)} reactions; intended by Sella's IRC "
        f"{sum(row.get('sella_irc') == 'intended' for row in rows)}, by the full proof "
        f"{sum(row.get('verdict_full') == 'intended' for row in rows)}, by both {len(both)}"
    )
    if both:
        medians = {
            key: np.median([row[key] for row in both])
            for key in COLUMNS
            if key.startswith("gradients")
        }
        saddle = np.median([row["gradients_path"] + row["gradients_refine"] for row in both])
        yield (
            f"of these, in the median: {saddle:g} evaluations to the saddle, and "
            f"{medians['gradients_sella_irc']:g} for Sella's IRC, {medians['gradients_staged']:g} "
            f"for the staged proof, {medians['gradients_full']:g} for the full one"
        )


def main() -> None:
    """Price, print a line each and what they say."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("results", type=File)
    parser.add_argument("--potential", default="xtb-python")
    parser.add_argument("--output", type=File)
    given = parser.parse_args()
    rows = []
    for row in bill(given.results, PotentialSpec(given.potential)):
        rows.append(row)
        print(*(row.get(key, "") for key in COLUMNS[1:]), flush=True)
    if given.output is not None:
        write_rows(str(given.output), COLUMNS, rows)
    print(*said(rows), sep="\n")


if __name__ == "__main__":
    main()
