"""Where the seconds of a search go: guess, path, refinement and proof, way by way, as ratios.

    python -m mepbench.judging.search_speed SET [--prepared] [--every N]

searches and proves each reaction of a set by the geodesic's peak and Sella, and by
`neural-surrogate` with a full and with a staged proof, all in one process, and prints medians of
the processor's seconds by stage and by number of atoms. Each is done twice and the quicker one
counts: Sella compiles for every new number of atoms, and machines have other work. `make
bench-speed` calls it.
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ..config import check_method
from ..oracle import PotentialSpec
from ..reaction import Reaction
from ..solving.guess import make_guess
from ..solving.prior_price import reactions_of
from ..solving.solve import solve
from .verify import refine_and_judge

WAYS = {  # solver and proof of each
    "geodesic + Sella": ("guess-only", "full"),
    "neural-surrogate": ("neural-surrogate", "full"),
    "neural-surrogate, staged proof": ("neural-surrogate", "staged"),
}
STAGES = ("guess", "path", "refine", "verify")
SIZES = (0, 10, 15, 20, 30, 60)  # atoms: bounds of the groups, the upper one belongs to each
TIMES, DAY = 2, 86_400


@dataclass(frozen=True)
class Searched:
    """One reaction by one way; `seconds` of the processor and `evaluations` are by stage."""

    way: str
    reaction: str
    natoms: int
    verdict: str
    seconds: tuple[float, ...]
    evaluations: tuple[int, ...]


def searched(reaction: Reaction, way: str) -> Searched:
    """Search one reaction by one way, and prove what is found."""
    solver, proof = WAYS[way]
    method, potential = check_method(solver, {"solver": solver})
    spec, budget = PotentialSpec(*potential), method.budget
    seconds, evaluations = dict.fromkeys(STAGES, 0.0), dict.fromkeys(STAGES, 0)
    guess, seconds["guess"] = _clocked(lambda: make_guess(reaction, method.guess, None))
    solved, seconds["path"] = _clocked(
        lambda: solve(reaction, guess, solver, method.options, spec, budget["path"], seed=0)
    )
    evaluations["path"], verdict = solved.evaluations, solved.verdict
    if solved.peak is not None:
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
    return Searched(
        way,
        reaction.name,
        reaction.natoms,
        verdict,
        tuple(seconds.values()),
        tuple(evaluations.values()),
    )


def quickest(reaction: Reaction, way: str) -> Searched:
    """Search one reaction by one way some times; return the quickest."""
    return min((searched(reaction, way) for _ in range(TIMES)), key=lambda one: sum(one.seconds))


def _clocked(work: Callable):
    start = time.process_time()
    done = work()
    return done, time.process_time() - start


def report(rows: Sequence[Searched]) -> str:
    """Return both tables in Markdown: by stage, and of all stages by number of atoms."""
    ways = list(dict.fromkeys(row.way for row in rows))
    of = {way: [row for row in rows if row.way == way] for way in ways}
    stages = " | ".join(f"{stage} (s)" for stage in STAGES)
    lines = [
        f"| | solved | evaluations | {stages} | to the saddle (s) | ratio | all (s) | ratio | "
        "verified a core and day |",
        "| --- |" + " ---: |" * (len(STAGES) + 7),
    ]
    firsts = None
    for way, mine in of.items():
        seconds = np.array([row.seconds for row in mine])
        evaluations = np.array([sum(row.evaluations[:-1]) for row in mine])
        solved = sum(row.verdict == "intended" for row in mine)
        saddle, whole = seconds[:, :-1].sum(axis=1), seconds.sum(axis=1)
        firsts = firsts or (np.median(saddle), np.median(whole))
        ratios = (np.median(saddle) / firsts[0], np.median(whole) / firsts[1])
        lines.append(
            f"| {way} | {solved}/{len(mine)} | {np.median(evaluations):.0f} | "
            + " | ".join(f"{value:.2f}" for value in np.median(seconds, axis=0))
            + f" | {np.median(saddle):.2f} | {ratios[0]:.2f} | {np.median(whole):.2f} | "
            f"{ratios[1]:.2f} | {DAY * solved / whole.sum():,.0f} |"
        )
    groups = [f"{low + 1} to {high}" for low, high in pairwise(SIZES)]
    lines += ["", f"| all stages (s), atoms | {' | '.join(groups)} |"]
    lines.append("| --- |" + " ---: |" * len(groups))
    for way, mine in of.items():
        cells = []
        for low, high in pairwise(SIZES):
            group = [sum(row.seconds) for row in mine if low < row.natoms <= high]
            cells.append(f"{np.median(group):.2f} ({len(group)})" if group else "")
        lines.append(f"| {way} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> None:
    """Search, and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("set", help="a shipped set, a file or a folder")
    parser.add_argument("--prepared", action="store_true", help="the set is a run's endpoints.xyz")
    parser.add_argument("--every", type=int, default=1, help="only every so many-th reaction")
    options = parser.parse_args(arguments)
    rows = []
    for reaction in reactions_of(options.set, options.prepared)[:: options.every]:
        for way in WAYS:
            rows.append(quickest(reaction, way))
            print(rows[-1], file=sys.stderr, flush=True)
    print(report(rows))


if __name__ == "__main__":
    main()
