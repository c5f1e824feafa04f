"""A rule's job as its script opens it: log, worker, potential, outputs and journal."""

from collections.abc import Iterator
from contextlib import contextmanager

from ..oracle import PotentialSpec
from .joblog import log_to
from .journal import Journal, journal_of
from .worker import Worker


@contextmanager
def job_of(snakemake) -> Iterator[tuple[PotentialSpec, Worker, dict[str, str], Journal]]:
    """Yield what the job's function is called with, given the `snakemake` of a rule's script."""
    log_to(snakemake.log[0])
    with Worker(snakemake.params.timeout, snakemake.resources.mem_mb) as worker:
        potential = PotentialSpec(**snakemake.params.potential)
        yield potential, worker, dict(snakemake.output.items()), journal_of(snakemake)
