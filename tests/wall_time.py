"""Wall time of one workload on one core, on two, and on two SLURM nodes of one core.

`make bench-slurm` runs it; nothing else should run on the machine. It prints a table in Markdown:
the wall clock; its ratio to that of `--cores 2`; what the jobs' own clocks add up to; and the
share of the cores' time that was spent on anything but jobs (planning, waiting, status checks),
and on the jobs' start-up.
"""

import argparse
import csv
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import yaml
from repository_copy import Copy
from slurm_lab import Slurm

PROFILE = "workflow/profiles/slurm"
METHODS = {
    "neb": {"solver": "neb"},
    "string": {"solver": "string"},
    "gad": {"solver": "gad"},
    "neural-maxflux": {"solver": "neural", "loss": "maxflux"},
    "neural-surrogate": {"solver": "neural-surrogate"},
}
LAYOUTS = {"1 core": 1, "2 cores": 2, "2 SLURM nodes of 1 core": 2}


def run(copy: Copy, layout: str, results: str, config: dict, slurm: Slurm | None) -> float:
    """Run the workflow in a fresh results folder; return seconds."""
    copy.configure({**config, "results": results})
    environment = copy.environment
    if slurm is not None:
        arguments = ["--profile", PROFILE]
        environment |= {name: slurm.environment[name] for name in ("PATH", "SLURM_CONF")}
    else:
        arguments = ["--keep-going", "--scheduler", "greedy", "--cores", str(LAYOUTS[layout])]
    command = [sys.executable, "-m", "snakemake", *arguments, "--configfile", "test.yaml"]
    command += ["--replace-workflow-config", "--quiet", "rules", "host"]
    begin = time.monotonic()
    with (copy.folder / f"{results}.log").open("w") as log:
        subprocess.run(
            command, cwd=copy.folder, env=environment, stdout=log, stderr=log, check=True
        )
    return time.monotonic() - begin


def seconds_of_jobs(results: Path) -> tuple[float, int]:
    """What Snakemake's benchmark files say that the jobs took, and how many there were."""
    files = list((results / "benchmarks").rglob("*.tsv"))
    rows = [row for f in files for row in csv.DictReader(f.open(), delimiter="\t")]
    return sum(float(row["s"]) for row in rows), len(rows)


def start_up(copy: Copy) -> float:
    """Seconds that a job needs before it computes: a Python with all that a solver imports."""
    code = "import mepbench.jobs.stages, mepbench.jobs.worker, mepbench.neural.solver"
    begin = time.monotonic()
    subprocess.run([sys.executable, "-c", code], env=copy.environment, check=True)
    return time.monotonic() - begin


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--set", default="textbook", help="a shipped set or a path")
    parser.add_argument("--layouts", nargs="+", choices=LAYOUTS, default=list(LAYOUTS))
    parser.add_argument("--config", help="another workload: its sets and methods")
    arguments = parser.parse_args()
    config = {"sets": {"set": arguments.set}, "methods": METHODS}
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
            walls[layout] = wall = run(copy, layout, f"run{number}", config, slurm)
            in_jobs, jobs = seconds_of_jobs(copy.folder / f"run{number}")
            cores = LAYOUTS[layout]
            ratio = f"{wall / walls['2 cores']:.2f}" if "2 cores" in walls else "–"
            print(
                f"| {layout} | {wall:.0f} | {ratio} | {jobs} | {in_jobs:.0f} "
                f"| {1 - in_jobs / (cores * wall):.1%} "
                f"| {jobs * start_up(copy) / (cores * wall):.1%} |",
                flush=True,
            )
    finally:
        if slurm is not None:
            slurm.lab("down")
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
