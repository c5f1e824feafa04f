"""The workflow on a real SLURM: two nodes of one core each, on this host's loopback.

tests/slurm/install.sh installs it (Debian, root), tests/slurm/lab.sh starts and stops it.
"""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import yaml
from disturbed import SlowRun, copy_with_slow_method, interruptible
from repository_copy import ROOT
from slurm_lab import PROFILE, Slurm

from mepbench.scoring.score import read_runs

pytestmark = pytest.mark.xdist_group("slurm")

TWO = ["hcn-isomerisation", "ammonia-inversion"]


@pytest.fixture(scope="module")
def slurm(tmp_path_factory):
    if not all(map(shutil.which, ("slurmctld", "slurmd", "munged"))):
        pytest.skip("SLURM is not installed: tests/slurm/install.sh installs it (Debian, root)")
    if os.geteuid() != 0:
        pytest.skip("SLURM's daemons need root here")
    # Unix sockets have short paths.
    folder = Path("/tmp") / f"mepbench-slurm-{os.getpid()}"
    slurm = Slurm(folder)
    try:
        slurm.lab("up")
        yield slurm
    finally:
        slurm.lab("down")
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    return copy_with_slow_method(tmp_path_factory.mktemp("slurm") / "copy")


def start(copy, slurm, config: str, *arguments: str) -> subprocess.Popen:
    command = copy.command("--profile", PROFILE, *arguments, config=config)
    return copy.start(*command, environment=slurm.client)


class Run(SlowRun):
    """By Snakemake and SLURM."""

    def start(self, slurm, *arguments: str) -> subprocess.Popen:
        return start(self.copy, slurm, self.config, self.target, *arguments)


def finish(process: subprocess.Popen, seconds: float) -> None:
    """Wait for the end of a run, which must be a good one."""
    printed, _ = process.communicate(timeout=seconds)
    assert process.returncode == 0, printed[-5000:]


def processes_of(job: str) -> list[psutil.Process]:
    """The daemons of a job's steps, and all that they have started."""
    title = re.compile(rf"slurmstepd: \[{job}\.")
    everything = psutil.process_iter(["cmdline"])
    daemons = [p for p in everything if title.match(" ".join(p.info["cmdline"] or ()))]
    assert daemons, f"no process of job {job}"
    return [p for daemon in daemons for p in (daemon, *daemon.children(recursive=True))]


def test_the_workflow_runs_through_slurm_with_the_resources_it_asks_for(copy, slurm):
    config = {
        "sets": {"two": "textbook"},
        "select": TWO,
        "reactions_per_job": 1,
        "methods": {"geodesic": {"solver": "guess-only"}, "gad": {"solver": "gad"}},
        "results": "two",
    }
    copy.configure(config, "two.yaml")
    finish(start(copy, slurm, "two.yaml"), 900)
    runs = read_runs(copy.folder / "two" / "runs.csv")
    assert list(runs["verdict"]) == ["intended"] * 4
    assert (copy.folder / "two" / "report" / "index.html").exists()
    jobs = slurm.jobs()
    assert {job["JobState"] for job in jobs} == {"COMPLETED"}
    # 2 endpoints, 2 guesses, 4 solves, 4 judges, 4 mechanisms, 2 scores, the model surface;
    # what collects them runs here
    assert len(jobs) == 19
    assert {job["NumCPUs"] for job in jobs} == {"1"}
    assert {job["MinMemoryNode"] for job in jobs} <= {"1500M", "1000M", "500M"}
    assert {job["TimeLimit"] for job in jobs} <= {"00:30:00", "00:10:00"}
    # The table is that of a run without SLURM, but for seconds.
    same = [c for c in runs if not c.startswith(("wall_", "oracle_"))]
    copy.snakemake({**config, "results": "local"})
    local = read_runs(copy.folder / "local" / "runs.csv")
    assert runs[same].equals(local[same])


