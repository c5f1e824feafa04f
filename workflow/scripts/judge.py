"""Refine and judge the paths of one method on a job's reactions and seeds."""

from mepbench.config import Method
from mepbench.joblog import log_to
from mepbench.jobs import judge_job
from mepbench.oracle import PotentialSpec

log_to(snakemake.log[0])
judge_job(
    snakemake.wildcards.set,
    Method(**snakemake.params.method),
    PotentialSpec(**snakemake.params.potential),
    snakemake.params.timeout,
    (snakemake.input.endpoints, snakemake.input.endpoint_rows),
    (snakemake.input.rows, snakemake.input.paths),
    dict(snakemake.output.items()),
)
