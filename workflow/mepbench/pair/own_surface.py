"""A surface of one's own: taught by what searches have paid for, the prior of the next ones.

    python -m mepbench.pair.own_surface SET [--output FOLDER] [--cores N] ...

1. *Pay.* Half of a set's reactions, with no molecule in common with the other half, are searched by
   `find_saddle`, as a user would; all evaluations are in the journals of their folders.
2. *Teach.* The journals are the lessons of a small ensemble of network potentials
   (`teaching.training`); nothing more is paid for.
3. *Ask.* The ensemble leads paths down between the same ends; at their tops, and where its
   members differ most, the potential is asked, and they are taught again (`teaching.lessons`). From
   where a committee disagrees: Smith, Nebgen, Lubbers, Isayev, Roitberg, J. Chem. Phys. 148,
   241733 (2018), doi:10.1063/1.5023802; Kulichenko et al., Nat. Comput. Sci. 3, 230 (2023),
   doi:10.1038/s43588-023-00406-5.
4. *Compare.* Each reaction of the other half is searched without it and with it as prior; saddles
   are those of the potential either way.

Searches, lessons and epochs that are done are not done again: the same command goes on after a
kill. `make bench-own` calls it.
"""

import argparse
import sys
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..files.frames import read_frames
from ..oracle import Evaluated
from ..preparation.prepare import prepare
from ..reaction import Entry
from ..solving.prior_price import Compared, compared, report
from ..teaching.lessons import Lesson, lesson
from ..teaching.members import processes
from ..teaching.split import HELD_OUT, TAUGHT
from ..teaching.teach import TEACHER, Plan, divided, read_entries, teach
from .evaluations import FILE
from .price import price

PLAN = Plan(tested=20, analogues=0, rounds=2, asked=8, epochs=40, again=20, parts=(), share=0.5)
JOURNALS = "journals"


def paid_for(entry: Entry, journals: Path) -> Lesson:
    """Search a reaction in a folder of its own, unless that was done; return all that it paid."""
    folder = journals / entry.name
    if not (folder / "summary.json").exists():
        # Ends that are refused have taught something, too.
        price(entry, calculator=TEACHER.name, mechanism=False, folder=folder)
    return lesson_of_journal(folder / FILE, entry)


def lesson_of_journal(file: Path, entry: Entry) -> Lesson:
    """Return what the journal of a search holds, in the state of the reaction.

    Raises
    ------
    InputError
        if there is no such file.
    """
    frames = read_frames(file)
    kept = [frame for frame in frames if frame.info["multiplicity"] == entry.multiplicity]
    known = Evaluated(
        np.array([frame.positions for frame in kept]),
        np.array([frame.get_potential_energy() for frame in kept]),
        np.array([-frame.get_forces() for frame in kept]),
    )
    return lesson(entry.name, entry.numbers["reactant"], entry.charge, known, len(frames))


def searched(entry: Entry, weights: Path) -> Compared | None:
    """Search one reaction without and with the ensemble; None where its ends are refused."""
    reaction = prepare(entry, TEACHER.load, staged=True).reaction
    if reaction is None:
        return None
    return compared(reaction, {"name": "learned", "weights": str(weights)})


def main(arguments: list[str] | None = None) -> None:
    """Pay, teach, ask and compare, and say what it was worth."""
    from ..learned.network import Shape

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("set", help="a shipped set, a file or a folder, of geometries")
    parser.add_argument("--output", type=Path, default=Path("results/own"))
    parser.add_argument("--cores", type=int, default=1)
    for name in ("epochs", "rounds", "members", "seed"):
        parser.add_argument(f"--{name}", type=int, default=getattr(PLAN, name))
    given = parser.parse_args(arguments)
    chosen = {name: getattr(given, name) for name in ("epochs", "rounds", "members", "seed")}
    plan, folder = replace(PLAN, **chosen), given.output
    lessons = partial(paid_for, journals=folder / JOURNALS)
    try:
        weights = teach(given.set, [], plan, Shape(), folder, given.cores, lessons)
    except InputError as error:
        sys.exit(f"error: {error}")
    parts = divided(read_entries(given.set, folder), frozenset(), plan, folder)
    rows = []
    with ExitStack() as stack:
        each = map
        if given.cores > 1:
            each = stack.enter_context(processes(given.cores)).map
        for row in each(partial(searched, weights=weights), parts[HELD_OUT]):
            if row is not None:
                rows.append(row)
                print(row, file=sys.stderr, flush=True)
    taught = len(parts[TAUGHT])
    print(f"taught by the journals of {taught} reactions\n\n{report(rows)}")


if __name__ == "__main__":
    main()
