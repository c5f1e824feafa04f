"""The workflow on a real SLURM: two nodes of one core each, on this host's loopback.

tests/slurm/install.sh installs it (Debian, root), tests/slurm/lab.sh starts and stops it.
"""

import os
import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from repository_copy import ROOT, Copy
from test_faults import SLOW_METHOD

from mepbench.score import read_runs

pytestmark = pytest.mark.xdist_group("slurm")

LAB = Path(__file__).with_name("slurm") / "lab.sh"
PROFILE = "workflow/profiles/slurm"
TWO = ["hcn-isomerisation", "ammonia-inversion"]
FOUR = [*TWO, "hydroxymethylene-formaldehyde", "formaldehyde-dissociation"]


class Slurm:
    """A running lab; its environment is set for this process."""

    def __init__(self, folder: Path):
        self.environment = {**os.environ, "SLURMLAB_DIR": str(folder)}
        self.environment["SLURM_CONF"] = str(folder / "etc" / "slurm.conf")
        self.environment["PATH"] = f"{folder / 'bin'}:{os.environ['PATH']}"
        self.folder = folder

    def lab(self, *arguments: str) -> None:
        done = subprocess.run(
            [str(LAB), *arguments], env=self.environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def ask(self, *command: str) -> str:
        return subprocess.run(
            command, env=self.environment, capture_output=True, text=True, check=True
        ).stdout

    def jobs(self) -> list[dict[str, str]]:
        """What `scontrol` knows of every job, ended ones included."""
        printed = self.ask("scontrol", "show", "job", "--oneliner")
        lines = [line for line in printed.splitlines() if line.startswith("JobId=")]
        return [dict(re.findall(r"(\S+?)=(\S*)", line)) for line in lines]

    def job_of(self, rule: str) -> str:
        """The id of a running job of a rule, by its comment or its log's path."""
        for job in self.jobs():
            if job["JobState"] == "RUNNING" and f"rule_{rule}" in job.get("Comment", "") + job.get(
                "StdOut", ""
            ):
                return job["JobId"]
        raise AssertionError(f"no job of rule {rule} runs: {self.jobs()}")


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
    copy = Copy(tmp_path_factory.mktemp("slurm") / "copy")
    (copy.folder / "workflow/mepbench/methods/slow.py").write_text(SLOW_METHOD.read_text())
    return copy


def start(copy, slurm, config: dict, *arguments: str) -> subprocess.Popen:
    name = f"{config['results']}.yaml"
    copy.configure(config, name)
    command = [sys.executable, "-m", "snakemake", "--profile", PROFILE, "--configfile", name]
    return subprocess.Popen(
        [*command, "--replace-workflow-config", *arguments],
        cwd=copy.folder,
        env={**slurm.environment, "PYTHONPATH": copy.environment["PYTHONPATH"]},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def wait_until(condition, seconds: float, what: str) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited {seconds:g} s for {what}"
        time.sleep(0.2)


def test_the_workflow_runs_through_slurm_with_the_resources_it_asks_for(copy, slurm):
    config = {
        "sets": {"two": "textbook"},
        "select": TWO,
        "reactions_per_job": 1,
        "methods": {"geodesic": {"solver": "guess-only"}, "gad": {"solver": "gad"}},
        "results": "two",
    }
    process = start(copy, slurm, config)
    printed, _ = process.communicate(timeout=900)
    assert process.returncode == 0, printed[-5000:]
    runs = read_runs(copy.folder / "two" / "runs.csv")
    assert list(runs["verdict"]) == ["intended"] * 4
    assert (copy.folder / "two" / "report" / "index.html").exists()
    jobs = slurm.jobs()
    assert {job["JobState"] for job in jobs} == {"COMPLETED"}
    # 2 endpoints, 2 guesses, 4 solves, 4 judges, the second pass, the score, the model surface
    assert len(jobs) == 15
    assert {job["NumCPUs"] for job in jobs} == {"1"}
    assert {job["MinMemoryNode"] for job in jobs} <= {"1500M", "1000M", "500M"}
    assert {job["TimeLimit"] for job in jobs} <= {"00:30:00", "00:10:00"}
    # The table is that of a run without SLURM, but for seconds.
    same = [c for c in runs if not c.startswith(("wall_", "oracle_"))]
    copy.snakemake({**config, "results": "local"})
    local = read_runs(copy.folder / "local" / "runs.csv")
    assert runs[same].equals(local[same])


def slow(copy, results: str, pause: float) -> tuple[dict, Path]:
    record = copy.folder / f"{results}.record"
    options = {"solver": "slow", "pause": pause, "record": str(record)}
    config = {
        "sets": {"four": "textbook"},
        "select": FOUR,
        "methods": {"slow": options},
        "results": results,
    }
    return config, record


def begun(record: Path) -> list[str]:
    return record.read_text().splitlines() if record.exists() else []


def assert_nothing_was_lost(record: Path, twice: int) -> None:
    counts = Counter(begun(record))
    assert [counts[f"done {name}"] for name in FOUR] == [1, 1, 1, 1]
    assert sum(counts[f"begin {name}"] for name in FOUR) == 4 + twice


SOLVED = "sets/four/solved/slow/000.csv"


def test_a_cancelled_job_is_tried_again_and_goes_on_where_it_was(copy, slurm):
    config, record = slow(copy, "cancelled", 3.0)
    process = start(copy, slurm, config, f"cancelled/{SOLVED}")
    wait_until(lambda: len(begun(record)) >= 3, 300, "the second reaction")
    slurm.ask("scancel", slurm.job_of("solve"))
    printed, _ = process.communicate(timeout=600)
    assert process.returncode == 0, printed[-5000:]
    assert_nothing_was_lost(record, twice=1)


@pytest.mark.slow
def test_a_job_that_outlives_its_snakemake_is_waited_for(copy, slurm):
    config, record = slow(copy, "master", 10.0)
    process = start(copy, slurm, config, f"master/{SOLVED}")
    wait_until(lambda: len(begun(record)) >= 3, 300, "the second reaction")
    process.kill()
    process.communicate(timeout=60)
    unlocked = start(copy, slurm, config, "--unlock")
    unlocked.communicate(timeout=120)
    process = start(copy, slurm, config, f"master/{SOLVED}")
    printed, _ = process.communicate(timeout=600)
    assert process.returncode == 0, printed[-5000:]
    assert_nothing_was_lost(record, twice=0)


@pytest.mark.slow
def test_a_node_that_dies_costs_only_what_it_was_doing(copy, slurm):
    config, record = slow(copy, "node", 5.0)
    process = start(copy, slurm, config, f"node/{SOLVED}")
    wait_until(lambda: len(begun(record)) >= 3, 300, "the second reaction")
    job = next(j for j in slurm.jobs() if j["JobId"] == slurm.job_of("solve"))
    node = job["NodeList"].removeprefix("n")
    daemon = slurm.folder / "pid" / f"slurmd.n{node}.pid"
    stepd = subprocess.run(["pgrep", "-f", f"slurmstepd.*{job['JobId']}"], capture_output=True)
    for process_id in [*stepd.stdout.split(), daemon.read_text().strip()]:
        subprocess.run(["kill", "-9", process_id], check=False)
    subprocess.run(["pkill", "-9", "-f", f"{copy.folder}.*solve.py"], check=False)
    try:
        printed, _ = process.communicate(timeout=900)
    finally:
        daemon.unlink(missing_ok=True)
        slurm.lab("node", node)
    assert process.returncode == 0, printed[-5000:]
    assert_nothing_was_lost(record, twice=1)


@pytest.mark.slow
def test_a_job_at_its_time_limit_goes_on_in_the_next_one(copy, slurm):
    config, record = slow(copy, "limit", 20.0)
    arguments = ("--set-resources", "solve:runtime=1")
    process = start(copy, slurm, config, f"limit/{SOLVED}", *arguments)
    printed, _ = process.communicate(timeout=1200)
    assert process.returncode == 0, printed[-5000:]
    counts = Counter(begun(record))
    assert [counts[f"done {name}"] for name in FOUR] == [1, 1, 1, 1]
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
