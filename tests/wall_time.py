"""Wall time of one workload on one core, on two, and on two SLURM nodes of one core.

`make bench-slurm` runs it; nothing else should run on the machine. It prints a table in Markdown:
the wall clock; its ratio to that of `--cores 2`; the jobs that compute (those of `ISOLATED`), and
what the clocks of all jobs add up to; and the share of the cores' time that went into anything but
jobs (planning, waiting, status checks), and into the start of the jobs that compute.
"""

import argparse
import csv
import os
import shutil
import time
from pathlib import Path

import yaml
from repository_copy import Copy
from slurm_lab import PROFILE, Slurm

METHODS = {
    "neb": {"solver": "neb"},
    "string": {"solver": "string"},
    "gad": {"solver": "gad"},
    "neural-maxflux": {"solver": "neural", "loss": "maxflux"},
    "neural-surrogate": {"solver": "neural-surrogate"},
}
LAYOUTS = {"1 core": 1, "2 cores": 2, "2 SLURM nodes of 1 core": 2}
ISOLATED = ("endpoints", "guess", "solve", "judge")  # rules that start workers


def run(copy: Copy, layout: str, config: dict, slurm: Slurm | None) -> float:
    """Run the workflow in a fresh results folder; return seconds."""
    copy.configure(config)
    if slurm is not None:
        where, environment = ["--profile", PROFILE], slurm.client
    else:
        where = ["--keep-going", "--scheduler", "greedy", "--cores", str(LAYOUTS[layout])]
        environment = {}
    begin = time.monotonic()
    process = copy.start(*copy.command(*where, "--quiet", "rules"), environment=environment)
    printed, _ = process.communicate()
    assert process.returncode == 0, printed[-5000:]
    return time.monotonic() - begin


def seconds(files: list[Path]) -> list[float]:
    """What Snakemake's benchmark files say that their jobs took."""
    rows = [row for f in files for row in csv.DictReader(f.open(), delimiter="\t")]
    return [float(row["s"]) for row in rows]


def start_up(results: Path) -> float:
    """Seconds of a job beyond its computing: what a solve job takes beyond its paths."""
    with (results / "runs.csv").open(encoding="utf-8") as file:
        paths = sum(float(row["wall_path_s"] or 0) for row in csv.DictReader(file))
    solve = seconds([*(results / "benchmarks" / "solve").rglob("*.tsv")])
    return (sum(solve) - paths) / len(solve)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--set", default="textbook", help="a shipped set or a path")
    parser.add_argument("--reactions-per-job", type=int, default=24)
    parser.add_argument("--layouts", nargs="+", choices=LAYOUTS, default=list(LAYOUTS))
    parser.add_argument("--config", help="another workload: its sets and methods")
    arguments = parser.parse_args()
    config = {
        "sets": {"set": arguments.set},
        "methods": METHODS,
        "reactions_per_job": arguments.reactions_per_job,
    }
    if arguments.config:
        config = yaml.safe_load(Path(arguments.config).read_text(encoding="utf-8"))
    folder = Path("/tmp") / f"mepbench-wall-{os.getpid()}"
    copy = Copy(folder / "copy")
    slurm = None
    walls = {}
    print("| where | wall clock (s) | to 2 cores | jobs | in jobs (s) | not in jobs | start-up |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    try:
        for number, layout in enumerate(arguments.layouts):
            if "SLURM" in layout:
                slurm = Slurm(folder / "slurm")
                slurm.lab("up")
            results = copy.folder / f"run{number}"
            wall = run(copy, layout, {**config, "results": results.name}, slurm)
            walls[layout] = wall
            benchmarks = results / "benchmarks"
            in_jobs = sum(seconds([*benchmarks.rglob("*.tsv")]))
            jobs = sum(len([*(benchmarks / rule).rglob("*.tsv")]) for rule in ISOLATED)
            of_cores = LAYOUTS[layout] * wall
            ratio = f"{wall / walls['2 cores']:.2f}" if "2 cores" in walls else "–"
            print(
                f"| {layout} | {wall:.0f} | {ratio} | {jobs} | {in_jobs:.0f} "
                f"| {1 - in_jobs / of_cores:.1%} | {jobs * start_up(results) / of_cores:.1%} |",
                flush=True,
            )
    finally:
        if slurm is not None:
            slurm.lab("down")
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
