"""References only improve, and both xTB backends agree on them."""

import json
import shutil
import subprocess

import numpy as np
import pytest
from ase.calculators.singlepoint import SinglePointCalculator
from scipy.spatial.transform import Rotation

import mepbench.scoring.recheck
from mepbench.cli import main
from mepbench.config import check_config
from mepbench.errors import InputError
from mepbench.files.checksums import SUMS
from mepbench.files.columns import COLUMNS, REFERENCE_COLUMNS
from mepbench.files.frames import frame, read_frames, write_frames
from mepbench.files.tidy import write_rows
from mepbench.judging.verify import Judged
from mepbench.oracle import PotentialSpec
from mepbench.path import rmsd
from mepbench.reaction import (
    SHIPPED,
    Reaction,
    irc_file,
    reaction_names,
    read_set,
    verify_references,
)
from mepbench.registry import load
from mepbench.scoring import reference
from mepbench.scoring.recheck import recheck_file

SHIPPED_REFERENCE = SHIPPED / "references" / "GFN2-xTB" / "textbook.xyz"
HCN = "hcn-isomerisation"
NUMBERS = np.array([6, 7, 1])
BENT = np.array([[0.0, 0, 0], [1.16, 0, 0], [-1.06, 0.05, 0]])
LINEAR = np.array([[0.0, 0, 0], [1.16, 0, 0], [2.2, 0.05, 0]])
ENDS = np.array([BENT, LINEAR])
STRETCH = np.array([1.0, 1.6]).reshape(2, 1, 1)


def _run(folder, barrier, ends=ENDS, source="run:neb:0"):
    """A results folder whose run found one saddle of that barrier (eV)."""
    common = {"set": "mine", "reaction": HCN, "charge": 0, "multiplicity": 1}
    frames = [
        frame(NUMBERS, x, energy=-1.0, gradient=0 * x, role=role, **common)
        for x, role in zip(ends, ("reactant", "product"), strict=True)
    ]
    write_frames(folder / "sets" / "mine" / "endpoints.xyz", frames)
    saddle = frame(
        NUMBERS,
        ends.mean(axis=0),
        energy=barrier - 1.0,
        role="ts",
        source=source,
        barrier_eV=barrier,
        potential="GFN2-xTB",
        eigenvalues=np.array([-2.0, 1.5, 3.0]),
        **common,
    )
    write_frames(folder / "reference.xyz", [saddle])
    s = np.linspace(-1, 1, 61)
    irc = [
        frame(
            NUMBERS,
            ends[0] + 0.01 * k,
            energy=-1.0 + barrier * (1 - u * u),
            source=source,
            **common,
        )
        for k, u in enumerate(s)
    ]
    write_frames(folder / "reference_irc.xyz", irc)
    manifest = {"sets": {"mine": "textbook"}, "commit": "abc"}
    (folder / "provenance.json").write_text(json.dumps(manifest))
    return folder


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """References that no run has written yet."""
    file = tmp_path / "references" / "textbook.xyz"
    monkeypatch.setattr(reference, "reference_file", lambda spec, potential: file)
    return file


def test_an_update_takes_over_only_what_is_lower_by_more_than_a_millielectronvolt(
    tmp_path, shipped
):
    assert reference.update(_run(tmp_path / "first", 2.0)) == [f"textbook {HCN}: 2.0000 eV"]
    assert reference.update(_run(tmp_path / "same", 1.9995)) == []
    assert reference.update(_run(tmp_path / "higher", 2.5)) == []
    lower = reference.update(_run(tmp_path / "lower", 1.5))
    assert lower == [f"textbook {HCN}: 1.5000 eV, was 2.0000"]
    frames = read_frames(shipped)
    assert [atoms.info["role"] for atoms in frames] == ["reactant", "product", "ts"]
    assert {atoms.info["set"] for atoms in frames} == {"textbook"}
    assert {atoms.info["reaction"] for atoms in frames} == {HCN}
    assert frames[2].info["source"] == "run:neb:0 of commit abc"


