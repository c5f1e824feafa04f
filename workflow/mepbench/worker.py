"""Isolation: a reaction that crashes or hangs the process costs only itself.

One long-lived child process does the work of a job. It is replaced when it dies, or when
one task overruns its wall-clock limit; the imports it has paid for serve all its tasks.
"""

import multiprocessing
import signal
import traceback
from collections.abc import Callable


class WorkerError(Exception):
    """A task failed; `verdict` and the message become its row."""

    def __init__(self, verdict: str, reason: str):
        super().__init__(reason)
        self.verdict = verdict


class Worker:
    """Runs functions in a child process, one at a time.

    The child is forked from a parent that must not have started threads (so: before torch
    or JAX are imported here), and answers through a pipe.
    """

    def __init__(self, timeout: float):
        self.timeout = timeout
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
            child died or the function raised.
        """
        if self._process is None or not self._process.is_alive():
            self._start()
        self._pipe.send((function, arguments))
        try:
            answered = self._pipe.poll(self.timeout)
            if answered:
                ok, result = self._pipe.recv()
        except (EOFError, ConnectionResetError):
            self._process.join()
            code = self._process.exitcode
            self._process = None
            raise WorkerError("error", f"the process died ({_cause(code)})") from None
        if not answered:
            self.stop()
            raise WorkerError("timeout", f"no result after {self.timeout:g} s of wall clock")
        if not ok:
            raise WorkerError("error", result)
        return result

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
        self._process = context.Process(target=_serve, args=(theirs, self._pipe), daemon=True)
        self._process.start()
        theirs.close()


def _serve(pipe, parents_end) -> None:
    parents_end.close()
    while True:
        try:
            function, arguments = pipe.recv()
        except EOFError:
            return
        try:
            answer = True, function(*arguments)
        except Exception as error:
            traceback.print_exc()
            answer = False, one_line(error)
        pipe.send(answer)


def one_line(error: Exception) -> str:
    """Return an exception as one line of text for a table's `reason`."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:300]


def _cause(exitcode: int | None) -> str:
    if exitcode is not None and exitcode < 0:
        try:
            return f"signal {signal.Signals(-exitcode).name}"
        except ValueError:
            return f"signal {-exitcode}"
    return f"exit code {exitcode}"
