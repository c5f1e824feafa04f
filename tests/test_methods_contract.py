"""What every method promises, over all files found in methods/ and all entries of config.yaml.

A file dropped into methods/ is tested here before its author writes a test.
"""

import re

import numpy as np
import pytest
import yaml
from conftest import ROOT

from mepbench import registry
from mepbench.cli import main
from mepbench.config import RESERVED
from mepbench.errors import NotInstalled
from mepbench.oracle import Oracle
from mepbench.path import Path, checked, resample
from mepbench.solving.contract import (
    BUDGET,
    CLAIMS,
    SOURCE,
    SURFACES,
    Trial,
    miss,
    problem,
    tried,
)

# Where the valley bends sharply, PyDMF's example settings (3 points, 4 segments) are too coarse.
FINER = {
    "dmf": {
        "leps_ho": {
            "points": 25, "segments": 12, "beta": 20.0, "move_points": False, "tolerance": "tight",
        },
    },
}  # fmt: skip


def entries():
    """(solver, options) of all config entries, and of every other file with its defaults."""
    methods = yaml.safe_load((ROOT / "config.yaml").read_text())["methods"].values()
    found = [(m["solver"], {k: v for k, v in m.items() if k not in RESERVED}) for m in methods]
    covered = {solver for solver, _ in found}
    found += [(name, {}) for name in registry.available("methods") if name not in covered]
    return [entry for i, entry in enumerate(found) if entry not in found[:i]]


def label(entry):
    return "-".join([entry[0], *map(str, entry[1].values())])


ENTRIES = entries()


@pytest.fixture(scope="module")
def trial():
    """The `Trial` of an entry, whose runs are each made once."""
    trials = {}

    def of(entry):
        solver, options = entry
        return trials.setdefault(label(entry), Trial(solver, options, FINER.get(solver, {})))

    return of


# These end with a guess of the saddle: the path itself, nodes frozen beside it, or not relaxed.
GUESSING = ("guess-only", "freezing-string", "growing-string")
SLOW = ("aid-neb",)  # minutes on its surrogate, to keep a budget of 60
PROMISED = [
    pytest.param(
        entry,
        claim,
        id=f"{label(entry)}-{claim}",
        marks=[pytest.mark.slow] if entry[0] in SLOW else [],
    )
    for entry in ENTRIES
    for claim in CLAIMS
    if not (entry[0] in GUESSING and claim.startswith("finds"))
]


@pytest.mark.parametrize(("entry", "claim"), PROMISED)
def test_method_keeps_its_contract(entry, claim, trial):
    try:
        CLAIMS[claim](trial(entry))
    except NotInstalled as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("surface", SURFACES)
def test_the_untrained_guess_misses_the_saddle(surface):
    module, _, guess = problem(surface)
    path = Trial("guess-only").on(surface).path
    assert miss(path.highest().position, surface) > 0.3
    fine = resample(guess, 201)
    energies, _ = module.load(None, 0, 1).evaluate(fine)
    assert miss(fine[np.argmax(energies)], surface) > 0.3


GOOD = '''"""A line (Euclid, doi:10.1000/elements)."""
from helper import line
from mepbench.path import Path

def solve(reaction, oracle, guess, seed, *, frames: int = 9) -> Path:
    path = Path(line(reaction.ends, frames))
    energies, _ = oracle(path.positions)
    path = Path(path.positions, energies, converged=True)
    oracle.checkpoint(path)
    return path
'''
HELPER = "import numpy as np\ndef line(ends, n):\n    return np.linspace(*ends, n)\n"
BROKEN = {  # what is done to the good method -> the claims that must fail
    "wrong ends": (
        ("Path(line(reaction.ends, frames))", "Path(line(reaction.ends + 0.1, frames))"),
        "ends and energies are exact",
    ),
    "invented energies": (
        ("Path(path.positions, energies,", "Path(path.positions, energies - 1,"),
        "ends and energies are exact",
    ),
    "chance": (
        ("    energies, _", "    import numpy as np\n    path.positions[3] += np.random.rand()\n"
         "    energies, _"),
        "same seed same result",
    ),
    "guess written to": (("    energies, _", "    guess.positions[3] += 1\n    energies, _"),
                         "guess is left as it was"),
    "no checkpoint": (("    oracle.checkpoint(path)\n", ""), "checkpoints give a trace"),
    "no type": (("frames: int = 9", "frames=9"), "options have types and defaults"),
    "no source": ((" (Euclid, doi:10.1000/elements)", ""), "docstring cites a source"),
    "beside the oracle": (
        ("    energies, _ = oracle(path.positions)",
         "    energies, _ = oracle._evaluate(path.positions)"),
        "every evaluation is booked",
    ),
}  # fmt: skip


@pytest.fixture
def mine(tmp_path):
    """Write a method outside the package, and what it imports beside it; return its file."""

    def write(text=GOOD, name="mine"):
        (tmp_path / "helper.py").write_text(HELPER)
        (tmp_path / f"{name}.py").write_text(text)
        return str(tmp_path / f"{name}.py")

    return write


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_method_is_found(fault, mine):
    change, claim = BROKEN[fault]
    assert change[0] in GOOD
    name = fault.replace(" ", "_")
    failed = {claim for claim, why in tried(Trial(mine(GOOD.replace(*change), name))) if why}
    assert claim in failed
    assert failed - {claim} <= {c for c in CLAIMS if c.startswith("finds")} | {
        "peak is what it says", "every evaluation is booked", "checkpoints give a trace",
        "budget is kept",
    }  # fmt: skip


def test_a_method_from_outside_is_tested_by_command(mine, capsys):
    assert main(["test-method", mine(), "--options", "{frames: 11}"]) == 1
    printed = capsys.readouterr().out
    assert re.search(r"FAILED +finds the saddle of leps ho: the highest point is \d", printed)
    assert "ok      same seed same result" in printed
    assert "11 frames" not in printed
    assert main(["test-method", "neb"]) == 0
    assert "FAILED" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["./nobody.py"], "there is no file ./nobody.py"),
        (["nob"], "Did you mean 'neb'?"),
        (["neb", "--options", "{image: 5}"], "Did you mean 'images'?"),
        (["neb", "--options", "[1"], "--options"),
        (["neb", "--options", "5"], "--options"),
    ],
)
def test_bad_input_of_the_command_is_one_line(arguments, said, capsys):
    assert main(["test-method", *arguments]) == 2
    printed = capsys.readouterr()
    assert said in printed.err
    assert printed.err.count("\n") == 1


@pytest.mark.parametrize("page", ["adding.md", "tutorials/developer.md"])
def test_the_docs_example_keeps_the_contract(page):
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    code = re.search(r"```python[^\n]*\n(.*?)```", text, re.DOTALL)[1]
    module, known, guess = problem("mueller_brown")
    oracle = Oracle(module.load(None, 0, 1), known.reaction, BUDGET)
    example = {}
    exec(code.replace("    ...\n", "    positions = guess.positions\n"), example)
    checked(example["solve"](known.reaction, oracle, Path(guess), 0), known.reaction.ends)
    assert oracle.trace
    assert re.search(SOURCE, example["__doc__"])


def test_a_new_file_is_found(tmp_path, monkeypatch):
    (tmp_path / "methods").mkdir()
    (tmp_path / "methods" / "brand_new.py").write_text("def solve(): ...")
    monkeypatch.setattr(registry, "PACKAGE", tmp_path)
    assert ("brand-new", {}) in entries()
