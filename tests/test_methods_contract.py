"""What every method promises, over all files found in methods/ and all entries of config.yaml.

A file dropped into methods/ is tested here before its author writes a test.
"""

import contextlib
import inspect
import re
import sys

import numpy as np
import pytest
import yaml
from conftest import ROOT
from known import SURFACES, problem

from mepbench import registry
from mepbench.config import RESERVED
from mepbench.errors import BudgetExhausted, NotInstalled
from mepbench.oracle import Oracle
from mepbench.path import Path, checked, resample
from mepbench.potentials import leps_ho, mueller_brown

# Where the valley bends sharply, PyDMF's example settings (3 points, 4 segments) are too coarse.
FINER = {
    ("dmf", "leps_ho"): {
        "points": 25, "segments": 12, "beta": 20.0, "move_points": False, "tolerance": "tight",
    },
}  # fmt: skip
TOLERANCE = 0.1  # angstrom, from the peak that a method returns to the saddle
BUDGET = 3000
SOURCE = r"doi:\s?10\.\d{4,}/|arXiv:\d{4}"


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
SOLVING = [entry for entry in ENTRIES if entry[0] != "guess-only"]
each_entry = pytest.mark.parametrize("entry", ENTRIES, ids=label)
each_file = pytest.mark.parametrize("name", registry.available("methods"))
each_surface = pytest.mark.parametrize("surface", SURFACES)


class Counting:
    """A potential that counts for itself."""

    def __init__(self, potential):
        self._potential, self.batches = potential, []
        self.invariances, self.backend = potential.invariances, potential.backend

    def evaluate(self, positions):
        self.batches.append(len(positions))
        return self._potential.evaluate(positions)


