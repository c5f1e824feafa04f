"""A chemist's entry points: two geometries and a calculator in, a judged saddle out."""

import json
import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import yaml
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes
from ase.calculators.emt import EMT
from ase.calculators.lj import LennardJones
from ase.constraints import FixAtoms
from ase.optimize import BFGS
from conftest import ROOT

import mepbench
from mepbench.cli import main
from mepbench.errors import InputError, SCFFailure
from mepbench.files.frames import read_frames, write_frames
from mepbench.files.tidy import read_rows
from mepbench.judging.activation import WHERE
from mepbench.judging.job import judged_cells
from mepbench.landscape.thermochemistry import STANDARD
from mepbench.pair.free_energies import with_free_energies
from mepbench.path import rmsd

HCN = Atoms("HCN", [[-1.07, 0.02, 0.0], [0.0, 0.0, 0.0], [1.15, 0.0, 0.0]])
HNC = Atoms("HCN", [[2.15, 0.02, 0.0], [0.0, 0.0, 0.0], [1.17, 0.0, 0.0]])
CHEAP = {"method": "guess-only"}


STATE = ["charge", "multiplicity", "state_from"]
IRC = "intrinsic reaction coordinate"


def shipped_barrier():
    """Of HCN -> HNC in eV: the reference that ships, found by NEB in another run."""
    file = ROOT / "workflow" / "reactions" / "references" / "GFN2-xTB" / "textbook.xyz"
    frames = {
        a.info["role"]: a for a in read_frames(file) if a.info["reaction"] == "hcn-isomerisation"
    }
    return frames["ts"].get_potential_energy() - frames["reactant"].get_potential_energy()


def lennard_jones():
    return LennardJones(sigma=1.0, epsilon=1.0, rc=1e3)


def lj6():
    """The octahedron and, one edge opened, the bicapped tetrahedron."""
    octahedron = np.kron(np.eye(3), [[1], [-1]]) * 2 ** (1 / 6) / np.sqrt(2)
    opened = octahedron.copy()
    opened[0] = 1.25 * (opened[0] + [0.1, -0.35, 0.0])
    opened[2] = 1.25 * (opened[2] + [-0.35, 0.1, 0.0])
    opened[4:, 2] *= 0.75
    return Atoms("Ar6", octahedron), Atoms("Ar6", opened)


@pytest.fixture(scope="module")
def hcn(tmp_path_factory):
    folder = tmp_path_factory.mktemp("find") / "hcn"
    return mepbench.find_saddle(HCN, HNC, folder=folder, proof="full"), folder


def test_hcn_isomerises_over_the_known_barrier(hcn):
    found, _ = hcn
    assert found.verdict == "intended"
    assert found.barrier_eV == pytest.approx(shipped_barrier(), abs=1e-3)
    assert found.reaction_energy_eV == pytest.approx(found.barrier_eV - found.reverse_barrier_eV)
    assert found.imaginary_frequency_cm > 500
    assert found.notes == "breaks H1-C2 and forms H1-N3"
    assert np.linalg.norm(found.saddle.get_forces(), axis=1).max() <= 0.01
    assert found.saddle.get_potential_energy() - found.reactant.get_potential_energy() == (
        pytest.approx(found.barrier_eV)
    )


def test_the_result_holds_path_irc_mode_and_cost(hcn):
    found, _ = hcn
    assert np.array_equal(found.path[0].positions, found.reactant.positions)
    assert np.array_equal(found.path[-1].positions, found.product.positions)
    ends = [found.irc[0].get_potential_energy(), found.irc[-1].get_potential_energy()]
    assert ends[1] - ends[0] == pytest.approx(found.reaction_energy_eV, abs=0.01)
    assert np.linalg.norm(found.saddle.arrays["mode"]) == pytest.approx(1.0)
    assert found.evaluations["path"] == found.solved.evaluations > 0
    assert all(found.evaluations[stage] > 0 for stage in ("ends", "path", "verify"))
    assert all(seconds >= 0 for seconds in found.seconds.values())


