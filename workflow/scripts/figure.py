"""Draw one figure."""

from pathlib import Path

from mepbench.jobs.joblog import log_to
from mepbench.reporting.figures import Results, render

log_to(snakemake.log[0])
render(
    snakemake.wildcards.figure,
    Results(Path(snakemake.input.runs).parent),
    Path(snakemake.output[0]).parent,
)
