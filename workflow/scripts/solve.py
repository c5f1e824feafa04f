"""Run the path stage of one method on a job's reactions and seeds."""

from mepbench.config import Method
from mepbench.jobs.rule import job_of
from mepbench.solving.job import solve_job

with job_of(snakemake) as job:
    method, files = Method(**snakemake.params.method), snakemake.input
    endpoints, guesses = (files.endpoints, files.endpoint_rows), (files.guess, files.guess_rows)
    solve_job(method, endpoints, guesses, *job)
