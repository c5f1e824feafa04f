"""`mepbench check`: a config, and every geometry and SMILES of its sets, before anything runs."""

import argparse
from collections import Counter
from pathlib import Path

from ..config import SHIPPED_CONFIG, Config, load_config, potential_remark
from ..errors import one_line

MOST_PRINTED = 20  # states, and refused reactions, of a set


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `mepbench check`."""
    parser.add_argument("config", nargs="?", default=SHIPPED_CONFIG, type=Path)
    parser.add_argument("--all", action="store_true", help="name all, however many are refused")


def run(options: argparse.Namespace) -> int:
    """Print what would run, and what is wrong; return 2 if a reaction will be refused, else 0."""
    config = load_config(options.config)
    refused = 0
    for name, jobs in config.jobs.items():
        print(f"set {name}: {sum(map(len, jobs.values()))} reactions in {len(jobs)} jobs")
        refused += _print_refused(name, config, None if options.all else MOST_PRINTED)
    print(f"potential {config.potential} {config.potential_options}")
    if remark := potential_remark(config.potential):
        print(f"  {remark}")
    for method in config.methods.values():
        print(f"method {method.name}: {method.solver} {method.options}, guess {method.guess}")
    if refused:
        print(f"{refused} reactions will be refused; the others can run: {config.job_count} jobs")
        return 2
    print(f"ok: {config.job_count} jobs and their tables")
    return 0


def _print_refused(name: str, config: Config, most: int | None) -> int:
    """Print in which states a set's reactions are, and which of them will be refused, and why.

    Returns their number.
    """
    from ..molecule.state import state_text
    from ..preparation.refusals import refusal
    from ..reaction import read_set

    chosen = {reaction for job in config.jobs[name].values() for reaction in job}
    refused, states = [], Counter()
    for entry in read_set(name, config.sets[name], only=chosen):
        if reason := refusal(entry):
            refused.append(f"  {entry.name!r}: {one_line(reason)}")
        else:
            states[state_text(entry.charge, entry.multiplicity, entry.state_from)] += 1
    for state, count in states.most_common(MOST_PRINTED):
        print(f"  {state}: {count} reactions")
    if refused:
        print(f"  {len(refused)} of {len(chosen)} reactions will be refused (bad-endpoints):")
        print("\n".join(refused[:most]))
        if most is not None and len(refused) > most:
            print(f"  and {len(refused) - most} more: `mepbench check --all` names them")
    return len(refused)
