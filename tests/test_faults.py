"""Runs that are disturbed: one command resumes, nothing finished is computed again or lost."""

import os
import signal
import subprocess
import sys

import psutil
import pytest
from disturbed import SlowRun, copy_with_slow_method, interruptible

pytestmark = pytest.mark.xdist_group("faults")

MAIN = "import sys; from mepbench.cli import main; sys.exit(main())"


class Run(SlowRun):
    """By `mepbench run`."""

    def __init__(self, copy, method: str, pause: float = 1.5, **options):
        super().__init__(copy, method, pause, **options)

    def start(self) -> subprocess.Popen:
        command = (sys.executable, "-c", MAIN, "run", self.config, "--cores", "1")
        return self.copy.start(*command, "--", self.target)

    def finish(self) -> None:
        """Run to the end."""
        process = self.start()
        printed, _ = process.communicate(timeout=300)
        assert process.returncode == 0, printed[-3000:]


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    return copy_with_slow_method(tmp_path_factory.mktemp("faults") / "copy")


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


def assert_as_if_undisturbed(run: Run, undisturbed: list[dict], twice: int) -> None:
    """The table of an undisturbed run; only what was running when it struck began twice."""
    assert run.rows() == undisturbed
    run.assert_nothing_was_lost(twice)


def test_a_killed_job_goes_on_where_it_was(copy, undisturbed):
    run = Run(copy, "job")
    process = run.start()
    run.wait_for_second()
    job_of(process).kill()
    printed, _ = process.communicate(timeout=120)
    assert process.returncode != 0
    assert "solve/four/job/000.log ends:" in printed
    assert "Traceback" not in printed
    run.finish()
    assert_as_if_undisturbed(run, undisturbed, twice=1)


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
    assert_as_if_undisturbed(run, undisturbed, twice=0)


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
    assert_as_if_undisturbed(run, undisturbed, twice=0)


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
    assert run.times_done()[0] == 2


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
        run = Run(copy, "disk", results="small")
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
        first, *others = run.times_done()
        assert first == 1
        assert sum(others) <= 4  # only what found no space is computed again
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.slow
def test_an_interrupt_ends_the_run_and_it_resumes(copy, undisturbed):
    run = Run(copy, "interrupt")
    with interruptible():
        process = run.start()
    run.wait_for_second()
    for victim in psutil.Process(process.pid).children(recursive=True):
        victim.send_signal(signal.SIGINT)  # as Ctrl-C does to all of a terminal's processes
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=120)
    assert process.returncode != 0
    run.finish()
    assert_as_if_undisturbed(run, undisturbed, twice=1)
