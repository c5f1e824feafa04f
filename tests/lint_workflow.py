"""Run `snakemake --lint`; fail on any advice but the one that is declined by name.

One environment serves the whole workflow (`envs/`), made by `make` or by conda before
Snakemake starts, since Snakemake itself imports mepbench to plan. An environment for each
rule would be a second one beside it.
"""

import re
import subprocess
import sys
from pathlib import Path

DECLINED = "Specify a conda environment or container for each rule."

done = subprocess.run(
    [sys.executable, "-m", "snakemake", "--lint"],
    cwd=Path(__file__).resolve().parents[1],
    capture_output=True,
    text=True,
)
printed = done.stdout + done.stderr
advice = re.findall(r"^ +\* (.*):$", printed, re.MULTILINE)
if not advice and "Congratulations" not in printed:
    sys.exit(f"snakemake --lint failed:\n{printed}")
wanting = [title for title in advice if title != DECLINED]
print(f"snakemake --lint: {len(wanting)} warnings ({len(advice) - len(wanting)} declined)")
sys.exit(printed if wanting else 0)
