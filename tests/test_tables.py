"""Tables say what the scores say, in three formats, and no name becomes markup."""

import re

import numpy as np
import pandas as pd
import pytest
import synthetic

from mepbench.cli import main
from mepbench.files.metrics import KCAL_PER_EV
from mepbench.reporting import wording
from mepbench.reporting.markup import latex_text, markdown
from mepbench.reporting.tables import NEEDED, TABLES, write_tables
from mepbench.reporting.terminal import methods_text
from mepbench.reporting.wording import CAPTIONS
from mepbench.scoring.score import COLUMNS, EXTRA_COLUMNS, read_runs, write_runs
from mepbench.statistics.summary import summary

NAMES = sorted(TABLES)
NO_TRACES = pd.DataFrame()


def as_read(table, tmp_path):
    """A table of runs as it is read back from its file."""
    write_runs(tmp_path / "runs.csv", table)
    return read_runs(tmp_path / "runs.csv")


@pytest.fixture
def hostile(tmp_path):
    """Runs on reactions with hostile names; all but one method fail on all of them."""
    table = synthetic.runs(synthetic.HOSTILE, synthetic.METHODS[:3])
    table.loc[table.method == "idpp", "verdict"] = "error"
    table["reason"] = [f"because of {name}" for name in table.reaction]
    runs = as_read(table, tmp_path)
    write_tables(runs, NO_TRACES, tmp_path / "tables")
    return tmp_path / "tables"


def test_every_table_is_written_in_three_formats_and_has_a_caption(tmp_path):
    files = write_tables(as_read(synthetic.runs(), tmp_path), NO_TRACES, tmp_path / "tables")
    assert {f.name for f in files} == {f"{n}.{k}" for n in NAMES for k in ("csv", "md", "tex")}
    assert all(f.stat().st_size > 20 for f in files)
    assert set(CAPTIONS) == set(TABLES)


def test_summary_csv_is_the_summary_of_the_scores(tmp_path):
    runs = as_read(synthetic.runs(), tmp_path)
    write_tables(runs, NO_TRACES, tmp_path)
    written = pd.read_csv(tmp_path / "summary.csv")
    expected = summary(runs, by=("set", "method"))
    pd.testing.assert_frame_equal(written, expected, check_dtype=False)


def test_what_a_prior_has_cost_stands_beside_the_cost_where_there_is_one(tmp_path):
    table = synthetic.runs()
    assert "prior" not in wording.summary(summary(as_read(table, tmp_path), by=("set", "method")))
    table["gradients_prior"] = np.where(table.method == synthetic.METHODS[0], 50, 0)
    shown = wording.summary(summary(as_read(table, tmp_path), by=("set", "method")))
    assert set(shown.loc[shown.method == synthetic.METHODS[0], "prior"]) == {"50"}
    assert set(shown.loc[shown.method != synthetic.METHODS[0], "prior"]) == {"\N{EN DASH}"}


def test_errors_after_refinement_are_in_mev_and_left_out_where_all_are_zero(tmp_path):
    runs = as_read(synthetic.runs().assign(verdict="intended"), tmp_path)

    def shown(error):
        table = runs.assign(barrier_error_eV=error, saddle_rmsd_A=1e-5, self_reference=False)
        return wording.summary(summary(table, by=("set", "method"))), methods_text(table)

    table, text = shown(0.0123)
    assert set(table["error (meV)"]) == {"12.3"}
    assert "12.3" in text
    table, text = shown(1e-6)
    assert not {"error (meV)", "error, others (meV)", "RMSD (Å)"} & set(table)
    assert "error (meV)" not in text
    assert "path error (eV)" in table


@pytest.mark.parametrize("name", ["001", "NA", *synthetic.HOSTILE])
def test_names_come_back_from_csv_as_they_were(name, tmp_path):
    runs = as_read(synthetic.runs([name, "other"], ["neb"]), tmp_path)
    write_tables(runs, NO_TRACES, tmp_path)
    written = pd.read_csv(tmp_path / "reactions.csv", dtype=str, keep_default_na=False)
    assert written.reaction.tolist() == [name, "other"]


def test_a_table_of_reactions_gives_barriers_of_intended_saddles_only(tmp_path):
    table = synthetic.runs(["a"], ["neb", "string"], seeds=(0, 1))
    table["barrier_eV"] = [1.2, 1.0, 0.5, 0.5]
    table["verdict"] = ["intended", "intended", "other", "other"]
    write_tables(as_read(table, tmp_path), NO_TRACES, tmp_path)
    row = pd.read_csv(tmp_path / "reactions.csv").iloc[0]
    assert row["neb verdict"] == "intended (2/2)"
    assert row["neb barrier_eV"] == pytest.approx(1.0)
    assert row["string verdict"] == "other"
    assert pd.isna(row["string barrier_eV"])
    assert (row["intended"], row["runs"]) == (2, 4)
    assert f"1.000 ({KCAL_PER_EV:.1f}) (2/2)" in (tmp_path / "reactions.md").read_text(
        encoding="utf-8"
    )


