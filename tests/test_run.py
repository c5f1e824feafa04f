"""`mepbench run`: one line while it goes on, and what came out; Snakemake's words are in a file.

A stand-in for Snakemake leaves what its jobs would leave. The real one: test_faults, test_workflow.
"""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
import synthetic
import yaml

from mepbench.config import check_config
from mepbench.files.columns import (
    ENDPOINT_COLUMNS,
    JUDGED_COLUMNS,
    MECHANISM_COLUMNS,
    SOLVED_COLUMNS,
)
from mepbench.files.tidy import rows_text, write_rows
from mepbench.jobs.journal import Journal
from mepbench.jobs.plan import plan_file, read_plan, write_plan
from mepbench.jobs.tasks import task_key
from mepbench.reporting.lines import WIDTH
from mepbench.reporting.terminal import MOST_REFUSED, reactions_text, refused_text
from mepbench.running.live import clock, line
from mepbench.running.progress import Progress, Standing
from mepbench.running.workflow import asks, what_failed
from mepbench.scoring.score import read_runs, write_runs

MAIN = "import sys; from mepbench.cli import main; sys.exit(main())"
FOUR = ["hcn-isomerisation", "ammonia-inversion", "formaldehyde-dissociation", "cope-rearrangement"]
CONFIG = {
    "sets": {"four": "textbook"},
    "select": FOUR[:3],
    "methods": {"neb": {"solver": "neb"}, "gad": {"solver": "gad", "seeds": [0, 1]}},
    "reactions_per_job": 2,
    "results": "out",
}


