"""Teach the network potential: ends -> lessons -> members -> weights, and what they are worth.

    python -m mepbench.teaching.teach SET [--unseen SET ...] [--output FOLDER] [--cores N] ...

`make train` calls it. Lessons (a file a reaction) and epochs (a checkpoint a member) that are in
the output folder are not made again: the same command goes on where a kill has stopped it. After
the first round, lessons along geodesic paths, each further one adds what the ensemble of the round
before asks for (`lessons.where_it_leads`), and goes on from its members.
"""

import argparse
import gzip
import json
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from ..errors import InputError, SCFFailure, plainly
from ..files.tidy import read_rows, write_rows
from ..files.whole import whole
from ..jobs.run_lock import only_run
from ..learned import weights
from ..learned.network import Ensemble, Shape
from ..oracle import PotentialSpec
from ..reaction import Entry, read_set
from . import card, training
from .analogues import analogue
from .lessons import Lesson, along_paths, reaction_of, read_of_use, where_it_leads
from .members import LOG, Course, ensemble_of, followed, processes
from .split import HELD_OUT, TAUGHT, molecules, of_geometries, split

TEACHER = PotentialSpec("xtb-python")
LOCK = Path(".teaching.lock")


@dataclass(frozen=True)
class Plan:
    """What a teaching run does, and nothing of where or how fast.

    Attributes
    ----------
    reactions : taught, at most; 0 for all there are
    tested : held-out reactions whose geometries are paid for, to measure errors
    frames, turns : of a path, and steps down across it, in the first round
    analogues : reactions whose analogues of other elements and charges are taught as well
    rounds, asked : rounds, the first included; geometries of a reaction that a further one adds
    asking : reactions that a further round looks at, at most; 0 for all there are
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
    analogues: int = 600
    rounds: int = 1
    asked: int = 8
    asking: int = 0
    members: int = 2
    epochs: int = 16
    again: int = 8
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
            with whole(file) as unfinished:
                unfinished.write_bytes(gzip.decompress(Path(spec).read_bytes()))
        spec = str(file)
    usable = [entry for entry in read_set(Path(spec).stem, spec) if entry.problem is None]
    for entry in usable:
        if entry.name in (".", "..") or Path(entry.name).name != entry.name:
            raise InputError(
                f"{spec}: reaction {entry.name!r}: its name becomes a file's, so it may have no "
                "slash. Rename it."
            )
    return [entry for entry in usable if (entry.charge, entry.multiplicity) == (0, 1)]


def divided(
    entries: list[Entry], unseen: frozenset[str], plan: Plan, folder: Path
) -> dict[str, list[Entry]]:
    """Return what teaches and what is held out, as `split.csv` has it if that is there.

    `unseen` are the molecules of the evaluation sets.

    Raises
    ------
    InputError
        if `split.csv` is that of other reactions.
    """
    file = folder / "split.csv"
    if not file.exists():
        parts = split(entries, unseen, plan.share, plan.seed)
        rows = [{"reaction": n, "part": part} for part, names in parts.items() for n in names]
        write_rows(str(file), ["reaction", "part"], rows)
    of, rows = {entry.name: entry for entry in entries}, list(read_rows(str(file)))
    if {row["reaction"] for row in rows} != of.keys():
        raise InputError(
            f"{file}: is of other reactions than these. Choose another --output, or remove it."
        )
    return {
        part: [of[row["reaction"]] for row in rows if row["part"] == part]
        for part in (TAUGHT, HELD_OUT)
    }


def first_lesson(entry: Entry, plan: Plan) -> Lesson:
    """Pay for a reaction's geometries along its paths."""
    return along_paths(
        reaction_of(entry), TEACHER, plan.frames, plan.turns, seeded(entry, plan.seed)
    )


def analogue_lesson(entry: Entry, plan: Plan) -> Lesson:
    """Pay for an analogue of a reaction: for its ends, and along its paths.

    Raises
    ------
    SCFFailure
        where an end has no energy, or one that is far too high: nothing says then what it is.
    """
    rng = seeded(entry, plan.seed)
    reaction, paid = analogue(reaction_of(entry), TEACHER, rng)
    lesson = along_paths(reaction, TEACHER, plan.frames, plan.turns, rng)
    if not np.array_equal(lesson.positions[:2], reaction.ends):
        raise SCFFailure("an end of the analogue is of no use")
    return replace(lesson, paid=lesson.paid + paid)