def test_a_reference_without_its_irc_is_completed_by_the_same_saddle(tmp_path, shipped):
    first = _run(tmp_path / "first", 2.0)
    (first / "reference_irc.xyz").write_text("")
    reference.update(first)
    assert reference.update(_run(tmp_path / "higher", 2.5)) == []
    assert reference.update(_run(tmp_path / "same", 2.0)) == [
        f"textbook {HCN}: 2.0000 eV, was 2.0000"
    ]
    assert reference.update(_run(tmp_path / "again", 2.0)) == []
    assert len(read_frames(irc_file(shipped))) == reference.IRC_FRAMES


def _scored_against(folder, barrier, proven):
    """The same run, scored against a shipped reference; its own saddle was `proven` or not."""
    (saddle,) = read_frames(_run(folder, barrier) / "reference.xyz")
    identity = {"set": "mine", "reaction": HCN, "method": "neb", "seed": 0}
    verdict = "intended" if proven else "other"
    row = {**identity, "verdict": verdict, "barrier_eV": barrier, "potential": "GFN2-xTB"}
    write_rows(folder / "runs.csv", COLUMNS, [row | {"imaginary_frequency_cm": 1000.0}])
    own = frame(NUMBERS, saddle.positions, energy=barrier - 1.0, role="saddle", **identity)
    write_frames(folder / "saddles.xyz", [own])
    irc = [frame(NUMBERS, ENDS[0], energy=-1.0, **identity)] * 3
    other = [frame(NUMBERS, ENDS[1], energy=-1.0, **identity | {"seed": 1})]
    write_frames(folder / "sets" / "mine" / "irc" / "neb" / "000.xyz", [*irc, *other])
    saddle.info["source"] = "shipped"
    write_frames(folder / "reference.xyz", [saddle])
    return folder


@pytest.mark.parametrize("proven", [True, False])
def test_what_is_withdrawn_is_replaced_by_the_runs_own_saddle_although_it_is_higher(
    proven, tmp_path, shipped
):
    reference.update(_run(tmp_path / "first", 2.0))
    run = _scored_against(tmp_path / "higher", 2.5, proven)
    assert reference.update(run) == []

    def withdraw(file):
        known, ircs = reference.read(file)
        del known[HCN]["ts"]
        reference.write(file, known, ircs)
        yield f"{HCN}: higher-order"

    lines = reference.update(run, withdraw)
    new = [f"textbook {HCN}: 2.5000 eV"] if proven else []
    assert lines == [f"textbook {HCN}: higher-order", *new]
    frames = read_frames(shipped)
    assert len(frames) == (3 if proven else 2)
    if proven:
        assert frames[2].info["source"] == "run:neb:0 of commit abc"
        assert len(read_frames(irc_file(shipped))) == 3


def test_geometry_lowest_eigenvalues_and_irc_are_stored(tmp_path, shipped):
    reference.update(_run(tmp_path / "first", 2.0))
    saddle = read_frames(shipped)[2]
    assert saddle.info["eigenvalues"] == pytest.approx([-2.0, 1.5, 3.0])
    irc = read_frames(irc_file(shipped))
    energies = [atoms.get_potential_energy() for atoms in irc]
    assert len(irc) == reference.IRC_FRAMES
    assert max(energies) == pytest.approx(1.0)
    assert (energies[0], energies[-1]) == pytest.approx((-1.0, -1.0))


def test_every_update_writes_the_checksums_and_any_change_of_a_file_is_an_error(tmp_path, shipped):
    reference.update(_run(tmp_path / "first", 2.0))
    verify_references(shipped)
    done = subprocess.run(["sha256sum", "-c", SUMS], cwd=shipped.parent)
    assert done.returncode == 0
    for file in (shipped, irc_file(shipped)):
        before = file.read_text(encoding="utf-8")
        file.write_text(before.replace("neb", "ned", 1), encoding="utf-8")
        with pytest.raises(InputError, match=rf"{file.name}: its SHA-256 is not.*git checkout"):
            verify_references(file.with_name("textbook.xyz"))
        with pytest.raises(InputError, match="SHA-256"):
            reference.update(_run(tmp_path / "lower", 1.5))
        file.write_text(before, encoding="utf-8")
    irc_file(shipped).unlink()
    with pytest.raises(InputError, match="missing"):
        verify_references(shipped)


