"""Search the steps of a job's reactions and seeds that one method has not solved directly."""

from mepbench.config import Method
from mepbench.jobs.rule import job_of
from mepbench.mechanism.job import mechanism_job

with job_of(snakemake) as job:
    method, files = Method(**snakemake.params.method), snakemake.input
    ways, name = snakemake.params.ways, snakemake.wildcards.set
    mechanism_job(name, method, ways, files.endpoints, files, files, *job)
