"""What relaxation replaced is not the reaction, and equivalent atoms are put in order."""

import json
from itertools import permutations

import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule
from ase.calculators.calculator import CalculationFailed
from conftest import ROOT
from tblite.ase import TBLite

import mepbench
from mepbench.cli import main
from mepbench.errors import BadEndpoints, InputError
from mepbench.files.frames import read_frames, write_frames
from mepbench.landscape.minima import Minimum
from mepbench.molecule.shortest import inverted
from mepbench.molecule.stereo import bonds
from mepbench.oracle import Oracle
from mepbench.path import rmsd
from mepbench.potentials.xtb_python import load
from mepbench.preparation.checks import (
    check_bonds,
    check_distinct,
    one_minimum,
    relaxation_changes,
)
from mepbench.preparation.order import exchanges, ordered
from mepbench.preparation.prepare import prepare
from mepbench.reaction import Entry

CASES = ROOT / ".." / "shared" / "cases"


def entry(reactant: Atoms, product: Atoms, multiplicity: int = 1) -> Entry:
    ends = {"reactant": reactant, "product": product}
    return Entry(
        "s",
        "r",
        "test",
        multiplicity=multiplicity,
        numbers={role: atoms.numbers for role, atoms in ends.items()},
        positions={role: atoms.positions for role, atoms in ends.items()},
    )


def case(name: str) -> tuple[Atoms, Atoms]:
    if not CASES.is_dir():
        pytest.skip("development reactions absent: no cases beside them")
    return tuple(read_frames(CASES / name / f"{role}.xyz")[0] for role in ("reactant", "product"))


def umbrella(symbol: str, bond: float, height: float) -> Atoms:
    """An atom at the origin with three hydrogens, their plane at a height above it."""
    turn = np.radians([0, 120, 240])
    wide = np.sqrt(bond**2 - height**2)
    arms = np.stack([wide * np.cos(turn), wide * np.sin(turn), height + 0 * turn], axis=1)
    return Atoms([symbol, "H", "H", "H"], np.vstack([[0, 0, 0], arms]))


def together(below: Atoms, above: Atoms, distance: float) -> Atoms:
    """Two umbrellas, the first atom of the second so far above that of the first."""
    moved = above.copy()
    moved.positions += [0, 0, distance]
    return below + moved


BORANE, AMMONIA = umbrella("B", 1.19, -0.05), umbrella("N", 1.01, 0.35)
METHYLS = umbrella("C", 1.08, -0.05), umbrella("C", 1.08, 0.05)
AMINOBORANE = Atoms(
    "BH3NH3",
    [[0, 0, 0], [1.03, 0, -0.58], [-1.03, 0, -0.58], [0.3, 3.0, 0.0], [0, 0, 1.4], [0.85, 0, 1.93],
     [-0.85, 0, 1.93], [-0.3, 3.0, 0.5]],
)  # fmt: skip
ETHENE = Atoms(
    "CH3CH3",
    [[0, 0, 0], [0.92, 0, -0.55], [-0.92, 0, -0.55], [0.0, 3.0, 0.4], [0, 0, 1.33], [0.92, 0, 1.88],
     [-0.92, 0, 1.88], [0.0, 3.0, 1.15]],
)  # fmt: skip
KETENE = Atoms("COCH2", [[0, 0, 0], [0, 0, -1.13], [0, 0, 2.1], [0.86, 0, 2.75], [-0.86, 0, 2.75]])
ETHYNOL = Atoms("COCH2", [[0, 0, 0], [0, 0, -1.32], [0, 0, 1.2], [0, 0, 2.26], [0.9, 0, -1.65]])
# What falls together without a barrier on GFN2, another arrangement, the bonds, the molecules.
JOINED = {
    "borane": (together(BORANE, AMMONIA, 2.5), AMINOBORANE, "B1-N5", "H3B + H3N became H6BN"),
    "methyls": (together(*METHYLS, 2.4), ETHENE, "C1-C5", "CH3 + CH3 became C2H6"),
    "methylene": (KETENE, ETHYNOL, "C1-C3", "CH2 + CO became C2H2O"),
}


