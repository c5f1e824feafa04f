"""`mepbench show`: a results folder, one reaction of it, or what two folders say differently."""

import argparse
import sys
from pathlib import Path

from ..errors import InputError


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the folder, and what of it."""
    parser.epilog = (
        "`mepbench show results`, `mepbench show results cope`, `mepbench show old-results results`"
    )
    parser.add_argument("results", nargs="?", default=Path("results"), type=Path)
    parser.add_argument(
        "further", nargs="?", help="a reaction of it, or a newer results folder to compare it with"
    )
    parser.add_argument("--reaction", help="a reaction, also one that is called like a folder")


def run(options: argparse.Namespace) -> int:
    """Print what was asked for; return 0."""
    from ..scoring.reference import announce
    from .lines import wants_colour
    from .one_reaction import reaction_text
    from .tables import read_any_runs
    from .terminal import print_results
    from .two_runs import two_runs_text

    results, further, reaction = options.results, options.further, options.reaction
    if further is not None and reaction is not None:
        raise InputError("show: give one reaction, or one folder to compare with")
    if hasattr(sys.stdout, "reconfigure"):  # what a terminal's encoding lacks is escaped
        sys.stdout.reconfigure(errors="backslashreplace")
    colour = wants_colour()
    if further is None and reaction is None:
        print_results(results, colour)
        announce(results)
        return 0
    runs = read_any_runs(results)
    if further is not None and _is_folder(further, runs["reaction"]):
        print(two_runs_text((results, Path(further)), (runs, read_any_runs(Path(further))), colour))
    else:
        print(reaction_text(results, runs, reaction or further, colour))
    return 0


def _is_folder(further: str, reactions) -> bool:
    """Whether this is a folder rather than a reaction: it has runs, or is no reaction's name."""
    folder = Path(further)
    if (folder / "runs.csv").is_file():
        return True
    return folder.is_dir() and further not in set(reactions)