def test_free_energies_come_with_the_hessians_that_were_paid_for(hcn):
    found, folder = hcn
    thermo = found.thermochemistry
    assert "thermo" not in found.evaluations
    numbers = [getattr(thermo, where).symmetry_number for where in WHERE]
    assert (numbers, thermo.reactant.geometry, thermo.saddle.geometry) == (
        [1, 1, 1],
        "linear",
        "nonlinear",
    )
    zero_points = [getattr(thermo, where).zero_point for where in WHERE]
    expected = found.barrier_eV + zero_points[1] - zero_points[0]
    assert thermo.energies_0K[1] - thermo.energies_0K[0] == pytest.approx(expected)
    known = json.loads((folder / "summary.json").read_text())["thermochemistry"]
    (row,) = read_rows(folder / "summary.csv")
    reactant, saddle, product = thermo.free_energies
    for key, column, value in (
        ("barrier_energy_0K_eV", "barrier_0K_eV", expected),
        ("barrier_free_energy_eV", "free_energy_barrier_eV", saddle - reactant),
        ("reaction_free_energy_eV", "reaction_free_energy_eV", product - reactant),
    ):
        assert known[key] == pytest.approx(value)
        assert float(row[column]) == pytest.approx(known[key], abs=1e-9)
    assert (known["temperature_K"], known["pressure_bar"]) == (298.15, 1.0)
    assert known["saddle"]["frequencies_cm"][0] == pytest.approx(
        -found.imaginary_frequency_cm, abs=0.01
    )
    assert known["rate_per_s"] == pytest.approx(thermo.rates[0])
    assert "symmetry numbers      reactant 1, saddle 1, product 1" in str(found)


def test_ends_as_given_have_their_hessians_computed_if_asked_for(hcn):
    known, _ = hcn
    ends = known.reactant.copy(), known.product.copy()
    plain = mepbench.find_saddle(*ends, relax=False, **CHEAP)
    assert (plain.thermochemistry, plain.thermo_note) == (None, "")
    asked = mepbench.find_saddle(*ends, relax=False, thermo=True, temperature=500, **CHEAP)
    # Forward differences of ends and saddle, and the softest modes measured again.
    assert 3 * 9 < asked.evaluations["thermo"] <= 3 * (9 + 4 * 3 + 2)
    assert re.search(rf"thermo +{asked.evaluations['thermo']} ", str(asked))
    again = mepbench.find_saddle(HCN, HNC, temperature=500, proof="full", **CHEAP)
    assert again.evaluations.keys() == plain.evaluations.keys()
    for quantity in ("energies_0K", "enthalpies", "free_energies"):
        here, there = (getattr(found.thermochemistry, quantity) for found in (asked, again))
        assert here == pytest.approx(there, abs=1e-3)


def test_a_hessian_that_fails_loses_nothing_that_was_found(hcn, tmp_path, monkeypatch):
    def failing(*arguments):
        assert json.loads((tmp_path / "summary.json").read_text())["barrier_eV"] > 3
        raise SCFFailure("no SCF today")

    monkeypatch.setattr("mepbench.pair.free_energies.scaled_hessian", failing)
    ends = hcn[0].reactant.copy(), hcn[0].product.copy()
    found = mepbench.find_saddle(*ends, relax=False, thermo=True, folder=tmp_path, **CHEAP)
    assert found.verdict == "intended"
    assert found.thermochemistry is None
    assert "free energies         none: a Hessian failed: SCFFailure: no SCF today" in str(found)


def test_an_end_that_is_no_minimum_has_no_free_energy(hcn):
    found, _ = hcn
    ends = found.prepared.points[0], found.judged.judgement.point
    on_a_saddle = replace(
        found, prepared=replace(found.prepared, points=ends), thermochemistry=None
    )
    refused = with_free_energies(on_a_saddle, None, STANDARD, True)
    said = r"the product has an imaginary frequency, 142\d / cm"
    assert re.fullmatch(said, refused.thermo_note)
    assert "none: the product has an imaginary frequency" in str(refused)
    other = with_free_energies(replace(found, verdict="other"), None, STANDARD, True)
    assert other.thermo_note == "of an intended saddle only"


def test_every_frame_says_charge_and_multiplicity(hcn):
    _, folder = hcn
    for name in ("ends", "path", "saddle", "irc"):
        frames = read_frames(folder / f"{name}.xyz")
        assert frames
        assert all((a.info["charge"], a.info["multiplicity"]) == (0, 1) for a in frames)


