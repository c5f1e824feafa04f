"""Put the endpoints of a set's jobs into one file."""

from mepbench.files.tidy import concatenate, concatenate_rows
from mepbench.jobs.joblog import log_to

log_to(snakemake.log[0])
concatenate(snakemake.input.frames, snakemake.output.frames)
concatenate_rows(snakemake.input.rows, snakemake.output.rows)