def test_the_shipped_files_are_those_of_their_checksums_and_a_changed_one_stops_the_start(
    tmp_path, monkeypatch
):
    config = {"sets": {"mine": "quick"}}
    assert check_config(config).references == {"mine": SHIPPED_REFERENCE}
    changed = tmp_path / "textbook.xyz"
    shutil.copytree(SHIPPED_REFERENCE.parent, tmp_path, dirs_exist_ok=True)
    changed.write_text(changed.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    monkeypatch.setattr("mepbench.config.reference_file", lambda spec, potential: changed)
    with pytest.raises(InputError, match=r"textbook\.xyz: its SHA-256"):
        check_config(config)


@pytest.mark.parametrize(
    ("potential", "found"),
    [
        ({"name": "tblite"}, True),
        ({"name": "xtb-python"}, True),
        ({"name": "tblite", "accuracy": 0.01}, True),
        ({"name": "tblite", "method": "GFN2-xTB"}, True),
        ({"name": "xtb-python", "method": "GFN1-xTB"}, False),
        ({"name": "ase", "factory": "tblite:make"}, False),
    ],
)
def test_references_are_those_of_the_hamiltonian_however_it_is_named(potential, found):
    config = check_config({"sets": {"mine": "quick"}, "potential": potential})
    assert config.references == ({"mine": SHIPPED_REFERENCE} if found else {})
    if found:
        # What a row says of its potential is what the reference says: else it is passed over.
        known = {atoms.info.get("potential") for atoms in read_frames(SHIPPED_REFERENCE)}
        assert PotentialSpec(config.potential, config.potential_options).level in known


@pytest.mark.parametrize("potential", [{"name": "TBLite"}, {"name": "tblite", "method": "gfn2"}])
def test_a_potential_or_method_that_is_misspelt_is_an_error_and_no_run_without_references(
    potential,
):
    with pytest.raises(InputError, match=r"tblite|GFN2-xTB"):
        check_config({"sets": {"mine": "quick"}, "potential": potential})


@pytest.mark.parametrize("lost", [("textbook.xyz",), ("textbook.irc.xyz",), ("textbook.xyz",
    "textbook.irc.xyz"), ("SHA256SUMS",)], ids="+".join)  # fmt: skip
def test_a_deleted_file_of_references_stops_the_start(lost, tmp_path, monkeypatch):
    folder = tmp_path / "GFN2-xTB"
    shutil.copytree(SHIPPED_REFERENCE.parent, folder)
    for name in lost:
        (folder / name).unlink()
    monkeypatch.setattr(
        "mepbench.config.reference_file", lambda spec, potential: folder / "textbook.xyz"
    )
    with pytest.raises(InputError, match=r"textbook.*git checkout"):
        check_config({"sets": {"mine": "quick"}})


def test_where_no_references_were_released_there_are_none(tmp_path, monkeypatch):
    monkeypatch.setattr(
        "mepbench.config.reference_file", lambda spec, potential: tmp_path / "textbook.xyz"
    )
    assert check_config({"sets": {"mine": "quick"}}).references == {}


def _reaction(ends, energies=(-1.0, -1.0), **more):
    energies = np.array(energies)
    return Reaction(HCN, NUMBERS, *ends, set="mine", energies=energies, gradients=0 * ends, **more)


def test_a_reference_belongs_to_its_endpoints_wherever_they_lie(tmp_path, shipped):
    reference.update(_run(tmp_path / "first", 2.0))
    known = reference.by_reaction(read_frames(shipped))[HCN]
    turn = Rotation.from_rotvec([0.3, -1.0, 0.7]).as_matrix()
    assert reference.belongs(known, _reaction(ENDS))
    assert reference.belongs(known, _reaction(ENDS @ turn + 2.0))
    assert reference.belongs(known, _reaction(ENDS + 1e-3 * np.eye(3)))
    assert not reference.belongs(known, _reaction(ENDS[::-1]))
    assert not reference.belongs(known, _reaction(ENDS, charge=1))
    stretched = ENDS * STRETCH
    assert not reference.belongs(known, _reaction(stretched))


def test_a_reference_for_the_mirror_image_of_both_ends_is_mirrored(tmp_path, shipped):
    # Made chiral by hand: four different atoms about a centre.
    numbers = np.array([6, 1, 9, 17, 35])
    centre = np.array(
        [[0.0, 0, 0], [0, 0, 1.1], [1.3, 0, -0.4], [-0.9, 1.5, -0.6], [-1, -1.6, -0.6]]
    )
    bent = centre * [[1.0], [1.0], [1.0], [1.0], [1.3]]
    common = {"reaction": HCN, "charge": 0, "multiplicity": 1}
    frames = [
        frame(numbers, x, energy=e, gradient=x, role=role, **common)
        for role, x, e in (
            ("reactant", centre, 0.0),
            ("product", bent, 1.0),
            ("ts", centre * 1.1, 2.0),
        )
    ]
    write_frames(shipped, frames)
    known = reference.by_reaction(read_frames(shipped))[HCN]
    image = -np.array([centre, bent])
    energies = np.array([0.0, 1.0])
    here = Reaction(HCN, numbers, *image, set="mine", energies=energies, gradients=0 * image)
    assert reference.belongs(known, here) == -1
    one = Reaction(HCN, numbers, centre, -bent, set="mine", energies=energies, gradients=0 * image)
    assert reference.belongs(known, one) == 0
    (saddle,), other = reference.shipped_for(str(shipped), [here])
    assert other == set()
    assert saddle.positions == pytest.approx(-1.1 * centre)
    assert saddle.get_forces() == pytest.approx(1.1 * centre, abs=1e-6)
    assert saddle.get_potential_energy() == 2.0


def test_a_reference_made_for_other_endpoints_is_left_out_and_replaced(tmp_path, shipped):
    reference.update(_run(tmp_path / "first", 2.0))
    moved = ENDS * STRETCH
    saddles, other = reference.shipped_for(str(shipped), [_reaction(ENDS)])
    assert (len(saddles), other) == (1, set())
    saddles, other = reference.shipped_for(str(shipped), [_reaction(moved)])
    assert (saddles, other) == ([], {("mine", HCN)})
    lines = reference.update(_run(tmp_path / "moved", 2.5, moved))
    assert lines == [f"textbook {HCN}: new endpoints", f"textbook {HCN}: 2.5000 eV"]
    assert read_frames(shipped)[1].positions == pytest.approx(moved[1], abs=1e-7)


def test_a_run_that_finds_better_says_so_aloud(tmp_path, capsys):
    rows = [
        {"set": "mine", "reaction": "a\nb", "shipped": "beaten", "reference_source": "run:neb:0"}
        | {"barrier_eV": 1.5, "shipped_barrier_eV": 2.0, "lower_by_eV": 0.5},
        {"set": "mine", "reaction": "same", "shipped": "stands", "reference_source": "shipped"},
        {"set": "mine", "reaction": "moved", "shipped": "other endpoints"},
    ]
    write_rows(tmp_path / "reference.csv", REFERENCE_COLUMNS, rows)
    reference.announce(tmp_path)
    out, printed = capsys.readouterr()
    assert out == ""
    assert "BETTER THAN THE SHIPPED REFERENCE: 1 of 3" in printed
    assert "a b (set mine): 1.5000 eV by run:neb:0, shipped 2.0000 eV" in printed
    assert "other endpoints: moved" in printed
    assert f"mepbench reference {tmp_path} --update" in printed
    assert "same" not in printed
    write_rows(tmp_path / "reference.csv", REFERENCE_COLUMNS, rows[1:2])
    reference.announce(tmp_path)
    assert capsys.readouterr() == ("", "")


def test_only_shipped_sets_have_references_and_a_subset_has_its_parents(tmp_path):
    assert reference.reference_file("quick", "GFN2-xTB") == SHIPPED_REFERENCE
    assert reference.reference_file(str(tmp_path), "GFN2-xTB") is None


def test_a_folder_without_a_run_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"provenance\.json"):
        reference.update(tmp_path)


