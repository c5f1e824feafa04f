"""`mepbench leaderboard`: the page of the archives that were accepted."""

import argparse
from pathlib import Path


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.epilog = (
        "Each archive needs its table beside it (`mepbench rejudge ARCHIVE`), in which nothing "
        "differs."
    )
    parser.add_argument("archives", nargs="+", type=Path)
    parser.add_argument(
        "-o", "--output", type=Path, default=Path("docs/leaderboard"), help="folder of README.md"
    )


def run(given: argparse.Namespace) -> int:
    """Write the page; print where it is."""
    from .page import write_page

    print(write_page(given.archives, given.output))
    return 0
