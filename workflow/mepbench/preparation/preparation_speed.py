"""How long preparation takes: seconds of CPU time per reaction, against the number of atoms.

    python -m mepbench.preparation.preparation_speed SET [--reactions N] [--cores N]

prepares N reactions, those of the set again and again, and reports the time of all and, from a
power law fitted to the reactions, the hours of CPU for thousands of one size. `make
bench-prepare` calls it for files and for SMILES.
"""

import argparse
import itertools
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

from ..oracle import PotentialSpec
from ..reaction import read_set
from .prepare import prepare

ATOMS = 15


def timed(entry) -> tuple[str, int, float, int]:
    """Prepare one entry: verdict, atoms, seconds of CPU, evaluations."""
    start = time.process_time()
    prepared = prepare(entry, PotentialSpec("xtb-python").load)
    seconds = time.process_time() - start
    natoms = prepared.reaction.natoms if prepared.reaction is not None else 0
    return prepared.verdict, natoms, seconds, prepared.evaluations


def power_law(natoms: np.ndarray, seconds: np.ndarray) -> tuple[float, float]:
    """Fit seconds = a natoms^b: return (a, b)."""
    b, log_a = np.polyfit(np.log(natoms), np.log(seconds), 1)
    return float(np.exp(log_a)), float(b)


def main(arguments: list[str] | None = None) -> None:
    """Prepare, and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("set", help="a shipped set, a file or a folder")
    parser.add_argument("--reactions", type=int, help="how many; those of the set by default")
    parser.add_argument("--cores", type=int, default=1)
    options = parser.parse_args(arguments)
    entries = read_set(Path(options.set).stem, options.set)
    count = options.reactions or len(entries)
    wanted = list(itertools.islice(itertools.cycle(entries), count))
    start = time.perf_counter()
    with ProcessPoolExecutor(options.cores) as pool:
        rows = []
        for at, row in enumerate(pool.map(timed, wanted), start=1):
            rows.append(row)
            if at % 100 == 0:  # linear, if these are equally far apart
                print(f"{at} reactions after {time.perf_counter() - start:.0f} s", file=sys.stderr)
    wall = time.perf_counter() - start
    verdicts, natoms, seconds, evaluations = (
        np.array(column) for column in zip(*rows, strict=True)
    )
    good = natoms > 1
    a, b = power_law(natoms[good], seconds[good])
    tally = ", ".join(f"{n} {verdict}" for verdict, n in Counter(verdicts.tolist()).most_common())
    print(f"{count} reactions of {options.set}: {tally}")
    print(f"wall clock on {options.cores} cores: {wall:.0f} s; CPU: {seconds.sum():.0f} s")
    print(
        f"median: {np.median(natoms[good]):.0f} atoms, {np.median(evaluations[good]):.0f} "
        f"evaluations, {np.median(seconds[good]):.2f} s of CPU"
    )
    print(
        f"CPU = {1e3 * a:.2f} ms x atoms^{b:.1f}; 1000 reactions of {ATOMS} atoms on "
        f"{options.cores} cores: {1000 * a * ATOMS**b / 60 / options.cores:.1f} min"
    )


if __name__ == "__main__":
    main()
