"""Twenty thousand reactions and eight methods: jobs, memory and files stay bounded.

`make bench-scale` measures the seconds, which no test does: machines are shared and noisy.
"""

import os
import re

import pytest
from scale import METHODS, Run, cost, dry_run, write_tables


def megabytes(spent: str) -> float:
    return float(re.search(r"([\d.]+) MB", spent).group(1))


@pytest.mark.slow
def test_twenty_thousand_reactions_are_planned_and_collected_in_a_gigabyte(tmp_path):
    run = Run(tmp_path, 20_000)
    planning = cost(dry_run, run.write_set())
    assert len(run.jobs) * (2 * len(METHODS) + 3) <= 4_000
    run.write_jobs()
    collecting, tables = cost(run.collect), cost(write_tables, run.results)
    assert megabytes(planning) < 1_000
    assert megabytes(collecting) < 300  # constant: 136 MB with a hundred reactions
    assert megabytes(tables) < 1_000
    assert (run.results / "runs.csv").stat().st_size > 0
    assert max(len(files) for _, _, files in os.walk(run.results)) <= 400
