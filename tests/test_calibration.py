"""The judge on transition states that others have found and checked."""

from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import pytest
from known import XTB

from mepbench.files.tidy import read_rows
from mepbench.judging.calibration import COLUMNS, calibrate, calibrate_set
from mepbench.judging.judge import judge
from mepbench.molecule.structure import compare_both
from mepbench.oracle import Oracle
from mepbench.path import Peak
from mepbench.preparation.prepare import prepare
from mepbench.reaction import read_set

# What docs/judge.md explains one by one.
REFUSED = {
    "07_zm_xtb": ("other", "leads to neither end"),
    "08_zm_xtb": ("half-intended", "H7-H10 extra"),
    "14_zm_xtb": ("other", "leads to neither end"),
    "24_zm_xtb": ("half-intended", "O3-H17 extra"),
    "36_zm_xtb": ("half-intended", "C1-C6 extra"),
    "46_zm_xtb": ("half-intended", "leads to the product only"),
    "60_zm_xtb": ("half-intended", "leads to the product only"),
}
CONFIRMED = ["27_zm_xtb", "28_zm_xtb", "32_zm_xtb", "33_zm_xtb", "59_zm_xtb", "61_zm_xtb"]


def entry(folder, name):
    return read_set("zimmerman_xtb", str(folder / "zimmerman_xtb"), only={name})[0]


@pytest.mark.parametrize("name", CONFIRMED)
def test_confirmed_transition_states_are_intended(development_reactions, name):
    row = calibrate(entry(development_reactions, name), XTB)
    assert row["verdict"] == "intended", row["reason"]
    assert row["moved_A"] < 0.05
    assert row["end_match"] == "exact"


@pytest.mark.parametrize("name", ["14_zm_xtb", "60_zm_xtb"])
def test_refuted_transition_states_are_refused_with_the_reason(development_reactions, name):
    row = calibrate(entry(development_reactions, name), XTB)
    verdict, reason = REFUSED[name]
    assert row["verdict"] == verdict
    assert reason in row["reason"]
    assert "\n" not in row["reason"]


@pytest.mark.slow
def test_at_least_55_of_65_given_transition_states_are_intended(development_reactions):
    entries = read_set("zimmerman_xtb", str(development_reactions / "zimmerman_xtb"))
    with ProcessPoolExecutor(max_tasks_per_child=None) as pool:
        rows = list(pool.map(partial(calibrate, potential=XTB), entries))
    assert len(rows) == 65
    assert Counter(row["verdict"] for row in rows)["intended"] >= 55
    refused = {row["reaction"]: row for row in rows if row["verdict"] != "intended"}
    assert refused.keys() <= REFUSED.keys()
    for name, row in refused.items():
        verdict, reason = REFUSED[name]
        assert row["verdict"] == verdict
        assert reason in row["reason"]


@pytest.mark.slow
def test_no_saddle_proves_another_reaction_of_the_same_atoms(development_reactions):
    # Thirteen reactions of C3H6O2, all atoms in one order; 13 and 16 are one reaction given twice.
    names = {f"{k}_zm_xtb" for k in range(11, 24)}
    entries = read_set("zimmerman_xtb", str(development_reactions / "zimmerman_xtb"), only=names)
    reactions, tracks = {}, {}
    for one in entries:
        reaction = reactions[one.name] = prepare(one, XTB.load).reaction
        judgement = judge(reaction, Oracle(XTB.of(reaction)), Peak(one.positions["ts"]))
        tracks[one.name] = judgement.irc[[0, -1]]
    hits = {
        (saddle, name)
        for saddle, ends in tracks.items()
        for name, reaction in reactions.items()
        if saddle != name and compare_both(reaction.numbers, ends, reaction.ends).how
    }
    assert hits == {("13_zm_xtb", "16_zm_xtb"), ("16_zm_xtb", "13_zm_xtb")}


def test_a_set_is_calibrated_with_one_line_a_reaction_and_a_table(development_reactions, tmp_path):
    source = tmp_path / "given"
    for name in ("12_h2co", "03_hcn"):
        (source / name).mkdir(parents=True)
        for role in ("reactant", "product", "ts"):
            text = (development_reactions / "birkholz" / name / f"{role}.xyz").read_text()
            (source / name / f"{role}.xyz").write_text(text)
    (source / "03_hcn" / "ts.xyz").unlink()
    lines = list(calibrate_set(str(source), XTB, tmp_path / "rows.csv"))
    assert lines[0].startswith("'12_h2co': intended")
    assert lines[-1] == "1 given: 1 intended"
    (row,) = read_rows(tmp_path / "rows.csv")
    assert set(row) == set(COLUMNS)
    assert float(row["curvature_1_eV_A2"]) < 0 < float(row["curvature_2_eV_A2"])
