"""Which part earns what: guess, solver and refiner, each over all combinations of the others.

    python -m mepbench.reporting.factorial results/factorial

The run is a full factorial design (R. A. Fisher, The Design of Experiments, 1935): every guess with
every solver and every refiner on the same reactions (workflow/factorial.yaml). So the runs of one
guess differ from those of another in nothing else, and its share solved and median cost over all
of them are what it earns. Intervals are by reaction: the combinations in which one is searched
are no independent evidence, as seeds are none (`statistics.bootstrap`). `make bench-factorial`
prints the tables and leaves them beside the others.
"""

import sys
from itertools import product
from pathlib import Path

import pandas as pd

from ..errors import InputError
from ..files.metrics import formatted
from ..files.provenance import read_manifest
from ..scoring.score import read_runs
from ..statistics.summary import intervals
from .markup import markdown
from .tables import leave_table

FACTORS = ("guess", "solver", "refiner")


def read_design(results: Path) -> pd.DataFrame:
    """Return the runs of a results folder with the column `solver`, of a full factorial design.

    Raises
    ------
    InputError
        where there is no finished run, or a combination is missing or there twice.
    """
    manifest = read_manifest(results)
    runs = read_runs(results / "runs.csv")
    solvers = {name: method["solver"] for name, method in manifest["config"]["methods"].items()}
    runs = runs.assign(solver=runs["method"].map(solvers))
    there = runs.groupby(list(FACTORS))["method"].agg(lambda names: len(set(names)))
    for combination in product(*(sorted(set(runs[factor])) for factor in FACTORS)):
        if (count := int(there.get(combination, 0))) != 1:
            what = " + ".join(combination)
            raise InputError(
                f"{results}: no full factorial design: {count} methods are {what}; give every "
                "guess with every solver and refiner once, as workflow/factorial.yaml does."
            )
    return runs


def factorial(runs: pd.DataFrame, factors: tuple[str, ...]) -> pd.DataFrame:
    """Return what each level of some factors, or combination of levels, earns.

    Parameters
    ----------
    runs : as `read_design` returns them
    factors : of `FACTORS`; one for its levels, all for every combination

    Returns
    -------
    `factors`, and of `summary.intervals` share solved and median cost with their bounds.
    """
    others = [factor for factor in FACTORS if factor not in factors]
    level = runs[list(factors)].agg("\n".join, axis=1)
    beside = runs[others].agg("\n".join, axis=1) if others else pd.Series("", index=runs.index)
    seeds = beside + "\n" + runs["seed"].astype(str)
    relabelled = runs.assign(
        set="",
        reaction=runs["set"] + "/" + runs["reaction"],
        method=level,
        seed=pd.factorize(seeds, sort=True)[0],
    )
    found = intervals(relabelled)
    names = found.pop("method").str.split("\n", expand=True).set_axis(list(factors), axis=1)
    kept = [c for c in found if c.startswith(("share_intended", "cost_to_saddle"))]
    return pd.concat([names, found[["reactions", *kept]]], axis=1)


def readable(table: pd.DataFrame) -> pd.DataFrame:
    """Return the numbers of `factorial` as text."""
    words = table[[factor for factor in FACTORS if factor in table]].copy()
    for heading, column, middle in (
        ("solved", "share_intended", "share_intended"),
        ("evaluations", "cost_to_saddle", "cost_to_saddle_median"),
    ):
        low, high = (
            [formatted(middle, value) for value in table[f"{column}_{end}"]]
            for end in ("low", "high")
        )
        said = [formatted(middle, value) for value in table[middle]]
        words[heading] = [f"{a} ({b} to {c})" for a, b, c in zip(said, low, high, strict=True)]
    return words


def main(arguments: list[str] | None = None) -> None:
    """Write `factorial.csv` and `factorial.md` into the tables of a results folder; print it."""
    (given,) = sys.argv[1:] if arguments is None else arguments
    results = Path(given)
    runs = read_design(results)
    tables = [factorial(runs, factors) for factors in (*((f,) for f in FACTORS), FACTORS)]
    text = "\n".join(markdown(readable(table)) for table in tables)
    joined = pd.concat(tables)[[*FACTORS, *tables[-1].columns[len(FACTORS) :]]]
    leave_table(results, "factorial", joined, text)


if __name__ == "__main__":
    main()
