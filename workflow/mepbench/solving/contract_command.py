"""`mepbench test-method ./mine.py`: whether a method keeps its contract, claim by claim."""

import argparse
import time

import yaml

from ..errors import InputError, NotInstalled
from ..registry import check_options


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    parser.add_argument("method", help="a file, ./mine.py, or the name of a solver")
    parser.add_argument(
        "--options", default="{}", help="its options, as in a config: '{frames: 11}'"
    )


def run(options: argparse.Namespace) -> int:
    """Print each claim and whether it holds; return 1 if one does not."""
    from .contract import Trial, tried

    try:
        given = yaml.safe_load(options.options)
    except yaml.YAMLError:
        given = None
    if not isinstance(given, dict):
        raise InputError(f"--options: {options.options!r} is no mapping, as '{{frames: 11}}' is")
    check_options("methods", options.method, given, "--options")
    failed, started = 0, time.perf_counter()
    try:
        for claim, why in tried(Trial(options.method, given)):
            failed += bool(why)
            print(f"FAILED  {claim}: {why}" if why else f"ok      {claim}", flush=True)
    except NotInstalled as error:
        raise InputError(f"{options.method}: {error}") from None
    seconds = time.perf_counter() - started
    print(f"{failed} claims failed" if failed else "all claims hold", f"({seconds:.0f} s)")
    return 1 if failed else 0
