"""Run the path stage of one method on a job's reactions and seeds."""

from mepbench.config import Method
from mepbench.joblog import log_to
from mepbench.jobs import solve_job
from mepbench.oracle import PotentialSpec

log_to(snakemake.log[0])
solve_job(
    Method(**snakemake.params.method),
    PotentialSpec(**snakemake.params.potential),
    snakemake.params.timeout,
    (snakemake.input.endpoints, snakemake.input.endpoint_rows),
    (snakemake.input.guess, snakemake.input.guess_rows),
    snakemake.output.rows,
    snakemake.output.traces,
    snakemake.output.paths,
)
