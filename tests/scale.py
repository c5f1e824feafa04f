"""How the workflow itself scales: planning and collecting, with the chemistry left out.

    python tests/scale.py [--reactions 100 1000 5000 20000]

plans the DAG of N reactions and eight methods in at most 200 jobs a method. Then it makes up what
one job leaves (14 atoms; 16 checkpoints and a path of 41 frames a run), scores it, copies it under
the names of all other jobs, and collects them, writes tables and report, draws figures. Seconds of
wall clock (of CPU in brackets: a busy machine adds little to these), and the largest memory of the
process.
`make bench-scale`; the table stands in docs/scaling.md.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from multiprocessing import get_context
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from ase.build import molecule

from mepbench.files.columns import JUDGED_COLUMNS
from mepbench.files.frames import frame, frames_text, write_frames
from mepbench.files.shipped import ROOT
from mepbench.files.tidy import PROFILE_COLUMNS, TRACE_COLUMNS, write_rows
from mepbench.oracle import PotentialSpec
from mepbench.reporting.figures import figure_files
from mepbench.scoring.gather import collect, score_job

JOBS, CHECKPOINTS, FRAMES = 200, 16, 41
BUTANE = molecule("trans-butane")
NUMBERS = BUTANE.numbers
METHODS = [f"method-{letter}" for letter in "abcdefgh"]
FIRST = "job000"


class Run:
    """A made-up run of `reactions` reactions, a multiple of the number of jobs, in `folder`."""

    def __init__(self, folder: Path, reactions: int):
        self.folder, self.results = folder, folder / "results"
        self.jobs = [f"job{at:03d}" for at in range(min(reactions, JOBS))]
        self.per_job = reactions // len(self.jobs)
        self.rng = np.random.default_rng(0)
        noise = self.rng.normal(scale=0.05, size=(self.per_job, 2, len(NUMBERS), 3))
        self.ends = (BUTANE.positions + noise).round(6)

    def write_set(self) -> Path:
        """Write the set of reactions and a config; return the latter."""
        file, config = self.folder / "set.xyz", self.folder / "config.yaml"
        frames = [
            frame(NUMBERS, x, reaction=f"{FIRST}-{at}", role=role)
            for at, pair in enumerate(self.ends)
            for role, x in zip(("reactant", "product"), pair, strict=True)
        ]
        text = frames_text(frames)
        with file.open("w", encoding="utf-8") as target:
            target.writelines(text.replace(FIRST, job) for job in self.jobs)
        methods = "".join(f"  {name}: {{solver: guess-only}}\n" for name in METHODS)
        config.write_text(
            f"sets: {{big: {file}}}\nreactions_per_job: {self.per_job}\n"
            f"methods:\n{methods}results: {self.results}\n",
            encoding="utf-8",
        )
        return config

    def file(self, kind: str, job: str, method: str = "") -> Path:
        """Return the path of a job's file; `kind` is its folder and its suffix."""
        folder, suffix = kind.split(".")
        return self.results / "sets" / "big" / folder / method / f"{job}.{suffix}"

    def files(self, kind: str, methods: list[str]) -> list[str]:
        """Return the paths of all jobs' files."""
        return [str(self.file(kind, job, method)) for method in methods for job in self.jobs]

    def write_jobs(self) -> float:
        """Write all that the jobs leave; return the seconds that one took to be scored."""
        pairs = list(enumerate(self.ends))
        common = {"set": "big", "energy": 0.0, "gradient": self.ends[0, 0]}
        ends = [
            frame(NUMBERS, x, reaction=f"{FIRST}-{at}", role=role, **common)
            for at, pair in pairs
            for role, x in zip(("reactant", "product"), pair, strict=True)
        ]
        write_frames(self.file("endpoints.xyz", FIRST), ends)
        for method in METHODS:
            common |= {"method": method, "seed": 0, "arrays": {"mode": self.ends[0, 1]}}
            saddles = [
                frame(NUMBERS, x, reaction=f"{FIRST}-{at}", role=role, **common)
                for at, pair in pairs
                for role, x in zip(("peak", "saddle"), pair, strict=True)
            ]
            write_frames(self.file("saddles.xyz", FIRST, method), saddles)
            write_frames(self.file("irc.xyz", FIRST, method), [])
            for kind, columns, rows in (
                ("runs.csv", JUDGED_COLUMNS, self._runs),
                ("traces.csv", TRACE_COLUMNS, self._traces),
                ("profiles.csv", PROFILE_COLUMNS, self._profiles),
            ):
                key = {"set": "big", "method": method, "seed": 0}
                found = [
                    {**key, "reaction": f"{FIRST}-{at}", **row}
                    for at in range(self.per_job)
                    for row in rows()
                ]
                write_rows(str(self.file(kind, FIRST, method)), columns, found)
        start = time.perf_counter()
        self._score()
        seconds = time.perf_counter() - start
        for file in sorted(self.results.rglob(f"{FIRST}.*")):
            text = file.read_text(encoding="utf-8")
            for job in self.jobs[1:]:
                copy = file.with_name(file.name.replace(FIRST, job))
                copy.write_text(text.replace(FIRST, job), encoding="utf-8")
        return seconds

    def _runs(self) -> Iterator[dict]:
        seconds = [column for column in JUDGED_COLUMNS if column.endswith("_s")]
        chance = map(float, self.rng.uniform(size=3))
        barrier = 0.5 + next(chance)
        yield dict(zip(seconds, map(float, self.rng.uniform(size=len(seconds))), strict=True)) | {
            "guess": "geodesic",
            "refiner": "sella",
            "natoms": len(NUMBERS),
            "formula": "C4H10",
            "charge": 0,
            "multiplicity": 1,
            "verdict": "intended" if next(chance) < 0.8 else "half-intended",
            "reason": "as good as any other sentence of some sixty letters would be here",
            "barrier_eV": barrier,
            "path_barrier_eV": barrier + 0.01,
            "guess_barrier_eV": 2 * barrier,
            "tangency_defect_eV": next(chance),
            "excess_eV": 0.0,
            "gradients_path": int(self.rng.integers(10, 1000)),
            "gradients_refine": int(self.rng.integers(10, 100)),
            "gradients_verify": 300,
            "potential": "GFN2-xTB",
            "backend": "xtb-python",
            "bonds_changed": int(self.rng.integers(1, 6)),
        }

    def _traces(self) -> Iterator[dict]:
        for at, (barrier, residual) in enumerate(self.rng.uniform(size=(CHECKPOINTS, 2)), start=1):
            row = {"evaluations": 9 * at, "rounds": at, "seconds": 0.01 * at}
            yield row | {"barrier_eV": float(barrier), "residual": float(residual)}

    def _profiles(self) -> Iterator[dict]:
        places = np.linspace(0.0, 1.0, FRAMES)
        for s, energy in zip(places, self.rng.uniform(size=FRAMES), strict=True):
            yield {"s": float(s), "arc_length_A": float(5 * s), "energy_eV": float(energy)}

    def _score(self) -> None:
        """Score one job, as the rule `score` does."""
        inputs, outputs = SimpleNamespace(), SimpleNamespace()
        inputs.endpoints = str(self.file("endpoints.xyz", FIRST))
        for kind in ("runs.csv", "saddles.xyz", "irc.xyz"):
            files = [str(self.file(kind, FIRST, method)) for method in METHODS]
            setattr(inputs, kind.split(".")[0], files)
        inputs.mechanisms = []
        outputs.runs = [str(self.file("scored.csv", FIRST, method)) for method in METHODS]
        for name, kind in REFERENCE.items():
            setattr(outputs, name, str(self.file(kind, FIRST)))
            self.file(kind, FIRST).parent.mkdir(parents=True, exist_ok=True)
        score_job(inputs, outputs, None, PotentialSpec("xtb-python"))

    def collect(self) -> None:
        """Collect all jobs, as the rule `collect` does."""
        inputs, outputs = SimpleNamespace(shipped=[], endpoint_rows=[]), SimpleNamespace()
        inputs.runs = self.files("scored.csv", METHODS)
        for kind in ("traces.csv", "profiles.csv", "saddles.xyz"):
            setattr(inputs, kind.split(".")[0], self.files(kind, METHODS))
        for name, kind in REFERENCE.items():
            setattr(inputs, name, self.files(kind, [""]))
        inputs.endpoints = self.files("endpoints.xyz", [""])
        inputs.steps = inputs.step_frames = inputs.ways = []
        for name in "runs traces profiles chains ways reference".split():
            setattr(outputs, name, str(self.results / f"{name}.csv"))
        outputs.chain_frames = str(self.results / "chains.xyz")
        outputs.saddles = str(self.results / "saddles.xyz")
        outputs.reference_frames = str(self.results / "reference.xyz")
        outputs.reference_irc = str(self.results / "reference_irc.xyz")
        outputs.provenance = str(self.results / "provenance.json")
        collect(inputs, outputs, ROOT, {}, {}, {})


