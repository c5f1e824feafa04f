"""Twenty thousand reactions and eight methods: jobs, memory and files stay bounded.

`make bench-scale` measures the seconds, which no test does: machines are shared and noisy.
"""

import os
import re

import pytest
from scale import METHODS, Run, cost, dry_run, write_report, write_tables

from mepbench.reporting.reaction_list import MOST_PAGES


def megabytes(spent: str) -> float:
    return float(re.search(r"([\d.]+) MB", spent).group(1))


@pytest.mark.slow
def test_twenty_thousand_reactions_are_planned_collected_and_told_of_in_bounded_memory(tmp_path):
    run = Run(tmp_path, 20_000)
    planning = cost(dry_run, run.write_set())
    assert len(run.jobs) * (2 * len(METHODS) + 3) <= 4_000
    run.write_jobs()
    collecting, tables = cost(run.collect), cost(write_tables, run.results)
    report = cost(write_report, run.results)
    assert megabytes(planning) < 1_000
    assert megabytes(collecting) < 300  # constant: 136 MB with a hundred reactions
    assert megabytes(tables) < 1_000
    assert megabytes(report) < 1_500
    assert (run.results / "report" / "index.html").stat().st_size < 5_000_000
    assert len(list((run.results / "report" / "reactions").iterdir())) == MOST_PAGES
    assert (run.results / "runs.csv").stat().st_size > 0
    assert max(len(files) for _, _, files in os.walk(run.results)) <= 400
