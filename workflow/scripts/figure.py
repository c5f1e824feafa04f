"""Draw one figure."""

from pathlib import Path

from mepbench.figures import Results, render
from mepbench.joblog import log_to

log_to(snakemake.log[0])
render(
    snakemake.wildcards.figure,
    Results(Path(snakemake.input.runs).parent),
    Path(snakemake.output[0]).parent,
)