REFERENCE = {
    "reference": "reference.csv",
    "reference_frames": "reference.xyz",
    "reference_irc": "reference_irc.xyz",
    "reference_profiles": "reference_profiles.csv",
}


def dry_run(config: Path) -> None:
    """Let Snakemake plan the DAG."""
    snakefile = str(ROOT / "Snakefile")
    command = [sys.executable, "-m", "snakemake", "--dry-run", "--quiet", "all"]
    command += ["--snakefile", snakefile, "--configfile", str(config), "--replace-workflow-config"]
    subprocess.run(command, check=True, cwd=config.parent, stdout=subprocess.DEVNULL)


def write_tables(results: Path) -> None:
    """Write the tables, as the rule `tables` does."""
    from mepbench.reporting.tables import write_tables_of

    write_tables_of(results, results / "tables")


def write_report(results: Path) -> None:
    """Write the report's pages, as the rule `report` does."""
    from mepbench.reporting.report import build

    build(results, results / "report")


def draw_figure(name: str, results: Path) -> None:
    """Draw one figure, as the rule `figure` does."""
    from mepbench.reporting.figures import Results, render

    render(name, Results(results), results / "figures")


def cost(function: Callable, *arguments: object) -> str:
    """Call a function in a process of its own; say its seconds and MB, imports included."""
    context = get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_measured, args=(sender, function, arguments))
    start = time.perf_counter()
    process.start()
    sender.close()
    seconds, kilobytes = receiver.recv()  # EOFError, if it has failed
    process.join()
    wall = time.perf_counter() - start
    return f"{wall:.1f} s ({seconds:.1f}), {kilobytes / 1024:.0f} MB"


