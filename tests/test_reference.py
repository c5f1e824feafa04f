"""References only improve, and both xTB backends agree on them."""

import json

import numpy as np
import pytest

from mepbench import reference
from mepbench.errors import InputError
from mepbench.frames import frame, read_frames, write_frames
from mepbench.reaction import SHIPPED, reaction_names, read_set
from mepbench.registry import load

SHIPPED_REFERENCE = SHIPPED / "references" / "GFN2-xTB" / "textbook.xyz"


def _run(folder, barrier):
    """A results folder whose run found one saddle of that barrier (eV)."""
    numbers, x = np.array([6, 7, 1]), np.eye(3)
    common = {"set": "mine", "reaction": "001", "charge": 0, "multiplicity": 1}
    ends = [
        frame(numbers, x + i, energy=-1.0, gradient=0 * x, role=role, **common)
        for i, role in enumerate(("reactant", "product"))
    ]
    write_frames(folder / "sets" / "mine" / "endpoints.xyz", ends)
    saddle = frame(
        numbers,
        x + barrier,
        energy=barrier - 1.0,
        role="ts",
        source="run:neb:0",
        barrier_eV=barrier,
        potential="GFN2-xTB",
        **common,
    )
    write_frames(folder / "reference.xyz", [saddle])
    manifest = {"sets": {"mine": "textbook"}, "commit": "abc"}
    (folder / "provenance.json").write_text(json.dumps(manifest))
    return folder


def test_an_update_takes_over_only_what_is_lower_by_more_than_a_millielectronvolt(
    tmp_path, monkeypatch
):
    file = tmp_path / "references" / "textbook.xyz"
    monkeypatch.setattr(reference, "reference_file", lambda spec, potential: file)
    assert reference.update(_run(tmp_path / "first", 2.0)) == ["textbook 001: 2.0000 eV"]
    assert reference.update(_run(tmp_path / "same", 1.9995)) == []
    assert reference.update(_run(tmp_path / "higher", 2.5)) == []
    lower = reference.update(_run(tmp_path / "lower", 1.5))
    assert lower == ["textbook 001: 1.5000 eV, was 2.0000"]
    frames = read_frames(file)
    assert [atoms.info["role"] for atoms in frames] == ["reactant", "product", "ts"]
    assert {atoms.info["set"] for atoms in frames} == {"textbook"}
    assert {atoms.info["reaction"] for atoms in frames} == {"001"}
    assert frames[2].info["source"] == "run:neb:0 of commit abc"


def test_only_shipped_sets_have_references_and_a_subset_has_its_parents(tmp_path):
    assert reference.reference_file("quick", "GFN2-xTB") == SHIPPED_REFERENCE
    assert reference.reference_file(str(tmp_path), "GFN2-xTB") is None


def test_a_folder_without_a_run_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"provenance\.json"):
        reference.update(tmp_path)


def test_both_xtb_backends_agree_on_all_textbook_endpoints_and_saddles():
    entries = read_set("references", str(SHIPPED_REFERENCE))
    assert {entry.name for entry in entries} == set(reaction_names("textbook", "textbook"))
    assert sum("ts" in entry.positions for entry in entries) >= 24
    for entry in entries:
        numbers = entry.numbers["reactant"]
        x = np.array(list(entry.positions.values()))
        results = [
            load("potentials", name)(
                numbers, entry.charge, entry.multiplicity, accuracy=0.05
            ).evaluate(x)
            for name in ("xtb-python", "tblite")
        ]
        (e1, g1), (e2, g2) = results
        np.testing.assert_allclose(e1, e2, atol=1e-5, err_msg=entry.name)
        np.testing.assert_allclose(g1, g2, atol=1e-4, err_msg=entry.name)


def test_the_shipped_saddles_are_stationary_and_above_their_ends():
    for entry in read_set("references", str(SHIPPED_REFERENCE)):
        if "ts" not in entry.positions:
            continue
        x = np.array([entry.positions[role] for role in ("reactant", "product", "ts")])
        potential = load("potentials", "tblite")
        energies, gradients = potential(
            entry.numbers["ts"], entry.charge, entry.multiplicity
        ).evaluate(x)
        assert np.linalg.norm(gradients, axis=-1).max() <= 0.011, entry.name
        assert energies[2] > energies[:2].max(), entry.name
