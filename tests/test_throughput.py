"""The table of how fast surfaces are."""

import sys
import time
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from mepbench.oracle import PotentialSpec
from mepbench.solving import throughput


@pytest.mark.parametrize(("asked", "atoms"), [(5, 5), (10, 11), (50, 50), (100, 101)])
def test_molecules_have_about_the_size_asked_for(asked, atoms):
    numbers, x = throughput.alkane(asked)
    assert x.shape == (atoms, 3)
    assert (numbers == 1).sum() == 2 * (numbers == 6).sum() + 2
    apart = np.linalg.norm(x[:, None] - x, axis=-1) + 9 * np.eye(atoms)
    assert apart.min() > 1.0


def test_seconds_are_those_of_one_evaluation():
    rounds = []

    def busy(positions):
        rounds.append(len(positions))
        end = time.process_time() + 0.01 * len(positions)
        while time.process_time() < end:
            pass

    taken = throughput.seconds(busy, np.zeros((2, 4, 1, 3)))
    assert rounds == [4, 4]
    assert taken == pytest.approx(0.01, rel=0.2)


def test_a_surface_is_a_row_and_what_is_not_installed_is_named(capsys, tmp_path, monkeypatch):
    file = tmp_path / "speed.csv"
    monkeypatch.setitem(sys.modules, "pyscf", None)
    surfaces = ["tblite", "{name: tblite, method: GFN1-xTB}", "pyscf"]
    throughput.main([*surfaces, "--atoms", "5", "8", "--output", str(file)])
    printed = capsys.readouterr()
    assert "| tblite: GFN1-xTB" in printed.out
    assert "8 atoms" in printed.out
    assert "pyscf, 5 atoms: PySCF is not installed" in printed.err
    table = pd.read_csv(file)
    assert table.atoms.tolist() == [5, 5, 8, 8]
    assert (table[["singly_per_s", "batch_per_s"]] > 0).all(axis=None)


def test_a_slow_surface_is_not_asked_at_larger_sizes(monkeypatch):
    monkeypatch.setattr(throughput, "SLOW", 0.0)
    rows = throughput.measured([PotentialSpec("tblite")], (5, 8))
    assert [row["atoms"] for row in rows] == [5]


def test_no_surface_is_asked_twice_for_a_geometry(monkeypatch):
    seen = []

    class Remembers(PotentialSpec):
        level = "remembering"

        def load(self, numbers, charge, multiplicity):
            seen.append([])
            return SimpleNamespace(evaluate=seen[-1].extend)

    list(throughput.measured([Remembers("mine")], (5,)))
    for positions in seen:
        assert len({x.tobytes() for x in positions}) == len(positions) == 2 * throughput.ROUND


def test_a_surface_that_there_is_not_ends_it_with_its_name():
    with pytest.raises(SystemExit, match="Did you mean 'tblite'"):
        throughput.main(["tblit"])
