"""How far a run is, by what its jobs have left on the disk: nothing asks Snakemake.

A job writes its table at its end, and has a line in its journal for each reaction that is
finished before. What Snakemake will make anew counts only once it is new (`jobs.plan`).
"""

import csv
import io
import os
import time
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace

from ..config import Config
from ..errors import REFUSED
from ..files.columns import (
    ENDPOINT_COLUMNS,
    JUDGED_COLUMNS,
    MECHANISM_COLUMNS,
    SOLVED_COLUMNS,
)
from ..files.tidy import number, read_rows
from ..jobs.journal import SUFFIX, follow

ENDS, SOLVE, JUDGE, MECHANISM = "endpoints", "solve", "judge", "mechanism"


@dataclass(frozen=True)
class Stage:
    """A rule's tables: where they lie, what its journals call them, what of a row says what.

    Attributes
    ----------
    folder, kind, columns : of the tables
    evaluations, seconds : the columns that are its cost
    outcome : the column that says how a task has ended
    """

    folder: str
    kind: str
    columns: tuple[str, ...]
    evaluations: tuple[str, ...]
    seconds: tuple[str, ...]
    outcome: str = "verdict"


STAGES = {
    ENDS: Stage("endpoints", "rows", ENDPOINT_COLUMNS, ("evaluations",), ("seconds",)),
    SOLVE: Stage("solved", "rows", SOLVED_COLUMNS, ("gradients_path",), ("wall_path_s",)),
    JUDGE: Stage(
        "runs",
        "runs",
        JUDGED_COLUMNS,
        ("gradients_refine", "gradients_verify"),
        ("wall_refine_s", "wall_verify_s"),
    ),
    MECHANISM: Stage(
        "mechanisms",
        "rows",
        MECHANISM_COLUMNS,
        ("gradients_path", "gradients_refine", "gradients_verify"),
        ("wall_path_s", "wall_refine_s", "wall_verify_s"),
        outcome="complete",
    ),
}


@dataclass
class Job:
    """One job of a stage: its table, its journal, and what was read of them so far.

    A mechanism job has as many of the `tasks` as its runs leave unsolved.
    """

    stage: str
    method: str
    table: str
    journal: str
    tasks: int
    outcomes: Counter = field(default_factory=Counter)
    evaluations: float = 0.0
    seconds: float = 0.0
    complete: bool = False
    read: int = 0  # bytes of the journal

    @property
    def done(self) -> int:
        """Number of its reactions and seeds that are finished."""
        return self.outcomes.total()

    def look(self, outdated: bool) -> None:
        """Read what is new; `outdated`: the table that is there will be made anew."""
        if os.path.exists(self.table):
            self._forget()
            if not outdated:
                self._count(read_rows(self.table))
            some = self.stage == MECHANISM and not outdated
            self.complete = some or self.done >= self.tasks  # else it is being written
            return
        try:
            size = os.stat(self.journal).st_size
            if size < self.read:
                self._forget()  # the job found its journal made by other code
            if size > self.read:
                texts, self.read = follow(self.journal, self.read)
                stage = STAGES[self.stage]
                rows = io.StringIO("".join(text[stage.kind] for text in texts), newline="")
                self._count(csv.DictReader(rows, stage.columns))
        except FileNotFoundError:
            self._forget()

    def _forget(self) -> None:
        self.outcomes, self.evaluations, self.seconds, self.read = Counter(), 0.0, 0.0, 0

    def _count(self, rows) -> None:
        stage = STAGES[self.stage]
        for row in rows:
            self.outcomes[row[stage.outcome]] += 1
            self.evaluations += sum(number(row[c]) for c in stage.evaluations if row[c])
            self.seconds += sum(number(row[c]) for c in stage.seconds if row[c])


@dataclass(frozen=True)
class Standing:
    """How far a run is.

    Attributes
    ----------
    ends, methods : (finished, all) reactions, and runs (reactions and seeds) of each method
    unsolved : finished runs that are not `intended`, those of refused endpoints apart
    refused : reactions whose endpoints were refused
    rate : gradient evaluations a second since the run was begun; None while there are none
    left : seconds to go, None where nothing tells
    mechanisms : of the unsolved runs, those whose steps were searched
    searching : whether steps are to be searched still
    """

    ends: tuple[int, int]
    methods: dict[str, tuple[int, int]]
    unsolved: int
    refused: int
    rate: float | None = None
    left: float | None = None
    mechanisms: int = 0
    searching: bool = False

    @property
    def runs(self) -> tuple[int, int]:
        """Finished runs, and all, of all methods."""
        done, every = zip(*self.methods.values(), strict=True)
        return sum(done), sum(every)


