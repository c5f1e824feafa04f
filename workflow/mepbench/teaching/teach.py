"""Teach the network potential: ends -> lessons -> members -> weights, and what they are worth.

    python -m mepbench.teaching.teach SET [--unseen SET ...] [--output FOLDER] [--cores N] ...

`make train` calls it. Lessons (a file a reaction) and members (a checkpoint an epoch) that are in
the output folder are not made again: the same command goes on where a kill has stopped it. After
the first round, lessons along geodesic paths, each further one adds what the ensemble of the round
before asks for (`lessons.where_members_differ`), and goes on from its members.
"""

import argparse
import gzip
import json
import multiprocessing
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from ..errors import InputError, plainly
from ..files.tidy import read_rows, write_rows
from ..learned import weights
from ..learned.network import Ensemble, Shape
from ..oracle import PotentialSpec
from ..reaction import Entry, read_set
from . import card, training
from .lessons import Lesson, along_paths, of_use, reaction_of, where_members_differ
from .split import HELD_OUT, TAUGHT, molecules, split

TEACHER = PotentialSpec("xtb-python")
LOG = "round taught member epoch seconds loss force_error energy_error".split()


@dataclass(frozen=True)
class Plan:
    """What a teaching run does, and nothing of where or how fast.

    Attributes
    ----------
    reactions : taught, at most; 0 for all there are
    tested : held-out reactions whose geometries are paid for, to measure errors
    frames, turns : of a path, and steps down across it, in the first round
    rounds, asked : further rounds; geometries of a reaction that each adds
    asking : reactions that a further round looks at
    method : searches on the ensemble, in a further round
    members : of the ensemble
    epochs, again : passes over all lessons, in the first and in a further round
    parts : for the learning curve: a member is also taught by a 1/part of the reactions, for each,
        in sqrt(part) times as many epochs
    share : of the reactions that is held out, at most
    seed : of split, lessons and members
    """

    reactions: int = 0
    tested: int = 100
    frames: int = 6
    turns: int = 4
    rounds: int = 2
    asked: int = 8
    asking: int = 400
    method: str = "neural-surrogate"
    members: int = 2
    epochs: int = 40
    again: int = 20
    parts: tuple[int, ...] = (16, 4)
    share: float = 0.1
    seed: int = 0


def read_entries(spec: str, folder: Path) -> list[Entry]:
    """Read a set; one that is packed (`.xyz.gz`) is unpacked in the folder first.

    Raises
    ------
    InputError
        if a reaction's name, which names files here, would lead out of their folder.
    """
    if spec.endswith(".gz"):
        file = folder / Path(spec).stem
        if not file.exists():
            file.write_bytes(gzip.decompress(Path(spec).read_bytes()))
        spec = str(file)
    usable = [entry for entry in read_set(Path(spec).stem, spec) if entry.problem is None]
    for entry in usable:
        if entry.name in (".", "..") or Path(entry.name).name != entry.name:
            raise InputError(
                f"{spec}: reaction {entry.name!r}: its name becomes a file's, so it may have no "
                "slash. Rename it."
            )
    return [entry for entry in usable if (entry.charge, entry.multiplicity) == (0, 1)]


def divided(entries: list[Entry], unseen: list[str], plan: Plan, folder: Path) -> dict:
    """Return names by part, from `split.csv` if it is there."""
    file = folder / "split.csv"
    if not file.exists():
        foreign = [molecules(entry) for one in unseen for entry in read_set(Path(one).stem, one)]
        parts = split(entries, frozenset().union(*foreign), plan.share, plan.seed)
        rows = [{"reaction": n, "part": part} for part, names in parts.items() for n in names]
        write_rows(str(file), ["reaction", "part"], rows)
    rows = read_rows(str(file))
    parts = dict.fromkeys([row["part"] for row in rows])
    return {part: [r["reaction"] for r in rows if r["part"] == part] for part in parts}