def test_failures_have_their_reasons_and_refused_endpoints_stand_once_for_readers(tmp_path):
    runs = as_read(synthetic.bad_endpoints(["merged"], ["neb", "string"]), tmp_path)
    write_tables(runs, NO_TRACES, tmp_path)
    assert len(pd.read_csv(tmp_path / "failures.csv")) == 2
    text = (tmp_path / "failures.md").read_text(encoding="utf-8")
    assert text.count("both ends relax into one minimum") == 1


@pytest.mark.parametrize("name", NAMES)
def test_latex_has_no_unescaped_special_character(hostile, name):
    text = (hostile / f"{name}.tex").read_text(encoding="utf-8")
    body = text.split("\\toprule\n")[1].split("\\bottomrule")[0]
    columns = len(text.split("\\toprule\n")[1].splitlines()[0].split(" & "))
    for line in body.splitlines():
        if line in ("\\midrule", "\\endhead"):
            continue
        assert line.endswith(" \\\\"), line
        assert len(re.split(r"(?<!\\)&", line)) == columns, line
        bare = re.sub(r"\\[A-Za-z]+\{\}|\\[&%$#_{}]|\{[\[\]*]\}", "", line.removesuffix(" \\\\"))
        assert not set(bare) & set("\\%$#_{}~^<>|[]*\x1b"), line


def test_latex_reads_no_bracket_after_a_line_end_as_an_option():
    assert latex_text("[0.5ex]").startswith("{[}")


@pytest.mark.parametrize("name", NAMES)
def test_markdown_keeps_its_columns_and_holds_no_markup(hostile, name):
    lines = (hostile / f"{name}.md").read_text(encoding="utf-8").splitlines()
    assert len({len(re.findall(r"(?<!\\)\|", line)) for line in lines}) == 1
    assert not any("<" in line or ">" in line for line in lines)
    assert not any(re.search(r"(?<!\\)[`\[*]", line) for line in lines)


def test_markdown_escapes_the_escape():
    assert markdown(pd.DataFrame({"a": ["x\\|y"]})).splitlines()[2] == "| x\\\\\\|y |"


def test_terminal_summary_has_an_aligned_line_for_each_method(tmp_path):
    runs = as_read(synthetic.runs(), tmp_path)
    text = methods_text(runs)
    lines = [line for line in text.splitlines() if re.search(r"\d/\d", line)]
    assert [line.split()[0] for line in lines] == synthetic.METHODS
    assert len({len(line) for line in lines}) == 1
    assert all(len(line) <= 100 for line in text.splitlines())


def test_an_empty_table_gives_empty_tables(tmp_path):
    runs = as_read(pd.DataFrame(columns=[*COLUMNS, *EXTRA_COLUMNS]), tmp_path)
    assert len(write_tables(runs, NO_TRACES, tmp_path)) == 3 * len(TABLES)
    assert "No run" in methods_text(runs)


def test_a_reader_makes_the_same_tables_from_runs_csv_alone(tmp_path):
    runs = as_read(synthetic.runs(seeds=(0, 1)), tmp_path)
    write_tables(runs, NO_TRACES, tmp_path / "tables")
    assert main(["statistics", str(tmp_path), "--output", str(tmp_path / "again")]) == 0
    for file in (tmp_path / "tables").iterdir():
        assert (tmp_path / "again" / file.name).read_bytes() == file.read_bytes()


def test_a_table_with_the_least_columns_is_counted_and_one_without_them_is_an_error(
    tmp_path, capsys
):
    synthetic.runs()[NEEDED].to_csv(tmp_path / "runs.csv", index=False)
    assert main(["statistics", str(tmp_path)]) == 0
    written = pd.read_csv(tmp_path / "tables" / "summary.csv")
    assert written.runs.tolist() == [len(synthetic.NAMES)] * len(synthetic.METHODS)
    pd.DataFrame({"reaction": ["a"]}).to_csv(tmp_path / "runs.csv", index=False)
    assert main(["statistics", str(tmp_path)]) == 2
    assert "no column set, method" in capsys.readouterr().err
    assert main(["statistics", str(tmp_path / "nowhere")]) == 2
