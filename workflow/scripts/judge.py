"""Refine and judge the paths of one method on a job's reactions and seeds."""

from mepbench.config import Method
from mepbench.jobs.joblog import log_to
from mepbench.jobs.journal import journal_of
from mepbench.jobs.stages import judge_job
from mepbench.jobs.worker import Worker
from mepbench.oracle import PotentialSpec

log_to(snakemake.log[0])
with Worker(snakemake.params.timeout, snakemake.resources.mem_mb) as worker:
    judge_job(
        snakemake.wildcards.set,
        Method(**snakemake.params.method),
        PotentialSpec(**snakemake.params.potential),
        worker,
        (snakemake.input.endpoints, snakemake.input.endpoint_rows),
        (snakemake.input.rows, snakemake.input.paths),
        dict(snakemake.output.items()),
        journal_of(snakemake),
    )