def first_lesson(entry: Entry, plan: Plan) -> Lesson:
    """Pay for a reaction's geometries along its paths."""
    rng = np.random.default_rng([plan.seed, *entry.name.encode()])
    return along_paths(reaction_of(entry), TEACHER, plan.frames, plan.turns, rng)


def further_lesson(entry: Entry, plan: Plan, ensemble: Path) -> Lesson:
    """Pay for what the ensemble in a file asks for."""
    learned = PotentialSpec("learned", {"weights": str(ensemble)})
    return where_members_differ(reaction_of(entry), TEACHER, learned, plan.method, plan.asked)


def gathered(
    entries: list[Entry], folder: Path, cores: int, lesson: Callable[[Entry], Lesson]
) -> list[Lesson]:
    """Have a lesson made of each reaction, on all cores, and read them; none of one that failed."""
    missing = [entry for entry in entries if not _file(folder, entry).exists()]
    make = partial(_made, lesson=lesson, folder=folder)
    with ExitStack() as stack:
        each = map
        if cores > 1 and missing:
            # A fork of a process in which torch has threads may hang.
            spawn = multiprocessing.get_context("spawn")
            pool = ProcessPoolExecutor(cores, mp_context=spawn, initializer=_one_thread)
            each = stack.enter_context(pool).map
        for done, failure in enumerate(each(make, missing), start=1):
            if failure or done % 50 == 0:
                print(f"{folder.name}: {done} of {len(missing)}. {failure}", file=sys.stderr)
    files = [_file(folder, entry) for entry in entries]
    return [Lesson.read(file) for file in files if file.exists()]


def _made(entry: Entry, lesson: Callable[[Entry], Lesson], folder: Path) -> str:
    """Pay for a reaction's lesson and keep it; return why there is none, mostly empty."""
    try:
        lesson(entry).save(_file(folder, entry))
    except InputError:
        raise
    except Exception as error:  # one reaction's failure is no other's
        return f"{entry.name}: {plainly(error)}"
    return ""


def _file(folder: Path, entry: Entry) -> Path:
    return folder / f"{entry.name}.npz"


def _one_thread() -> None:
    import torch

    torch.set_num_threads(1)


class Teaching:
    """A run in its folder: what was logged, and how the next member is taught."""

    def __init__(self, folder: Path, plan: Plan, shape: Shape, held_out: list[Lesson]):
        self.folder, self.plan, self.shape, self.held_out = folder, plan, shape, held_out
        self.log: list[dict] = []

    def member(
        self, of: str, turn: int, k: int, lessons: list[Lesson], epochs: int, begin=None
    ) -> Ensemble:
        """Teach one member; its checkpoint is `of`/member-k."""
        file = self.folder / of / f"member-{k}.safetensors"
        lessons = of_use(lessons)
        about = {"round": turn, "taught": len({one.name for one in lessons}), "member": k}
        course = training.Course(epochs)
        known = list(self.log)

        def told(row: dict) -> None:
            self.log = [*self.log, about | row]
            write_rows(str(self.folder / "log.csv"), LOG, self.log)
            print(f"{of}, member {k}: {row}", file=sys.stderr, flush=True)

        seed = self.plan.seed + 1000 * turn + k
        member, rows = training.taught(
            file, self.shape, lessons, self.held_out, course, seed, begin, told
        )
        self.log = [*known, *(about | row for row in rows)]
        write_rows(str(self.folder / "log.csv"), LOG, self.log)
        return member

    def ensemble(self, turn: int, lessons: list[Lesson], begin: Ensemble | None) -> Ensemble:
        """Teach all members of a round, each from its own beginning."""
        epochs, found = (self.plan.again if turn else self.plan.epochs), []
        for k in range(self.plan.members):
            start = None if begin is None else joined(self.shape, [begin.members[k]])
            found += self.member(f"round-{turn}", turn, k, lessons, epochs, start).members
        return joined(self.shape, found)


