"""`mepbench run`: a config file through Snakemake, or one reaction between two XYZ files."""

import argparse
import sys
import time
from pathlib import Path

from ..config import SHIPPED_CONFIG, load_config, potential_remark
from ..errors import InputError
from ..pair import pair_command

FOR_CONFIG = "--cores, --no-report and what follows `--` are for a config file"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what applies to a config file, and what to a pair of files."""
    parser.epilog = "What follows `--` goes to Snakemake: `mepbench run mine.yaml -- --dry-run`."
    parser.add_argument(
        "inputs",
        nargs="*",
        help="one config file (default: the shipped one), or reactant.xyz and product.xyz",
    )
    parser.add_argument("--cores", type=int, help="for a config file; default: all")
    parser.add_argument(
        "--no-report", action="store_true", help="end with runs.csv: no tables, figures and page"
    )
    pair_command.add_options(parser)


def run(options: argparse.Namespace) -> int:
    """Run what was given; return the exit status."""
    inputs, for_pair = options.inputs, pair_command.given_options(options)
    if len(inputs) > 2 or (len(inputs) == 1 and inputs[0].endswith(".xyz")):
        raise InputError("run: give one config file, or reactant.xyz and product.xyz")
    if len(inputs) == 2:
        if options.cores is not None or options.no_report or options.snakemake:
            raise InputError(f"run: {FOR_CONFIG}")
        pair_command.run_pair(*inputs, for_pair)
        return 0
    for_pair.pop("quiet", None)
    if for_pair:
        raise InputError(f"run: --{next(iter(for_pair))} is for reactant.xyz and product.xyz")
    return _run_config(Path(inputs[0]) if inputs else SHIPPED_CONFIG, options)


def _run_config(path: Path, options: argparse.Namespace) -> int:
    from ..reporting.lines import wants_colour
    from ..reporting.terminal import print_results
    from ..scoring.reference import announce
    from .workflow import asks, run_snakemake, what_failed

    config, begun = load_config(path), time.time()
    if remark := potential_remark(config.potential):
        print(f"potential {config.potential}: {remark}", flush=True)
    report, further = config.report and not options.no_report, options.snakemake
    quiet = {"report": report, "quiet": options.quiet}
    status = run_snakemake(path, config, options.cores, further, **quiet)
    if asks(further):
        return status
    results = Path(config.results)
    runs = results / "runs.csv"
    if runs.exists() and (status == 0 or runs.stat().st_mtime >= begun):
        print_results(results, wants_colour())
        announce(results)
    if status != 0:
        print(f"mepbench: {what_failed(results)}", file=sys.stderr)
    return status
