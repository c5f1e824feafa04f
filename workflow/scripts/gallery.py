"""Draw the reactions of a set."""

from pathlib import Path

from mepbench.gallery import build
from mepbench.joblog import log_to

log_to(snakemake.log[0])
results = Path(snakemake.input.runs).parent
build(snakemake.wildcards.set, snakemake.output[0], results=results)
