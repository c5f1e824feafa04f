"""Seconds by stage: ways measured, and what is made of known numbers."""

import pandas as pd
import pytest

from mepbench.files.tidy import read_rows
from mepbench.judging.search_speed import COLUMNS, GROWING, STAGES, growing, main, searched
from mepbench.oracle import PotentialSpec
from mepbench.preparation.prepare import prepare
from mepbench.reaction import Entry
from mepbench.reporting import speed

load = PotentialSpec("xtb-python").load


ENOL = "[C:1]([H:5])([H:6])=[C:2]([H:7])[O:3][H:4]>>[H:4][C:1]([H:5])([H:6])[C:2]([H:7])=[O:3]"


@pytest.fixture(scope="module")
def reaction():
    return prepare(Entry("mine", "enol", "test", smiles=ENOL), load).reaction


@pytest.mark.parametrize("way", ["neural-surrogate, staged", "geodesic + Sella, its IRC"])
def test_a_search_is_measured_stage_by_stage(reaction, way):
    row = searched(reaction, way)
    assert tuple(row) == COLUMNS
    assert (row["reaction"], row["natoms"], row["verdict"]) == ("enol", 7, "intended")
    assert row["gradients_path"] > 3
    assert row["gradients_verify"] > 0
    assert all(row[f"{stage}_s"] > 0 for stage in ("guess", "path", "verify"))
    assert (row["gradients_refine"] > 0) == (way != "neural-surrogate, staged")


def test_the_molecule_that_grows_has_the_size_that_was_asked_for():
    (enol,) = growing([11])
    assert (enol.set, enol.name, enol.natoms) == (GROWING, "enol-10", 10)
    assert sorted(enol.numbers) == [1] * 6 + [6] * 3 + [8]


def row(way: str, name: str, natoms: int, verdict: str, seconds, gradients, of="rdb7_dev") -> dict:
    values = (of, name, natoms, way, verdict, *seconds, *gradients)
    return dict(zip(COLUMNS, values, strict=True))


@pytest.fixture
def file(tmp_path):
    sella, ours = "geodesic + Sella", "neural-surrogate"
    rows = [
        row(sella, "a", 8, "intended", (0.5, 0.0, 1.5, 2.0), (11, 20, 300)),
        row(sella, "b", 18, "other", (0.5, 0.0, 1.5, 4.0), (11, 40, 600)),
        row(ours, "a", 8, "intended", (0.5, 0.5, 0.0, 1.0), (15, 0, 300)),
        row(ours, "b", 18, "intended", (0.5, 0.5, 0.0, 1.0), (25, 0, 600)),
        row("geodesic + Sella, its IRC", "a", 8, "intended", (0.5, 0, 1, 1), (11, 20, 90)),
        row(sella, "enol-19", 19, "other", (0, 0, 0, 0.1), (9, 0, 0), GROWING),
        *(
            row(ours, f"enol-{n}", n, verdict, (0, 0, 0, seconds), (9, 0, 9), GROWING)
            for n, verdict, seconds in (
                (10, "intended", 3.0),
                (20, "intended", 0.4),
                (40, "intended", 1.6),
                (60, "budget", 0.01),
            )
        ),
    ]
    pd.DataFrame(rows).to_csv(tmp_path / "speed.csv", index=False)
    return tmp_path / "speed.csv"


def test_medians_ratios_and_throughput_are_of_all_that_was_searched(file):
    sella, ours, irc = speed.by_stage(speed.read_speed(file)).to_dict("records")
    assert (irc["of the proof"], irc["verified a day"], irc["a node"]) == ("90", "", "")
    assert (sella["solved"], ours["solved"]) == ("1/2", "2/2")
    assert (sella["evaluations"], ours["evaluations"]) == ("41", "20")
    assert (sella["to the saddle (s)"], ours["to the saddle (s)"]) == ("2.00 (1.00)", "1.00 (0.50)")
    assert (sella["all (s)"], ours["all (s)"]) == ("5.00 (1.00)", "2.00 (0.40)")
    assert (sella["verified a day"], ours["verified a day"]) == ("8,640", "43,200")
    assert ours["a node"] == "2.76 million"


def test_growth_is_told_by_the_larger_sizes_that_are_solved(file, capsys):
    sella, ours = speed.by_size(speed.read_speed(file)).to_dict("records")
    assert (sella["19 atoms"], sella["power"]) == ("0.1 (other)", "")
    assert (ours["20 atoms"], ours["60 atoms"], ours["power"]) == ("0.4", "0.0 (budget)", "2.0")
    speed.main([str(file)])
    assert "| neural-surrogate |" in capsys.readouterr().out
    assert file.with_suffix(".png").stat().st_size > 5000


def test_what_was_measured_is_not_measured_again(tmp_path):
    file = tmp_path / "speed.csv"
    pd.DataFrame(
        [
            row(way, "enol-10", 10, "intended", (1.0,) * len(STAGES), (1, 2, 3), GROWING)
            for way in speed.WAYS
        ]
    ).to_csv(file, index=False)
    before = file.read_bytes()
    main(["--atoms", "10", "11", "--output", str(file)])
    assert file.read_bytes() == before
    assert len(read_rows(str(file))) == len(speed.WAYS)