def further_lesson(entry: Entry, plan: Plan, ensemble: Path) -> Lesson:
    """Pay for what the ensemble in a file asks for."""
    learned = PotentialSpec("learned", {"weights": str(ensemble)})
    return where_it_leads(
        reaction_of(entry), TEACHER, learned, plan.asked, seeded(entry, plan.seed)
    )


def seeded(entry: Entry, seed: int) -> np.random.Generator:
    """Return the random numbers of one reaction."""
    return np.random.default_rng([seed, *entry.name.encode()])


def gathered(
    entries: list[Entry], folder: Path, cores: int, lesson: Callable[[Entry], Lesson]
) -> list[Path]:
    """Have a lesson made of each reaction, on all cores; return the files of those there are."""
    missing = [entry for entry in entries if not _file(folder, entry).exists()]
    make = partial(_made, lesson=lesson, folder=folder)
    with ExitStack() as stack:
        each = map
        if cores > 1 and missing:
            each = stack.enter_context(processes(cores)).map
        for done, failure in enumerate(each(make, missing), start=1):
            if failure or done % 50 == 0:
                print(f"{folder.name}: {done} of {len(missing)}. {failure}", file=sys.stderr)
    files = [_file(folder, entry) for entry in entries]
    return [file for file in files if file.exists()]


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