def test_files_hold_what_the_result_does(hcn):
    found, folder = hcn
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["verdict"] == "intended"
    assert summary["barrier_eV"] == pytest.approx(found.barrier_eV)
    assert summary["evaluations"] == found.evaluations
    assert summary["end_match"] in ("exact", "permuted")
    for gap in ("reactant_gap_eV", "product_gap_eV"):
        assert summary[gap] == pytest.approx(0, abs=0.01)
    for told in (summary, {key: getattr(found, key) for key in STATE}):
        assert [told[key] for key in STATE] == [0, 1, "default"]
    assert str(found).splitlines()[1].split(maxsplit=1)[1] == (
        "charge 0, multiplicity 1 (from: default)"
    )
    (row,) = read_rows(folder / "summary.csv")
    assert float(row["barrier_eV"]) == pytest.approx(found.barrier_eV)
    assert int(row["gradients_path"]) == found.evaluations["path"]
    assert [row[key] for key in STATE] == ["0", "1", "default"]
    (saddle,) = read_frames(folder / "saddle.xyz")
    assert saddle.positions == pytest.approx(found.saddle.positions, abs=1e-7)
    assert saddle.arrays["mode"] == pytest.approx(found.saddle.arrays["mode"], abs=1e-7)
    assert len(read_frames(folder / "path.xyz")) == len(found.path)
    assert len(read_frames(folder / "irc.xyz")) == len(found.irc)
    assert [a.info["role"] for a in read_frames(folder / "ends.xyz")] == ["reactant", "product"]
    for kind in ("png", "pdf"):
        assert (folder / f"profile.{kind}").stat().st_size > 5000


@pytest.mark.parametrize(
    ("verdict", "what"),
    [
        ("multistep", "saddle of a step, 3.175 eV (73.2 kcal/mol) above the reactant"),
        ("half-intended", "saddle of another reaction, 3.175 eV"),
        ("other", "saddle of another reaction, 3.175 eV"),
        ("higher-order", "no saddle (two or more negative modes), 3.175 eV"),
        ("minimum", "no saddle (no negative mode), 3.175 eV"),
    ],
)
def test_what_is_no_saddle_of_this_reaction_is_called_what_it_is_and_no_barrier(hcn, verdict, what):
    found, _ = hcn
    assert "refined point" not in str(found)
    judged = replace(found.judged, verdict=verdict)
    other = replace(found, verdict=verdict, judged=judged, barrier_eV=np.nan, mechanism=None)
    printed = dict(line.split(maxsplit=1) for line in str(other).splitlines())
    assert printed["barrier"] == "unknown"
    assert what in printed["refined"]
    axes, _ = drawn(other)
    assert "barrier" not in axes.get_title()
    cells = judged_cells(found.reaction, judged)
    first_order = verdict not in ("higher-order", "minimum")
    assert ("barrier_eV" in cells, "reverse_barrier_eV" in cells) == (first_order, first_order)


def test_a_point_below_the_reactant_is_said_to_be_below(hcn):
    low = replace(hcn[0], verdict="minimum", barrier_eV=np.nan, height_eV=-0.012, mechanism=None)
    assert "no saddle (no negative mode), 0.012 eV (0.3 kcal/mol) below the reactant" in str(low)


def test_the_profile_is_labelled_with_units_and_its_irc_peaks_at_the_saddle(hcn):
    from mepbench.pair.saddle_files import plot_profile

    found, _ = hcn
    axes = plot_profile(found).axes[0]
    assert "Å" in axes.get_xlabel()
    assert "eV" in axes.get_ylabel()
    lines = {line.get_label(): line for line in axes.get_lines()}
    at, energies = lines["intrinsic reaction coordinate"].get_data()
    assert at[np.argmax(energies)] == pytest.approx(0.0)
    assert energies.max() == pytest.approx(found.barrier_eV, abs=1e-3)


def drawn(found):
    from mepbench.pair.saddle_files import plot_profile

    axes = plot_profile(found).axes[0]
    return axes, {line.get_label(): line.get_data() for line in axes.get_lines()}


def test_the_profile_is_where_the_saddle_is_and_runs_as_the_path_does(hcn):
    found, _ = hcn
    _, lines = drawn(found)
    path, irc = (lines[name] for name in (f"path ({found.method.solver})", IRC))
    assert abs(path[0][np.argmax(path[1])]) < 0.1
    # A higher hump elsewhere, and an IRC that a judge of another step wrote the other way.
    energies = found.judged.quality.energies.copy()
    energies[2] += 10.0
    judged = replace(found.judged, quality=replace(found.judged.quality, energies=energies))
    other = replace(found, verdict="multistep", irc=found.irc[::-1], judged=judged)
    _, lines = drawn(other)
    assert lines[f"path ({found.method.solver})"][0] == pytest.approx(path[0])
    at, energies = lines[IRC]
    assert at[::-1] == pytest.approx(irc[0], abs=1e-3)
    assert energies[::-1] == pytest.approx(irc[1])


