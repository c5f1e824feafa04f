"""The `mepbench` command: run a configuration or one reaction, show what came out."""

import argparse
import importlib
import os
import sys
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

from .errors import InputError
from .files.shipped import WORKFLOW

# Commands that have a module of their own, imported only where they are asked for: `add_options`
# declares their options, `run` does the work.
MODULES = {
    "check": (
        "running.check_command",
        "check a config file, its methods, and every reaction of its sets",
    ),
    "test-method": ("solving.contract_command", "whether a method keeps its contract"),
    "run": (
        "running.run_command",
        "run a config file through Snakemake, or one reaction between two XYZ files",
    ),
    "show": (
        "reporting.show_command",
        "print what a results folder holds, one reaction of it, or what two differ in",
    ),
    "data": ("importing.data_command", "the published sets: sources, licences, preparation"),
    "submit": ("leaderboard.submit_command", "pack a finished run for others to judge"),
    "rejudge": (
        "leaderboard.rejudge_command",
        "judge a submitted archive anew, from its geometries",
    ),
    "leaderboard": (
        "leaderboard.leaderboard_command",
        "write the page of archives that were rejudged",
    ),
    "import": ("importing.import_command", "make a set file from reactions of any origin"),
}
PROFILES = WORKFLOW / "profiles"
READER_GONE = 141  # what a shell says of a program that a broken pipe has ended


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit status: 2 for bad input, 130 after an interrupt.

    A reader who has gone (`mepbench show | head`) ends it without a word.
    """
    try:
        try:
            return _main(arguments)
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for stream in (sys.stdout, sys.stderr):  # what they still hold is written at the exit
            os.dup2(nowhere, stream.fileno())
        return READER_GONE


def _main(arguments: list[str] | None) -> int:
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    at = arguments.index("--") if "--" in arguments else len(arguments)
    arguments, further = arguments[:at], arguments[at + 1 :]
    parser = argparse.ArgumentParser(prog="mepbench", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)

    parser.set_defaults(snakemake=further)
    for name, (module, said) in MODULES.items():
        command = commands.add_parser(name, help=said)
        if arguments[:1] == [name]:
            asked = importlib.import_module(f"{__package__}.{module}")
            asked.add_options(command)
            command.set_defaults(function=asked.run)

    init = commands.add_parser("init", help="write a config file to edit")
    init.add_argument("config", nargs="?", default=Path("config.yaml"), type=Path)
    init.add_argument("--like", default="config", help="of which run: config, or the paper's, ...")
    init.set_defaults(function=_init)

    profile = commands.add_parser("profile", help="write a Snakemake profile to edit, for SLURM")
    profile.add_argument("profile", choices=sorted(f.name for f in PROFILES.iterdir()))
    profile.add_argument("-o", "--output", type=Path, help="folder; default: profiles/PROFILE")
    profile.set_defaults(function=_profile)

    reference = commands.add_parser("reference", help="the shipped reference saddles")
    reference.add_argument("results", nargs="?", type=Path, help="folder of a finished run")
    reference.add_argument(
        "--update",
        action="store_true",
        help="replace or withdraw those that do not stand, take over what the run found better",
    )
    reference.add_argument(
        "--check",
        nargs="*",
        metavar="REACTION",
        help="judge those that ship anew, all or these, and list what does not stand",
    )
    reference.set_defaults(function=_reference)

    calibrate = commands.add_parser(
        "calibrate", help="judge the transition states that a set gives itself"
    )
    calibrate.add_argument("set", help="a set's file or folder, with ts.xyz")
    calibrate.add_argument("--potential", default="xtb-python", help="default: xtb-python")
    calibrate.add_argument("-o", "--output", type=Path, help="CSV file for the rows")
    calibrate.set_defaults(function=_calibrate)

    statistics = commands.add_parser(
        "statistics", help="make all tables again from runs.csv and traces.csv alone"
    )
    statistics.add_argument("results", type=Path, help="folder with runs.csv")
    statistics.add_argument("-o", "--output", type=Path, help="folder; default: RESULTS/tables")
    statistics.set_defaults(function=_statistics)

    report = commands.add_parser("report", help="make a run's report again: a folder of pages")
    report.add_argument("results", type=Path, help="folder with runs.csv")
    report.add_argument("-o", "--output", type=Path, help="folder; default: RESULTS/report")
    report.add_argument(
        "--reaction",
        action="append",
        default=[],
        metavar="NAME",
        help="a page for it as well, where a run has too many for each to have one; repeatable",
    )
    report.set_defaults(function=_report)

    gallery = commands.add_parser("gallery", help="draw the reactions of a set: HTML and a table")
    gallery.add_argument("set", help="a shipped set, a path, or a set's name in --results")
    gallery.add_argument("-o", "--output", type=Path, help="folder; default: gallery/SET")
    gallery.add_argument("--results", type=Path, help="also show barrier and difficulty of a run")
    gallery.set_defaults(function=_gallery)

    options = parser.parse_args(arguments)
    try:
        return options.function(options)
    except InputError as error:
        print(f"mepbench: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("mepbench: interrupted", file=sys.stderr)
        return 130


def _init(options: argparse.Namespace) -> int:
    from .config import SHIPPED_CONFIG
    from .registry import nearest

    runs = {file.stem: file for file in [SHIPPED_CONFIG, *sorted(WORKFLOW.glob("*.yaml"))]}
    if options.like not in runs:
        raise InputError(f"init: there is no run {options.like!r}. {nearest(options.like, runs)}")
    _write_new(options.config, runs[options.like].read_text(encoding="utf-8"))
    print(f"{options.config}: edit it, then `mepbench check {options.config}`")
    return 0


def _profile(options: argparse.Namespace) -> int:
    folder = options.output or Path("profiles") / options.profile
    text = (PROFILES / options.profile / "config.yaml").read_text(encoding="utf-8")
    _write_new(folder / "config.yaml", text)
    print(f"{folder / 'config.yaml'}: name your partition and account in it, then")
    print(f"mepbench run config.yaml -- --profile {folder}")
    return 0


def _write_new(file: Path, text: str) -> None:
    """Write a file that is not there yet."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError:
        raise InputError(f"{file} exists and is left as it is. Name another file.") from None
    except OSError as error:
        raise InputError(f"{file}: cannot be written ({error.strerror})") from None


