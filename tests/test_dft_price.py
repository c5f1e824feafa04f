"""The table of real DFT, with GFN1-xTB in its part: complete, resumable, and in a page."""

import pytest

from mepbench.errors import InputError
from mepbench.pair import dft_price
from mepbench.pair.dft_page import BEGIN, END, tables, write_page
from mepbench.pair.dft_price import COLUMNS, REACTIONS, TABLE, rows, shipped_ends

NAME = "ammonia-inversion"


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """The rows of one reaction, and the folder they are in."""
    folder = tmp_path_factory.mktemp("dft")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dft_price, "DFT", {"name": "tblite", "method": "GFN1-xTB"})
        *_, done = rows([NAME], folder)
        yield done, folder


def test_reactions_are_at_least_ten_of_at_most_eight_atoms_and_not_all_closed_shells():
    given = shipped_ends(REACTIONS)
    assert len(given) >= 10
    assert max(len(one.ends[0]) for one in given) <= 8
    assert {one.charge for one in given} > {0}
    assert {one.multiplicity for one in given} == {1, 2}


def test_a_reaction_that_does_not_ship_is_bad_input():
    with pytest.raises(InputError, match="no reference of 'no-such'"):
        shipped_ends(["no-such"])


def test_search_prior_band_and_sella_find_the_same_saddle(table):
    done, _ = table
    assert [row["run"] for row in done] == ["plain", "prior", "ci-neb", "sella"]
    assert [row["verdict"] for row in done] == ["intended"] * 2 + ["converged"] * 2
    heights = [row["height_eV"] for row in done]
    assert heights == pytest.approx([heights[0]] * 4, abs=2e-3)
    plain, helped, band, _ = done
    assert plain["total"] == sum(plain[s] for s in "ends spin path refine verify".split())
    assert 0 < helped["ends"] <= plain["ends"]
    assert 0 < helped["path"] < plain["path"]
    assert band["total"] > plain["path"]


def test_a_row_is_computed_once_and_after_a_kill_no_evaluation_twice(table):
    done, folder = table
    assert list(rows([NAME], folder)) == []
    kept = {file: file.read_bytes() for file in folder.glob("*/*/evaluations*.xyz")}
    assert len(kept) == 5
    (folder / TABLE).unlink()
    *_, again = rows([NAME], folder)
    assert {file: file.read_bytes() for file in kept} == kept
    known = [column for column in COLUMNS if "wall" not in column]
    for before, after in zip(done, again, strict=True):
        for column in known:
            assert str(before.get(column)) == str(after.get(column))


def test_the_page_has_the_tables_between_its_marks(table, tmp_path):
    done, _ = table
    page = tmp_path / "page.md"
    page.write_text(f"Before.\n{BEGIN}\nold\n{END}\nAfter.\n")
    write_page(page, done)
    text = page.read_text()
    assert text.startswith("Before.\n")
    assert text.endswith(f"{END}\nAfter.\n")
    assert "old" not in text
    assert f"| {NAME} | 4 |" in text
    assert "Of 1 reaction 1" in text
    write_page(page, done)
    assert page.read_text() == text
    page.write_text("no marks")
    with pytest.raises(InputError, match="has no lines"):
        write_page(page, done)


def test_what_is_not_intended_has_its_verdict_in_the_table_and_counts_nowhere():
    common = {"reaction": "x", "natoms": 3, "charge": 1, "multiplicity": 2, "run": "plain"}
    text = tables([common | {"verdict": "bad-endpoints", "reason": "dissociates"}])
    assert "| x, charge 1, doublet | 3 | **bad-endpoints** |" in text
    assert "Medians" not in text