def test_what_is_no_saddle_or_unknown_is_not_drawn_as_one(hcn):
    found, _ = hcn
    axes, lines = drawn(replace(found, verdict="minimum", irc=[], height_eV=-0.012))
    assert "refined point, minimum" in lines
    assert "barrier" not in axes.get_title()
    assert "no saddle" in axes.get_title()
    assert "saddle" not in axes.get_xlabel()
    judged = replace(found.judged, quality=None, judgement=None)
    path = replace(found.solved.path, energies=None)
    failed = replace(
        found,
        verdict="error",
        irc=[],
        judged=judged,
        solved=replace(found.solved, path=path),
        barrier_eV=np.nan,
        height_eV=np.nan,
        imaginary_frequency_cm=np.nan,
    )
    axes, _ = drawn(failed)
    assert axes.texts[0].get_text() == "error: the energies along the path are unknown"
    assert "imaginary frequency   unknown" in str(failed)
    energies = np.linspace(0, 1, len(path.positions)) + found.reaction.energies[0]
    solved = replace(found.solved, path=replace(path, energies=energies))
    axes, _ = drawn(replace(failed, solved=solved))
    assert axes.get_title() == "error, barrier unknown"


def test_an_ase_calculator_that_exists_gives_the_same_barrier():
    from tblite.ase import TBLite

    calculator = TBLite(method="GFN2-xTB", accuracy=0.05, verbosity=0)
    found = mepbench.find_saddle(HCN, HNC, calculator, **CHEAP)
    assert found.verdict == "intended"
    assert found.barrier_eV == pytest.approx(shipped_barrier(), abs=1e-3)
    assert found.backend.startswith("tblite.ase.TBLite")


def test_lennard_jones_cluster_rearranges_over_a_proven_saddle():
    # Both minima: Hoare, Pal, Adv. Phys. 20, 161 (1971), doi:10.1080/00018737100101231.
    found = mepbench.find_saddle(*lj6(), lennard_jones(), method="gad")
    assert found.verdict == "intended"
    assert found.reactant.get_potential_energy() == pytest.approx(-12.71206, abs=1e-4)
    assert found.product.get_potential_energy() == pytest.approx(-12.30293, abs=1e-4)
    # Independent of the judge: displaced along the mode, ASE's BFGS falls into both.
    below = []
    for sign in (1, -1):
        atoms = found.saddle.copy()
        atoms.positions += sign * 0.05 * found.saddle.arrays["mode"]
        atoms.calc = lennard_jones()
        BFGS(atoms, logfile=None, maxstep=0.02).run(fmax=1e-3, steps=500)
        below.append(atoms.get_potential_energy())
    assert sorted(below) == pytest.approx([-12.71206, -12.30293], abs=1e-3)


def test_a_function_that_makes_a_calculator_is_told_charge_and_spin():
    told = []

    def make(numbers, charge, multiplicity):
        told.append((numbers.tolist(), charge, multiplicity))
        return lennard_jones()

    mepbench.find_saddle(*lj6(), make, charge=2, multiplicity=3, relax=True, **CHEAP)
    assert told
    assert all(given == ([18] * 6, 2, 3) for given in told)


def hydroxide(**info):
    """H from one O of H3O2- to the other."""
    ends = []
    for at in (-0.3, 0.3):
        positions = [[-1.3, 0, 0], [1.3, 0, 0], [at, 0, 0], [-1.6, 0.9, 0], [1.6, 0.9, 0]]
        ends.append(Atoms("O2H3", positions, info=info))
    return ends


def tblite(**options):
    from tblite.ase import TBLite

    return TBLite(method="GFN2-xTB", accuracy=0.05, verbosity=0, **options)


def first_energy(ends, calculator=None, **options):
    found = mepbench.find_saddle(
        *ends, calculator, relax=False, budget={"refine": 0}, **CHEAP, **options
    )
    assert (found.reaction.charge, found.reaction.multiplicity) == (-1, 1)
    return found.reactant.get_potential_energy(), found.notes


