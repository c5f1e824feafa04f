"""Run the path stage of one method on a job's reactions and seeds."""

from mepbench.joblog import log_to
from mepbench.jobs import solve_job

log_to(snakemake.log[0])
solve_job(
    snakemake.params.method,
    snakemake.params.potential,
    snakemake.params.timeout,
    (snakemake.input.endpoints, snakemake.input.endpoint_rows),
    (snakemake.input.guess, snakemake.input.guess_rows),
    snakemake.output.rows,
    snakemake.output.traces,
    snakemake.output.paths,
)
