"""Draw the reactions of a set."""

from pathlib import Path

from mepbench.jobs.joblog import log_to
from mepbench.reporting.gallery import build

log_to(snakemake.log[0])
results = Path(snakemake.input.runs).parent
build(snakemake.wildcards.set, snakemake.output[0], results=results, report="../../")
