"""Run every configured method on the Mueller-Brown surface."""

from mepbench.joblog import log_to
from mepbench.surface import surface_job

log_to(snakemake.log[0])
surface_job(snakemake.params.methods, snakemake.params.timeout, snakemake.output[0])
