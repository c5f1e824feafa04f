"""Refine and judge the paths of one method on a job's reactions and seeds."""

from mepbench.config import Method
from mepbench.jobs.rule import job_of
from mepbench.judging.job import judge_job

with job_of(snakemake) as job:
    method, files = Method(**snakemake.params.method), snakemake.input
    endpoints, solved = (files.endpoints, files.endpoint_rows), (files.rows, files.paths)
    judge_job(snakemake.wildcards.set, method, endpoints, solved, *job)