@pytest.fixture
def config(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return check_config(CONFIG)


def judged(reaction, seed=0, verdict="intended", **cells):
    costs = {"gradients_refine": 10, "gradients_verify": 30, "wall_verify_s": 4.0}
    return {"reaction": reaction, "seed": seed, "verdict": verdict, **costs, **cells}


def table(stage: str, at: str) -> str:
    return f"out/sets/four/{stage}/{at}.csv"


def test_a_run_is_as_far_as_its_tables_and_journals_say(config):
    progress = Progress(config, planned=set())
    assert progress.look().runs == (0, 9)  # three reactions: one seed of neb, two of gad
    ends = [{"reaction": name, "verdict": "ok", "evaluations": 100, "seconds": 2} for name in FOUR]
    ends[1]["verdict"] = "bad-endpoints"
    write_rows(table("endpoints", "000"), ENDPOINT_COLUMNS, ends[:2])
    rows = [judged(FOUR[0]), judged(FOUR[1], verdict="bad-endpoints")]
    write_rows(table("runs", "neb/000"), JUDGED_COLUMNS, rows)
    with Journal("out/logs/judge/four/gad/000.journal", "key") as journal:
        text = rows_text(JUDGED_COLUMNS, [judged(FOUR[0], 1, "budget")])
        journal.add(task_key(FOUR[0], 1), {"runs": text, "irc": "", "saddles": "3\n"})
        standing = progress.look()
        assert (standing.ends, standing.methods) == ((2, 3), {"neb": (2, 3), "gad": (1, 6)})
        assert (standing.unsolved, standing.refused) == (1, 1)
        assert standing.rate > 0
        journal.add(task_key(FOUR[1], 1), {"runs": text, "irc": "", "saddles": ""})
    assert progress.look().methods["gad"] == (2, 6)


def test_what_was_there_before_is_done_but_no_work_of_this_run(config):
    write_rows(table("runs", "neb/000"), JUDGED_COLUMNS, [judged(name) for name in FOUR[:2]])
    standing = Progress(config, planned=set()).look()
    assert standing.methods["neb"] == (2, 3)
    assert (standing.rate, standing.left) == (None, None)


def test_an_outdated_table_counts_once_it_is_made_anew(config):
    file = table("runs", "neb/000")
    rows = [judged(name) for name in FOUR[:2]]
    write_rows(file, JUDGED_COLUMNS, rows)
    os.utime(file, (1, 1))
    progress = Progress(config, planned={file})
    assert progress.look().methods["neb"] == (0, 3)
    os.unlink(file)  # as Snakemake does when its job starts
    assert progress.look().methods["neb"] == (0, 3)
    write_rows(file, JUDGED_COLUMNS, rows)
    assert progress.look().methods["neb"] == (2, 3)


def test_a_table_that_is_being_written_is_read_again(config):
    file = table("runs", "neb/000")
    write_rows(file, JUDGED_COLUMNS, [judged(FOUR[0])])
    progress = Progress(config, planned=set())
    assert progress.look().methods["neb"] == (1, 3)
    write_rows(file, JUDGED_COLUMNS, [judged(FOUR[0]), judged(FOUR[1], verdict="other")])
    assert progress.look().methods["neb"] == (2, 3)
    assert progress.look().unsolved == 1


def test_a_journal_that_a_job_empties_is_forgotten(config):
    file = Path("out/logs/judge/four/neb/000.journal")
    text = rows_text(JUDGED_COLUMNS, [judged(FOUR[0])])
    with Journal(file, "old") as journal:
        journal.add("a", {"runs": text})
        journal.add("b", {"runs": text})
    progress = Progress(config, planned=set())
    assert progress.look().methods["neb"] == (2, 3)
    with Journal(file, "new"):
        assert progress.look().methods["neb"] == (0, 3)


def test_a_torn_line_of_a_journal_is_read_when_it_is_whole(config):
    file = Path("out/logs/judge/four/neb/000.journal")
    with Journal(file, "key") as journal:
        journal.add("a", {"runs": rows_text(JUDGED_COLUMNS, [judged(FOUR[0])])})
    whole = file.read_bytes()
    for cut in (1, 7, len(whole) - 3):
        file.write_bytes(whole[:-cut])
        assert Progress(config, planned=set()).look().runs == (0, 9)
    progress = Progress(config, planned=set())
    file.write_bytes(whole)
    assert progress.look().runs == (1, 9)


def test_the_search_for_steps_is_part_of_a_run(config):
    progress = Progress(config, planned=set())
    progress._begun -= 10
    runs = [judged(FOUR[0]), judged(FOUR[1], verdict="other")]
    write_rows(table("runs", "neb/000"), JUDGED_COLUMNS, runs)
    standing = progress.look()
    assert (standing.mechanisms, standing.searching) == (0, True)
    row = {"reaction": FOUR[1], "seed": 0, "complete": True, "wall_path_s": 60}
    with Journal("out/logs/mechanism/four/neb/000.journal", "key") as journal:
        text = rows_text(MECHANISM_COLUMNS, [row | {"gradients_path": 500}])
        journal.add(task_key(FOUR[1], 0), {"rows": text, "steps": "", "frames": ""})
        assert progress.look().mechanisms == 1
    write_rows(table("mechanisms", "neb/000"), MECHANISM_COLUMNS, [row])
    write_rows(table("mechanisms", "neb/001"), MECHANISM_COLUMNS, [])
    for job in ("000", "001"):
        write_rows(table("mechanisms", f"gad/{job}"), MECHANISM_COLUMNS, [])
    standing = progress.look()
    assert (standing.mechanisms, standing.searching) == (1, False)


def test_time_left_is_that_of_the_same_method_and_stage(config):
    progress = Progress(config, planned=set())
    progress._begun -= 10
    rows = [{"reaction": name, "verdict": "ok", "seconds": 5} for name in FOUR[:2]]
    write_rows(table("endpoints", "000"), ENDPOINT_COLUMNS, rows)
    assert progress.look().left is None  # of methods nothing is known
    for method, seeds in (("neb", (0,)), ("gad", (0, 1))):
        keys = [(name, seed) for name in FOUR[:2] for seed in seeds]
        solved = [{"reaction": n, "seed": s, "wall_path_s": 3} for n, s in keys]
        write_rows(table("solved", f"{method}/000"), SOLVED_COLUMNS, solved)
        write_rows(table("runs", f"{method}/000"), JUDGED_COLUMNS, [judged(*key) for key in keys])
    # Done in 10 s: 2 ends of 5 s, and 6 runs of 3 + 4 s; to do: 1 end and 3 runs.
    assert progress.look().left == pytest.approx((5 + 3 * 7) / (52 / 10), rel=0.05)


def test_a_look_at_thousands_of_jobs_takes_little(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = check_config({**CONFIG, "select": None, "seeds": [0], "reactions_per_job": 1})
    jobs = {f"{i:04d}": (FOUR[0],) for i in range(1000)}
    config.jobs["four"] = jobs  # 1000 jobs of ends, and 2000 of each stage
    progress = Progress(config, planned={table("runs", f"neb/{job}") for job in jobs})
    start = time.process_time()
    progress.look()
    assert time.process_time() - start < 0.5


@pytest.mark.parametrize(
    ("standing", "text"),
    [
        (
            Standing((12, 12), {"neb": (3, 12), "gad": (12, 12)}, 2, 0, 812.4, 130),
            "15/24 runs of 12 reactions, 2 not solved, 812 evaluations/s, about 2 min left; "
            "neb 3/12, gad 12/12",
        ),
        (
            Standing((1, 2), {"neb": (0, 2)}, 0, 1, None, None),
            "1/2 endpoints, 0/2 runs of 2 reactions, 1 refused, 0 not solved; neb 0/2",
        ),
        (
            Standing((1, 1), {"neb": (1, 1)}, 0, 0, 3.0, 0.0),
            "1/1 runs of 1 reactions, 0 not solved, gathering results; neb 1/1",
        ),
        (
            Standing((2, 2), {"neb": (2, 2)}, 2, 0, 3.0, 20.0, mechanisms=1, searching=True),
            "2/2 runs of 2 reactions, 2 not solved (1 of them searched for steps), "
            "3 evaluations/s, about 20 s left; neb 2/2",
        ),
    ],
)
def test_the_line_says_it_in_words(standing, text):
    assert line(standing) == text


def test_on_a_terminal_only_methods_on_their_way_are_named():
    methods = {f"m{i}": (i, 9) for i in range(10)}
    assert line(Standing((9, 9), methods, 0, 0), 2).endswith("; m1 1/9, m2 2/9")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "0 s"), (89, "89 s"), (91, "2 min"), (3599, "1 h 00 min"), (12000, "3 h 20 min")],
)
def test_a_clock_says_what_a_person_says(seconds, text):
    assert clock(seconds) == text


