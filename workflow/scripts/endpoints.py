"""Relax, align and check the endpoints of some reactions of a set."""

from mepbench.joblog import log_to
from mepbench.jobs import prepare_job
from mepbench.oracle import PotentialSpec

log_to(snakemake.log[0])
prepare_job(
    snakemake.wildcards.set,
    snakemake.params.spec,
    snakemake.params.reactions,
    PotentialSpec(**snakemake.params.potential),
    snakemake.params.timeout,
    snakemake.output.frames,
    snakemake.output.rows,
)
