"""Endpoints: every bad entry gets its verdict and reason, every good one two proven minima."""

from dataclasses import replace

import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule

from mepbench.errors import BadEndpoints, SCFFailure
from mepbench.files.columns import ENDPOINT_COLUMNS
from mepbench.landscape.hessian import hessian, lowest_modes
from mepbench.landscape.index import stationary_point
from mepbench.landscape.minima import FMAX, FREE, minima, relax, scaled_hessian
from mepbench.landscape.model_hessian import gaussian, model_hessian
from mepbench.molecule.structure import bonds
from mepbench.oracle import Oracle
from mepbench.path import align
from mepbench.potentials.xtb_python import load
from mepbench.preparation.prepare import Prepared, prepare
from mepbench.preparation.smiles import read_smiles, wrong_stereo
from mepbench.reaction import Entry, Reaction, read_set

HCN = "[H:1][C:2]#[N:3]>>[H:1][N+:3]#[C-:2]"


def linear(symbols, *heights):
    return Atoms(symbols, [[0, 0, z] for z in heights])


GOOD = linear("CNH", 0, 1.15, -1.07), linear("CNH", 0, 1.17, 2.17)


@pytest.fixture
def from_files(tmp_path):
    """Prepare a pair of ASE atoms by way of a folder of files."""

    def run(reactant, product, comment=""):
        folder = tmp_path / "set" / "r"
        folder.mkdir(parents=True)
        for role, atoms in (("reactant", reactant), ("product", product)):
            if atoms is not None:
                lines = [
                    f"{s} {x} {y} {z}"
                    for s, (x, y, z) in zip(atoms.symbols, atoms.positions, strict=True)
                ]
                text = "\n".join([str(len(atoms)), comment, *lines]) + "\n"
                (folder / f"{role}.xyz").write_text(text)
        return prepare(read_set("s", str(tmp_path / "set"))[0], load)

    return run


def from_smiles(smiles, charge=0, multiplicity=1, potential=load) -> Prepared:
    entry = Entry("s", "r", "test", charge=charge, multiplicity=multiplicity, smiles=smiles)
    return prepare(entry, potential)


@pytest.fixture(scope="module")
def textbook():
    """Prepare textbook reactions by name, each once."""
    entries, known = {e.name: e for e in read_set("textbook", "textbook")}, {}

    def run(name) -> Prepared:
        if name not in known:
            known[name] = prepare(entries[name], load)
        return known[name]

    return run


def shifted(atoms, index, position):
    changed = atoms.copy()
    changed.positions[index] = position
    return changed