def test_charge_reaches_a_calculator_however_it_is_said():
    anion, _ = first_energy(hydroxide(), "tblite", charge=-1)
    charged = hydroxide()
    for end in charged:
        end.set_initial_charges([-1, 0, 0, 0, 0])
    for ends, calculator, options in (
        (hydroxide(charge=-1), tblite(), {}),
        (hydroxide(), tblite(), {"charge": -1}),
        (charged, tblite(), {}),
        (charged, "tblite", {}),
        (hydroxide(), tblite(charge=-1, multiplicity=1), {}),
    ):
        energy, notes = first_energy(ends, calculator, **options)
        assert energy == pytest.approx(anion, abs=1e-4)
        told = isinstance(calculator, str) or calculator.parameters.charge is not None
        assert ("must read charge -1" in notes) is not told


def test_a_calculator_gets_what_the_user_keeps_in_the_atoms():
    from mepbench.preparation.given_ends import given_reaction

    ends = hydroxide(spin=1, task="omol")
    for end in ends:
        end.set_initial_charges([-1.5, 0, 0.5, 0, 0])
        end.set_initial_magnetic_moments([1, -1, 0, 0, 0])
    atoms = given_reaction("r", *ends, None, None, tblite()).atoms
    assert atoms.info == {"spin": 1, "task": "omol", "charge": -1, "multiplicity": 1}
    assert atoms.get_initial_charges().tolist() == [-1.5, 0, 0.5, 0, 0]
    assert atoms.get_initial_magnetic_moments().tolist() == [1, -1, 0, 0, 0]


def test_ends_taken_as_given_cost_no_relaxation_but_a_warning():
    stretched = HCN.copy()
    stretched.positions[0] -= [0.1, 0.0, 0.0]
    found = mepbench.find_saddle(stretched, HNC, relax=False, **CHEAP)
    assert found.evaluations["ends"] == 4  # as they are, and once turned onto each other
    assert rmsd(found.reactant.positions, stretched.positions) < 1e-6
    assert "no minima of this potential" in found.notes


def test_budgets_end_in_a_verdict_not_in_an_exception():
    found = mepbench.find_saddle(HCN, HNC, method="neb", budget={"path": 2})
    assert found.verdict == "budget"
    assert found.saddle is None
    assert np.isnan(found.barrier_eV)
    assert "budget" in str(found)


def moved(atoms, index, position):
    atoms = atoms.copy()
    atoms.positions[index] = position
    return atoms


