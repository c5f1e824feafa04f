"""Run every configured method on the Mueller-Brown surface."""

from mepbench.config import Method
from mepbench.jobs.joblog import log_to
from mepbench.solving.surface import surface_job

log_to(snakemake.log[0])
methods = {name: Method(**method) for name, method in snakemake.params.methods.items()}
surface_job(methods, snakemake.params.timeout, snakemake.output[0])
