"""Inputs from the field that once failed, each with the right answer (`../shared/cases`).

They are read where they lie and are no part of the project: without them these tests skip.
Inputs of our own, of the same kinds, are in the tests of each part.
"""

import importlib.util

import numpy as np
import pytest

from mepbench import find_saddle
from mepbench.cli import main
from mepbench.errors import InputError
from mepbench.judging.judge import judge
from mepbench.oracle import Oracle, PotentialSpec
from mepbench.path import Peak
from mepbench.preparation.prepare import prepare
from mepbench.reaction import read_set

GFN2 = PotentialSpec("xtb-python", {"method": "GFN2-xTB"})


def ends(folder):
    return folder / "reactant.xyz", folder / "product.xyz"


@pytest.mark.parametrize(
    ("case", "verdicts", "height"),
    [
        ("trip_autode", {"intended"}, 1.285),
        ("nitromethane", {"intended"}, 3.587),
        ("nitromethane_swap", {"intended"}, 3.587),
        ("hshift_imp/hshiftA", {"intended"}, 1.211),
        ("hshift_imp/hshiftB", {"intended"}, 1.211),
        ("dme2b", {"multistep"}, 0.105),
        ("hydrazine", {"multistep", "half-intended"}, None),
    ],
)
def test_a_pair_has_its_verdict_and_its_height(cases, case, verdicts, height):
    found = find_saddle(*ends(cases / case))
    assert found.verdict in verdicts, found.reason
    assert np.isfinite(found.barrier_eV) == (found.mechanism is not None)
    if height is not None:
        assert found.height_eV == pytest.approx(height, abs=2e-3)


def test_nothing_is_made_of_a_bare_word(cases):
    with pytest.raises(InputError, match="charge 0"):
        find_saddle(*ends(cases / "bare_radical"))
    found = find_saddle(*ends(cases / "bare_radical"), multiplicity=2)
    assert (found.charge, found.verdict) == (0, "intended")
    assert found.barrier_eV == pytest.approx(1.353, abs=2e-3)


@pytest.mark.parametrize(
    ("case", "sentence"),
    [
        ("seg_fr", "no parameters for Fr (Z = 87); GFN-xTB goes to Rn (86)"),
        ("ch2_h2a", "the reactant left its basin"),
        ("imp_pbc/hcn", "periodic systems can't be treated"),
    ],
)
def test_what_can_not_be_treated_is_refused_in_a_sentence(cases, tmp_path, capsys, case, sentence):
    names = [str(end) for end in ends(cases / case)]
    assert main(["run", *names, "--output", str(tmp_path / "out")]) == 2
    assert sentence in " ".join(capsys.readouterr().err.split())


def test_a_cluster_of_argon_is_one_of_lennard_jones_in_other_units(cases):
    spec = importlib.util.spec_from_file_location("ljcalc", cases / "lj7" / "ljcalc.py")
    ljcalc = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(ljcalc)
    found = find_saddle(*ends(cases / "lj7_ar"), ljcalc.ljar(None, 0, 1))
    assert found.verdict == "intended", found.reason
    assert found.barrier_eV == pytest.approx(0.0110, abs=1e-4)


AS_GIVEN = {
    "judge_biphenyl_rotation": {"intended"},
    "judge_dev_index2_rxn009130": {"higher-order"},
    "judge_enaminone_wrong_EZ": {"half-intended", "other"},
    "judge_index2_propenol-acetone": {"higher-order"},
    "judge_index2_sn2-chloride-chloroethane": {"higher-order"},
    "judge_thp_ring_flip": {"higher-order", "half-intended", "multistep", "other"},
    "judge_two_torsions_propanol": {"half-intended", "multistep"},
}


@pytest.mark.parametrize("case", AS_GIVEN)
def test_a_given_saddle_is_judged_as_it_stands(cases, tmp_path, case):
    (tmp_path / case).symlink_to(cases / case)
    (entry,) = read_set("cases", str(tmp_path))
    reaction = prepare(entry, GFN2.load).reaction
    found = judge(reaction, Oracle(GFN2.of(reaction), reaction), Peak(entry.positions["ts"]))
    assert found.verdict in AS_GIVEN[case], found.reason
    assert np.isfinite(found.eigenvalues[:2]).all()
