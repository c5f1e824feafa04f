"""Scores follow from the judged rows by the definitions, and lose no run and no name."""

import tempfile

import numpy as np
import pandas as pd
import pytest
import synthetic

from mepbench.files.frames import frame, read_frames, write_frames
from mepbench.files.metrics import METRICS, formatted, metric
from mepbench.files.tidy import read_rows
from mepbench.reaction import Reaction
from mepbench.scoring import score as scoring
from mepbench.scoring.score import (
    COLUMNS,
    EXTRA_COLUMNS,
    REFERENCE_COLUMNS,
    read_runs,
    score,
    typed,
    write_runs,
)
from mepbench.statistics.summary import failures, summary

NUMBERS = np.array([6, 7, 1])
REACTANT = np.array([[0.0, 0, 0], [1.15, 0, 0], [-1.07, 0, 0]])
PRODUCT = np.array([[0.0, 0, 0], [1.17, 0, 0], [2.17, 0, 0]])
SADDLE = np.array([[0.0, 0, 0], [1.19, 0, 0], [0.3, 1.15, 0]])
GRADIENTS = np.zeros((2, 3, 3))


def reaction(name="hcn", set_name="demo", energy=-100.0):
    return Reaction(
        name,
        NUMBERS,
        REACTANT,
        PRODUCT,
        set=set_name,
        energies=np.array([energy, energy + 0.5]),
        gradients=GRADIENTS,
    )


def row(method, *, verdict="intended", barrier=2.0, path_barrier=2.1, name="hcn", **more):
    return {
        "set": "demo",
        "reaction": name,
        "method": method,
        "seed": 0,
        "verdict": verdict,
        "reason": "" if verdict == "intended" else "why",
        "barrier_eV": barrier,
        "path_barrier_eV": path_barrier,
        "imaginary_frequency_cm": 1200.0,
        "gradients_path": 100,
        "gradients_refine": 10,
        "wall_path_s": 1.0,
        "oracle_path_s": 0.9,
        "wall_refine_s": 0.5,
        "oracle_refine_s": 0.1,
        "tangency_defect_eV": 0.2,
        "excess_eV": 0.0,
        "converged": True,
        "potential": "GFN2-xTB",
        "backend": "tblite",
        **more,
    }


def images(rows, shift=0.0):
    frames = []
    for item in rows:
        if np.isnan(item.get("barrier_eV", np.nan)):
            continue
        identity = {key: item[key] for key in ("set", "reaction", "method", "seed", "verdict")}
        energy = -100.0 + item["barrier_eV"]
        frames.append(frame(NUMBERS, SADDLE + shift, energy=energy, role="saddle", **identity))
        off = SADDLE + np.array([[0.0, 0, 0], [0, 0, 0], [0.1, 0.1, 0]])
        frames.append(frame(NUMBERS, off, energy=energy, role="peak", **identity))
    return stored(frames)


def stored(frames):
    """Return frames as they are read from a file."""
    with tempfile.NamedTemporaryFile(suffix=".xyz") as file:
        write_frames(file.name, frames)
        return read_frames(file.name)


def scored(rows, shipped=(), reactions=None):
    return score(pd.DataFrame(rows), images(rows), reactions or [reaction()], shipped)


def shipped_saddle(barrier, **info):
    info = {"set": "demo", "reaction": "hcn", "potential": "GFN2-xTB", **info}
    return stored([frame(NUMBERS, SADDLE, energy=-100.0 + barrier, **info)])[0]