@pytest.mark.parametrize("name", JOINED)
def test_an_end_that_falls_together_is_refused_with_bonds_and_molecules_named(name):
    reactant, product, bond, became = JOINED[name]
    prepared = prepare(entry(reactant, product), load)
    assert prepared.verdict == "bad-endpoints"
    assert f"the reactant left its basin: relaxation forms {bond} ({became})" in prepared.reason
    assert "no barrier on this potential" in prepared.reason
    assert "--accept-relaxed" in prepared.reason
    assert set(prepared.relaxed) == {"reactant", "product"}


APART = Atoms("CNH", [[0, 0, 0], [0, 0, 1.15], [0, 0.05, -1.9]])
HNC = Atoms("CNH", [[0, 0, 0], [0, 0, 1.17], [0, 0.05, 2.17]])
HCN = Atoms("CNH", [[0, 0, 0], [0, 0, 1.15], [0, 0.05, -1.07]])


@pytest.mark.parametrize(("ends", "role"), [((APART, HNC), "reactant"), ((HNC, APART), "product")])
def test_accepted_ends_are_judged_and_every_row_says_so(ends, role):
    assert prepare(entry(*ends), load).verdict == "bad-endpoints"
    prepared = prepare(entry(*ends), load, accept_relaxed=True)
    assert prepared.verdict == "ok"
    said = f"accepted as relaxed: the {role} left its basin: relaxation forms C1-H3 (CN + H became"
    assert prepared.reason.startswith(said)
    assert prepared.row()["ends_note"].startswith(said)


def minimum(atoms: Atoms) -> Minimum:
    return Minimum(atoms.positions, 0.0, 0.0, True)


def moved(atoms: Atoms, index: int, position) -> Atoms:
    atoms = atoms.copy()
    atoms.positions[index] = position
    return atoms


ETHYLENE = Atoms(
    "C2ClHClH",
    [[0, 0, 0], [1.33, 0, 0], [-0.9, 1.4, 0], [-0.5, -0.95, 0], [2.2, 1.4, 0], [1.85, -0.95, 0]],
)
METHANE = Atoms(
    "CHFClBr", [[0, 0, 0], [0.6, 0.6, 0.6], [0.8, -0.8, -0.8], [-1, 1, -1], [-1.1, -1.1, 1.1]]
)
REPLACED = {
    "E for Z": (ETHYLENE, ETHYLENE[[0, 1, 2, 3, 5, 4]].positions, "C1=C2 has the opposite of E"),
    "handedness": (METHANE, METHANE.positions * [-1, 1, 1], "C1 has the opposite handedness"),
    "a bond": (HCN, APART.positions, "breaks C1-H3 (CHN became CN + H)"),
    "a shift": (HCN, HNC.positions, "breaks C1-H3 and forms N2-H3"),
}


@pytest.mark.parametrize("name", REPLACED)
def test_bonds_handedness_and_double_bonds_of_the_given_ends_are_compared(name):
    given, relaxed, said = REPLACED[name]
    if name == "E for Z":
        relaxed = moved(given, 4, [2.2, -1.4, 0]).positions
        relaxed[5] = [1.85, 0.95, 0]
    ends = [minimum(given), Minimum(relaxed, 0.0, 0.0, True)]
    with pytest.raises(BadEndpoints, match="the product left its basin") as raised:
        check_bonds(given.numbers, [given.positions] * 2, ends, False)
    assert said in str(raised.value)
    assert check_bonds(given.numbers, [given.positions] * 2, ends, True).startswith("accepted")


@pytest.mark.parametrize("shift", [0.05, 0.08, 0.1])
def test_a_contact_at_the_limit_of_a_bond_is_a_note_only(shift):
    limit = 1.3 * 1.07  # C and H
    given, relaxed = (moved(HCN, 2, [0, 0, -limit - s]) for s in (shift / 2, -shift / 2))
    ends = [minimum(relaxed), minimum(HNC)]
    note = check_bonds(HCN.numbers, [given.positions, HNC.positions], ends, False)
    assert note == "relaxation of the reactant forms C1-H3 (CN + H became CHN)"


