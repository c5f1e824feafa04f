"""Gather what all jobs have left into the tables of the run."""

from pathlib import Path

from mepbench.config import code_of
from mepbench.files.shipped import ROOT
from mepbench.jobs.joblog import log_to
from mepbench.jobs.journal import remove_journals
from mepbench.scoring.gather import collect

log_to(snakemake.log[0])
params = snakemake.params
code = code_of(params.config)
collect(snakemake.input, snakemake.output, ROOT, params.config, params.sets, code)
remove_journals(Path(snakemake.log[0]).parent)