def _measured(sender, function: Callable, arguments: tuple) -> None:
    function(*arguments)
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    seconds = sum(each.ru_utime + each.ru_stime for each in used)
    sender.send((seconds, max(each.ru_maxrss for each in used)))


def main(arguments: list[str] | None = None) -> None:
    """Print one row for each number of reactions."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--reactions", type=int, nargs="+", default=[100, 1000, 5000, 20000])
    parser.add_argument("--figures", nargs="*", default=sorted(figure_files()))
    options = parser.parse_args(arguments)
    head = ["reactions", "jobs", "plan", "score one job", "collect", "tables", "report"]
    head += options.figures
    print("| " + " | ".join([*head, "files in a folder"]) + " |", flush=True)
    print("| --- " * (len(head) + 1) + "|", flush=True)
    for reactions in options.reactions:
        if reactions > JOBS and reactions % JOBS:
            parser.error(f"--reactions: {reactions} is not a multiple of {JOBS}")
        with tempfile.TemporaryDirectory(prefix="mepbench-scale-") as folder:
            run = Run(Path(folder), reactions)
            costs = [cost(dry_run, run.write_set())]
            scored = run.write_jobs()
            costs += [cost(run.collect), cost(write_tables, run.results)]
            costs += [cost(write_report, run.results)]
            costs += [cost(draw_figure, name, run.results) for name in options.figures]
            # Each job is solved and judged by eight methods, has endpoints, a guess and a score.
            jobs = len(run.jobs) * (2 * len(METHODS) + 3)
            fullest = max(len(files) for _, _, files in os.walk(run.results))
        row = [str(reactions), str(jobs), costs[0], f"{scored:.1f} s", *costs[1:], str(fullest)]
        print("| " + " | ".join(row) + " |", flush=True)


if __name__ == "__main__":
    main()
