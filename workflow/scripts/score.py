"""Gather the rows of all jobs, find the references and score every run."""

from pathlib import Path

from mepbench.gather import score_job
from mepbench.jobs.joblog import log_to
from mepbench.jobs.journal import remove_journals
from mepbench.oracle import PotentialSpec

log_to(snakemake.log[0])
score_job(
    snakemake.input,
    snakemake.output,
    snakemake.params.config,
    snakemake.params.sets,
    snakemake.params.shipped,
    PotentialSpec(**snakemake.params.potential),
)
remove_journals(Path(snakemake.log[0]).parent)
