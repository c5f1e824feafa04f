"""Snakemake as the engine of a run: how it is called, what it says, what of it failed.

What it prints goes to a file under the results, unless it was asked to print something. It is
told of an interrupt by the terminal, as all processes there are, and gets time to end its jobs.
"""

import os
import re
import signal
import subprocess
import sys
from collections import deque
from contextlib import suppress
from pathlib import Path

from ..config import Config
from ..errors import one_line
from ..files.shipped import ROOT
from ..jobs.plan import plan_file, read_plan
from ..jobs.run_lock import only_run
from .live import Live
from .progress import Progress

TICK = 0.5  # seconds between two looks at Snakemake's process
GRACE = 10.0  # seconds for Snakemake to end after an interrupt, and again after another one
LAST_LINES, MOST_FAILED = 8, 3  # of a log, and jobs, of which they are shown
# Options by which Snakemake is asked to print something, and does it instead of a run or beside.
ASKING = tuple(
    """-n --dry-run --dryrun -h --help -v --version -l --list-rules --list --list-target-rules --lt
    --dag --rulegraph --filegraph --d3dag -S --summary -D --detailed-summary --lint
    --report --list-changes --list-input-changes --list-params-changes --list-code-changes -p
    --printshellcmds --verbose --debug-dag --print-compilation --benchmark-extended""".split()
)


def asks(arguments: list[str]) -> bool:
    """Whether Snakemake's arguments ask it to print something."""
    return any(argument.split("=")[0] in ASKING for argument in arguments)


def log_file(results: str | Path) -> Path:
    """Return the file of what Snakemake prints."""
    return Path(results) / "logs" / "snakemake.log"


def run_snakemake(
    path: Path, config: Config, cores: int | None, further: list[str], *, report: bool, quiet: bool
) -> int:
    """Run a config file; return Snakemake's exit status.

    Parameters
    ----------
    path, config : of the config file, and what it says
    further : what the user adds to Snakemake's arguments
    report : make what the config says, else no tables, figures and page
    quiet : show nothing while it goes on
    """
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile")]
    command += ["--configfile", str(path), "--replace-workflow-config"]
    how = [] if report else ["--config", "report=False"]
    how += ["--cores", str(cores or os.cpu_count()), "--keep-going", "--rerun-incomplete"]
    # Every job asks for one core: which to start is no question for an integer program.
    how += ["--scheduler", "greedy"]
    with only_run() as (lock, killed):
        if killed:
            subprocess.run([*command, "--unlock", "--quiet", "all"])
        if asks(further):
            return _shown([*command, *how, *further], lock)
        return _logged([*command, *how, *further], lock, config, Live(quiet))


def _shown(command: list[str], lock: int) -> int:
    """Run Snakemake and hand on what it prints, while somebody reads it."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    with subprocess.Popen(command, pass_fds=[lock], **pipes) as process:
        for printed in process.stdout:
            sys.stdout.buffer.write(printed)
            sys.stdout.flush()
    return process.returncode


def _logged(command: list[str], lock: int, config: Config, live: Live) -> int:
    log = log_file(config.results)
    log.parent.mkdir(parents=True, exist_ok=True)
    plan_file(config.results).unlink(missing_ok=True)
    live.say(f"running; Snakemake's log: {log}")
    with open(log, "wb") as printed:
        process = subprocess.Popen(command, pass_fds=[lock], stdout=printed, stderr=printed)
    try:
        status = _followed(process, config, live)
    except BaseException:
        live.clear()
        live.say("ended: waiting for the jobs that run")
        _end(process)
        raise
    live.clear()
    return status


def _followed(process: subprocess.Popen, config: Config, live: Live) -> int:
    progress = None
    while True:
        try:
            return process.wait(TICK)
        except subprocess.TimeoutExpired:
            pass
        # A file may go or grow while it is read: the next look finds it whole.
        with suppress(OSError, ValueError, KeyError):
            if progress is None and (planned := read_plan(config.results)) is not None:
                progress = Progress(config, planned)
            if live.due:
                live.show(progress)


def _end(process: subprocess.Popen) -> None:
    """Give an interrupted Snakemake time to end its jobs."""
    for last in (lambda: process.send_signal(signal.SIGINT), process.kill):
        try:
            process.wait(GRACE)
            return
        except subprocess.TimeoutExpired:
            last()
    process.wait()


def what_failed(results: str | Path) -> str:
    """Return which jobs failed, with the last lines of their logs; else of Snakemake's."""
    text = log_file(results).read_text(encoding="utf-8", errors="replace")
    named = re.findall(r"^ +log: (.+) \(check log file", text, re.MULTILINE)
    logs = list(dict.fromkeys(file for names in named for file in names.split(", ")))
    lines = [f"the run did not come to its end. Snakemake's log: {log_file(results)}"]
    if len(logs) > MOST_FAILED:
        lines.append(f"{len(logs)} logs of failed jobs, the first {MOST_FAILED}:")
    for file in logs[:MOST_FAILED] or [log_file(results)]:
        lines += [f"{file} ends:", *(f"    {one_line(line)}" for line in _tail(file))]
    return "\n".join(lines)


def _tail(file: str | Path) -> list[str]:
    try:
        with open(file, encoding="utf-8", errors="replace") as text:
            return list(deque((line.rstrip()[:200] for line in text if line.strip()), LAST_LINES))
    except OSError:
        return ["(nothing: there is no such file)"]
