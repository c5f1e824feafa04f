"""Plug-ins that lie outside the package: files beside a config, and installed packages."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import yaml

from mepbench import registry
from mepbench.config import load_config
from mepbench.errors import InputError
from mepbench.files.shipped import ROOT
from mepbench.registry import code_digest, load, options, source_file
from mepbench.reporting.figures import Results, caption

METHOD = '''"""The guess, bent (nobody, doi:10.1000/none)."""
from bend import bent
from mepbench.path import Path

def solve(reaction, oracle, guess, seed, *, height: float = 0.0) -> Path:
    path = Path(bent(guess.positions, height))
    energies, _ = oracle(path.positions)
    path = Path(path.positions, energies)
    oracle.checkpoint(path)
    return path
'''
BEND = """import numpy as np
def bent(frames, height):
    return frames + height * np.sin(np.pi * np.linspace(0, 1, len(frames)))[:, None, None]
"""
GUESS = '''"""A line."""
import numpy as np
def interpolate(reaction, seed, *, frames: int = 11):
    return np.linspace(reaction.reactant, reaction.product, frames)
'''
REFINER = '''"""Sella, by another name."""
from mepbench.refiners import sella

def refine(reaction, oracle, peak, seed):
    return sella.refine(reaction, oracle, peak, seed)
'''
POTENTIAL = '''"""GFN1-xTB by tblite."""
from mepbench.potentials import tblite

def load(numbers, charge, multiplicity, *, accuracy: float = 0.05):
    return tblite.load(numbers, charge, multiplicity, method="GFN1-xTB", accuracy=accuracy)
'''
FIGURE = '''"""How many runs there are."""
from matplotlib.figure import Figure

def plot(results):
    figure = Figure(figsize=(3, 2))
    figure.add_subplot().bar(["runs"], [len(results.runs)])
    return figure
'''
AMMONIA = """4
charge=0 multiplicity=1
N 0.0 0.0 {0}
H 0.0 0.9428 0.0
H 0.8165 -0.4714 0.0
H -0.8165 -0.4714 0.0
"""


@pytest.fixture
def outside(tmp_path, monkeypatch):
    """A folder with plug-ins and a config beside them, one level below where a run starts."""
    folder = tmp_path / "lab"
    folder.mkdir()
    texts = {
        "mine": METHOD, "bend": BEND, "line": GUESS, "my_sella": REFINER, "gfn1": POTENTIAL,
        "count_runs": FIGURE,
    }  # fmt: skip
    for name, text in texts.items():
        (folder / f"{name}.py").write_text(text)
    ends = tmp_path / "set" / "inversion"
    ends.mkdir(parents=True)
    (ends / "reactant.xyz").write_text(AMMONIA.format(0.35))
    (ends / "product.xyz").write_text(AMMONIA.format(-0.35))
    config = {
        "sets": {"own": "set"},
        "potential": {"name": "./gfn1.py"},
        "guess": "./line.py",
        "refiner": "my_sella.py",
        "methods": {"mine": {"solver": "./mine.py"}, "shipped": {"solver": "guess-only"}},
        "figures": ["count_runs.py"],
    }
    (folder / "mine.yaml").write_text(yaml.safe_dump(config))
    monkeypatch.chdir(tmp_path)
    return folder


def snakemake(*arguments):
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile")]
    command += ["--cores", "1", "--configfile", "lab/mine.yaml", "--replace-workflow-config"]
    environment = {**os.environ, "PYTHONPATH": str(registry.PACKAGE.parent)}
    done = subprocess.run(
        [*command, *arguments], capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_a_run_takes_every_kind_of_plug_in_from_beside_its_config(outside):
    import pandas as pd

    wanted = ("runs.csv", "provenance.json", "figures/count_runs.png")
    snakemake("--quiet", "rules", "--", *(f"results/{name}" for name in wanted))
    runs = pd.read_csv("results/runs.csv").set_index("method")
    assert dict(runs.verdict) == {"mine": "intended", "shipped": "intended"}
    assert set(runs.potential) == {"lab/gfn1.py"}
    assert runs.backend.str.startswith("tblite").all()
    assert runs.barrier_eV["mine"] == pytest.approx(0.1847, abs=1e-3)  # planar minus pyramid
    found = Results(outside.parent / "results")
    assert caption("count_runs", found.figures) == "How many runs there are."
    written = json.loads((outside.parent / "results/provenance.json").read_text())
    assert written["config"]["methods"]["mine"]["solver"] == "lab/mine.py"
    assert str(outside.parent) not in (outside.parent / "results/runs.csv").read_text()
    # What is imported from beside a plug-in is its code, too: a change runs that method again.
    (outside / "bend.py").write_text(BEND + "\n# changed\n")
    planned = " ".join(snakemake("--dry-run", "--quiet", "rules").split())
    assert "solve 1" in planned
    assert "endpoints 1" not in planned


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        (
            "methods",
            {"mine": {"solver": "./other.py"}},
            "methods: mine: there is no file lab/other",
        ),
        ("methods", {"mine": {"solver": "mine.py", "hight": 1}}, "Did you mean 'height'?"),
        ("methods", {"mine": {"solver": "line.py"}}, "must offer a function solve("),
        ("guess", "mine.py", "must offer a function interpolate("),
        ("refiner", "./nobody.py", "there is no file lab/nobody.py (refiner)"),
        ("potential", {"name": "nobody.py"}, "there is no file lab/nobody.py (potential)"),
        ("figures", ["solved.py"], "there is no file lab/solved.py"),
        ("figures", ["bad name.py"], "a figure is a file of Python"),
        ("figures", "count_runs.py", "figures"),
    ],
)
def test_a_plug_in_that_is_none_is_one_clear_error(outside, key, value, said):
    (outside / "bad name.py").write_text(FIGURE)
    config = yaml.safe_load((outside / "mine.yaml").read_text())
    (outside / "mine.yaml").write_text(yaml.safe_dump({**config, key: value}))
    with pytest.raises(InputError) as error:
        load_config("lab/mine.yaml")
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_a_figure_may_not_take_the_name_of_one_that_ships(outside):
    (outside / "solved.py").write_text(FIGURE)
    config = yaml.safe_load((outside / "mine.yaml").read_text())
    (outside / "mine.yaml").write_text(yaml.safe_dump({**config, "figures": ["solved.py"]}))
    with pytest.raises(InputError, match="there is a figure solved already"):
        load_config("lab/mine.yaml")


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """A package that announces a method, and one whose announcement is wrong."""
    package = tmp_path / "site" / "pathlab"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "bend.py").write_text(BEND)
    (package / "crooked.py").write_text(METHOD.replace("from bend", "from .bend"))
    about = tmp_path / "site" / "pathlab-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: pathlab\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(
        "[mepbench.methods]\ncrooked = pathlab.crooked\nlost = pathlab.lost\n"
        "neb = pathlab.crooked\n"
    )
    monkeypatch.syspath_prepend(tmp_path / "site")
    registry._installed.cache_clear()
    yield package
    registry._installed.cache_clear()
    for module in [name for name in sys.modules if name.partition(".")[0] == "pathlab"]:
        del sys.modules[module]


def test_an_installed_package_announces_a_method(installed):
    assert source_file("methods", "crooked") == installed / "crooked.py"
    assert "crooked" in registry.available("methods")
    assert list(options("methods", "crooked")) == ["height"]
    assert load("methods", "crooked").__module__ == "pathlab.crooked"
    # What ships keeps its name.
    assert source_file("methods", "neb").parent.name == "methods"
    with pytest.raises(InputError, match=r"no module 'pathlab\.lost'"):
        source_file("methods", "lost")


def test_what_an_installed_plug_in_imports_is_its_code(installed):
    before = code_digest(source_file("methods", "crooked"))
    for cached in (code_digest, registry.imported_files, registry._imports_of):
        cached.cache_clear()
    (installed / "bend.py").write_text(BEND + "# changed\n")
    assert code_digest(source_file("methods", "crooked")) != before


def test_names_that_are_paths_are_no_way_out_of_the_registry(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("../methods/neb", "/etc/passwd", "neb.txt", "..", ""):
        with pytest.raises(InputError, match="there is no solver"):
            source_file("methods", name)


def test_both_backends_compute_one_hamiltonian():
    pytest.importorskip("xtb", reason="xtb-python has wheels for Python 3.11 alone")
    from ase.build import molecule

    for name, charge, multiplicity in (("CH3CHO", 0, 1), ("CH3", 0, 2), ("NH3", 1, 2)):
        atoms = molecule(name)
        numbers, positions = atoms.numbers, atoms.positions[None]
        for method in ("GFN2-xTB", "GFN1-xTB"):
            one, other = (
                load("potentials", p)(numbers, charge, multiplicity, method=method, accuracy=0.01)
                for p in ("xtb-python", "tblite")
            )
            (e, g), (e_other, g_other) = one.evaluate(positions), other.evaluate(positions)
            assert e_other == pytest.approx(e, abs=1e-5)
            assert g_other == pytest.approx(g, abs=1e-4)


def test_without_xtb_python_tblite_computes_it(monkeypatch):
    from mepbench.potentials import xtb_python

    assert xtb_python.remark() == "" or not xtb_python.is_installed()
    monkeypatch.setattr(xtb_python, "is_installed", lambda: False)
    assert "tblite computes the same Hamiltonian" in xtb_python.remark()
    assert "\n" not in xtb_python.remark()
    potential = xtb_python.load(np.array([1, 1]), 0, 1)
    assert potential.backend.startswith("tblite ")
