"""Interpolate the initial paths of a job's reactions."""

from mepbench.jobs.rule import job_of
from mepbench.solving.job import guess_job

with job_of(snakemake) as job:
    guess_job(snakemake.wildcards.guess, snakemake.input.frames, *job)
