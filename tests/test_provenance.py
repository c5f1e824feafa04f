"""Provenance names the code that computed a run, committed or not, and no table the machine."""

import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

import mepbench
from mepbench import config
from mepbench.config import check_config, code_of
from mepbench.errors import described, sentence
from mepbench.files.columns import JUDGED_COLUMNS
from mepbench.files.provenance import provenance
from mepbench.files.tidy import read_rows, write_rows
from mepbench.registry import PACKAGE, code_digest, source_file

COMPLETED = {"methods": {"neb": {"solver": "neb"}, "more": {"solver": "retry", "guess": "idpp"}}}


@pytest.fixture
def repository(tmp_path):
    """A repository with one commit that holds what makes a result."""
    for name in ("Snakefile", "config.yaml", "workflow/mepbench/methods/neb.py", "docs/a.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x\n")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "--quiet", "-m", "first")
    return tmp_path


def git(folder, *arguments):
    who = ["-c", "user.name=n", "-c", "user.email=e@example.org"]
    done = subprocess.run(
        ["git", "-C", str(folder), *who, *arguments], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def manifest(root, inputs=()):
    return provenance(root, {}, {}, inputs, {"package": "0"})


def test_a_clean_repository_has_its_commit_and_nothing_uncommitted(repository):
    made = manifest(repository)
    assert made["commit"] == git(repository, "rev-parse", "HEAD")
    assert made["uncommitted_changes"] == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda r: (r / "workflow/mepbench/methods/mine.py").write_text("y"), "methods/mine.py"),
        (lambda r: (r / "workflow/mepbench/methods/neb.py").write_text("y"), "methods/neb.py"),
        (lambda r: (r / "workflow/mepbench/methods/neb.py").unlink(), "D workflow/mepbench"),
        (lambda r: (r / "Snakefile").write_text("y"), "Snakefile"),
        (lambda r: git(r, "mv", "config.yaml", "workflow/config.yaml"), "config.yaml"),
    ],
)
def test_what_is_not_as_committed_is_named_be_it_tracked_or_not(repository, change, said):
    change(repository)
    assert any(said in line for line in manifest(repository)["uncommitted_changes"])


def test_what_makes_no_result_is_not_asked_about(repository):
    (repository / "docs" / "new.md").write_text("y")
    (repository / "results").mkdir()
    (repository / "results" / "runs.csv").write_text("y")
    assert manifest(repository)["uncommitted_changes"] == []


def test_without_git_the_version_stands_and_nothing_is_claimed(tmp_path, repository, monkeypatch):
    installed = repository / "venv" / "mepbench" / "shipped"  # a wheel in somebody's repository
    installed.mkdir(parents=True)
    for root in (installed, "/"):
        made = manifest(root)
        assert (made["commit"], made["uncommitted_changes"]) == (None, None)
        assert made["mepbench"] == mepbench.__version__
        assert made["code"] == {"package": "0"}
    monkeypatch.setenv("PATH", "")
    assert manifest(repository)["uncommitted_changes"] is None


def test_inputs_have_names_that_hold_on_any_machine(tmp_path, repository, monkeypatch):
    work = tmp_path / "work"
    files = ("work/here.xyz", "workflow/ships.xyz", "a/b/c/d/else.xyz", "work/plain.xyz")
    for name in files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    monkeypatch.chdir(work)
    given = [*(str(tmp_path / name) for name in files[:3]), "plain.xyz"]
    names = list(manifest(tmp_path / "workflow", given)["inputs"])
    assert sorted(names) == ["c/d/else.xyz", "here.xyz", "plain.xyz", "ships.xyz"]


def test_the_code_of_each_plug_in_used_is_hashed():
    code = code_of(check_config(COMPLETED).completed)
    assert code["methods"]["neb"]["file"] == "methods/neb.py"
    assert code["methods"]["neb"]["code"] == code_digest(source_file("methods", "neb"))
    assert set(code["guesses"]) == {"geodesic", "idpp"}
    assert set(code["refiners"]) == {"sella"}
    assert set(code["potentials"]) == {"xtb-python"}
    # `retry` loads its refiner by name, so that is of its code, too.
    sella = source_file("refiners", "sella")
    assert code["methods"]["more"]["code"] == code_digest(source_file("methods", "retry"), sella)


def test_a_file_that_nobody_committed_changes_the_hash_of_the_package(tmp_path, monkeypatch):
    completed = check_config(COMPLETED).completed
    hashes = {code_of(completed)["package"]}
    monkeypatch.setattr(config, "PACKAGE", tmp_path)
    for name in ("a.py", "b.py", "deep/c.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"name = {name!r}\n")
        hashes.add(code_of(completed)["package"])
    assert len(hashes) == 4
    assert all(re.fullmatch("[0-9a-f]{16}", one) for one in hashes)


def test_a_method_from_outside_has_its_own_hash(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text("def solve(reaction, oracle, guess, seed):\n    return None\n")
    given = check_config({"methods": {"mine": {"solver": "./mine.py"}}}).completed
    first = code_of(given)["methods"]["mine"]
    assert first["file"] == "mine.py"
    code_digest.cache_clear()
    Path("mine.py").write_text("def solve(reaction, oracle, guess, seed):\n    return 1\n")
    assert code_of(given)["methods"]["mine"]["code"] != first["code"]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("no np.int64(1) here, nor np.float64(-0.25)", "no 1 here, nor -0.25"),
        (f"at {(np.int64(3), np.float32(0.5))}", "at (3, 0.5)"),
        (f"{[np.str_('C'), np.bool_(True)]}", "['C', True]"),
        ("[Errno 2] No such file: '/usr/lib/a b/x.so'", "[Errno 2] No such file: 'a b/x.so'"),
        (f"{PACKAGE}/methods/neb.py: SyntaxError", "neb.py: SyntaxError"),
        ("/tmp/here/set/a/reactant.xyz is missing", "reactant.xyz is missing"),
        ("0.01 eV/A, 1 / cm, and/or, https://example.org/a/b", None),
        ("F/C=C/F, /C(F)=C/F and C/C=C/C differ", None),
        ("results/logs/a.log, ./mine.py, ../up/x.xyz", None),
    ],
)
def test_a_sentence_has_neither_the_machines_paths_nor_numpys_types(given, kept):
    assert sentence(given) == (given if kept is None else kept)


def test_no_reason_of_a_table_names_the_machine_and_names_stay_as_they_are(tmp_path):
    error = FileNotFoundError(2, "No such file or directory", str(tmp_path / "param.txt"))
    name = "/usr/lib/np.int64(1)"
    row = {"reaction": name, "reason": described(error), "ends_note": f"{[np.int64(4)]}"}
    write_rows(tmp_path / "runs.csv", JUDGED_COLUMNS, [row])
    (read,) = read_rows(tmp_path / "runs.csv")
    assert read["reaction"] == name
    assert read["reason"].endswith("No such file or directory: 'param.txt'")
    assert read["ends_note"] == "[4]"


def test_no_table_of_the_textbook_run_names_a_machine_or_a_type():
    for file in (config.ROOT / "docs").rglob("*.csv"):
        text = file.read_text(encoding="utf-8")
        assert not re.search(r"np\.(int|float|str)|(?<![\w.:/])/(home|root|tmp|work)/", text), file
