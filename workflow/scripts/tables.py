"""Write the tables."""

from pathlib import Path

from mepbench.joblog import log_to
from mepbench.score import read_runs
from mepbench.tables import write_tables

log_to(snakemake.log[0])
write_tables(
    read_runs(snakemake.input.runs),
    read_runs(snakemake.input.traces),
    Path(snakemake.output[0]).parent,
)