BAD = {
    "order": (HCN, HNC[[1, 0, 2]], {}, "ordered differently"),
    "atoms": (HCN, Atoms("HCO", HNC.positions), {}, "same atoms"),
    "overlap": (moved(HCN, 0, [0.0, 0.1, 0.0]), HNC, {}, "overlapping"),
    "nan": (moved(HCN, 0, [np.nan, 0.0, 0.0]), HNC, {}, "not a number"),
    "same": (HCN, HCN, {}, "one minimum"),
    "electrons": (HCN, HNC, {"multiplicity": 2}, "multiplicity 2 is impossible"),
    "charge": (HCN, HNC, {"charge": 1}, "correct `multiplicity` or `charge`"),
    "own charge": (*hydroxide(charge=-1), {"calculator": tblite(charge=0)}, r"TBLite \(0\) differ"),
    "own spin": (
        HCN,
        HNC,
        {"calculator": tblite(multiplicity=3), "multiplicity": 1},
        "differ in m",
    ),
    "two charges": (Atoms(HCN, charges=[1, 0, 0], info={"charge": 0}), HNC, {}, "correct one"),
    "part of a charge": (Atoms(HCN, charges=[0.5, 0, 0]), HNC, {}, "0.500, to no integer"),
    "half a charge": (HCN, HNC, {"charge": 0.5}, "must be an integer, it is 0.5"),
    "nothing": (None, HNC, {}, "reactant: must be ASE atoms or an XYZ file, it is None"),
    "isotopes": (Atoms(HCN, masses=[2.014, None, None]), HNC, {}, "isotopes"),
    "periodic": (Atoms(HCN, pbc=True, cell=[9, 9, 9]), HNC, {}, "periodic"),
    "constraint": (Atoms(HCN, constraint=FixAtoms([0])), HNC, {}, "constraints"),
    "method": (HCN, HNC, {"method": "nebb"}, "Did you mean 'neb'"),
    "option": (HCN, HNC, {"method": "neb", "options": {"image": 5}}, "Did you mean 'images'"),
    "calculator": (HCN, HNC, {"calculator": 7}, "no ASE calculator"),
    "class": (HCN, HNC, {"calculator": "xtb-pyton"}, "Did you mean 'xtb-python'"),
    "a class": (HCN, HNC, {"calculator": EMT}, r"EMT is a class: pass EMT\(\)"),
    "no calculator": (HCN, HNC, {"calculator": lambda *_: 3}, "returned 3, no ASE calculator"),
    "surface": (HCN, HNC, {"calculator": "mueller-brown"}, "^potential 'mueller-brown' is a model"),
    "seed": (HCN, HNC, {"seed": -1}, "^seed: must not be negative"),
    "no seed": (HCN, HNC, {"seed": "a"}, "^seed: must be an integer"),
    "element": (Atoms("XeF2"), Atoms("XeF2"), {"calculator": EMT()}, "overlapping"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_clear_error(case):
    reactant, product, options, message = BAD[case]
    with pytest.raises(InputError, match=message) as raised:
        mepbench.find_saddle(reactant, product, **options)
    assert "\n" not in str(raised.value)


def test_the_summary_of_refused_ends_says_who_said_the_state(tmp_path):
    with pytest.raises(InputError, match="one minimum"):
        mepbench.find_saddle(HCN, HCN, charge=0, folder=tmp_path / "out")
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["state_from"] == "charge argument, multiplicity default"


def test_a_calculator_that_fails_at_the_ends_is_one_clear_error():
    silicon = [Atoms(end.numbers + (end.numbers == 7) * 7, end.positions) for end in (HCN, HNC)]
    with pytest.raises(InputError, match=r"^ends: calculator EMT raised .*(Si|14)") as raised:
        mepbench.find_saddle(*silicon, EMT(), multiplicity=2)
    assert isinstance(raised.value.__cause__, NotImplementedError)


class Spoiled(Calculator):
    """GFN2-xTB, but what `spoil` makes of its energy and forces from evaluation `start` on."""

    implemented_properties = ("energy", "forces")

    def __init__(self, spoil, start=0):
        super().__init__()
        self.inner, self.spoil, self.left = tblite(), spoil, start

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        self.inner.calculate(self.atoms, ["energy", "forces"], all_changes)
        sound = {key: self.inner.results[key] for key in ("energy", "forces")}
        self.left -= 1
        self.results = {}  # nor does it answer when it is asked again
        self.results = self.spoil(**sound) if self.left < 0 else sound


def raising(energy, forces):
    raise RuntimeError("disk is full\nsecond line")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda energy, forces: {"energy": np.nan, "forces": forces}, "no finite energy"),
        (lambda energy, forces: {"energy": energy, "forces": forces * np.inf}, "no finite forces"),
        (lambda energy, forces: {"energy": energy}, "raised PropertyNotImplementedError: forces"),
        (lambda energy, forces: {"energy": energy, "forces": forces[0]}, "forces have shape"),
        (raising, "^ends: calculator Spoiled raised RuntimeError: disk is full second line$"),
    ],
)
def test_a_calculator_that_returns_no_numbers_is_named(spoil, message):
    with pytest.raises(InputError, match=message):
        mepbench.find_saddle(HCN, HNC, Spoiled(spoil), **CHEAP)


def test_an_energy_in_an_array_is_an_energy():
    boxed = Spoiled(lambda energy, forces: {"energy": np.array([energy]), "forces": forces})
    assert mepbench.find_saddle(HCN, HNC, boxed, **CHEAP).verdict == "intended"


@pytest.mark.parametrize(
    ("spoil", "verdict", "said"),
    [
        (raising, "error", "calculator Spoiled raised RuntimeError: disk is full second line"),
        (
            lambda energy, forces: {"energy": energy, "forces": forces * np.nan},
            "scf-failure",
            "calculator Spoiled returned no finite forces",
        ),
    ],
)
def test_what_goes_wrong_later_is_said_once_with_its_stage(spoil, verdict, said, capsys):
    sound = mepbench.find_saddle(HCN, HNC, Spoiled(spoil, 10_000), **CHEAP).evaluations
    before = sound["ends"] + sound["path"]
    found = mepbench.find_saddle(HCN, HNC, Spoiled(spoil, before), verbose=True, **CHEAP)
    assert found.verdict == verdict
    assert found.reason.startswith(f"refinement: {said}; ")
    assert found.reason.count(said) == 1
    assert ("in raising" in capsys.readouterr().err) == (spoil is raising)


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_frames("reactant.xyz", [HCN])
    write_frames("product.xyz", [HNC])
    return tmp_path


