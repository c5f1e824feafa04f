"""Run `snakemake --lint`; fail on any advice but the one that is declined by name.

One environment serves the whole workflow (`envs/`), made by `make` or by conda before
Snakemake starts, since Snakemake itself imports mepbench to plan. An environment for each
rule would be a second one beside it.
"""

import json
import subprocess
import sys
from pathlib import Path

DECLINED = "Specify a conda environment or container for each rule."

done = subprocess.run(
    [sys.executable, "-m", "snakemake", "--lint", "json"],
    cwd=Path(__file__).resolve().parents[1],
    capture_output=True,
    text=True,
)
start = done.stdout.find("{")
if start < 0:
    sys.exit(f"snakemake --lint said nothing that can be read:\n{done.stdout}{done.stderr}")
found = [
    (rule.get("for", {}), lint["title"])
    for place in json.loads(done.stdout[start:]).values()
    for rule in place
    for lint in rule["lints"]
    if lint["title"] != DECLINED
]
for where, title in found:
    print(where, title)
print(f"snakemake --lint: {len(found)} warnings")
sys.exit(bool(found))
