"""The workflow as a Snakemake module: another folder's Snakefile uses all of its rules."""

import os
import re
import subprocess
import sys

import pytest
import yaml
from conftest import ROOT

CONFIG = {
    "sets": {"two": "quick"},
    "select": ["hcn-isomerisation", "ammonia-inversion"],
    "methods": {"neb": {"solver": "neb"}, "own": {"solver": "./own.py"}},
    "reactions_per_job": 1,
    "results": "out/two",
}
OWN = """from mepbench.methods import guess_only

def solve(reaction, oracle, guess, seed):
    return guess_only.solve(reaction, oracle, guess, seed)
"""
SNAKEFILE = """
configfile: "config/config.yaml"


module mepbench:
    snakefile:
        {snakefile!r}
    config:
        config


use rule * from mepbench{renamed}
"""


@pytest.mark.parametrize(("snakefile", "prefix"), [("Snakefile", ""), ("workflow/Snakefile", "x_")])
def test_another_folder_uses_the_workflow_as_a_module(snakefile, prefix, tmp_path):
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "config.yaml").write_text(yaml.safe_dump(CONFIG), encoding="utf-8")
    (tmp_path / "config" / "own.py").write_text(OWN, encoding="utf-8")
    renamed = f" as {prefix}*" if prefix else ""
    text = SNAKEFILE.format(snakefile=str(ROOT / snakefile), renamed=renamed)
    (tmp_path / "Snakefile").write_text(text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--dry-run", "--quiet", "rules"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT / "workflow")},
        capture_output=True,
        text=True,
    )
    printed = done.stdout + done.stderr
    assert done.returncode == 0, printed[-3000:]
    jobs = {rule: int(n) for rule, n in re.findall(r"^(\w+) +(\d+)$", printed, re.MULTILINE)}
    wanted = {"endpoints": 2, "guess": 2, "solve": 4, "judge": 4, "collect": 1, "report": 1}
    assert {rule: jobs.get(prefix + rule) for rule in wanted} == wanted
    assert {file.name for file in tmp_path.iterdir()} == {"config", "Snakefile", ".snakemake"}
