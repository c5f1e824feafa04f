"""Members of an ensemble: each is taught in a process of its own, and kept after every epoch."""

import multiprocessing
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ..files.tidy import write_rows
from ..jobs.worker import die_with
from ..learned.network import Ensemble, Shape
from . import training
from .lessons import read_of_use

LOG = "round taught member epoch seconds loss force_error energy_error".split()


@dataclass(frozen=True)
class Course:
    """What one member is taught, and where that is kept.

    Attributes
    ----------
    folder, turn, member : its checkpoint is `folder`/member-k.safetensors, its log .csv
    lessons, held_out : files; what it is taught, and what it is measured on after each epoch
    pace : epochs, rate and batches
    seed : of its random beginning, and of the order of lessons
    begin : the checkpoint that it goes on from; a random network by default
    """

    folder: Path
    turn: int
    member: int
    lessons: tuple[Path, ...]
    held_out: tuple[Path, ...]
    pace: training.Pace
    seed: int
    begin: Path | None = None

    @property
    def checkpoint(self) -> Path:
        """Its file."""
        return self.folder / f"member-{self.member}.safetensors"

    def keep(self, log: list[dict], lessons: int) -> list[dict]:
        """Write a log beside the checkpoint; return its rows."""
        about = {"round": self.turn, "taught": lessons, "member": self.member}
        rows = [about | row for row in log]
        write_rows(str(self.checkpoint.with_suffix(".csv")), LOG, rows)
        return rows


def follow(course: Course, shape: Shape) -> list[dict]:
    """Teach a member, as far as that was not done before; return its log."""
    lessons, held_out = read_of_use(course.lessons), read_of_use(course.held_out)

    def told(log: list[dict]) -> None:
        rows = course.keep(log, len(lessons))
        print(f"{course.folder.name}: {rows[-1]}", file=sys.stderr, flush=True)

    begin = None if course.begin is None else training.of_checkpoint(course.begin, shape)
    _, log = training.taught(
        course.checkpoint, shape, lessons, held_out, course.pace, course.seed, begin, told
    )
    return course.keep(log, len(lessons))


def followed(courses: list[Course], shape: Shape, cores: int) -> list[dict]:
    """Teach members, side by side where there are cores; return their logs, one after another."""
    if cores == 1 or len(courses) < 2:
        logs = [follow(course, shape) for course in courses]
    else:
        at_once = min(cores, len(courses))
        with processes(at_once, threads=cores // at_once) as pool:
            logs = list(pool.map(partial(follow, shape=shape), courses))
    return [row for log in logs for row in log]


def ensemble_of(courses: list[Course], shape: Shape) -> Ensemble:
    """Return the members that finished courses have left."""
    ensemble = Ensemble(shape, 0)
    for course in courses:
        ensemble.members.extend(training.of_checkpoint(course.checkpoint, shape).members)
    return ensemble


def processes(count: int, threads: int = 1) -> ProcessPoolExecutor:
    """Return a pool of fresh processes: a fork of one in which torch has threads may hang."""
    spawn = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(count, spawn, initializer=_begin, initargs=(threads, os.getpid()))


def _begin(threads: int, parent: int) -> None:
    import torch

    die_with(parent)  # or they would go on beside those of the next run
    torch.set_num_threads(threads)