def test_a_long_contact_over_a_third_atom_is_no_bond_but_a_ring_that_closes_is():
    def bent(distance):  # C1-O2-Mg3, C and Mg so far apart
        half = distance / 2
        return np.array([[-half, 0, 0], [-half + 0.9, 1.1, 0], [half, 0, 0]])

    numbers, radii = np.array([6, 8, 12]), 0.76 + 1.41
    for shorter, refused in ((1.25, False), (1.17, False), (0.98, True)):
        given, relaxed = bent(1.38 * radii), bent(shorter * radii)
        ends = [Minimum(relaxed, 0.0, 0.0, True)] * 2
        if refused:
            with pytest.raises(BadEndpoints, match="forms C1-Mg3"):
                check_bonds(numbers, [given, relaxed], ends, False)
        else:
            assert "forms C1-Mg3" in check_bonds(numbers, [given, relaxed], ends, False)


@pytest.mark.parametrize(
    ("start", "said"),
    [
        (HCN, "no bond of either changes"),
        (HNC, "relaxation of the product breaks N2-H3 and forms C1-H3"),
        (APART, "relaxation of the product forms C1-H3 (CN + H became CHN)"),
    ],
)
def test_one_minimum_names_the_bonds_that_relaxation_changed(start, said):
    ends = [minimum(HCN), minimum(HCN)]
    changes = relaxation_changes(HCN.numbers, [HCN.positions, start.positions], ends)
    with pytest.raises(BadEndpoints, match="both ends relax into one minimum") as raised:
        check_distinct(HCN.numbers, *ends, ("translation", "rotation"), changes)
    assert said in str(raised.value)


