"""`mepbench check`: a config, and every geometry and SMILES of its sets, before anything runs."""

import argparse
from collections import Counter
from pathlib import Path

from ..config import SHIPPED_CONFIG, Config, load_config, potential_remark
from ..errors import one_line
from ..registry import module_of

MOST_PRINTED = 20  # states of a set, and mistakes of one kind


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `mepbench check`."""
    parser.add_argument("config", nargs="?", default=SHIPPED_CONFIG, type=Path)
    parser.add_argument("--all", action="store_true", help="name all, however many are refused")


def run(options: argparse.Namespace) -> int:
    """Print what would run, and what is wrong; return 2 if anything is, else 0."""
    config = load_config(options.config)
    most = None if options.all else MOST_PRINTED
    wrong = 0
    for name, jobs in config.jobs.items():
        print(f"set {name}: {sum(map(len, jobs.values()))} reactions in {len(jobs)} jobs")
        wrong += _print_set(name, config, most)
    print(f"potential {config.potential} {config.potential_options}")
    if remark := potential_remark(config.potential):
        print(f"  {remark}")
    for method in config.methods.values():
        print(f"method {method.name}: {method.solver} {method.options}, guess {method.guess}")
    if wrong:
        print(f"{wrong} mistake{'s' * (wrong > 1)}; the other reactions can run")
        return 2
    print(f"ok: {config.job_count} jobs and their tables")
    return 0


def _print_set(name: str, config: Config, most: int | None) -> int:
    """Print the states of a set's reactions, and its mistakes; return how many there are."""
    from ..molecule.state import state_text
    from ..preparation.refusals import refusal
    from ..reaction import misnamed_folders, read_set

    potential = module_of("potentials", config.potential)
    check_elements = getattr(potential, "check_elements", lambda numbers: None)
    chosen = {reaction for job in config.jobs[name].values() for reaction in job}
    refused, unused, states = [], [], Counter()
    for entry in read_set(name, config.sets[name], only=chosen):
        if reason := refusal(entry, check_elements):
            refused.append(f"{entry.name!r}: {one_line(reason)}")
        else:
            states[state_text(entry.charge, entry.multiplicity, entry.state_from)] += 1
        if entry.ts_problem:
            unused.append(f"{entry.name!r}: {one_line(entry.ts_problem)}")
    for state, count in states.most_common(MOST_PRINTED):
        print(f"  {state}: {count} reactions")
    misnamed = [one_line(file) for file in misnamed_folders(config.sets[name])]
    whats = {
        f"of {len(chosen)} reactions will be refused": refused,
        "transition states of the set can't be used": unused,
        "folders have neither reactant.xyz nor product.xyz, so are no reactions": misnamed,
    }
    for what, lines in whats.items():
        if lines:
            print(f"  {len(lines)} {what}:", *lines[:most], sep="\n    ")
        if most is not None and len(lines) > most:
            print(f"    and {len(lines) - most} more: `mepbench check --all` names them")
    return sum(map(len, whats.values()))
