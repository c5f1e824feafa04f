"""Interpolate the initial paths of a job's reactions."""

from mepbench.jobs.joblog import log_to
from mepbench.jobs.journal import journal_of
from mepbench.jobs.stages import guess_job
from mepbench.jobs.worker import Worker
from mepbench.oracle import PotentialSpec

log_to(snakemake.log[0])
with Worker(snakemake.params.timeout, snakemake.resources.mem_mb) as worker:
    guess_job(
        snakemake.wildcards.guess,
        PotentialSpec(**snakemake.params.potential),
        worker,
        snakemake.input.frames,
        dict(snakemake.output.items()),
        journal_of(snakemake),
    )