def test_command_line_prints_progress_verdict_and_writes_files(files, capsys):
    assert main(["run", "reactant.xyz", "product.xyz", "--method", "guess-only"]) == 0
    printed = capsys.readouterr()
    assert "verdict               intended" in printed.out
    assert "kcal/mol" in printed.out
    assert "verify ..." in printed.err
    assert (files / "reactant-product" / "profile.png").exists()


def test_progress_counts_each_evaluation_of_a_slow_calculator(monkeypatch, capsys):
    from mepbench import oracle
    from mepbench.pair import any_calculator

    monkeypatch.setattr(any_calculator, "SECONDS_BETWEEN_LINES", -1.0)
    monkeypatch.setattr(oracle, "SLOW", -1.0)
    found = mepbench.find_saddle(HCN, HNC, verbose=True, **CHEAP)
    told = capsys.readouterr().err
    for n in range(1, found.evaluations["path"] + 1):
        assert f"path: {n} evaluations, " in told
    assert mepbench.find_saddle(HCN, HNC, **CHEAP).barrier_eV == pytest.approx(found.barrier_eV)
    assert capsys.readouterr().err == ""


def test_command_line_takes_a_users_own_calculator(files, capsys):
    (files / "mine.py").write_text(
        "from tblite.ase import TBLite\n"
        "def make(numbers, charge, multiplicity):\n"
        "    options = {'charge': charge, 'multiplicity': multiplicity, 'verbosity': 0}\n"
        "    return TBLite(method='GFN1-xTB', **options)\n"
    )
    pair = ["run", "reactant.xyz", "product.xyz", "--method", "guess-only", "--quiet"]
    assert main([*pair, "--calculator", "mine:make", "--output", "own"]) == 0
    assert (
        main([*pair, "--calculator", "{name: tblite, method: GFN1-xTB}", "--output", "named"]) == 0
    )
    own, named = (json.loads((files / f / "summary.json").read_text()) for f in ("own", "named"))
    assert own["verdict"] == named["verdict"] == "intended"
    assert own["barrier_eV"] == pytest.approx(named["barrier_eV"], abs=2e-3)
    assert abs(own["barrier_eV"] - shipped_barrier()) > 0.01
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["reactant.xyz"], "reactant.xyz and product.xyz"),
        (["reactant.xyz", "nowhere.xyz"], "nowhere.xyz: cannot be read"),
        (["reactant.xyz", "product.xyz", "--cores", "2"], "for a config file"),
        (["reactant.xyz", "product.xyz", "--charge", "1"], "correct `multiplicity` or `charge`"),
        (["reactant.xyz", "product.xyz", "--calculator", "{name"], "no mapping"),
        (["reactant.xyz", "product.xyz", "--calculator", "no:where"], "cannot be imported"),
        (
            ["reactant.xyz", "product.xyz", "--calculator", "ase.calculators.emt:EMT"],
            "mepbench: calculator: ase.calculators.emt:EMT is a class",
        ),
        (["config.yaml", "--charge", "0"], "--charge is for"),
    ],
)
def test_command_line_refuses_bad_input_with_one_line(files, capsys, arguments, message):
    assert main(["run", *arguments]) == 2
    printed = capsys.readouterr()
    assert message in printed.err.splitlines()[-1]
    assert printed.out == ""


def test_results_of_other_files_are_not_overwritten(files, capsys):
    pair = ["run", "reactant.xyz", "product.xyz", "--method", "guess-only", "--quiet"]
    assert main(pair) == main([*pair, "--seed", "1"]) == 0
    before = (files / "reactant-product" / "summary.json").read_text()
    (files / "other").mkdir()
    for role in ("reactant", "product"):
        (files / f"{role}.xyz").rename(files / "other" / f"{role}.xyz")
    pair[1:3] = ["other/reactant.xyz", "other/product.xyz"]
    capsys.readouterr()
    assert main(pair) == 2
    assert "reactant-product: has the results of" in capsys.readouterr().err
    assert (files / "reactant-product" / "summary.json").read_text() == before
    assert main([*pair, "--output", "another"]) == 0


def test_a_folder_that_cannot_be_written_is_refused_before_anything_is_computed(files):
    def never(*_):
        raise AssertionError

    (files / "taken").write_text("")
    for folder in ("taken", "taken/below"):
        with pytest.raises(InputError, match=f"{folder}: results can't be written there"):
            mepbench.find_saddle(HCN, HNC, never, folder=folder)