@pytest.fixture(scope="module", autouse=True)
def whole_rounds():
    """Rounds go in whole, also the first, in which an oracle sees how slow its potential is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mepbench.oracle.SLOW", np.inf)
        yield


def run(entry, surface, budget=BUDGET, seed=0):
    """Run a method; return its path (None where the budget ended), its oracle and potential."""
    module, known, guess = problem(surface)
    solve = registry.load("methods", entry[0])
    potential = Counting(module.load(None, 0, 1))
    oracle = Oracle(potential, known.reaction, budget)
    options = {**FINER.get((entry[0], surface), {}), **entry[1]}
    try:
        return solve(known.reaction, oracle, Path(guess), seed, **options), oracle, potential
    except NotInstalled as error:
        pytest.skip(str(error))
    except BudgetExhausted:
        return None, oracle, potential


@pytest.fixture(scope="module")
def solved():
    """`run`, each case once."""
    results = {}

    def once(entry, surface):
        key = (label(entry), surface)
        if key not in results:
            results[key] = run(entry, surface)
        return results[key]

    return once


def miss(peak, surface):
    """Distance from a peak to the known saddle, angstrom."""
    return np.linalg.norm(peak.position - SURFACES[surface].KNOWN[0].saddle)


@each_surface
@pytest.mark.parametrize("entry", SOLVING, ids=label)
def test_method_finds_the_known_saddle(entry, surface, solved):
    path, oracle, _ = solved(entry, surface)
    assert path is not None, f"budget: {oracle.evaluations}"
    assert miss(path.highest(), surface) < TOLERANCE


@each_surface
def test_the_untrained_guess_does_not(surface):
    _, _, guess = problem(surface)
    path, _, _ = run(("guess-only", {}), surface)
    assert miss(path.highest(), surface) > 0.3
    module = SURFACES[surface]
    energies, _ = module.load(None, 0, 1).evaluate(resample(guess, 201))
    top = resample(guess, 201)[np.argmax(energies)]
    assert np.linalg.norm(top - module.KNOWN[0].saddle) > 0.3


@each_entry
def test_ends_are_exact_and_energies_are_those_of_the_frames(entry, solved):
    path, _, _ = solved(entry, "mueller_brown")
    module, known, _ = problem("mueller_brown")
    checked(path, known.reaction.ends)
    if path.energies is not None:
        paid = ~np.isnan(path.energies)
        energies, _ = module.load(None, 0, 1).evaluate(path.positions[paid])
        assert path.energies[paid] == pytest.approx(energies, abs=1e-8)


@each_entry
def test_peak_is_what_it_says(entry, solved):
    path, _, _ = solved(entry, "mueller_brown")
    peak = path.highest()
    energies, gradients = mueller_brown.load(None, 0, 1).evaluate(peak.position[None])
    if peak.energy is not None:
        assert peak.energy == pytest.approx(energies[0], abs=1e-8)
    if peak.gradient is not None:
        assert peak.gradient == pytest.approx(gradients[0], abs=1e-8)
    if peak.tangent is not None:
        assert np.linalg.norm(peak.tangent) == pytest.approx(1.0)


@each_entry
def test_every_evaluation_is_booked(entry, solved):
    _, oracle, potential = solved(entry, "mueller_brown")
    assert oracle.evaluations == sum(potential.batches) > 0
    assert oracle.rounds == len(potential.batches)


@each_entry
def test_budget_is_kept_and_leaves_a_path(entry):
    path, oracle, _ = run(entry, "leps_ho", budget=60)
    assert oracle.evaluations <= 60
    if path is None:
        assert oracle.path is not None, "no checkpoint before the budget ended"
        checked(oracle.path, leps_ho.KNOWN[0].reaction.ends)


@each_entry
def test_same_seed_same_result(entry, solved):
    first, again = solved(entry, "ring_valley"), run(entry, "ring_valley")
    assert np.array_equal(first[0].positions, again[0].positions)
    assert first[1].evaluations == again[1].evaluations


@each_entry
def test_guess_is_left_as_it_was(entry):
    module, known, guess = problem("double_double_well")
    kept = guess.copy()
    oracle = Oracle(module.load(None, 0, 1), known.reaction, 200)
    with contextlib.suppress(BudgetExhausted, NotInstalled):
        registry.load("methods", entry[0])(known.reaction, oracle, Path(guess), 0, **entry[1])
    assert np.array_equal(guess, kept)


@each_entry
def test_checkpoints_give_a_trace(entry, solved):
    _, oracle, _ = solved(entry, "mueller_brown")
    assert 1 <= len(oracle.trace) <= 16
    spent = [point.evaluations for point in oracle.trace]
    assert spent == sorted(spent)


@each_file
def test_options_have_types_and_defaults(name):
    for option in registry.options("methods", name).values():
        assert option.default is not inspect.Parameter.empty, option.name
        assert option.annotation is not inspect.Parameter.empty, option.name


@each_file
def test_docstring_cites_a_source(name):
    module = sys.modules[registry.load("methods", name).__module__]
    assert re.search(SOURCE, module.__doc__ or ""), "cite author, DOI"


def test_the_readmes_example_keeps_the_contract():
    text = (ROOT / "README.md").read_text(encoding="utf-8").partition("## Add a method")[2]
    code = re.search(r"```python\n(.*?)```", text, re.DOTALL)[1]
    module, known, guess = problem("mueller_brown")
    oracle = Oracle(module.load(None, 0, 1), known.reaction, BUDGET)
    example = {}
    exec(code.replace("    ...\n", "    positions = guess.positions\n"), example)
    checked(example["solve"](known.reaction, oracle, Path(guess), 0), known.reaction.ends)
    assert len(oracle.trace) == 1
    assert re.search(SOURCE, example["__doc__"])


def test_a_new_file_is_found(tmp_path, monkeypatch):
    (tmp_path / "methods").mkdir()
    (tmp_path / "methods" / "brand_new.py").write_text("def solve(): ...")
    monkeypatch.setattr(registry, "PACKAGE", tmp_path)
    assert ("brand-new", {}) in entries()
