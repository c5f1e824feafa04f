"""What a prior surface saves: evaluations of the search with and without, reaction by reaction.

    python -m mepbench.solving.prior_price SET [--prior POTENTIAL] [--every N] [--cores N]

searches each reaction of a set by `neural-surrogate` twice, and prints a row for each: evaluations
without and with the prior, those of the prior, and the saddle's height above the reactant both
times. One that is more than 0.01 eV off is another saddle: there the prior misled, or helped. `make
bench-prior` calls it for two sets.
"""

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from ..config import check_method
from ..oracle import PotentialSpec
from ..preparation.prepare import prepare
from ..reaction import Reaction, read_endpoints, read_set
from .guess import make_guess
from .solve import Solved, solve

METHOD, CHEAP = "neural-surrogate", {"name": "xtb-python", "method": "GFN1-xTB"}
SAME = 0.01  # eV


@dataclass(frozen=True)
class Compared:
    """One reaction: `plain` and `helped` are (evaluations, seconds, height in eV or NaN)."""

    name: str
    natoms: int
    plain: tuple[int, float, float]
    helped: tuple[int, float, float]
    prior: tuple[int, float]
    message: str

    @property
    def solved(self) -> tuple[bool, bool]:
        """Whether a saddle between the ends was accepted without, and with the prior."""
        return bool(np.isfinite(self.plain[2])), bool(np.isfinite(self.helped[2]))

    @property
    def same(self) -> bool:
        """Whether both are one saddle, by their energies."""
        return abs(self.plain[2] - self.helped[2]) < SAME


def compared(reaction: Reaction, prior: dict) -> Compared:
    """Search one reaction without and with the prior."""
    method, potential = check_method(METHOD, {"solver": METHOD, "prior": prior})
    spec = PotentialSpec(*potential)
    guess = make_guess(reaction, method.guess, spec)

    def searched(options: dict) -> Solved:
        return solve(reaction, guess, METHOD, options, spec, method.budget["path"], seed=0)

    plain, helped = searched({}), searched(method.options)
    return Compared(
        reaction.name,
        reaction.natoms,
        _outcome(plain, reaction),
        _outcome(helped, reaction),
        (helped.prior_evaluations, helped.prior_wall),
        helped.reason,
    )


def _outcome(solved: Solved, reaction: Reaction) -> tuple[int, float, float]:
    found = solved.peak is not None and solved.peak.converged
    height = solved.peak.energy - reaction.energies[0] if found else np.nan
    return solved.evaluations, solved.wall, float(height)


def reactions_of(given: str, prepared: bool = False, every: int = 1) -> list[Reaction]:
    """Return every so many-th reaction of a set, prepared here, or of a run's `endpoints.xyz`."""
    if prepared:
        return read_endpoints(given)[::every]
    load = PotentialSpec("xtb-python").load
    found = [prepare(entry, load).reaction for entry in read_set(Path(given).stem, given)[::every]]
    return [reaction for reaction in found if reaction is not None]


def report(rows: list[Compared]) -> str:
    """Return the table, and what it comes to, in Markdown."""
    lines = [
        "| reaction | atoms | without | with | of the prior | eV without | eV with | said |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |",
    ]
    for row in rows:
        mark = "" if row.same else "**"
        lines.append(
            f"| {mark}{row.name}{mark} | {row.natoms} | {row.plain[0]} | {row.helped[0]} | "
            f"{row.prior[0]} | {row.plain[2]:.3f} | {row.helped[2]:.3f} | {row.message} |"
        )
    both = [row for row in rows if row.same]
    without, with_it = (sum(row.solved[k] for row in rows) for k in (0, 1))
    lines += ["", f"{len(rows)} reactions; a saddle without in {without}, with in {with_it}"]
    if both:
        columns = [
            ("evaluations without", [row.plain[0] for row in both]),
            ("with", [row.helped[0] for row in both]),
            ("of the prior", [row.prior[0] for row in both]),
            ("seconds without", [row.plain[1] for row in both]),
            ("with", [row.helped[1] for row in both]),
            ("of the prior", [row.prior[1] for row in both]),
        ]
        medians = ", ".join(f"{label} {np.median(values):.3g}" for label, values in columns)
        lines.append(f"the same saddle in {len(both)}; medians of these: {medians}")
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> None:
    """Search, and print what it took."""
    import yaml

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("set", help="a shipped set, a file or a folder")
    parser.add_argument("--prior", type=yaml.safe_load, default=CHEAP, help="GFN1-xTB by default")
    parser.add_argument("--prepared", action="store_true", help="the set is a run's endpoints.xyz")
    parser.add_argument("--every", type=int, default=1, help="only every so many-th reaction")
    parser.add_argument("--cores", type=int, default=1)
    options = parser.parse_args(arguments)
    reactions = reactions_of(options.set, options.prepared, options.every)
    rows = []
    with ProcessPoolExecutor(options.cores) as pool:
        for row in pool.map(partial(compared, prior=options.prior), reactions):
            rows.append(row)
            print(row, file=sys.stderr, flush=True)
    print(report(rows))


if __name__ == "__main__":
    main()
