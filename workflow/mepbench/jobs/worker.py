"""Isolation: a reaction that crashes, hangs or eats memory costs only itself.

One long-lived child process does the work of a job. It is replaced when it dies, or when
one task overruns its limit of wall clock or memory; the imports it has paid for serve all
its tasks. It never outlives its parent.
"""

import ctypes
import logging
import multiprocessing
import os
import signal
import time
from collections.abc import Callable

import psutil

from ..errors import reported

LOOK = 0.5  # seconds between two looks at the child's memory
RESERVED = 400  # MB of a job's memory for Snakemake and this process
TIRED = 0.6  # a child that holds this share of its limit between tasks is replaced
PR_SET_PDEATHSIG = 1


class WorkerError(Exception):
    """A task failed; `verdict` and the message become its row."""

    def __init__(self, verdict: str, reason: str):
        super().__init__(reason)
        self.verdict = verdict


class Worker:
    """Runs functions in a child process, one at a time.

    The child is forked from a parent that must not have started threads (so: before torch
    or JAX are imported here), and answers through a pipe.

    Parameters
    ----------
    timeout : seconds of wall clock for one task
    memory : MB that the whole job may use, None for no limit
    """

    def __init__(self, timeout: float, memory: float | None = None):
        self.timeout = timeout
        self.limit = None if memory is None else max(memory - RESERVED, memory / 2)
        self._process = None

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.stop()

    def run(self, function: Callable, *arguments):
        """Return `function(*arguments)`, computed in the child.

        Raises
        ------
        WorkerError
            with verdict `timeout` if it took longer than `timeout` seconds, `error` if the
            child died, outgrew its memory or the function raised.
        """
        if self._process is None or not self._process.is_alive():
            self._start()
        elif self.limit is not None and self._memory() > TIRED * self.limit:
            self.stop()  # compiled functions of molecules done with add up
            self._start()
        self._pipe.send((function, arguments))
        try:
            self._wait()
            ok, result = self._pipe.recv()
        except (EOFError, ConnectionResetError):
            self._process.join()
            code = self._process.exitcode
            self._process = None
            raise WorkerError("error", f"the process died ({_cause(code)})") from None
        except WorkerError:
            self.stop()
            raise
        if not ok:
            raise WorkerError("error", result)
        return result

    def _wait(self) -> None:
        """Wait for the answer within the limits of time and memory."""
        end = time.monotonic() + self.timeout
        while not self._pipe.poll(min(LOOK, max(end - time.monotonic(), 0))):
            if time.monotonic() >= end:
                raise WorkerError("timeout", f"no result after {self.timeout:g} s of wall clock")
            if self.limit is not None and self._memory() > self.limit:
                raise WorkerError(
                    "error",
                    f"more than {self.limit:.0f} MB of memory (the rule's mem_mb less what "
                    "Snakemake needs; --set-resources RULE:mem_mb=... gives more)",
                )

    def _memory(self) -> float:
        """Resident memory of the child, MB."""
        try:
            return psutil.Process(self._process.pid).memory_info().rss / 1e6
        except psutil.Error:  # it has just died
            return 0.0

    def stop(self) -> None:
        """End the child."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._pipe.close()
            self._process = None

    def _start(self) -> None:
        context = multiprocessing.get_context("fork")
        self._pipe, theirs = context.Pipe()
        arguments = (theirs, self._pipe, os.getpid())
        self._process = context.Process(target=_serve, args=arguments, daemon=True)
        self._process.start()
        theirs.close()


def _serve(pipe, parents_end, parent: int) -> None:
    parents_end.close()
    die_with(parent)
    logging.basicConfig(format="%(message)s")  # to standard error, which is the job's log
    logging.getLogger("mepbench").setLevel(logging.INFO)
    while True:
        try:
            function, arguments = pipe.recv()
        except EOFError:
            return
        try:
            answer = True, function(*arguments)
        except Exception as error:
            answer = False, reported(error)
        pipe.send(answer)


def die_with(parent: int) -> None:
    """Have the kernel end this process with its parent, however that ends (Linux)."""
    try:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    except (OSError, AttributeError):
        return
    if os.getppid() != parent:
        os._exit(1)


def _cause(exitcode: int | None) -> str:
    if exitcode is not None and exitcode < 0:
        try:
            return f"signal {signal.Signals(-exitcode).name}"
        except ValueError:
            return f"signal {-exitcode}"
    return f"exit code {exitcode}"