def test_a_refused_search_keeps_the_relaxed_ends_and_says_why(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_frames("r.xyz", [APART])
    write_frames("p.xyz", [HNC])
    assert main(["run", "r.xyz", "p.xyz", "--quiet"]) == 2
    said = capsys.readouterr().err
    assert "bad-endpoints: the reactant left its basin" in said
    assert "r-p/ends.xyz" in said
    left = sorted(file.name for file in (tmp_path / "r-p").iterdir())
    assert left == ["ends.xyz", "evaluations.xyz", "summary.json"]
    ends = read_frames("r-p/ends.xyz")
    assert [end.info["role"] for end in ends] == ["reactant", "product"]
    assert bonds(HCN.numbers, ends[0].positions) == bonds(HCN.numbers, HCN.positions)
    summary = json.loads((tmp_path / "r-p" / "summary.json").read_text())
    assert summary["verdict"] == "bad-endpoints"
    accepted = ["run", "r.xyz", "p.xyz", "--quiet", "--accept-relaxed", "--method", "guess-only"]
    assert main(accepted) == 0
    summary = json.loads((tmp_path / "r-p" / "summary.json").read_text())
    assert summary["verdict"] == "intended"
    assert summary["notes"].count("accepted as relaxed: the reactant left its basin") == 1
    assert "accepted as relaxed" in capsys.readouterr().out


@pytest.mark.parametrize("folder", ["found", "some/deep/place", "kept/below"])
def test_ends_refused_before_anything_was_relaxed_leave_no_empty_folder(tmp_path, folder):
    (tmp_path / "kept").mkdir()
    with pytest.raises(InputError):
        mepbench.find_saddle(HCN, HNC, multiplicity=2, folder=tmp_path / folder)
    assert [at.name for at in tmp_path.iterdir()] == ["kept"]


def test_python_gets_the_relaxed_ends_with_the_refusal():
    with pytest.raises(InputError) as raised:
        mepbench.find_saddle(HCN, APART)
    assert raised.value.verdict == "bad-endpoints"
    assert "both ends relax into one minimum" in raised.value.reason
    assert "forms C1-H3" in raised.value.reason
    assert [end.info["role"] for end in raised.value.ends] == ["reactant", "product"]


def test_what_was_relaxed_stays_when_the_calculator_fails_later(tmp_path):
    calls = []

    class Failing(TBLite):
        def calculate(self, *arguments, **options):
            calls.append(1)
            if len(calls) > 30:
                raise RuntimeError("no licence")
            super().calculate(*arguments, **options)

    with pytest.raises(InputError, match=r"no licence \(relaxed: .*ends\.xyz\)"):
        mepbench.find_saddle(HCN, HNC, Failing(verbosity=0), folder=tmp_path / "f", proof="full")
    (end,) = read_frames(tmp_path / "f" / "ends.xyz")
    assert end.info["role"] == "reactant"
    assert json.loads((tmp_path / "f" / "summary.json").read_text())["verdict"] == "error"


@pytest.mark.parametrize("failing", [3, 55, 62])
def test_a_calculator_that_fails_once_changes_nothing_but_the_count(failing):
    calls = []

    class Hiccup(TBLite):
        def calculate(self, *arguments, **options):
            calls.append(1)
            if len(calls) == failing:
                raise CalculationFailed("disk quota exceeded")
            super().calculate(*arguments, **options)

    found = mepbench.find_saddle(HCN, HNC, Hiccup(verbosity=0), method="guess-only")
    assert found.verdict == "intended"
    assert found.barrier_eV == pytest.approx(3.175, abs=0.002)


def test_cycles_are_named_from_the_old_number_to_the_new():
    numbers = np.array([6, 1, 1, 1, 8, 8])
    assert exchanges(numbers, np.arange(6)) == ""
    assert exchanges(numbers, np.array([0, 2, 1, 3, 5, 4])) == "H2<->H3, O5<->O6"
    # The file's second atom becomes the third, the third the fourth, the fourth the second.
    assert exchanges(numbers, np.array([0, 3, 1, 2, 4, 5])) == "H2->H3->H4->H2"


ISOCYANIDE = Atoms(
    "CNCH3",
    [
        [0, 0, 0],
        [1.42, 0, 0],
        [2.6, 0, 0],
        [-0.37, 1.03, 0],
        [-0.37, -0.5, 0.9],
        [-0.37, -0.5, -0.9],
    ],
)
ACETONITRILE = Atoms(
    "CNCH3",
    [
        [0, 0, 0],
        [2.6, 0, 0],
        [1.45, 0, 0],
        [-0.37, 1.03, 0],
        [-0.37, -0.5, 0.9],
        [-0.37, -0.5, -0.9],
    ],
)
ENOL = Atoms(
    "C2OH4",
    [[0, 0, 0], [1.33, 0, 0], [2.0, 1.18, 0], [-0.55, 0.93, 0], [-0.55, -0.93, 0], [1.9, -0.92, 0],
     [1.35, 1.88, 0]],
)  # fmt: skip
ALDEHYDE = Atoms(
    "C2OH4",
    [[0, 0, 0], [1.5, 0, 0], [2.15, 1.02, 0], [-0.37, 0.1, 1.03], [-0.37, -0.95, -0.4],
     [2.0, -1.0, 0], [-0.37, 0.8, -0.6]],
)  # fmt: skip
PEROXY = Atoms(
    "CO2H3",
    [
        [0, 0, 0],
        [1.42, 0, 0],
        [1.9, 1.3, 0],
        [-0.37, 1.03, 0],
        [-0.37, -0.5, 0.9],
        [-0.37, -0.5, -0.9],
    ],
)
TURNED = Atoms(
    "CO2H3",
    [
        [0, 0, 0],
        [1.9, 1.3, 0],
        [1.42, 0, 0],
        [-0.37, 1.03, 0],
        [-0.37, -0.5, 0.9],
        [-0.37, -0.5, -0.9],
    ],
)
DRAWN = {
    "isocyanide": (ISOCYANIDE, ACETONITRILE, [3, 4, 5], 1, 1.15),
    "keto-enol": (ENOL, ALDEHYDE, [3, 4, 6], 1, 1.5),
    "peroxy radical": (PEROXY, TURNED, [3, 4, 5], 2, 1.15),
}


@pytest.mark.parametrize("name", DRAWN)
def test_hydrogens_in_any_order_of_the_file_take_a_way_about_as_short(name):
    reactant, product, hydrogens, multiplicity, within = DRAWN[name]
    numbers = reactant.numbers
    oracle = Oracle(load(numbers, 0, multiplicity))
    changed = len(bonds(numbers, reactant.positions) ^ bonds(numbers, product.positions))
    lengths = []
    for choice in permutations(hydrogens):
        drawn = product.positions.copy()
        drawn[hydrogens] = product.positions[list(choice)]
        found, note = ordered(oracle, numbers, minimum(reactant), Minimum(drawn, 0, 0, True))
        lengths.append(rmsd(found.positions, reactant.positions))
        assert lengths[-1] <= rmsd(drawn, reactant.positions) + 1e-9
        same = np.array_equal(found.positions, drawn)
        assert note.startswith("relabelled: H") != same
        after = bonds(numbers, found.positions)
        assert len(bonds(numbers, reactant.positions) ^ after) == changed
        assert not inverted(numbers, reactant.positions, found.positions)
    assert max(lengths) < within * min(lengths)


CHLORIDE = Atoms(
    "ClCClH3",
    [
        [-3.0, 0, 0],
        [0, 0, 0],
        [1.8, 0, 0],
        [-0.35, 1.03, 0],
        [-0.35, -0.5, 0.9],
        [-0.35, -0.5, -0.9],
    ],
)
ABSTRACTION = Atoms("CH5", np.vstack([molecule("CH4").positions, [1.6, 1.6, 1.6]]))
ACETALDEHYDE = molecule("CH3CHO")
IDENTITY = {
    "SN2": (CHLORIDE, Atoms(CHLORIDE.numbers, CHLORIDE.positions[[2, 1, 0, 3, 4, 5]] * [-1, 1, 1])),
    "abstraction": (ABSTRACTION, ABSTRACTION[[0, 5, 2, 3, 4, 1]]),
    "methyl turn": (ACETALDEHYDE, ACETALDEHYDE[[0, 1, 2, 3, 5, 6, 4]]),
}


@pytest.mark.parametrize("name", IDENTITY)
def test_a_reaction_into_itself_stays_one(name):
    reactant, product = IDENTITY[name]
    state = (-1, 1) if name == "SN2" else (0, 2) if name == "abstraction" else (0, 1)
    oracle = Oracle(load(reactant.numbers, *state))
    found, note = ordered(oracle, reactant.numbers, minimum(reactant), minimum(product))
    assert not one_minimum(reactant.numbers, minimum(reactant), found)
    assert rmsd(found.positions, reactant.positions) > 0.2
    if name == "methyl turn":
        np.testing.assert_array_equal(found.positions, product.positions)
        assert note == ""


def test_where_no_bond_changes_a_nearer_order_is_named_but_not_taken():
    # Ethanol: the OH turns, and the file has the hydrogens of the methyl group turned as well.
    anti = molecule("CH3CH2OH")
    turned = anti.copy()
    turned.set_dihedral(0, 1, 2, 3, 60, indices=[3])
    turned = turned[[0, 1, 2, 3, 4, 5, 7, 8, 6]]
    oracle = Oracle(load(anti.numbers, 0, 1))
    found, note = ordered(oracle, anti.numbers, minimum(anti), minimum(turned))
    np.testing.assert_array_equal(found.positions, turned.positions)
    assert note.startswith("left as no bond changes, though nearer: H7->")
    assert oracle.evaluations == 0


def test_equivalent_oxygens_and_hydrogens_of_a_file_are_put_in_order():
    ends = case("nitromethane_swap")
    prepared = prepare(entry(*ends), load)
    assert prepared.reason.startswith("relabelled: O3<->O4, H6<->H7 of the product")
    assert prepared.row()["check_order"] == prepared.row()["ends_note"] == prepared.reason
    kept = prepare(entry(*ends), load, keep_order=True)
    assert (kept.verdict, kept.reason) == ("ok", "")
    before, after = (rmsd(*p.reaction.ends) for p in (kept, prepared))
    assert after < 0.7 * before
    straight = prepare(entry(*case("nitromethane")), load)
    assert after < rmsd(*straight.reaction.ends) + 1e-3


@pytest.mark.slow
@pytest.mark.parametrize("name", ["nitromethane", "nitromethane_swap"])
def test_exchanged_hydrogens_cost_no_barrier(name):
    found = mepbench.find_saddle(*case(name))
    assert found.verdict == "intended"
    assert found.barrier_eV == pytest.approx(3.587, abs=0.002)


def test_methylene_in_hydrogen_is_not_methane():
    prepared = prepare(entry(*case("ch2_h2a")), load)
    assert prepared.verdict == "bad-endpoints"
    assert "the reactant left its basin: relaxation forms C1-H4, C1-H5" in prepared.reason