def joined(shape: Shape, members) -> Ensemble:
    """Return members as one ensemble."""
    ensemble = Ensemble(shape, 0)
    ensemble.members.extend(members)
    return ensemble


def teach(
    source: str,
    unseen: list[str],
    plan: Plan,
    shape: Shape,
    folder: Path,
    cores: int,
    first: Callable[[Entry], Lesson] | None = None,
) -> Path:
    """Do all that was not done before; return the file of the weights.

    `first` makes the lessons of the first round, by default along geodesic paths.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _same_plan(folder / "plan.json", plan, shape)
    entries = {entry.name: entry for entry in read_entries(source, folder)}
    parts = divided(list(entries.values()), unseen, plan, folder)
    names = parts.get(TAUGHT, [])[: plan.reactions or None]
    tested = parts.get(HELD_OUT, [])[: plan.tested]

    def lessons(turn: int, of: list[str], lesson: Callable) -> list[Lesson]:
        return gathered([entries[n] for n in of], folder / f"lessons-{turn}", cores, lesson)

    first = first or partial(first_lesson, plan=plan)
    taught = first_round = lessons(0, names, first)
    held_out = of_use(lessons(0, tested, first))
    run = Teaching(folder, plan, shape, held_out)
    ensemble, file = None, folder / "learned.safetensors"
    for turn in range(plan.rounds):
        if turn:
            asked = weights_of(folder / f"round-{turn - 1}")
            further = partial(further_lesson, plan=plan, ensemble=asked)
            taught = taught + lessons(turn, names[: plan.asking], further)
        ensemble = run.ensemble(turn, taught, ensemble)
        facts = card.facts(ensemble, taught, held_out, run.log)
        weights.save(weights_of(folder / f"round-{turn}"), ensemble, facts)
    weights.save(file, ensemble, facts)
    for part in plan.parts:
        few = first_round[: max(len(first_round) // part, 1)]
        one = run.member(f"part-{part}", 0, 0, few, round(plan.epochs * part**0.5))
        weights.save(weights_of(folder / f"part-{part}"), one, card.facts(one, few, [], []))
    card.write(folder, facts, run.log)
    return file


def weights_of(folder: Path) -> Path:
    """Return the file of a round's ensemble."""
    return folder / "ensemble.safetensors"


def _same_plan(file: Path, plan: Plan, shape: Shape) -> None:
    """Refuse a folder in which another plan was begun: what it holds would be mixed with this."""
    wanted = json.loads(json.dumps({"plan": vars(plan), "shape": vars(shape)}))
    if not file.exists():
        file.write_text(json.dumps(wanted, indent=1), encoding="utf-8")
    known = json.loads(file.read_text(encoding="utf-8"))
    for kind, settings in wanted.items():
        for key, value in settings.items():
            if known.get(kind, {}).get(key) != value:
                raise InputError(
                    f"{file.parent}: was begun with {key} {known.get(kind, {}).get(key)}, not "
                    f"{value}. Choose another --output, or remove it."
                )


def main(arguments: list[str] | None = None) -> None:
    """Teach, and say what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("set", help="reactions to be taught; a set, or one packed by gzip")
    parser.add_argument("--unseen", nargs="*", default=["rdb7_dev", "textbook"], help="sets")
    parser.add_argument("--output", type=Path, default=Path("results/operator"))
    parser.add_argument("--cores", type=int, default=1)
    for name, value in vars(Plan()).items():
        several = {"nargs": "*", "type": int} if name == "parts" else {"type": type(value)}
        parser.add_argument(f"--{name}", default=value, **several)
    given = vars(parser.parse_args(arguments))
    plan = Plan(**{name: given[name] for name in vars(Plan())})
    import torch

    torch.set_num_threads(given["cores"])
    try:
        file = teach(given["set"], given["unseen"], plan, Shape(), given["output"], given["cores"])
    except InputError as error:
        sys.exit(f"error: {error}")
    print((file.parent / "README.md").read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
