"""What a job has finished survives its end by force, and is never computed twice."""

import os
import signal
import subprocess
import sys
import time

import pytest

from mepbench.jobs.journal import Journal, digest, remove_journals


class Killed(Exception):
    pass


def _killed_after(file, key, tasks: dict) -> None:
    """Leave the journal of a job that was ended by force."""
    try:
        with Journal(file, key) as journal:
            for task, texts in tasks.items():
                journal.add(task, texts)
            raise Killed
    except Killed:
        pass


def test_a_finished_task_is_found_by_the_next_process(tmp_path):
    file = tmp_path / "job.jsonl"
    _killed_after(file, "key", {"a": {"rows": 'x,"1\n2"\n', "paths": "<å>"}})
    with Journal(file, "key") as journal:
        assert journal.finished("a") == {"rows": 'x,"1\n2"\n', "paths": "<å>"}
        assert journal.finished("b") is None


@pytest.mark.parametrize("cut", range(1, 40, 6))
def test_a_torn_last_line_costs_only_its_task(tmp_path, cut):
    file = tmp_path / "job.jsonl"
    _killed_after(file, "key", {"a": {"rows": "1\n"}, "b": {"rows": "2\n"}})
    file.write_bytes(file.read_bytes()[:-cut])
    _killed_after(file, "key", {"b": {"rows": "3\n"}})
    with Journal(file, "key") as journal:
        assert journal.finished("a") == {"rows": "1\n"}
        assert journal.finished("b") == {"rows": "3\n"}


def test_what_other_inputs_or_older_code_left_is_not_used(tmp_path):
    file, source = tmp_path / "job.jsonl", tmp_path / "method.py"
    source.write_text("version = 1\n")
    before = digest([source], {"budget": 3000})
    _killed_after(file, before, {"a": {"rows": "1\n"}})
    assert digest([source], {"budget": 3000}) == before
    assert digest([source], {"budget": 2000}) != before
    source.write_text("version = 2\n")
    with Journal(file, digest([source], {"budget": 3000})) as journal:
        assert journal.finished("a") is None


def test_journals_go_when_a_run_is_scored_and_nothing_else_does(tmp_path):
    for name in ("a.journal", "deep/b.journal", "deep/b.log"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    remove_journals(tmp_path)
    assert [file.name for file in tmp_path.rglob("*.*")] == ["b.log"]


HOLD = """
import sys, time
from mepbench.jobs.journal import Journal
with Journal(sys.argv[1], "key") as journal:
    journal.add("a", {"rows": "1"})
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_job_for_the_same_outputs_waits_for_the_first(tmp_path):
    file = tmp_path / "job.jsonl"
    command = [sys.executable, "-c", HOLD, str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout.readline() == "held\n"
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as second:
            time.sleep(1)
            assert second.poll() is None
            os.kill(first.pid, signal.SIGKILL)
            assert second.stdout.readline() == "held\n"
            second.kill()
    with Journal(file, "key") as journal:
        assert journal.finished("a") == {"rows": "1"}