def test_both_xtb_backends_agree_on_all_textbook_endpoints_and_saddles():
    pytest.importorskip("xtb", reason="xtb-python has wheels for Python 3.11 alone")
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


def _file(tmp_path, **changed):
    """A released file of one reaction, HCN's, its frames by role changed."""
    file = tmp_path / "GFN2-xTB" / "textbook.xyz"
    known, ircs = reference.read(SHIPPED_REFERENCE)
    group = {role: changed.get(role, atoms) for role, atoms in known[HCN].items()}
    reference.write(file, {HCN: group}, ircs)
    return file, group["ts"]


def test_a_reference_that_stands_is_left_as_it_is(tmp_path):
    file, _ = _file(tmp_path)
    before = file.read_bytes()
    assert list(recheck_file(file, update=True)) == []
    assert file.read_bytes() == before
    assert list(recheck_file(file, ["another"])) == []


def _moved(frame, away):
    """The saddle moved, as an optimiser with loose thresholds leaves it."""
    moved = frame.copy()
    moved.positions[2] += away
    moved.calc = SinglePointCalculator(moved, **frame.calc.results)
    return moved


@pytest.mark.parametrize("away", [[0.2, 0.0, 0.0], [0.0, 0.3, 0.0], [-0.1, 0.1, 0.05]])
def test_a_reference_that_was_converged_loosely_is_replaced_by_what_it_is_refined_to(
    away, tmp_path
):
    true = reference.read(SHIPPED_REFERENCE)[0][HCN]["ts"]
    file, _ = _file(tmp_path, ts=_moved(true, away))
    (line,) = recheck_file(file, update=True)
    assert line.startswith(f"{HCN}: its saddle lies 0.")
    known, ircs = reference.read(file)
    saddle = known[HCN]["ts"]
    assert rmsd(saddle.positions, true.positions) < 0.01
    assert saddle.info["barrier_eV"] == pytest.approx(true.info["barrier_eV"], abs=1e-4)
    assert saddle.info["source"].endswith(", refined anew")
    assert len(ircs[HCN]) == reference.IRC_FRAMES
    assert set(true.info) == set(saddle.info)
    assert list(recheck_file(file, update=True)) == []


