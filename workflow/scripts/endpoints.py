"""Relax, align and check the endpoints of some reactions of a set."""

from mepbench.jobs.joblog import log_to
from mepbench.jobs.journal import journal_of
from mepbench.jobs.stages import prepare_job
from mepbench.jobs.worker import Worker
from mepbench.oracle import PotentialSpec

log_to(snakemake.log[0])
with Worker(snakemake.params.timeout, snakemake.resources.mem_mb) as worker:
    prepare_job(
        snakemake.wildcards.set,
        snakemake.params.spec,
        snakemake.params.reactions,
        PotentialSpec(**snakemake.params.potential),
        worker,
        dict(snakemake.output.items()),
        journal_of(snakemake),
    )
