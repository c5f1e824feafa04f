"""A task that dies, hangs or raises costs only itself."""

import faulthandler
import os
import signal
import time

import pytest

from mepbench.worker import Worker, WorkerError


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
