"""Relax, align and check the endpoints of some reactions of a set."""

from mepbench.jobs.rule import job_of
from mepbench.preparation.job import prepare_job

with job_of(snakemake) as job:
    params = snakemake.params
    how = {"accept_relaxed": params.accept_relaxed, "keep_order": params.keep_order}
    prepare_job(snakemake.wildcards.set, params.spec, params.reactions, *job, **how)