def test_the_lowest_intended_saddle_is_the_reference():
    rows = [
        row("neb", barrier=2.0),
        row("string", barrier=2.4, path_barrier=2.5),
        row("gad", barrier=1.0, verdict="other"),
        row("idpp", barrier=np.nan, verdict="budget", path_barrier=3.0),
    ]
    result = scored(rows)
    runs = result.runs.set_index("method")
    assert (runs.reference_source == "run:neb:0").all()
    assert runs.barrier_error_eV["neb"] == pytest.approx(0)
    assert runs.barrier_error_eV["string"] == pytest.approx(0.4)
    assert runs.path_barrier_error_eV["idpp"] == pytest.approx(1.0)
    assert runs.self_reference.tolist() == [True, False, False, False]
    assert np.isnan(runs.saddle_rmsd_A["idpp"])
    assert runs.saddle_rmsd_A["neb"] == pytest.approx(0, abs=1e-6)
    assert 0.01 < runs.path_saddle_rmsd_A["string"] < 0.1
    (reference,) = result.reference.to_dict("records")
    assert reference["barrier_eV"] == pytest.approx(2.0)
    assert reference["reverse_barrier_eV"] == pytest.approx(1.5)
    assert reference["found_by"] == 1
    assert reference["runs"] == 4


def test_the_reference_has_the_thermochemistry_of_the_run_whose_saddle_it_is():
    thermal = {"reaction_free_energy_eV": 0.45}
    low = row("neb", barrier=2.0, barrier_0K_eV=1.85, free_energy_barrier_eV=1.9, **thermal)
    high = row("string", barrier=2.4, barrier_0K_eV=2.2, free_energy_barrier_eV=2.3, **thermal)
    wrong = row("gad", barrier=1.0, verdict="other", barrier_0K_eV=0.9)
    for shipped, lower in (([], 0.0), ([shipped_saddle(2.0004)], -4e-4)):
        (reference,) = scored([high, low, wrong], shipped).reference.to_dict("records")
        assert reference["barrier_0K_eV"] == pytest.approx(1.85 - lower)
        assert reference["free_energy_barrier_eV"] == pytest.approx(1.9 - lower)
        assert reference["reaction_free_energy_eV"] == pytest.approx(0.45)
    for rows, shipped in (([low], [shipped_saddle(1.5)]), ([wrong], []), ([row("neb")], [])):
        (reference,) = scored(rows, shipped).reference.to_dict("records")
        assert np.isnan(reference["barrier_0K_eV"])


def test_a_shipped_reference_stands_unless_a_run_is_clearly_lower():
    rows = [row("neb", barrier=1.9995)]
    same = scored(rows, [shipped_saddle(2.0)])
    assert same.runs.reference_source[0] == "shipped"
    assert not same.runs.self_reference[0]
    lower = scored([row("neb", barrier=1.9)], [shipped_saddle(2.0)])
    assert lower.runs.reference_source[0] == "run:neb:0"
    assert lower.reference.lower_by_eV[0] == pytest.approx(0.1)
    assert lower.reference.shipped_barrier_eV[0] == pytest.approx(2.0)
    assert lower.reference.shipped[0] == "beaten"
    assert same.reference.shipped[0] == "stands"
    assert (lower.runs.beats_shipped[0], same.runs.beats_shipped[0]) == (True, False)
    higher = scored([row("neb", barrier=2.3)], [shipped_saddle(2.0)])
    assert higher.runs.barrier_error_eV[0] == pytest.approx(0.3)


def test_a_shipped_reference_of_another_potential_or_molecule_is_passed_over():
    rows = [row("neb", barrier=2.3)]
    other = scored(rows, [shipped_saddle(2.0, potential="GFN1-xTB")])
    assert other.runs.reference_source[0] == "run:neb:0"
    wrong = frame(np.array([7, 6, 1]), SADDLE, energy=-98.0, set="demo", reaction="hcn")
    assert scored(rows, [wrong]).runs.reference_source[0] == "run:neb:0"


def test_without_any_saddle_errors_are_missing_and_the_source_is_empty():
    result = scored([row("neb", verdict="unconverged", barrier=np.nan)])
    assert result.runs.reference_source[0] == ""
    assert np.isnan(result.runs.path_barrier_error_eV[0])
    assert not result.runs.below_reference[0]
    assert result.reference.reference_source[0] == ""
    assert result.reference_frames == []


def test_a_path_below_the_reference_is_flagged():
    rows = [row("neb"), row("string", path_barrier=1.9), row("idpp", path_barrier=1.997)]
    assert scored(rows).runs.below_reference.tolist() == [False, True, False]


