"""A task that dies, hangs or raises costs only itself."""

import faulthandler
import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from mepbench.jobs.worker import Worker, WorkerError


def _square(x):
    return x * x


def _die(number):
    faulthandler.disable()  # pytest's would print a stack for a crash that is meant
    os.kill(os.getpid(), number)


def _leave():
    os._exit(7)


def _raise():
    raise ValueError("two\nlines")


def _pid():
    return os.getpid()


@pytest.mark.parametrize(
    ("task", "arguments", "verdict", "reason"),
    [
        (_die, (signal.SIGSEGV,), "error", "SIGSEGV"),
        (_die, (signal.SIGKILL,), "error", "SIGKILL"),
        (_leave, (), "error", "exit code 7"),
        (_raise, (), "error", "ValueError: two lines"),
        (time.sleep, (60,), "timeout", "0.5 s"),
    ],
)
def test_a_failing_task_becomes_a_verdict_and_the_next_one_runs(task, arguments, verdict, reason):
    with Worker(timeout=0.5) as worker:
        with pytest.raises(WorkerError, match=reason) as caught:
            worker.run(task, *arguments)
        assert caught.value.verdict == verdict
        assert worker.run(_square, 3) == 9


def test_one_process_serves_all_tasks_of_a_job():
    with Worker(timeout=5) as worker:
        assert worker.run(_pid) == worker.run(_pid) != os.getpid()


def _eat(megabytes):
    held = bytearray(megabytes * 1_000_000)
    held[::4096] = b"x" * len(held[::4096])
    time.sleep(30)


def test_a_task_that_eats_memory_costs_only_itself():
    with Worker(timeout=60, memory=800) as worker:
        with pytest.raises(WorkerError, match="more than 400 MB of memory") as caught:
            worker.run(_eat, 700)
        assert caught.value.verdict == "error"
        assert worker.run(_square, 3) == 9


def test_the_child_never_outlives_its_parent(tmp_path):
    script = (
        "import os, sys, time\n"
        "from mepbench.jobs.worker import Worker\n"
        "def hang():\n"
        "    print(os.getpid(), flush=True)\n"
        "    time.sleep(60)\n"
        "Worker(60).run(hang)\n"
    )
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        child = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
    assert psutil.wait_procs([child], timeout=5)[0] == [child]
