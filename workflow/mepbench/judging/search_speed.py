"""Where the seconds of a search go: guess, path, refinement and proof, way by way.

    python -m mepbench.judging.search_speed SET ... --output FILE [--every N] [--atoms N ...]

searches and proves each reaction of some sets: by the geodesic's peak and Sella, told where it
leads in full or, as practitioners do, by Sella's own IRC; by a nudged elastic band; and by
`neural-surrogate`, with a full and with a staged proof. All ways of a reaction run in one process,
each twice, of which the quicker counts: Sella compiles for every new number of atoms, and machines
have other work. `--atoms` adds enols, which become ketones, of about so many atoms: one reaction,
whose molecule grows. A row a search is written to FILE, the processor's seconds by stage; what is
there is not computed again. `make bench-speed` calls it, and `reporting.speed` shows it.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path as File

from ..config import check_method
from ..errors import BudgetExhausted, SCFFailure
from ..files.tidy import read_rows, write_rows
from ..oracle import Oracle, PotentialSpec
from ..path import Peak
from ..preparation.prepare import prepare
from ..reaction import Entry, Reaction
from ..registry import load
from ..solving.guess import make_guess
from ..solving.prior_price import reactions_of
from ..solving.solve import solve
from .sella_bill import BUDGET, sella_irc
from .verify import refine_and_judge

SELLA_IRC = "sella-irc"
WAYS = {  # solver and proof of each
    "geodesic + Sella": ("guess-only", "full"),
    "geodesic + Sella, its IRC": ("guess-only", SELLA_IRC),
    "NEB": ("neb", "full"),
    "neural-surrogate": ("neural-surrogate", "full"),
    "neural-surrogate, staged": ("neural-surrogate", "staged"),
}
STAGES = ("guess", "path", "refine", "verify")
COLUMNS = (
    *("set", "reaction", "natoms", "way", "verdict"),
    *(f"{stage}_s" for stage in STAGES),
    *(f"gradients_{stage}" for stage in STAGES[1:]),
)
TIMES = 2
GROWING = "enols"


def searched(reaction: Reaction, way: str) -> dict:
    """Search one reaction by one way, and prove what is found: a row of `COLUMNS`."""
    solver, proof = WAYS[way]
    method, potential = check_method(solver, {"solver": solver})
    spec, budget = PotentialSpec(*potential), method.budget
    seconds, evaluations = dict.fromkeys(STAGES, 0.0), dict.fromkeys(STAGES[1:], 0)
    guess, seconds["guess"] = _clocked(lambda: make_guess(reaction, method.guess, None))
    solved, seconds["path"] = _clocked(
        lambda: solve(reaction, guess, solver, method.options, spec, budget["path"], seed=0)
    )
    evaluations["path"], verdict = solved.evaluations, solved.verdict
    if solved.peak is not None and proof == SELLA_IRC:
        oracle = Oracle(spec.of(reaction), reaction, budget["refine"])
        saddle, seconds["refine"] = _clocked(lambda: _refined(reaction, oracle, solved.peak))
        evaluations["refine"], verdict = oracle.evaluations, "unconverged"
        if saddle is not None and saddle.converged:
            oracle = Oracle(spec.of(reaction), reaction, BUDGET["irc"])
            verdict, seconds["verify"] = _clocked(lambda: sella_irc(reaction, oracle, saddle))
            evaluations["verify"] = oracle.evaluations
    elif solved.peak is not None:
        judged, both = _clocked(
            lambda: refine_and_judge(
                reaction,
                solved.path,
                solved.peak,
                method.refiner,
                spec,
                budget["refine"],
                seed=0,
                proof=proof,
                evaluated=solved.evaluated,
            )
        )
        # One call; its wall clocks say how it is shared.
        share = judged.refine_wall / max(judged.refine_wall + judged.verify_wall, 1e-9)
        seconds["refine"], seconds["verify"] = share * both, (1 - share) * both
        evaluations["refine"] = judged.refine_evaluations
        evaluations["verify"], verdict = judged.verify_evaluations, judged.verdict
    return {
        "set": reaction.set,
        "reaction": reaction.name,
        "natoms": reaction.natoms,
        "way": way,
        "verdict": verdict,
        **{f"{stage}_s": round(value, 4) for stage, value in seconds.items()},
        **{f"gradients_{stage}": value for stage, value in evaluations.items()},
    }


def _refined(reaction: Reaction, oracle: Oracle, peak: Peak) -> Peak | None:
    """Return the saddle by Sella, converged or not; None where it has no answer."""
    try:
        return load("refiners", "sella")(reaction, oracle, peak, 0)
    except (BudgetExhausted, SCFFailure):
        return None


def quickest(reaction: Reaction, way: str) -> dict:
    """Search one reaction by one way some times; return the quickest."""
    rows = (searched(reaction, way) for _ in range(TIMES))
    return min(rows, key=lambda row: sum(row[f"{stage}_s"] for stage in STAGES))


def _clocked(work: Callable):
    start = time.process_time()
    done = work()
    return done, time.process_time() - start


def growing(atoms: list[int]) -> Iterator[Reaction]:
    """Yield enols that become ketones, CH2=C(OH)R -> CH3C(=O)R, R an alkyl chain."""
    load_potential = PotentialSpec("xtb-python").load
    for carbons in dict.fromkeys(max(1, round((size - 7) / 3)) for size in atoms):
        chain = "".join(f"[CH2:{k}]" for k in range(5, 4 + carbons)) + f"[CH3:{4 + carbons}]"
        smiles = f"[CH2:1]=[C:2]([O:3][H:4]){chain}>>[H:4][CH2:1][C:2](=[O:3]){chain}"
        entry = Entry(GROWING, f"enol-{7 + 3 * carbons}", "made here", smiles=smiles)
        prepared = prepare(entry, load_potential)
        if prepared.reaction is not None:
            yield prepared.reaction
        else:
            print(f"{entry.name}: {prepared.reason}", file=sys.stderr)


def main(arguments: list[str] | None = None) -> None:
    """Search, and write what it took."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sets", nargs="*", metavar="SET", help="a shipped set, a file or a folder")
    parser.add_argument("--every", type=int, default=1, help="only every so many-th reaction")
    parser.add_argument("--atoms", nargs="*", type=int, default=[], help="sizes of the enols")
    parser.add_argument("--output", type=File, required=True, help="CSV file for the rows")
    given = parser.parse_args(arguments)
    rows = list(read_rows(str(given.output))) if given.output.exists() else []
    known = {(row["set"], row["reaction"], row["way"]) for row in rows}
    if known:
        print(f"{given.output}: {len(known)} rows are kept; remove it to measure anew")
    given.output.parent.mkdir(parents=True, exist_ok=True)

    def reactions() -> Iterator[Reaction]:
        for name in given.sets:
            yield from reactions_of(name, every=given.every)
        yield from growing(given.atoms)

    for reaction in reactions():
        for way in WAYS:
            if (reaction.set, reaction.name, way) not in known:
                rows.append(quickest(reaction, way))
                write_rows(str(given.output), COLUMNS, rows)
                print(*rows[-1].values(), file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
