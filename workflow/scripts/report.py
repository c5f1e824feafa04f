"""Write the report."""

from pathlib import Path

from mepbench.jobs.joblog import log_to
from mepbench.reporting.report import build

log_to(snakemake.log[0])
build(Path(snakemake.input.runs).parent, Path(snakemake.output[0]).parent)
