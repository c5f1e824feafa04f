"""Interpolate the initial paths of a job's reactions."""

from mepbench.joblog import log_to
from mepbench.jobs import guess_job
from mepbench.oracle import PotentialSpec

log_to(snakemake.log[0])
guess_job(
    snakemake.wildcards.guess,
    PotentialSpec(**snakemake.params.potential),
    snakemake.params.timeout,
    snakemake.input.frames,
    snakemake.output.frames,
    snakemake.output.rows,
)