def test_the_mirror_image_of_a_planar_saddle_is_the_same_saddle():
    rows = [row("neb"), row("string", barrier=2.001)]
    frames = images(rows)
    for atoms in frames:
        if atoms.info["method"] == "string" and atoms.info["role"] == "saddle":
            atoms.positions = -atoms.positions[:, [1, 0, 2]] + 2.0
    runs = score(pd.DataFrame(rows), frames, [reaction()]).runs
    assert runs.saddle_rmsd_A.max() < 1e-6


def test_reactions_of_one_name_in_two_sets_have_their_own_references():
    rows = [row("neb", barrier=2.0), row("neb", barrier=3.0, set="other")]
    both = [reaction(), reaction(set_name="other")]
    runs = score(pd.DataFrame(rows), images(rows), both).runs
    assert runs.barrier_error_eV.tolist() == pytest.approx([0, 0])


def test_names_stay_text_and_empty_cells_stay_missing(tmp_path):
    names = ["001", "NA", "nan", "a,b", '"quoted"', "<script>", "../../evil", "True", "x\ny"]
    rows = [row("neb", name=name) for name in names]
    rows[0]["barrier_eV"] = np.nan
    rows[0]["gradients_refine"] = None
    rows[0]["verdict"] = "budget"
    result = scored(rows, reactions=[reaction(name) for name in names])
    write_runs(tmp_path / "runs.csv", result.runs)
    back = read_runs(tmp_path / "runs.csv")
    assert back.reaction.tolist() == names
    pd.testing.assert_frame_equal(back, result.runs)
    assert list(back.columns) == [*COLUMNS, *EXTRA_COLUMNS]
    write_frames(tmp_path / "reference.xyz", result.reference_frames)
    frames = read_frames(tmp_path / "reference.xyz")
    assert [a.info["reaction"] for a in frames] == names[1:]
    assert all(a.info["source"] == "run:neb:0" for a in frames)


def test_this_runs_reference_can_be_shipped_to_the_next(tmp_path):
    first = scored([row("neb", barrier=2.0)])
    write_frames(tmp_path / "reference.xyz", first.reference_frames)
    shipped = read_frames(tmp_path / "reference.xyz")
    again = scored([row("string", barrier=2.2)], shipped)
    assert again.runs.reference_source[0] == "shipped"
    assert again.runs.barrier_error_eV[0] == pytest.approx(0.2)
    assert again.reference.imaginary_frequency_cm[0] == pytest.approx(1200)


def test_an_empty_table_is_scored_to_an_empty_table(tmp_path):
    result = score(pd.DataFrame(columns=list(COLUMNS)), [], [])
    assert list(result.runs.columns) == [*COLUMNS, *EXTRA_COLUMNS]
    assert list(result.reference.columns) == list(REFERENCE_COLUMNS)
    write_runs(tmp_path / "runs.csv", result.runs)
    assert len(read_runs(tmp_path / "runs.csv")) == 0
    assert len(summary(result.runs)) == 0
    assert len(failures(result.runs)) == 0


def test_rows_with_bad_endpoints_are_kept_but_outside_all_denominators():
    bad = {
        "set": "demo",
        "reaction": "bad",
        "method": "neb",
        "seed": 0,
        "verdict": "bad-endpoints",
        "reason": "one minimum",
        "potential": "GFN2-xTB",
    }
    result = scored([row("neb"), bad | row("x", name="x", verdict="error", barrier=np.nan), bad])
    assert len(result.runs) == 3
    table = summary(result.runs).set_index("method")
    assert table.runs["neb"] == 1
    assert table.share_intended["neb"] == 1.0
    assert failures(result.runs).verdict.tolist() == ["error", "bad-endpoints"]