class Teaching:
    """A run in its folder: which lessons teach whom."""

    def __init__(self, folder: Path, plan: Plan, cores: int, unseen: frozenset[str]):
        self.folder, self.plan, self.cores, self.unseen = folder, plan, cores, unseen
        self.log: list[dict] = []
        self.paid = 0

    def lessons(
        self, kind: str, of: list[Entry], lesson: Callable[[Entry], Lesson], *, taught: bool
    ) -> list[Path]:
        """Return the files of lessons of a kind, made where they are not there.

        What is `taught` is on the bill, what measures is not.
        """
        made = gathered(of, self.folder / f"lessons-{kind}", self.cores, lesson)
        if taught:
            self.paid += sum(Lesson.read(file).paid for file in made)
        return made

    def analogues(self, of: list[Entry], seen: frozenset[str], *, taught: bool) -> list[Path]:
        """Return the files of analogues none of whose molecules is on the other side."""
        make = partial(analogue_lesson, plan=self.plan)
        made = self.lessons("analogues", of, make, taught=taught)
        return [file for file in made if not molecules_in([file]) & (seen | self.unseen)]

    def course(self, of: str, turn: int, k: int, lessons, held_out, epochs: int) -> Course:
        """Return the course of member k of a round, or of a part of the reactions."""
        last = self.folder / f"round-{turn - 1}" / f"member-{k}.safetensors"
        return Course(
            self.folder / of,
            turn,
            k,
            tuple(lessons),
            tuple(held_out),
            training.Pace(epochs),
            self.plan.seed + 1000 * turn + k,
            last if turn else None,
        )

    def follow(self, courses: list[Course], shape: Shape) -> Ensemble:
        """Have all of them followed; the log is that of all courses until now."""
        self.log += followed(courses, shape, self.cores)
        write_rows(str(self.folder / "log.csv"), LOG, self.log)
        return ensemble_of(courses, shape)


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

    `first` makes the lessons of the first round, by default along geodesic paths. The elements and
    the charges of the shape are those of the lessons.

    Raises
    ------
    InputError
        for a plan that teaches nothing, or where another process teaches in the folder.
    """
    if min(plan.rounds, plan.members, plan.epochs, plan.again) < 1:
        raise InputError("rounds, members, epochs and again must be at least 1.")
    folder.mkdir(parents=True, exist_ok=True)
    first = first or partial(first_lesson, plan=plan)
    with only_run(folder, LOCK):
        return _taught(source, unseen, plan, shape, folder, cores, first)


def _taught(source: str, unseen: list[str], plan: Plan, shape: Shape, folder, cores, first) -> Path:
    _same_plan(folder / "plan.json", plan, shape)
    foreign = [molecules(entry) for one in unseen for entry in read_set(Path(one).stem, one)]
    run = Teaching(folder, plan, cores, frozenset().union(*foreign))
    parts = divided(read_entries(source, folder), run.unseen, plan, folder)
    teaching, tested = parts[TAUGHT][: plan.reactions or None], parts[HELD_OUT][: plan.tested]
    taught = first_round = run.lessons("0", teaching, first, taught=True)
    held_out = {card.HELD_OUT: run.lessons("0", tested, first, taught=False)}
    if plan.analogues:
        apart = _molecules_of(parts[HELD_OUT])
        others = run.analogues(teaching[: plan.analogues], apart, taught=True)
        seen = _molecules_of(parts[TAUGHT]) | molecules_in(others)
        few = tested[: plan.analogues // 10]
        held_out[card.ANALOGUES] = run.analogues(few, seen, taught=False)
        taught = first_round = mixed(taught, others)
    shape = shape_of(shape, read_of_use(taught))
    held_out = {kind: known_to(shape, files) for kind, files in held_out.items()}
    measured = {kind: read_of_use(files) for kind, files in held_out.items()}
    file = folder / "learned.safetensors"

    def further(ensemble: Path) -> Callable[[Entry], Lesson]:
        return partial(further_lesson, plan=plan, ensemble=ensemble)

    for turn in range(plan.rounds):
        if turn:
            last = weights_of(folder / f"round-{turn - 1}")
            asking = teaching[: plan.asking or None]
            asked = run.lessons(str(turn), asking, further(last), taught=True)
            taught = taught + asked
        epochs = plan.again if turn else plan.epochs
        courses = [
            run.course(f"round-{turn}", turn, k, taught, held_out[card.HELD_OUT], epochs)
            for k in range(plan.members)
        ]
        ensemble, kept = run.follow(courses, shape), weights_of(folder / f"round-{turn}")
        weights.save(kept, ensemble, {})
        led = run.lessons(f"led-{turn}", tested, further(kept), taught=False)
        of_turn = measured | {card.LED: read_of_use(led)}
        facts = card.facts(ensemble, taught, of_turn, run.log, run.paid)
        weights.save(kept, ensemble, facts)
    weights.save(file, ensemble, facts)
    courses = [
        run.course(
            f"part-{part}",
            0,
            0,
            first_round[: max(len(first_round) // part, 1)],
            held_out[card.HELD_OUT],
            round(plan.epochs * part**0.5),
        )
        for part in plan.parts
    ]
    run.follow(courses, shape)
    for course in courses:
        one, files = ensemble_of([course], shape), list(course.lessons)
        paid = sum(Lesson.read(file).paid for file in files)
        weights.save(weights_of(course.folder), one, card.facts(one, files, measured, [], paid))
    card.write(folder, facts, run.log)
    return file


def mixed(files: list[Path], others: list[Path]) -> list[Path]:
    """Return files, each followed by that of its analogue: any part has its share of those."""
    of = {file.name: file for file in others}
    pairs = [(file, of.get(file.name)) for file in files]
    return [one for pair in pairs for one in pair if one is not None]


def shape_of(shape: Shape, lessons: list[Lesson]) -> Shape:
    """Return a shape for the elements and charges of lessons, and for no others.

    Raises
    ------
    InputError
        if there are none.
    """
    if not lessons:
        raise InputError("nothing can be taught: of no reaction that may teach there is a lesson.")
    elements = {int(z) for lesson in lessons for z in lesson.numbers}
    charges = {lesson.charge for lesson in lessons}
    return replace(shape, elements=tuple(sorted(elements)), charges=tuple(sorted(charges)))


def known_to(shape: Shape, files: list[Path]) -> list[Path]:
    """Return the lessons whose elements and charge a shape has: the others measure nothing."""
    return [
        file
        for file, q in zip(files, map(Lesson.read, files), strict=True)
        if set(q.numbers.tolist()) <= set(shape.elements) and q.charge in shape.charges
    ]


def molecules_in(files: list[Path]) -> frozenset[str]:
    """Return the molecules of the ends that lessons begin with."""
    ends = ((q.numbers, x) for q in map(Lesson.read, files) for x in q.positions[:2])
    return of_geometries(ends)


def _molecules_of(entries: list[Entry]) -> frozenset[str]:
    return frozenset().union(*map(molecules, entries))


def weights_of(folder: Path) -> Path:
    """Return the file of a round's ensemble."""
    return folder / "ensemble.safetensors"


def _same_plan(file: Path, plan: Plan, shape: Shape) -> None:
    """Refuse a folder in which another plan was begun: what it holds would be mixed with this."""
    wanted = json.loads(json.dumps({"plan": vars(plan), "shape": vars(shape)}))
    if not file.exists():
        with whole(file) as unfinished:
            unfinished.write_text(json.dumps(wanted, indent=1), encoding="utf-8")
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
