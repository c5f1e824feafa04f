"""How fast surfaces are: evaluations a second of one core, singly and in a batch.

    python -m mepbench.solving.throughput [SURFACE ...] [--atoms N ...] [--output FILE]

evaluates energy and gradient of n-alkanes of about N atoms, their atoms displaced by 0.05 angstrom,
on each surface: a name, or a mapping as under `potential:`. An evaluation is one of a round of 8,
each unlike the last, as on a path; seconds are of CPU, on one thread, after a round that is not
counted. All surfaces take their turn at one size before the next, so that what else the machine
does hits them alike; one that took more than half a second is not asked at the next. What is not
installed is named on standard error, and left out. `make bench-surfaces` calls it.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
import yaml

from ..errors import InputError, NotInstalled, SCFFailure
from ..oracle import PotentialSpec

SURFACES = (
    "xtb-python",
    "{name: xtb-python, method: GFN1-xTB}",
    "tblite",
    "{name: tblite, solvation: ALPB(water)}",
    "{name: tblite, solvation: CPCM(water)}",
    "ani",
    "aimnet2",
    "learned",
)
ATOMS = (10, 20, 50, 100)
ROUND = 8
SLOW = 0.5  # seconds an evaluation
DISPLACED = 0.05  # angstrom


def alkane(atoms: int) -> tuple[np.ndarray, np.ndarray]:
    """Return numbers (N,) and positions (N, 3), angstrom, of the n-alkane nearest to that size."""
    from rdkit import Chem
    from rdkit.Chem import rdDistGeom

    carbons = max(1, round((atoms - 2) / 3))
    chain = Chem.AddHs(Chem.MolFromSmiles("C" * carbons))
    rdDistGeom.EmbedMolecule(chain, randomSeed=1)
    numbers = np.array([atom.GetAtomicNum() for atom in chain.GetAtoms()])
    return numbers, chain.GetConformer().GetPositions()


def seconds(evaluate: Callable, rounds: np.ndarray) -> float:
    """Return the seconds of CPU that an evaluation of the last round takes."""
    for positions in rounds:
        start = time.process_time()
        evaluate(positions)
    return (time.process_time() - start) / len(positions)


def measured(surfaces: list[PotentialSpec], sizes: tuple[int, ...]) -> Iterator[dict]:
    """Yield a row for each size and surface."""
    random, asked = np.random.default_rng(0), list(surfaces)
    for size in sizes:
        numbers, x = alkane(size)
        rounds = x + random.normal(scale=DISPLACED, size=(2, ROUND, *x.shape))
        for spec in list(asked):
            try:
                # Each time a fresh one: densities are remembered.
                alone, together = (spec.load(numbers, 0, 1).evaluate for _ in range(2))
                single = seconds(lambda xs, f=alone: [f(one[None]) for one in xs], rounds)
                batch = seconds(together, rounds)
            except (NotInstalled, SCFFailure) as error:
                print(f"{spec.name}, {len(x)} atoms: {error}", file=sys.stderr)
                continue
            if single > SLOW:
                asked.remove(spec)
            yield {
                "surface": f"{spec.name}: {spec.level}",
                "atoms": len(x),
                "singly_per_s": 1 / single,
                "batch_per_s": 1 / batch,
            }


def as_markdown(table: pd.DataFrame) -> str:
    """Return a row a surface, a column a size: evaluations a second singly / in a batch."""
    cells = table.assign(
        cell=[
            f"{single:.3g} / {batch:.3g}"
            for single, batch in zip(table.singly_per_s, table.batch_per_s, strict=True)
        ]
    )
    wide = cells.pivot(index="surface", columns="atoms", values="cell")
    wide = wide.reindex(table.surface.unique()).rename(columns="{} atoms".format)
    return wide.fillna("").to_markdown()


def main(arguments: list[str] | None = None) -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("surfaces", nargs="*", metavar="SURFACE", default=SURFACES)
    parser.add_argument("--atoms", nargs="+", type=int, default=ATOMS)
    parser.add_argument("--output", help="CSV file for the rows")
    given = parser.parse_args(arguments)
    try:
        surfaces = [PotentialSpec.read(yaml.safe_load(text), text) for text in given.surfaces]
    except InputError as error:
        sys.exit(str(error))
    table = pd.DataFrame(measured(surfaces, tuple(given.atoms)))
    if table.empty:
        sys.exit("no surface was measured")
    if given.output:
        table.to_csv(given.output, index=False)
    print(as_markdown(table))


if __name__ == "__main__":
    main()
