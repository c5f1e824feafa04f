"""Find the intermediates that paths visit, and write the steps between them as reactions."""

from mepbench.chains import plan_steps
from mepbench.jobs.joblog import log_to
from mepbench.oracle import PotentialSpec

log_to(snakemake.log[0])
plan_steps(
    snakemake.input.stations,
    snakemake.input.endpoints,
    PotentialSpec(**snakemake.params.potential),
    snakemake.params.timeout,
    snakemake.output.plan,
    snakemake.params.files,
)
