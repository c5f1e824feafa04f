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
    "methods": {"geodesic": {"solver": "guess-only"}, "neb": {"solver": "neb"}},
    "reactions_per_job": 1,
    "results": "out/two",
}
SNAKEFILE = """
configfile: "config/config.yaml"


module mepbench:
    snakefile:
        {snakefile!r}
    config:
        config


use rule * from mepbench
"""


@pytest.mark.parametrize("snakefile", ["Snakefile", "workflow/Snakefile"])
def test_another_folder_uses_the_workflow_as_a_module(snakefile, tmp_path):
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "config.yaml").write_text(yaml.safe_dump(CONFIG), encoding="utf-8")
    text = SNAKEFILE.format(snakefile=str(ROOT / snakefile))
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
    assert {rule: jobs.get(rule) for rule in wanted} == wanted
    assert {file.name for file in tmp_path.iterdir()} == {"config", "Snakefile", ".snakemake"}
