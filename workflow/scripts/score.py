"""Score one job's reactions, all methods together."""

from mepbench.gather import score_job
from mepbench.jobs.joblog import log_to
from mepbench.oracle import PotentialSpec

log_to(snakemake.log[0])
score_job(
    snakemake.input,
    snakemake.output,
    snakemake.params.shipped,
    PotentialSpec(**snakemake.params.potential),
)