def _in_role(atoms, role):
    atoms = atoms.copy()
    atoms.info["role"] = role
    atoms.calc = SinglePointCalculator(atoms, energy=-1.0, forces=np.zeros((3, 3)))
    return atoms


@pytest.mark.parametrize(("end", "by"), [("product", "reactant"), ("reactant", "product")])
def test_a_reference_that_is_no_saddle_of_its_reaction_is_withdrawn(end, by, tmp_path):
    known = reference.read(SHIPPED_REFERENCE)[0][HCN]
    file, _ = _file(tmp_path, **{end: _in_role(known[by], end)})
    (line,) = recheck_file(file)
    assert line.startswith((f"{HCN}: half-intended", f"{HCN}: other"))
    assert "ts" in reference.read(file)[0][HCN]
    list(recheck_file(file, update=True))
    left, ircs = reference.read(file)
    assert (set(left[HCN]), ircs) == ({"reactant", "product"}, {})


def test_a_reference_that_could_not_be_judged_is_left_and_named(tmp_path, monkeypatch):
    def failing(*given):
        return Judged("scf-failure", "no energy")

    monkeypatch.setattr(mepbench.scoring.recheck, "refine_and_judge", failing)
    file, _ = _file(tmp_path)
    before = file.read_bytes()
    assert list(recheck_file(file, update=True)) == [
        f"{HCN}: could not be judged (scf-failure: no energy)"
    ]
    assert file.read_bytes() == before


def test_references_are_checked_from_the_command_line(capsys):
    assert main(["reference", "--check", HCN]) == 0
    assert capsys.readouterr().out == "all that were judged stand\n"
    assert main(["reference"]) == 2
    assert "results folder" in capsys.readouterr().err