def test_the_summary_is_what_one_counts_by_hand():
    rows = [
        row("neb", gradients_path=90, name="a"),
        row("neb", gradients_path=190, name="b", path_barrier=2.3),
        row("neb", gradients_path=290, name="c", path_barrier=2.0),
        row("neb", gradients_path=3000, name="d", verdict="budget", barrier=np.nan),
        row("string", name="a", barrier=2.01),
    ]
    result = scored(rows, reactions=[reaction(name) for name in "abcd"])
    table = summary(result.runs).set_index("method")
    assert list(table.index) == ["neb", "string"]
    neb = table.loc["neb"]
    assert (neb.runs, neb.intended, neb.share_intended) == (4, 3, 0.75)
    assert neb.cost_to_saddle_median == 250  # 100, 200, 300 and a failure
    assert (neb.cost_to_saddle_q25, neb.cost_to_saddle_q75) == (175, np.inf)
    assert neb.path_barrier_error_eV_median == pytest.approx(0.1)
    assert neb.barrier_error_eV_median == 0
    assert np.isnan(neb.barrier_error_eV_median_others)
    assert neb.barrier_error_eV_count == 3
    assert table.loc["string"].barrier_error_eV_median_others == pytest.approx(0.01)
    assert neb.own_path_s_median == pytest.approx(0.1)
    assert neb.own_ms_per_gradient_median == pytest.approx(
        1000 * 0.1 * (1 / 190 + 1 / 290) / 2, rel=1e-6
    )
    assert list(summary(result.runs, by=("set", "method")).columns[:2]) == ["set", "method"]


def test_a_method_that_never_ran_still_has_its_row():
    rows = [{**row("dmf", verdict="not-installed", barrier=np.nan, path_barrier=np.nan)}]
    for column in ("gradients_path", "wall_path_s", "oracle_path_s", "tangency_defect_eV"):
        rows[0][column] = np.nan
    table = summary(scored(rows).runs).set_index("method")
    assert (table.runs["dmf"], table.intended["dmf"]) == (1, 0)
    assert np.isnan(table.share_intended["dmf"])


def test_every_number_of_the_tables_has_a_metric():
    rows = [row("neb")]
    result = scored(rows)
    named = {"set", "reaction", "method", "seed", "converged", *EXTRA_COLUMNS}
    for column in summary(result.runs).columns:
        if column not in named:
            assert metric(column).label
    numbers = result.runs.select_dtypes("number").columns
    assert {c for c in numbers if c not in METRICS} <= {"seed", "charge", "multiplicity"}
    with pytest.raises(KeyError):
        metric("nonsense_median")


def test_formatting_follows_the_metric_and_shows_what_is_missing():
    assert formatted("share_intended", 0.5) == "50%"
    assert formatted("barrier_eV", 1.23456) == "1.235"
    assert formatted("cost_to_saddle_median", 200.0) == "200"
    assert formatted("barrier_eV", np.nan) == formatted("gradients_path", pd.NA) == "\N{EN DASH}"
    assert metric("barrier_error_eV_median").axis == "Barrier error, median (eV)"


def test_typed_reads_a_table_of_text():
    text = pd.DataFrame(
        {"reaction": ["1"], "seed": ["0"], "barrier_eV": [""], "converged": ["True"]}
    )
    table = typed(text)
    assert table.reaction[0] == "1"
    assert table.seed[0] == 0
    assert np.isnan(table.barrier_eV[0])
    assert bool(table.converged[0])


def test_rows_of_named_reactions_are_those_of_the_whole_table(tmp_path, monkeypatch):
    monkeypatch.setattr(scoring, "AT_ONCE", 5)
    file, names = tmp_path / "runs.csv", {"001", "NA", "not there"}
    write_runs(file, synthetic.runs(synthetic.HOSTILE))
    whole = read_runs(file)
    expected = whole[whole.reaction.isin(names)]
    assert len(expected) == 2 * len(synthetic.METHODS)
    pd.testing.assert_frame_equal(read_runs(file, names), expected)
    rows = [row for row in read_rows(str(file)) if row["reaction"] in names]
    assert read_rows(str(file), names) == rows
    assert read_runs(file, {"not there"}).empty
