"""Barriers of several surfaces against known ones."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

from mepbench.errors import InputError
from mepbench.files.shipped import ROOT
from mepbench.reporting.barriers import compared, main, read_barriers, readable

KNOWN = {"a": 1.0, "b": 2.0, "c": 3.0, "d": 4.0}


def folder(where: Path, surface: str, barriers: dict) -> Path:
    where.mkdir(parents=True)
    rows = {"reaction": barriers.keys(), "barrier_0K_eV": barriers.values(), "potential": surface}
    pd.DataFrame(rows).to_csv(where / "reference.csv", index=False)
    return where


@pytest.fixture
def run(tmp_path):
    known = tmp_path / "known.csv"
    pd.DataFrame({"reaction": KNOWN.keys(), "barrier_0K_eV": KNOWN.values()}).to_csv(known)
    one = {"a": 1.5, "b": 1.0, "c": None, "e": 9.0}
    two = {"a": 1.1, "b": 2.1, "c": 3.4, "e": 9.0}
    return known, [folder(tmp_path / "1", "one", one), folder(tmp_path / "2", "two", two)]


def test_errors_are_those_of_the_reactions_that_are_known_and_proven(run):
    barriers = read_barriers(*run)
    assert list(barriers.index) == ["a", "b", "c"]  # d was not run, and e is not known
    table = compared(barriers).set_index("surface")
    assert list(table.proven) == [2, 3]
    assert table.loc["one", "mean"] == pytest.approx((0.5 - 1.0) / 2)
    assert table.loc["one", "mean_absolute"] == pytest.approx(0.75)
    assert table.loc["two", "mean"] == pytest.approx(0.2)
    assert table.loc["two", "median_absolute"] == pytest.approx(0.1)
    assert table.loc["two", "largest"] == pytest.approx(0.4)
    assert np.isnan(table.loc["one", "rank_correlation"])
    assert table.loc["two", "rank_correlation"] == pytest.approx(1)
    assert list(table.common) == [2, 2]
    assert table.loc["two", "common_mean_absolute"] == pytest.approx(0.1)


def test_a_surface_that_proves_little_does_not_make_the_common_reactions_few(run, tmp_path):
    known, folders = run
    poor = folder(tmp_path / "3", "poor", {"a": None, "b": None, "c": 7.0})
    table = compared(read_barriers(known, [*folders, poor])).set_index("surface")
    assert list(table.common) == [2, 2, 2]
    assert np.isnan(table.loc["poor", "common_mean_absolute"])
    assert table.loc["poor", "mean_absolute"] == pytest.approx(4)


def test_table_and_figure_are_left_beside_the_folders(run, capsys):
    known, folders = run
    main([str(known), *map(str, folders)])
    beside = folders[0].parent
    assert capsys.readouterr().out.strip() == (beside / "barriers.md").read_text().strip()
    assert "2 of 3" in (beside / "barriers.md").read_text()
    assert pd.read_csv(beside / "barriers.csv").loc[2, "two"] == 3.4
    drawn = np.asarray(Image.open(beside / "barriers.png").convert("L"))
    assert (drawn < 128).mean() > 0.001
    assert (beside / "barriers.pdf").stat().st_size > 1000


def test_what_cannot_be_compared_is_one_error(run, tmp_path):
    known, (one, two) = run
    again = folder(tmp_path / "3", "one", {"a": 1.0})
    with pytest.raises(InputError, match="one is the surface of another folder, too"):
        read_barriers(known, [one, again])
    with pytest.raises(InputError, match="of none of its reactions is the barrier in"):
        read_barriers(known, [folder(tmp_path / "4", "four", {"z": 1.0})])
    with pytest.raises(InputError, match="cannot be read as a table"):
        read_barriers(known, [tmp_path / "5"])
    (tmp_path / "other.csv").write_text("reaction,barrier_eV\na,1\n")
    with pytest.raises(InputError, match="columns reaction and barrier_0K_eV is needed"):
        read_barriers(tmp_path / "other.csv", [one])
    with pytest.raises(InputError, match="a run on one surface is needed, this names 0"):
        read_barriers(known, [folder(tmp_path / "6", None, {"a": 1.0})])
    twice = pd.concat([pd.read_csv(two / "reference.csv")] * 2)
    twice.to_csv(two / "reference.csv", index=False)
    with pytest.raises(InputError, match="a is there twice; compare one set at a time"):
        read_barriers(known, [two])


def test_surfaces_differ_in_nothing_but_themselves():
    read = [yaml.safe_load(f.read_text()) for f in (ROOT / "workflow" / "surfaces").glob("*.yaml")]
    assert len(read) == 4
    assert len({str(one.pop("potential")) for one in read}) == 4
    assert len({one.pop("results") for one in read}) == 4
    assert all(one == read[0] for one in read)


def test_a_surface_nobody_proved_anything_on_says_so(tmp_path):
    known = tmp_path / "known.csv"
    pd.DataFrame({"reaction": ["a"], "barrier_0K_eV": [1.0]}).to_csv(known)
    table = compared(read_barriers(known, [folder(tmp_path / "1", "one", {"a": None})]))
    assert list(table.proven) == [0]
    assert list(readable(table).loc[0])[:3] == ["one", "0 of 1", ""]
