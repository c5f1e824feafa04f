"""What a start costs: which libraries are loaded, and which only where they are used."""

import subprocess
import sys

import pytest

HEAVY = (
    "ase.optimize h5py jax jinja2 matplotlib networkx pandas rdkit seaborn sella snakemake torch"
).split()
COMMANDS = "check data init leaderboard rejudge report run show statistics submit".split()
HCN = {
    "hcn": "H 0 0 -1.065\nC 0 0 0\nN 0 0 1.155\n",
    "cnh": "H 0 0 2.16\nC 0 0 0\nN 0 0 1.17\n",
}


def loaded(code: str, names: list[str], folder=None) -> set[str]:
    """Which of some modules a fresh Python has loaded after running code."""
    code = f"{code}\nimport sys\nprint(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=folder)
    assert done.returncode == 0, done.stderr
    return set(names) & set(done.stderr.split())


def command(*arguments: str) -> str:
    main = f"from mepbench.cli import main\ntry:\n    assert main({list(arguments)}) == 0"
    return f"{main}\nexcept SystemExit as end:\n    assert not end.code"


def test_the_list_of_commands_needs_no_library():
    names = [*HEAVY, "numpy", "scipy", "ase", "yaml"]
    assert loaded(command("--help"), names) == set()


@pytest.mark.parametrize("name", COMMANDS)
def test_the_options_of_a_command_need_none_of_the_heavy_libraries(name):
    assert loaded(command(name, "--help"), HEAVY) == set()


def test_a_job_loads_what_it_uses_only_then():
    stages = ("preparation", "solving", "judging", "mechanism")
    code = "\n".join(f"import mepbench.{stage}.job" for stage in stages)
    assert loaded(f"import mepbench.jobs.rule\n{code}", HEAVY) == set()


def test_a_pair_of_files_loads_no_library_of_tables_and_no_refiner_that_it_does_not_ask(tmp_path):
    for name, atoms in HCN.items():
        (tmp_path / f"{name}.xyz").write_text(f"3\n\n{atoms}")
    code = command("run", "hcn.xyz", "cnh.xyz", "--quiet")
    heavy = ["jax", "pandas", "seaborn", "sella", "snakemake", "torch"]
    assert loaded(code, heavy, tmp_path) == set()
