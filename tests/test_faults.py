"""Runs that are disturbed: one command resumes, nothing finished is computed again or lost."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import psutil
import pytest
from repository_copy import Copy

from mepbench.tidy import read_rows

pytestmark = pytest.mark.xdist_group("faults")

FOUR = [
    "hcn-isomerisation",
    "hydroxymethylene-formaldehyde",
    "ammonia-inversion",
    "formaldehyde-dissociation",
]
SLOW_METHOD = Path(__file__).with_name("slow_method.py")
MAIN = "import sys; from mepbench.cli import main; sys.exit(main())"
SECONDS = {"wall_guess_s", "wall_path_s", "oracle_path_s"}


class Run:
    """One method's path stage on four reactions in one job, by `mepbench run`."""

    def __init__(self, copy: Copy, method: str, results: str = "results", pause: float = 1.5):
        self.copy, self.method = copy, method
        self.record = copy.folder / f"{method}.record"
        self.config = copy.folder / f"{method}.yaml"
        folder = Path(results) / "sets" / "four"
        self.target = str(folder / "solved" / method / "000.csv")
        options = {"solver": "slow", "pause": pause, "record": str(self.record)}
        copy.configure(
            {
                "sets": {"four": "textbook"},
                "select": FOUR,
                "methods": {method: options},
                "results": results,
            },
            self.config.name,
        )

    def start(self) -> subprocess.Popen:
        command = [sys.executable, "-c", MAIN, "run", self.config.name, "--cores", "1"]
        return subprocess.Popen(
            [*command, "--", self.target],
            cwd=self.copy.folder,
            env=self.copy.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def finish(self) -> str:
        """Run to the end; return what was printed."""
        process = self.start()
        printed, _ = process.communicate(timeout=300)
        assert process.returncode == 0, printed[-3000:]
        return printed

    def lines(self) -> list[str]:
        return self.record.read_text().splitlines() if self.record.exists() else []

    def wait_for_second(self) -> None:
        """Wait until the first reaction is done and the second one has begun."""
        end = time.monotonic() + 240
        while len(self.lines()) < 3:
            assert time.monotonic() < end, "the job never began"
            time.sleep(0.05)

    def rows(self) -> list[dict]:
        rows = read_rows(self.copy.folder / self.target)
        return [{k: v for k, v in row.items() if k not in SECONDS} for row in rows]


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    copy = Copy(tmp_path_factory.mktemp("faults") / "copy")
    (copy.folder / "workflow/mepbench/methods/slow.py").write_text(SLOW_METHOD.read_text())
    return copy


@pytest.fixture(scope="module")
def undisturbed(copy):
    run = Run(copy, "undisturbed", pause=0.0)
    run.finish()
    assert [row["verdict"] for row in run.rows()] == [""] * 4
    return run.rows()


def job_of(process: subprocess.Popen) -> psutil.Process:
    """The process of the running solve job."""
    for child in psutil.Process(process.pid).children(recursive=True):
        command = " ".join(child.cmdline())
        if command.endswith("solve.py") and "python" in command:
            return child
    raise AssertionError("no job runs")


def assert_nothing_was_lost(run: Run, undisturbed: list[dict], twice: int) -> None:
    """The table of an undisturbed run; only what was running when it struck began twice."""
    assert run.rows() == undisturbed
    counts = Counter(run.lines())
    assert [counts[f"done {name}"] for name in FOUR] == [1, 1, 1, 1]
    assert sum(counts[f"begin {name}"] for name in FOUR) == 4 + twice


def test_a_killed_job_goes_on_where_it_was(copy, undisturbed):
    run = Run(copy, "job")
    process = run.start()
    run.wait_for_second()
    job_of(process).kill()
    process.communicate(timeout=120)
    assert process.returncode != 0
    run.finish()
    assert_nothing_was_lost(run, undisturbed, twice=1)


def test_a_killed_snakemake_leaves_no_lock_and_loses_nothing(copy, undisturbed):
    run = Run(copy, "snakemake")
    process = run.start()
    run.wait_for_second()
    children = psutil.Process(process.pid).children()
    for victim in (*children, psutil.Process(process.pid)):
        victim.kill()
    process.communicate(timeout=120)
    assert not (copy.folder / run.target).exists()
    run.finish()
    # The job has outlived its Snakemake; the new one waits for it and takes over its results.
    assert_nothing_was_lost(run, undisturbed, twice=0)


def test_a_second_run_in_the_same_folder_is_refused_and_harms_nothing(copy, undisturbed):
    run = Run(copy, "first")
    process = run.start()
    run.wait_for_second()
    second = run.start()
    printed, _ = second.communicate(timeout=60)
    assert second.returncode == 2
    assert "another run goes on in" in printed
    process.communicate(timeout=120)
    assert process.returncode == 0
    assert_nothing_was_lost(run, undisturbed, twice=0)


@pytest.mark.slow
def test_what_older_code_has_left_is_not_mixed_in(copy, undisturbed):
    run = Run(copy, "older")
    process = run.start()
    run.wait_for_second()
    job_of(process).kill()
    process.communicate(timeout=120)
    source = copy.folder / "workflow/mepbench/methods/slow.py"
    source.write_text(source.read_text() + "\n# a new version\n")
    run.finish()
    assert run.rows() == undisturbed
    assert Counter(run.lines())[f"done {FOUR[0]}"] == 2


@pytest.mark.slow
def test_a_full_disk_stops_the_run_and_space_lets_it_go_on(copy, undisturbed):
    folder = copy.folder / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(folder)], capture_output=True
    )
    if mounted.returncode != 0:
        pytest.skip("no permission to mount a tmpfs")
    try:
        run = Run(copy, "disk", results="small", pause=1.5)
        process = run.start()
        run.wait_for_second()
        free = os.statvfs(folder).f_bavail * os.statvfs(folder).f_frsize
        (folder / "ballast").write_bytes(b"x" * free)
        printed, _ = process.communicate(timeout=120)
        assert process.returncode != 0
        assert "No space left on device" in printed + "".join(
            file.read_text(errors="replace") for file in folder.rglob("*.log")
        )
        (folder / "ballast").unlink()
        run.finish()
        assert run.rows() == undisturbed
        assert Counter(run.lines())[f"done {FOUR[0]}"] == 1
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.slow
def test_an_interrupt_ends_the_run_and_it_resumes(copy, undisturbed):
    run = Run(copy, "interrupt")
    process = run.start()
    run.wait_for_second()
    for victim in psutil.Process(process.pid).children(recursive=True):
        victim.send_signal(signal.SIGINT)  # as Ctrl-C does to all of a terminal's processes
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=120)
    run.finish()
    assert_nothing_was_lost(run, undisturbed, twice=1)