BAD_FILES = {
    "another element": (GOOD[0], linear("CNO", 0, 1.1, 2.3), "", "CHN and the product CNO"),
    "another number": (GOOD[0], linear("CN", 0, 1.1), "", "must have the same atoms"),
    "permuted": (GOOD[0], linear("NCH", 0, 1.1, 2.1), "", "atom 1 is C in the reactant and N"),
    "missing": (GOOD[0], None, "", "product.xyz is missing"),
    "nan": (shifted(GOOD[0], 1, np.nan), GOOD[1], "", "reactant has a coordinate.*atom 2"),
    "overlap": (GOOD[0], shifted(GOOD[1], 2, [0, 0, 1.2]), "", "N2 and H3 are 0.03 A apart"),
    "multiplicity": (*GOOD, "multiplicity=2", "impossible for 14 electrons"),
    "multiplicity 0": (*GOOD, "multiplicity=0", "it may be 1, 3, 5"),
    "charge": (*GOOD, "charge=1", "impossible for 13 electrons.*may be 2, 4"),
    "no electrons": (*GOOD, "charge=14", "leaves 0 electrons"),
    "text": (*GOOD, "charge=minus", "'charge=minus' looks like a charge"),
    "one minimum": (GOOD[0], shifted(GOOD[0], 2, [0.1, 0, -1.0]), "", "into one minimum"),
    "dummy": (linear("CNX", 0, 1.1, -1), linear("CNX", 0, 1.1, 2), "", "atom 3 is a dummy"),
    "apart": (linear("H4", 0, 0.8, 12, 12.8), linear("H4", 0, 12, 0.8, 12.8), "", "falls apart"),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_a_bad_pair_of_files_gets_a_verdict_and_a_reason(from_files, case):
    reactant, product, comment, reason = BAD_FILES[case]
    prepared = from_files(reactant, product, comment)
    assert prepared.verdict == "bad-endpoints"
    assert prepared.reaction is None
    with pytest.raises(BadEndpoints, match=reason):
        raise BadEndpoints(prepared.reason)
    assert "\n" not in prepared.reason
    assert set(prepared.row()) <= set(ENDPOINT_COLUMNS)


def test_elements_beyond_the_potential_are_not_supported_and_cost_nothing():
    for symbol in ("Fr", "Ra", "Th"):
        ends = [Atoms([symbol, "O", "H"], [[0, 0, 0], [0, 0, z], [0, 0.7, z + 1]]) for z in (2, 3)]
        prepared = prepare(
            Entry(
                "s",
                "r",
                "test",
                multiplicity=1 + int(ends[0].numbers.sum() % 2),
                numbers={role: ends[0].numbers for role in ("reactant", "product")},
                positions={"reactant": ends[0].positions, "product": ends[1].positions},
            ),
            load,
        )
        assert (prepared.verdict, prepared.evaluations) == ("not-supported", 0)
        assert f"no parameters for {symbol} (Z = " in prepared.reason
        assert prepared.row()["verdict"] == "not-supported"


BAD_SMILES = {
    "H[C": "not of the form",
    "[H:1][C:2]#[N:3]>>": "not of the form",
    "[H:1][C:2]#[N:3]>[Pd]>[H:1][N+:3]#[C-:2]": "not of the form",
    "[H:1][C:2](#[N:3]>>[H:1][N+:3]#[C-:2]": "cannot read the reactant",
    "[H:1][C:2]#[N:3]>>[H:1][N:3]#[C:2]": "refuses the product.*valence",
    "[H:1][C:2]#N>>[H:1][N+:3]#[C-:2]": "a N without a map number",
    "[H:1][C:2]#[N:2]>>[H:1][N+:3]#[C-:2]": "map number 2 stands twice in the reactant",
    "[H:1][C:2]#[N:3]>>[H:1][N+:4]#[C-:2]": "product has no atom mapped 3",
    "[H:1][C:2]#[N:3].[He:4]>>[H:1][N+:3]#[C-:2]": "product has no atom mapped 4",
    "[H:1][C:2]#[N:3]>>[H:1][N+:2]#[C-:3]": "atom 2 is C in the reactant and N",
    "[CH2:2]=[NH:3]>>[CH3:2][NH2:3]": "has 3 hydrogens without map numbers and the product 5",
    "C=CCOC=C>>C=CCCC=O": "no map numbers, and 2 different reactions change as few bonds",
    "[*:1][C:2]#[N:3]>>[*:1][N+:3]#[C-:2]": "wildcard",
    "[Cl-:1].[CH3:2][Cl:3]>>[Cl:1][CH3:2].[Cl-:3]": "charge -1, declared is \\+0",
}


@pytest.mark.parametrize("smiles", BAD_SMILES)
def test_a_bad_smiles_gets_a_verdict_and_a_reason(smiles):
    prepared = from_smiles(smiles)
    assert (prepared.verdict, prepared.evaluations) == ("bad-endpoints", 0)
    with pytest.raises(BadEndpoints, match=BAD_SMILES[smiles]):
        raise BadEndpoints(prepared.reason)


def test_ends_that_no_surface_has_are_refused_with_what_became_of_them():
    # Cyanide adds to formaldehyde without a barrier.
    prepared = from_smiles("[C-:1]#[N:2].[CH2:3]=[O:4]>>[N:2]#[C:1][CH2:3][O-:4]", charge=-1)
    assert prepared.verdict == "bad-endpoints"
    assert "the reactant as written is no minimum" in prepared.reason
    assert "forms" in prepared.reason


@pytest.mark.parametrize(
    ("error", "verdict"),
    [(SCFFailure("no convergence"), "scf-failure"), (ValueError("bad\nluck"), "error")],
)
def test_a_failing_potential_is_a_verdict_not_an_exception(error, verdict):
    class Failing:
        invariances, backend = ("translation", "rotation"), "failing"

        def evaluate(self, positions):
            raise error

    entry = Entry(
        "s",
        "r",
        "test",
        numbers={role: GOOD[0].numbers for role in ("reactant", "product")},
        positions={"reactant": GOOD[0].positions, "product": GOOD[1].positions},
    )
    prepared = prepare(entry, lambda *_: Failing())
    assert prepared.verdict == verdict
    assert "\n" not in prepared.reason
    assert prepared.reaction is None


@pytest.mark.parametrize("name", ["hcn-isomerisation", "sn2-chloride-chloromethane", "diels-alder"])
def test_textbook_reactions_become_aligned_minima_with_the_bonds_as_written(textbook, name):
    prepared = textbook(name)
    assert (prepared.verdict, prepared.reason) == ("ok", "")
    reaction = prepared.reaction
    written = read_smiles(prepared.entry.smiles, prepared.entry.charge)
    oracle = Oracle(load(reaction.numbers, reaction.charge, reaction.multiplicity))
    for side, x, gradient in zip(written.sides, reaction.ends, reaction.gradients, strict=True):
        assert bonds(reaction.numbers, x) == side.bonds
        assert np.linalg.norm(gradient, axis=1).max() < FMAX + 1e-4
        # A methyl group or a fragment that turns freely may be anywhere.
        point = stationary_point(oracle, x, *scaled_hessian(oracle, x))
        assert point.index == 0 or point.curvatures[0] > -2 * FREE / 0.3**2
        np.testing.assert_allclose(x.mean(axis=0), 0, atol=1e-7)
    np.testing.assert_allclose(
        align(reaction.product, reaction.reactant), reaction.product, atol=1e-6
    )
    one, other = (side.bonds for side in written.sides)
    for i, j in one ^ other:
        assert np.linalg.norm(reaction.ends[:, i] - reaction.ends[:, j], axis=-1).max() < 4.0


def test_preparation_is_repeatable(textbook):
    again = prepare(textbook("hcn-isomerisation").entry, load)
    assert again.reaction.digest == textbook("hcn-isomerisation").reaction.digest


def test_file_and_memory_agree_on_the_ends_to_the_last_digit(textbook, tmp_path):
    from mepbench.files.frames import frame, write_frames
    from mepbench.reaction import read_endpoints

    made = textbook("hcn-isomerisation").reaction
    frames = [
        frame(made.numbers, x, energy=e, gradient=g, reaction=made.name, role=role)
        for x, e, g, role in zip(
            made.ends, made.energies, made.gradients, ("reactant", "product"), strict=True
        )
    ]
    write_frames(tmp_path / "endpoints.xyz", frames)
    read = read_endpoints(tmp_path / "endpoints.xyz")[0]
    np.testing.assert_array_equal(read.ends, made.ends)
    np.testing.assert_array_equal(read.energies, made.energies)
    assert replace(read, charge=made.charge).digest == made.digest


def dihedral(x, a, b, c, d) -> float:
    """In degrees, of atoms counted from 1."""
    atoms = Atoms("H" * len(x), x)
    return (atoms.get_dihedral(a - 1, b - 1, c - 1, d - 1) + 180) % 360 - 180


def test_cyclobutene_opens_conrotatory_as_written(textbook):
    reaction = textbook("cyclobutene-ring-opening").reaction
    # Two hydrogens on one face of the ring: one turns outward, the other inward.
    assert abs(dihedral(reaction.reactant, 7, 3, 4, 9)) < 40
    assert abs(dihedral(reaction.product, 7, 3, 2, 1)) > 140
    assert abs(dihedral(reaction.product, 9, 4, 1, 2)) < 40


def test_ammonia_inverts_between_mirror_images(textbook):
    reaction: Reaction = textbook("ammonia-inversion").reaction
    np.testing.assert_allclose(*reaction.energies, atol=1e-4)
    volumes = [np.linalg.det(x[1:] - x[0]) for x in reaction.ends]
    assert volumes[0] * volumes[1] < 0


@pytest.mark.parametrize("mark", ["@", "@@"])
def test_a_stereocentre_is_kept_as_written_at_both_ends(mark):
    from rdkit import Chem

    one, other = f"[F:1][C{mark}:2]([H:3])([Cl:4])[N+:5]#[C-:6]", f"[F:1][C{mark}:2]([H:3])([Cl:4])"
    prepared = from_smiles(f"{one}>>{other}[C:6]#[N:5]")
    assert prepared.verdict == "ok"
    for x, smiles in zip(prepared.reaction.ends, (one, f"{other}[C:6]#[N:5]"), strict=True):
        wanted = Chem.MolFromSmiles(
            smiles.replace("([H:3])", "")
            .replace("[C@:2]", "[C@H:2]")
            .replace("[C@@:2]", "[C@@H:2]")
        )
        found = Chem.AddHs(wanted)
        for atom in found.GetAtoms():
            if not atom.GetAtomMapNum():
                atom.SetAtomMapNum(3)
        conformer = Chem.Conformer(found.GetNumAtoms())
        for atom in found.GetAtoms():
            conformer.SetAtomPosition(atom.GetIdx(), x[atom.GetAtomMapNum() - 1])
        found.AddConformer(conformer)
        Chem.AssignStereochemistryFrom3D(found)
        assert Chem.FindMolChiralCenters(found) == Chem.FindMolChiralCenters(wanted)


def test_e_and_z_are_kept_as_written(textbook):
    reaction = textbook("diimide-isomerisation").reaction
    assert abs(dihedral(reaction.reactant, 1, 2, 3, 4)) > 150
    assert abs(dihedral(reaction.product, 1, 2, 3, 4)) < 30


def test_a_mirror_image_is_recognised_as_wrong_stereo():
    side = read_smiles(
        "[F:1][C@:2]([H:3])([Cl:4])[Br:5]>>[F:1][C@@:2]([H:3])([Cl:4])[Br:5]", 0
    ).sides
    # Seen from F, the anticlockwise order of `@` is H, Cl, Br.
    turn = np.radians([0, 120, 240])
    arms = np.stack([np.cos(turn), np.sin(turn), -0.3 * np.ones(3)], axis=1)
    x = np.array([[0, 0, 1.0], [0, 0, 0], *arms])
    assert not wrong_stereo(side[0], x)
    assert wrong_stereo(side[1], x)
    assert wrong_stereo(side[0], x * [-1, 1, 1])


def test_hydrogens_that_stay_may_be_left_implicit():
    mapped = read_smiles("[CH3:1][N+:2]#[C-:3]>>[CH3:1][C:3]#[N:2]", 0)
    assert mapped.numbers.tolist() == [6, 7, 6, 1, 1, 1]
    assert (0, 3) in mapped.sides[0].bonds & mapped.sides[1].bonds


def test_a_planar_ammonia_is_left_along_its_negative_mode_to_both_sides():
    numbers = np.array([7, 1, 1, 1])
    turn = np.radians([0, 120, 240])
    planar = np.vstack([[0, 0, 0], np.stack([np.cos(turn), np.sin(turn), 0 * turn], axis=1)])
    oracle = Oracle(load(numbers, 0, 1))
    flat = relax(oracle, numbers, planar)
    point = stationary_point(oracle, flat.positions, *scaled_hessian(oracle, flat.positions))
    assert (point.index, point.curvatures[0] < -0.1) == (1, True)
    found = minima(oracle, numbers, planar)
    assert len(found) == 2
    assert all(m.energy < flat.energy - 0.05 for m in found)
    volumes = [np.linalg.det(m.positions[1:] - m.positions[0]) for m in found]
    assert volumes[0] * volumes[1] < 0


def test_relaxation_ends_in_a_minimum_that_another_optimiser_finds_too():
    from ase.optimize import FIRE

    start = molecule("CH3CHO")
    start.rattle(0.1, seed=3)
    oracle = Oracle(load(start.numbers, 0, 1))
    found = relax(oracle, start.numbers, start.positions)
    assert found.converged
    spent = oracle.evaluations
    start.calc = oracle.calculator()
    FIRE(start, logfile=None).run(fmax=FMAX, steps=1000)
    assert found.energy == pytest.approx(start.get_potential_energy(), abs=1e-3)
    assert spent < (oracle.evaluations - spent) / 2
    assert (
        lowest_modes(hessian(oracle, found.positions), found.positions, oracle.invariances, 1)[0]
        > 0
    )


class OnAGrid:
    """A potential whose energy is higher by up to 2e-5 eV as a molecule turns in the laboratory."""

    def __init__(self, potential):
        self.potential, self.invariances = potential, potential.invariances
        self.backend = "on a grid"

    def evaluate(self, positions):
        energies, gradients = self.potential.evaluate(positions)
        first = positions[:, 1] - positions[:, 0]
        energies, gradients = energies + 1e-5 * first[:, 2] ** 2, gradients.copy()
        gradients[:, 1, 2] += 2e-5 * first[:, 2]
        gradients[:, 0, 2] -= 2e-5 * first[:, 2]
        gradients[:, :, 0] += 1e-3
        return energies, gradients


def test_a_torque_that_a_grid_of_integration_leaves_turns_no_molecule():
    numbers = np.array([7, 1, 1, 1])
    start = np.array([[0, 0, 0.1], [0.6, 0.6, 0.5], [-0.9, 0.2, -0.3], [0.1, -0.9, -0.2]])
    plain, noisy = Oracle(load(numbers, 0, 1)), Oracle(OnAGrid(load(numbers, 0, 1)))
    ends = [relax(oracle, numbers, start, 5e-4) for oracle in (plain, noisy)]
    assert ends[1].converged
    assert noisy.evaluations <= plain.evaluations + 2
    assert np.abs(ends[0].positions - ends[1].positions).max() < 0.01
    assert ends[1].fmax <= 5e-4


def test_the_model_hessian_is_symmetric_and_soft_only_for_what_no_spring_holds():
    atoms = molecule("CH3CHO")
    model = model_hessian(atoms.numbers, atoms.positions, gaussian)
    np.testing.assert_allclose(model, model.T, atol=1e-12)
    values = np.linalg.eigvalsh(model)
    assert values[0] > 0
    np.testing.assert_allclose(values[:6], values[0], rtol=1e-6)


def test_an_end_whose_bonds_change_on_relaxation_is_refused_and_named(from_files):
    prepared = from_files(linear("CNH", 0, 1.15, -1.9), GOOD[1])
    assert prepared.verdict == "bad-endpoints"
    assert "the reactant left its basin: relaxation forms C1-H3" in prepared.reason


SUBSET = [
    "01_hcn",
    "04_ch3o",
    "10_tetrazine",
    "14_vinyl_alcohol",
    "16_h2po4_anion",
    "20_hconh3_cation",
]


def test_baker_reactions_are_prepared_negative_modes_and_all(development_reactions):
    entries = read_set("baker", str(development_reactions / "baker"), only=SUBSET)
    assert [prepare(entry, load).verdict for entry in entries] == ["ok"] * len(SUBSET)


@pytest.mark.slow
def test_all_baker_reactions_are_prepared(development_reactions):
    entries = read_set("baker", str(development_reactions / "baker"))
    assert {e.name: prepare(e, load).verdict for e in entries} == {e.name: "ok" for e in entries}


def test_an_sn2_that_merges_into_one_minimum_is_refused(development_reactions):
    entry = read_set("b", str(development_reactions / "birkholz"), only=["19_sn2"])[0]
    prepared = prepare(entry, load)
    assert prepared.verdict == "bad-endpoints"
    assert "both ends relax into one minimum" in prepared.reason


@pytest.mark.slow
def test_every_textbook_reaction_is_prepared(textbook):
    outcomes = {e.name: textbook(e.name) for e in read_set("textbook", "textbook")}
    assert {n: (p.verdict, p.reason) for n, p in outcomes.items()} == dict.fromkeys(
        outcomes, ("ok", "")
    )