def _reference(options: argparse.Namespace) -> int:
    from .scoring.recheck import recheck_file, released
    from .scoring.reference import notices, update

    if options.check is not None:
        lines = [line for file in released() for line in _told(recheck_file(file, options.check))]
        print(f"{len(lines)} do not stand" if lines else "all that were judged stand")
        return 0
    if options.results is None:
        raise InputError("reference: give the results folder of a finished run, or --check")
    renew = partial(recheck_file, update=True)
    lines = update(options.results, renew) if options.update else notices(options.results)
    print("\n".join(lines) or "nothing better than the shipped references")
    return 0


def _told(lines: Iterable[str]) -> Iterator[str]:
    """Print lines as they come."""
    for line in lines:
        print(line, flush=True)
        yield line


def _statistics(options: argparse.Namespace) -> int:
    from .reporting.tables import write_tables_of

    for file in write_tables_of(options.results, options.output or options.results / "tables"):
        print(file)
    return 0


def _report(options: argparse.Namespace) -> int:
    from .reporting.report import build

    print(build(options.results, options.output or options.results / "report", options.reaction))
    return 0


def _gallery(options: argparse.Namespace) -> int:
    from .reporting.gallery import build

    folder = options.output or Path("gallery") / Path(options.set).stem
    print(build(options.set, folder, results=options.results))
    return 0


def _calibrate(options: argparse.Namespace) -> int:
    from .judging.calibration import calibrate_set
    from .oracle import PotentialSpec

    for line in calibrate_set(options.set, PotentialSpec(options.potential), options.output):
        print(line, flush=True)
    return 0
