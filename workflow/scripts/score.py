"""Score one job's reactions, all methods together."""

from mepbench.jobs.joblog import log_to
from mepbench.oracle import PotentialSpec
from mepbench.scoring.gather import score_job

log_to(snakemake.log[0])
score_job(
    snakemake.input,
    snakemake.output,
    snakemake.params.shipped,
    PotentialSpec(**snakemake.params.potential),
)