def test_an_interrupt_is_one_line_and_keeps_what_is_finished(files, capsys, monkeypatch):
    from mepbench.mechanism import ways

    def interrupted(*_):
        raise KeyboardInterrupt

    pair = ["run", "reactant.xyz", "product.xyz", "--method", "guess-only", "--quiet"]
    assert main(pair) == 0
    monkeypatch.setattr(ways, "refine_and_judge", interrupted)
    capsys.readouterr()
    assert main(pair) == 130
    assert capsys.readouterr().err == "mepbench: interrupted\n"
    kept = sorted(file.name for file in (files / "reactant-product").iterdir())
    assert kept == ["ends.xyz", "evaluations.xyz", "path.xyz"]


def test_files_in_the_working_directory_replace_no_library(files):
    for name in ("xtb", "tblite", "sella"):
        (files / f"{name}.py").write_text("raise RuntimeError('the wrong module')")
    (files / "mine.py").write_text(
        "from tblite.ase import TBLite\ndef make(n, c, m):\n    return TBLite(verbosity=0)\n"
    )
    pair = ["run", "reactant.xyz", "product.xyz", "--method", "guess-only", "--quiet"]
    script = "import sys, mepbench.cli; sys.path.remove(''); sys.exit(mepbench.cli.main())"
    for calculator in ("xtb-python", "mine:make"):
        command = [sys.executable, "-c", script, *pair, "--calculator", calculator]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("case", "options", "barrier"),
    [("bare_radical", ["--multiplicity", "2"], 1.353), ("trip_autode", [], 1.285)],
)
def test_the_state_that_was_asked_for_is_computed_and_printed(
    case, options, barrier, cases, tmp_path, capsys
):
    pair = [str(cases / case / f"{role}.xyz") for role in ("reactant", "product")]
    assert main(["run", *pair, *options, "--output", str(tmp_path / "out")]) == 0
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["verdict"] == "intended"
    assert summary["barrier_eV"] == pytest.approx(barrier, abs=2e-3)
    printed = capsys.readouterr()
    assert f"charge 0, multiplicity {summary['multiplicity']} (" in printed.out.splitlines()[1]
    assert printed.err.startswith("mepbench: state: charge 0, multiplicity")


def test_a_state_that_an_argument_contradicts_is_refused_on_the_command_line(cases, capsys):
    pair = [str(cases / "trip_autode" / f"{role}.xyz") for role in ("reactant", "product")]
    assert main(["run", *pair, "--multiplicity", "1"]) == 2
    assert "differ in multiplicity" in capsys.readouterr().err


def test_charges_that_differ_between_the_files_are_refused(files):
    write_frames("product.xyz", [Atoms(HNC, info={"charge": 1})])
    with pytest.raises(InputError, match="differ in charge"):
        mepbench.find_saddle("reactant.xyz", "product.xyz")


def test_the_workflow_finds_the_same_saddle(files, capsys):
    folder = files / "pairs" / "hcn"
    for role in ("reactant", "product"):
        write_frames(folder / f"{role}.xyz", read_frames(f"{role}.xyz"))
    config = {"sets": {"pairs": "pairs"}, "methods": {"m": {"solver": "neb"}}, "results": "out"}
    (files / "mine.yaml").write_text(yaml.safe_dump(config))
    targets = ["out/sets/pairs/saddles/m/000.xyz", "out/sets/pairs/runs/m/000.csv"]
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile")]
    command += ["--cores", "1", "--configfile", "mine.yaml", "--replace-workflow-config", *targets]
    done = subprocess.run(command, cwd=files, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    assert (
        main(
            ["run", "reactant.xyz", "product.xyz", "--method", "neb", "--quiet", "--proof", "full"]
        )
        == 0
    )
    (theirs,) = read_rows(targets[1])
    (ours,) = read_rows("reactant-product/summary.csv")
    for column in ("verdict", "guess_hash", "gradients_path", "gradients_refine", "backend"):
        assert theirs[column] == ours[column], column
    for column in ("barrier_eV", "free_energy_barrier_eV"):
        assert float(theirs[column]) == pytest.approx(float(ours[column]), abs=1e-5)
    saddles = [a for a in read_frames(targets[0]) if a.info["role"] == "saddle"]
    (saddle,) = read_frames("reactant-product/saddle.xyz")
    assert rmsd(saddle.positions, saddles[0].positions) < 1e-4


def test_importing_the_package_stays_light():
    code = "import sys, mepbench; print([m for m in ('ase', 'torch', 'numpy') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
