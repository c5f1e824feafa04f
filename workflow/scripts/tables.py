"""Write the tables."""

from pathlib import Path

from mepbench.jobs.joblog import log_to
from mepbench.reporting.tables import write_tables
from mepbench.scoring.score import read_runs

log_to(snakemake.log[0])
write_tables(
    read_runs(snakemake.input.runs),
    read_runs(snakemake.input.traces),
    Path(snakemake.output[0]).parent,
)