@pytest.mark.parametrize(
    ("arguments", "asked"),
    [
        (["--dry-run"], True),
        (["--report", "page.html"], True),
        (["-n", "--quiet", "rules"], True),
        (["--summary"], True),
        (["--dag=dot"], True),
        (["--profile", "workflow/profiles/slurm"], False),
        (["results/runs.csv", "--forcerun", "judge"], False),
        ([], False),
    ],
)
def test_snakemake_speaks_itself_where_it_is_asked_to(arguments, asked):
    assert asks(arguments) == asked


def test_a_plan_is_read_once_it_is_written(tmp_path):
    assert read_plan(tmp_path) is None
    write_plan(tmp_path, ["a/b.csv", "c d.xyz"])
    assert read_plan(tmp_path) == {"a/b.csv", "c d.xyz"}
    assert [file.name for file in plan_file(tmp_path).parent.iterdir()] == ["planned.txt"]


SNAKEMAKE = """
import os, sys, time
from pathlib import Path
from mepbench.jobs.plan import write_plan

Path("arguments").write_text("\\n".join(sys.argv[1:]))
if "--dry-run" in sys.argv:
    for i in range(20000):
        print("would do", i, flush=True)
    sys.exit(0)
print("noise " * 100, file=sys.stderr, flush=True)
write_plan("out", [])
time.sleep(float(os.environ.get("PAUSE", 0)))
if os.environ.get("FAILING"):
    for at in "abcde":
        Path(f"out/logs/{at}.log").write_text("".join(f"{at}{i}\\n" for i in range(30)))
        print(f"Error in rule solve:\\n    jobid: 1\\n    log: out/logs/{at}.log (check log file)")
    sys.exit(1)
os.utime("out/runs.csv")
"""


class Command:
    """`mepbench` in a folder where a script stands in for Snakemake."""

    def __init__(self, folder: Path):
        self.folder = folder
        (folder / "stand-in" / "snakemake").mkdir(parents=True)
        for name, text in (("__init__", ""), ("__main__", SNAKEMAKE)):
            (folder / "stand-in" / "snakemake" / f"{name}.py").write_text(text)
        (folder / "mine.yaml").write_text(yaml.safe_dump(CONFIG))
        table = synthetic.runs(FOUR[:3], ["neb"])
        table["set"] = "four"
        write_runs(folder / "out" / "runs.csv", table)
        path = [str(folder / "stand-in"), *sys.path]
        self.environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, path))}

    def start(self, *arguments: str, **more: str) -> subprocess.Popen:
        return subprocess.Popen(
            [sys.executable, "-c", MAIN, *arguments],
            cwd=self.folder,
            env=self.environment | more,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, **more: str) -> tuple[int, str, str]:
        process = self.start(*arguments, **more)
        out, error = process.communicate(timeout=60)
        return process.returncode, out, error


@pytest.fixture
def command(tmp_path):
    return Command(tmp_path)


def test_a_run_is_quiet_and_ends_with_what_came_out(command):
    status, out, error = command.run("run", "mine.yaml", "--cores", "3")
    assert status == 0
    assert error == "running; Snakemake's log: out/logs/snakemake.log\n"
    assert "noise" in (command.folder / "out/logs/snakemake.log").read_text()
    assert re.search(r"^neb +\d/3 ", out, re.MULTILINE)
    assert all(re.search(rf"^{name} ", out, re.MULTILINE) for name in FOUR[:3])
    assert out.splitlines()[-1] == f"Table: {command.folder / 'out/runs.csv'}"
    given = (command.folder / "arguments").read_text().splitlines()
    assert given[given.index("--cores") + 1] == "3"
    assert "--replace-workflow-config" in given
    assert "--config" not in given
    assert command.run("run", "mine.yaml", "--quiet")[2] == ""