def test_mepbench_runs_from_an_empty_folder_by_the_profile_that_it_writes(slurm, tmp_path):
    config = {
        "sets": {"one": "textbook"},
        "select": TWO[:1],
        "methods": {"geodesic": {"solver": "guess-only"}},
        "report": False,
    }
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    mepbench = [sys.executable, "-c", "import sys; from mepbench.cli import main; sys.exit(main())"]
    environment = {**os.environ, **slurm.client}

    def run(*arguments: str) -> None:
        done = subprocess.run(
            [*mepbench, *arguments],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=600,
        )
        assert done.returncode == 0, (done.stdout + done.stderr)[-5000:]

    before = len(slurm.jobs())
    run("profile", "slurm")
    run("run", "mine.yaml", "--", "--profile", "profiles/slurm")
    assert list(read_runs(tmp_path / "results" / "runs.csv")["verdict"]) == ["intended"]
    # endpoints, guess, solve, judge, mechanism, score
    jobs = slurm.jobs()[before:]
    assert {job["JobState"] for job in jobs} == {"COMPLETED"}
    assert len(jobs) == 6


def test_a_cancelled_job_is_tried_again_and_goes_on_where_it_was(copy, slurm):
    run = Run(copy, "cancelled", 3.0)
    process = run.start(slurm)
    run.wait_for_second()
    slurm.ask("scancel", slurm.job_of("solve"))
    finish(process, 600)
    run.assert_nothing_was_lost(twice=1)


@pytest.mark.slow
def test_a_job_that_outlives_its_snakemake_is_waited_for(copy, slurm):
    run = Run(copy, "master", 10.0)
    process = run.start(slurm)
    run.wait_for_second()
    process.kill()
    process.communicate(timeout=60)
    finish(start(copy, slurm, run.config, "--unlock"), 120)
    finish(run.start(slurm), 600)
    run.assert_nothing_was_lost(twice=0)


@pytest.mark.slow
def test_an_interrupt_cancels_its_jobs_and_it_resumes(copy, slurm):
    run = Run(copy, "interrupt", 5.0)
    with interruptible():
        process = run.start(slurm)
    run.wait_for_second()
    job = slurm.job_of("solve")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=120)
    assert process.returncode != 0
    assert [j["JobState"] for j in slurm.jobs() if j["JobId"] == job] == ["CANCELLED"]
    finish(run.start(slurm), 600)
    run.assert_nothing_was_lost(twice=1)


@pytest.mark.slow
def test_a_node_that_dies_costs_only_what_it_was_doing(copy, slurm):
    run = Run(copy, "node", 5.0)
    process = run.start(slurm)
    run.wait_for_second()
    job = slurm.job_of("solve")
    node = next(j["NodeList"] for j in slurm.jobs() if j["JobId"] == job).removeprefix("n")
    daemon = slurm.folder / "pid" / f"slurmd.n{node}.pid"
    for victim in [psutil.Process(int(daemon.read_text())), *processes_of(job)]:
        with contextlib.suppress(psutil.NoSuchProcess):
            victim.kill()
    try:
        finish(process, 900)
    finally:
        daemon.unlink(missing_ok=True)
        slurm.lab("node", node)
    run.assert_nothing_was_lost(twice=1)


@pytest.mark.slow
def test_a_job_at_its_time_limit_goes_on_in_the_next_one(copy, slurm):
    run = Run(copy, "limit", 20.0)
    # Of 80 s of work one minute does some; the rules too give each next job more.
    finish(run.start(slurm, "--set-resources", "solve:runtime=attempt"), 1200)
    assert run.times_done() == [1, 1, 1, 1]
    assert "TIMEOUT" in slurm.ask("cat", str(slurm.folder / "log" / "jobcomp.log"))


def test_the_profile_relies_on_nothing_that_the_executor_does_wrong():
    """Job arrays, groups and retries in rules lose outputs or multiply (executor 2.8)."""
    profile = (ROOT / PROFILE / "config.yaml").read_text(encoding="utf-8")
    rules = "".join(file.read_text() for file in (ROOT / "workflow" / "rules").glob("*.smk"))
    settings = re.sub(r"#.*", "", profile)
    assert not re.search(r"array|group", settings)
    assert re.search(r"^retries: ", settings, re.MULTILINE)
    assert re.search(r"^slurm-status-command: squeue", settings, re.MULTILINE)
    assert "cpus_per_task" not in settings
    assert not re.search(r"^\s*(retries|group):", rules, re.MULTILINE)
