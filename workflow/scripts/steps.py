"""Find the intermediates that paths visit, and write the steps between them as reactions."""

from mepbench.jobs.joblog import log_to
from mepbench.oracle import PotentialSpec
from mepbench.scoring.chains import plan_steps

log_to(snakemake.log[0])
plan_steps(
    snakemake.input.stations,
    snakemake.input.endpoints,
    PotentialSpec(**snakemake.params.potential),
    snakemake.params.timeout,
    snakemake.output.plan,
    snakemake.params.files,
)