def test_what_follows_two_dashes_goes_to_snakemake_and_no_report_is_a_word_of_the_config(command):
    command.run("run", "mine.yaml", "--no-report", "--", "out/runs.csv", "--forcerun", "judge")
    given = (command.folder / "arguments").read_text().splitlines()
    assert given[-3:] == ["out/runs.csv", "--forcerun", "judge"]
    assert given[given.index("--config") + 1] == "report=False"
    assert given[given.index("--config") + 2].startswith("--")  # which takes all up to an option
    assert not check_config({"report": False}).report


def test_a_failed_run_names_the_log_and_ends_with_that_of_the_jobs(command):
    status, out, error = command.run("run", "mine.yaml", FAILING="yes")
    assert status == 1
    told = [line for line in out.splitlines() if "computes the same Hamiltonian" not in line]
    assert told == []  # runs.csv is an earlier run's
    assert "Snakemake's log: out/logs/snakemake.log" in error
    assert "out/logs/a.log ends:\n    a22\n" in error
    assert "    a29\nout/logs/b.log ends:" in error
    assert "5 logs of failed jobs, the first 3:" in error
    assert "d.log" not in error


def test_a_run_that_fails_before_its_first_job_shows_the_end_of_snakemakes_own_log(tmp_path):
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "snakemake.log").write_text("planning\nLockException: \x1b[31mlocked\n")
    assert "    LockException:  [31mlocked" in what_failed(tmp_path)


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "mine.yaml"),
        ("run", "mine.yaml", "--", "--dry-run"),
        ("check", "mine.yaml"),
        ("show", "out"),
        ("statistics", "out"),
        ("--help",),
    ],
)
def test_a_reader_who_goes_ends_no_command_in_a_traceback(command, arguments):
    process = command.start(*arguments)
    process.stdout.close()
    error = process.stderr.read()
    assert process.wait(60) in (0, 141)  # argparse, on its own help, gives 0
    assert error.replace("running; Snakemake's log: out/logs/snakemake.log\n", "") == ""


def test_nobody_who_reads_how_far_a_run_is_stops_it(command):
    process = command.start("run", "mine.yaml")
    process.stderr.close()
    assert "Table: " in process.stdout.read()
    assert process.wait(60) == 0


def as_read(table, tmp_path):
    write_runs(tmp_path / "runs.csv", table)
    return read_runs(tmp_path / "runs.csv")


def test_each_reaction_of_a_small_set_has_a_line(tmp_path):
    runs = synthetic.runs(synthetic.HOSTILE, ["neb", "gad", "string"])
    runs["verdict"], runs["barrier_eV"] = "intended", 1.0
    runs.loc[1, ["verdict", "barrier_eV"]] = ["budget", float("nan")]
    runs.loc[3:5, ["verdict", "reason"]] = ["bad-endpoints", "two\nlines"]
    text = reactions_text(as_read(runs, tmp_path))
    lines = text.splitlines()
    assert len(lines) == 1 + len(synthetic.HOSTILE)
    assert re.fullmatch(r"\.\./\.\./evil +1\.000 +23\.1  2/3 intended, budget \(gad\)", lines[1])
    assert re.fullmatch(r"a/b +bad-endpoints", lines[2])
    assert all(len(line) <= WIDTH and line.isprintable() for line in lines)


def test_with_one_method_the_reason_stands_in_the_line(tmp_path):
    runs = synthetic.runs(["a", "b"], ["neb"]).assign(verdict="budget", reason="3000 are spent")
    assert reactions_text(as_read(runs, tmp_path)).count("budget: 3000 are spent") == 2


def test_large_sets_have_no_line_for_each_reaction_but_for_what_was_refused(tmp_path):
    names = [f"r{i}" for i in range(40)]
    runs = synthetic.runs(names, ["neb", "gad"]).assign(verdict="bad-endpoints", reason="no atoms")
    runs = as_read(runs, tmp_path)
    assert reactions_text(runs) == ""
    lines = refused_text(runs).splitlines()
    assert lines[:2] == ["Refused endpoints, outside all counts: 40", "  r0 (made-up): no atoms"]
    assert len(lines) == MOST_REFUSED + 2
    assert lines[-1] == "  and 20 more: sets/*/endpoints.csv has them all"
