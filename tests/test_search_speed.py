"""The table of seconds by stage: one way measured, and what is made of known numbers."""

import numpy as np

from mepbench.judging.search_speed import DAY, STAGES, Searched, report, searched
from mepbench.oracle import PotentialSpec
from mepbench.preparation.prepare import prepare
from mepbench.reaction import Entry


def test_a_search_is_measured_stage_by_stage():
    numbers = {role: np.array([1, 6, 7]) for role in ("reactant", "product")}
    ends = {
        "reactant": np.array([[-1.07, 0.02, 0.0], [0.0, 0.0, 0.0], [1.15, 0.0, 0.0]]),
        "product": np.array([[2.15, 0.02, 0.0], [0.0, 0.0, 0.0], [1.17, 0.0, 0.0]]),
    }
    entry = Entry("mine", "hcn", "test", numbers=numbers, positions=ends)
    reaction = prepare(entry, PotentialSpec("xtb-python").load).reaction
    row = searched(reaction, "neural-surrogate, staged proof")
    assert (row.reaction, row.natoms, row.verdict) == ("hcn", 3, "intended")
    by_stage = dict(zip(STAGES, row.evaluations, strict=True))
    assert by_stage["guess"] == 0
    assert by_stage["path"] > 3
    assert by_stage["verify"] > 0
    assert all(row.seconds[STAGES.index(stage)] > 0 for stage in ("guess", "path", "verify"))


def test_medians_ratios_and_throughput_are_of_all_that_was_searched():
    rows = [
        Searched("plain", "a", 8, "intended", (0.5, 0.0, 1.5, 2.0), (0, 11, 20, 300)),
        Searched("plain", "b", 18, "other", (0.5, 0.0, 1.5, 4.0), (0, 11, 40, 600)),
        Searched("ours", "a", 8, "intended", (0.5, 0.5, 0.0, 1.0), (0, 15, 0, 300)),
        Searched("ours", "b", 18, "intended", (0.5, 0.5, 0.0, 1.0), (0, 25, 0, 600)),
    ]
    text = report(rows).splitlines()
    plain, ours = text[2:4]
    assert "| plain | 1/2 | 41 | 0.50 | 0.00 | 1.50 | 3.00 | 2.00 | 1.00 | 5.00 | 1.00 |" in plain
    assert f"| {DAY / 10:,.0f} |" in plain
    assert "| ours | 2/2 | 20 | 0.50 | 0.50 | 0.00 | 1.00 | 1.00 | 0.50 | 2.00 | 0.40 |" in ours
    assert f"| {2 * DAY / 4:,.0f} |" in ours
    assert "| plain | 4.00 (1) |  | 6.00 (1) |  |  |" in text
