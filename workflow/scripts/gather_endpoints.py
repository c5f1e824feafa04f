"""Put the endpoints of a set's jobs into one file."""

from mepbench.jobs.joblog import log_to
from mepbench.tidy import concatenate, concatenate_rows

log_to(snakemake.log[0])
concatenate(snakemake.input.frames, snakemake.output.frames)
concatenate_rows(snakemake.input.rows, snakemake.output.rows)