class Progress:
    """A run's jobs, looked at from time to time.

    Parameters
    ----------
    config : what is run
    planned : files that Snakemake will make anew
    """

    def __init__(self, config: Config, planned: Collection[str]):
        self.config = config
        self._outdated = {file: _changed(file) for file in planned}
        self._jobs = [job for name in config.sets for job in self._jobs_of(name, config.jobs[name])]
        self._read()
        self._begun, self._before = time.monotonic(), self._spent()

    def look(self) -> Standing:
        """Read what jobs have left since the last look."""
        self._read()
        elapsed = max(time.monotonic() - self._begun, 1e-3)
        evaluations, seconds = (n - b for n, b in zip(self._spent(), self._before, strict=True))
        rate = evaluations / elapsed if evaluations else None
        return replace(self._standing(), rate=rate, left=self._left(seconds / elapsed))

    def _read(self) -> None:
        for job in self._jobs:
            if not job.complete:
                job.look(self._stale(job.table))

    def _stale(self, file: str) -> bool:
        """Whether a file is one of those that will be made anew, and was not made since."""
        return file in self._outdated and _changed(file) in (None, self._outdated[file])

    def _jobs_of(self, name: str, jobs: dict[str, tuple[str, ...]]) -> Iterator[Job]:
        def made(stage: str, method: str, job: str, tasks: int) -> Job:
            at = f"{method}/{job}" if method else job
            results, folder = self.config.results, STAGES[stage].folder
            return Job(
                stage,
                method,
                table=f"{results}/sets/{name}/{folder}/{at}.csv",
                journal=f"{results}/logs/{stage}/{name}/{at}{SUFFIX}",
                tasks=tasks,
            )

        for job, reactions in jobs.items():
            yield made(ENDS, "", job, len(reactions))
            for method in self.config.methods.values():
                for stage in (SOLVE, JUDGE, MECHANISM):
                    yield made(stage, method.name, job, len(reactions) * len(method.seeds))

    def _spent(self) -> tuple[float, float]:
        """Evaluations and seconds of all that is finished."""
        return (
            sum(job.evaluations for job in self._jobs),
            sum(job.seconds for job in self._jobs),
        )

    def _standing(self) -> Standing:
        methods = {name: [0, 0] for name in self.config.methods}
        ends, verdicts, prepared = [0, 0], Counter(), Counter()
        for job in self._jobs:
            if job.stage in (SOLVE, MECHANISM):
                continue
            of, seen = (ends, prepared) if job.stage == ENDS else (methods[job.method], verdicts)
            of[0] += job.done
            of[1] += job.tasks
            seen.update(job.outcomes)
        refused = sum(verdicts[verdict] for verdict in REFUSED)
        return Standing(
            ends=tuple(ends),
            methods={name: tuple(of) for name, of in methods.items()},
            unsolved=verdicts.total() - verdicts["intended"] - refused,
            refused=sum(prepared[verdict] for verdict in REFUSED),
            mechanisms=sum(job.done for job in self._jobs if job.stage == MECHANISM),
            searching=not all(job.complete for job in self._jobs if job.stage == MECHANISM),
        )

    def _unsolved(self, method: str) -> float:
        """Share of a method's runs whose steps are searched."""
        verdicts = Counter()
        for job in self._jobs:
            if (job.stage, job.method) == (JUDGE, method):
                verdicts.update(job.outcomes)
        return 1 - verdicts["intended"] / verdicts.total() if verdicts else 0.0

    def _left(self, busy: float) -> float | None:
        """Seconds to go, if what is to be done takes as long as its like has, `busy` at a time."""
        done, todo, spent = defaultdict(int), defaultdict(int), defaultdict(float)
        for job in self._jobs:
            for kind in ((job.stage, job.method), (job.stage, None)):
                done[kind] += job.done
                spent[kind] += job.seconds
            left = 0 if job.complete else job.tasks - job.done
            todo[job.stage, job.method] += left
        work = 0.0
        for (stage, method), count in todo.items():
            if not count:
                continue
            known = next((k for k in ((stage, method), (stage, None)) if done[k]), None)
            if stage == MECHANISM:
                count *= self._unsolved(method)
                if known is None:
                    continue  # what steps cost, other stages don't tell
            elif known is None:
                return None
            work += count * spent[known] / done[known]
        return work / busy if busy > 0 else None if work else 0.0


def _changed(file: str) -> int | None:
    """When a file was written, ns; None if it is not there."""
    try:
        return os.stat(file).st_mtime_ns
    except OSError:
        return None
