"""`mepbench run reactant.xyz product.xyz`: one reaction on the command line."""

import argparse
import json
import sys
from pathlib import Path

from ..errors import InputError

# Option of the command line -> how argparse takes it; all are None or False where not given.
OPTIONS = {
    "calculator": {
        "help": "xtb-python, tblite, pyscf, module:function that makes an ASE calculator, or what "
        "`potential:` is in a config, as '{name: tblite, method: GFN1-xTB}'"
    },
    "prior": {
        "help": "a cheaper potential, as --calculator: searched first, its surrogate is where "
        "the search with the calculator begins"
    },
    "charge": {"type": int, "help": "as in the files; default: theirs, else 0"},
    "multiplicity": {"type": int, "help": "as in the files; default: theirs, else 1"},
    "method": {"help": "a file of methods/; default: the best one"},
    "guess": {"help": "a file of guesses/"},
    "seed": {"type": int},
    "no-relax": {"action": "store_true", "help": "take the ends as they are"},
    "accept-relaxed": {
        "action": "store_true",
        "help": "go on between the relaxed ends where these have other bonds than those given",
    },
    "keep-order": {
        "action": "store_true",
        "help": "leave equivalent atoms of the product numbered as they are",
    },
    "proof": {
        "choices": ("staged", "full"),
        "help": "of the saddle; default: staged, and in full where that leaves a doubt",
    },
    "no-mechanism": {
        "action": "store_true",
        "help": "search no steps where no saddle joins the ends",
    },
    "ways": {
        "type": int,
        "help": "searches, each from another start; the lowest way is named; default: 1",
    },
    "thermo": {
        "action": "store_true",
        "help": "compute the Hessians that free energies still need",
    },
    "temperature": {"type": float, "help": "of free energies, K; default: 298.15"},
    "pressure": {"type": float, "help": "of free energies, bar; default: 1"},
    "output": {"type": Path, "help": "folder of the result files; default: REACTANT-PRODUCT"},
    "quiet": {"action": "store_true", "help": "no progress, only what came out"},
}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what applies to a pair of files."""
    group = parser.add_argument_group("options for a pair of XYZ files")
    for name, how in OPTIONS.items():
        group.add_argument(f"--{name}", **how)


def given_options(options: argparse.Namespace) -> dict:
    """Return those of the pair's options that were given."""
    values = {name: getattr(options, name.replace("-", "_")) for name in OPTIONS}
    return {
        name: value for name, value in values.items() if value is not None and value is not False
    }


def run_pair(reactant: str, product: str, given: dict) -> None:
    """Find the saddle between two files, write its files, and print what came out."""
    from .any_calculator import potential_entry
    from .saddle_search import find_saddle

    given = {name.replace("-", "_"): value for name, value in given.items()}
    output = given.pop("output", Path(f"{Path(reactant).stem}-{Path(product).stem}"))
    relax, verbose = not given.pop("no_relax", False), not given.pop("quiet", False)
    given["mechanism"] = not given.pop("no_mechanism", False)
    for name in ("calculator", "prior"):
        if given.get(name, "").lstrip().startswith("{"):
            given[name] = _mapping(name, given[name])
    _check_not_others(output, [str(Path(file).resolve()) for file in (reactant, product)])
    entries = [potential_entry(given.get(name)) for name in ("calculator", "prior")]
    if any((entry or {}).get("name") == "ase" for entry in entries):
        sys.path.append(str(Path.cwd()))  # where a user's own `module:function` lies
    found = find_saddle(
        reactant, product, relax=relax, name=output.name, folder=output, verbose=verbose, **given
    )
    print(found)
    print(f"{'files':<21} {output}/")


def _check_not_others(folder: Path, inputs: list[str]) -> None:
    """Raise `InputError` if a folder has the results of other files than these."""
    try:
        theirs = json.loads((folder / "summary.json").read_text(encoding="utf-8")).get("inputs")
    except (OSError, ValueError, AttributeError):  # none, or no summary of a search
        return
    if theirs != inputs:
        what = " and ".join(map(str, theirs)) if theirs else "another search"
        raise InputError(
            f"{folder}: has the results of {what}: choose another folder by --output, or remove it"
        )


def _mapping(option: str, text: str) -> dict:
    import yaml

    try:
        mapping = yaml.safe_load(text)
    except yaml.YAMLError:
        mapping = None
    if not isinstance(mapping, dict):
        raise InputError(f"--{option}: {text!r} is no mapping such as '{{name: tblite}}'")
    return mapping
