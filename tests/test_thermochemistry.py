"""Thermochemistry: tables of entropies, ASE's own formulas, and rates worked out by hand."""

from dataclasses import replace

import numpy as np
import pytest
from ase import Atoms, units
from ase.build import molecule
from ase.data import atomic_masses
from ase.thermochemistry import IdealGasThermo
from ase.vibrations import Vibrations
from scipy.spatial.transform import Rotation

from mepbench.errors import InputError
from mepbench.judging.activation import Activation, activation_cells, eyring, wigner
from mepbench.landscape.hessian import frequencies
from mepbench.landscape.index import Stationary
from mepbench.landscape.minima import minima
from mepbench.landscape.thermochemistry import Conditions, Thermochemistry, thermochemistry
from mepbench.molecule.symmetry import symmetry_number
from mepbench.oracle import Oracle, PotentialSpec
from mepbench.reaction import Reaction

J_MOL_K = units._e * units._Nav  # of 1 eV/K
SYMMETRY = {
    "H": 1,
    "LiF": 1,
    "H2": 2,
    "HCN": 1,
    "CO2": 2,
    "C2H2": 2,
    "H2O": 2,
    "CH3OH": 1,
    "NH3": 3,
    "BF3": 6,
    "CH4": 12,
    "C2H4": 4,
    "C3H4_D2d": 4,
    "C2H6": 6,
    "isobutane": 3,
    "cyclobutane": 4,
    "C6H6": 12,
    "C60": 60,
}
# J/mol/K at 298.15 K and 1 bar: NIST-JANAF (Chase, 1998); CH3OH, C2H6: CRC Handbook. The last
# is what GFN2's frequencies may miss.
ENTROPY = {
    "H2": (130.68, 1, 1.0),
    "O2": (205.15, 3, 1.0),
    "CO2": (213.79, 1, 1.0),
    "HCN": (201.83, 1, 1.0),
    "H2O": (188.83, 1, 1.0),
    "NH3": (192.77, 1, 1.0),
    "CH4": (186.25, 1, 1.0),
    "CH3": (194.17, 2, 1.0),
    "C2H4": (219.32, 1, 1.0),
    "C2H6": (229.2, 1, 2.0),
}


def relaxed(name, multiplicity=1):
    atoms = molecule(name)
    oracle = Oracle(PotentialSpec("xtb-python").load(atoms.numbers, 0, multiplicity))
    return atoms.numbers, minima(oracle, atoms.numbers, atoms.positions)[0].point, oracle


@pytest.fixture(scope="module")
def ethane():
    return relaxed("C2H6")[:2]


def with_torsion(ethane, wavenumber):
    """Ethane whose softest mode, the torsion, has another frequency, imaginary if negative."""
    numbers, point = ethane
    root = np.sqrt(np.repeat(atomic_masses[numbers], 3))
    values, modes = np.linalg.eigh(point.hessian / np.outer(root, root))
    torsion = int(np.flatnonzero(values > 0.01)[0])
    per_unit = values[torsion] / frequencies(point.hessian, atomic_masses[numbers])[torsion] ** 2
    other = np.sign(wavenumber) * per_unit * wavenumber**2 - values[torsion]
    mode = modes[:, torsion] * root
    return numbers, replace(point, hessian=point.hessian + other * np.outer(mode, mode))


@pytest.mark.parametrize("name", SYMMETRY)
def test_symmetry_numbers_are_those_of_the_point_groups(name):
    atoms, random = molecule(name), np.random.default_rng(7)
    order = random.permutation(len(atoms))
    x = atoms.positions @ Rotation.random(random_state=3).as_matrix() + 2.0
    x = x[order] + random.normal(scale=0.01, size=x.shape)
    assert symmetry_number(atoms.numbers[order], x) == SYMMETRY[name]


def test_a_stretched_bond_leaves_what_symmetry_it_has():
    methane = molecule("CH4")
    methane.set_distance(0, 1, 1.4, fix=0)
    assert symmetry_number(methane.numbers, methane.positions) == 3
    water = molecule("H2O")
    water.set_distance(0, 1, 1.3, fix=0)
    assert symmetry_number(water.numbers, water.positions) == 1


def test_a_geometry_between_two_symmetries_has_rotations_that_form_a_group():
    for stretch in np.linspace(0.0, 0.3, 31):
        methane = molecule("CH4")
        methane.set_distance(0, 1, 1.09 + stretch, fix=0)
        assert symmetry_number(methane.numbers, methane.positions) in (12, 3)


def test_rotations_that_turn_a_reaction_around_do_not_count():
    angles = np.radians([0, 120, 240])
    ammonia = np.array([[0, 0, 0], *np.stack([np.cos(angles), np.sin(angles), 0 * angles], 1)])
    inversion = np.array([[0, 0, 3.0], [0, 0, -1], [0, 0, -1], [0, 0, -1]])
    numbers = np.array([7, 1, 1, 1])
    assert symmetry_number(numbers, ammonia) == 6
    assert symmetry_number(numbers, ammonia, inversion) == 3
    exchange = np.array([[0, 0, -0.93], [0, 0, 0.0], [0, 0, 0.93]])
    moving = np.array([[0, 0, 1.0], [0, 0, -2.0], [0, 0, 1.0]])
    assert symmetry_number(np.array([1, 1, 1]), exchange) == 2
    assert symmetry_number(np.array([1, 1, 1]), exchange, moving) == 1
    sn2 = np.array([[0, 0, -2.3], [0, 0, 2.3], *(ammonia * 1.1)])
    walden = np.array([[0, 0, 0.3], [0, 0, 0.3], [0, 0, -1.0], *[[0, 0, -0.2]] * 3])
    assert symmetry_number(np.array([17, 17, 6, 1, 1, 1]), sn2) == 6
    assert symmetry_number(np.array([17, 17, 6, 1, 1, 1]), sn2, walden) == 3
    # A mode of the full symmetry is kept by all rotations.
    assert symmetry_number(np.array([17, 17, 6, 1, 1, 1]), sn2, sn2) == 6


@pytest.mark.parametrize("name", ENTROPY)
def test_entropies_are_those_of_the_tables(name):
    known, multiplicity, error = ENTROPY[name]
    numbers, point, _ = relaxed(name, multiplicity)
    found = thermochemistry(numbers, point, multiplicity)
    assert found.entropy * J_MOL_K == pytest.approx(known, abs=error)


@pytest.mark.parametrize("name", ["H2O", "NH3", "HCN", "C2H4"])
def test_without_low_modes_it_is_what_ase_says(name, tmp_path, monkeypatch):
    numbers, point, oracle = relaxed(name)
    at = Conditions(350.0, 2.5)
    found = thermochemistry(numbers, point, 1, at)
    monkeypatch.setattr("mepbench.landscape.thermochemistry.CUTOFF", 1e-6)
    harmonic = thermochemistry(numbers, point, 1, at)

    def by_ase(energies):
        gas = IdealGasThermo(
            energies,
            found.geometry,
            atoms=Atoms(numbers, point.position),
            symmetrynumber=SYMMETRY[name],
            spin=0,
        )
        return gas.get_gibbs_energy(350.0, 2.5e5, verbose=False), gas.get_ZPE_correction()

    free, zero = by_ase(list(units.invcm * found.frequencies_cm))
    assert harmonic.free_energy == pytest.approx(free, abs=1e-9)
    # From 1000 / cm on, Grimme's rule is no more to be seen.
    lowest = found.frequencies_cm[0]
    assert found.free_energy == pytest.approx(free, abs=1e-6 if lowest > 1000 else 1e-5)
    assert found.zero_point == pytest.approx(zero, abs=1e-9)
    atoms = Atoms(numbers, point.position, calculator=oracle.calculator())
    vibrations = Vibrations(atoms, name=str(tmp_path / "vibrations"))
    vibrations.run()
    free, zero = by_ase(vibrations.get_energies())
    assert found.free_energy == pytest.approx(free, abs=1e-3)
    assert found.zero_point == pytest.approx(zero, abs=1e-3)


@pytest.mark.parametrize("wavenumber", [8.0, 60.0, 100.0, 250.0])
def test_the_entropy_of_a_soft_mode_is_grimmes(ethane, wavenumber):
    h, k, T = units._hplanck, units._k, 298.15
    numbers, point = with_torsion(ethane, wavenumber)
    inertia = Atoms(numbers, point.position).get_moments_of_inertia().mean() * units._amu * 1e-20

    def entropy(nu):  # Grimme 2012, equations 3 to 8
        x = h * nu * 100 * units._c / (k * T)
        oscillator = x / np.expm1(x) - np.log(-np.expm1(-x))
        mu = h / (8 * np.pi**2 * nu * 100 * units._c)
        mu = mu * inertia / (mu + inertia)
        rotor = 0.5 + np.log(np.sqrt(8 * np.pi**3 * mu * k * T / h**2))
        weight = 1 / (1 + (100 / nu) ** 4)
        return k * (weight * oscillator + (1 - weight) * rotor) / units._e

    softened, as_it_was = (thermochemistry(*ends, 1) for ends in ((numbers, point), ethane))
    assert softened.frequencies_cm[0] == pytest.approx(wavenumber, rel=1e-6)
    was = as_it_was.frequencies_cm[0]
    change = entropy(wavenumber) - entropy(was)
    assert softened.entropy - as_it_was.entropy == pytest.approx(change, rel=1e-6)
    lower = (was - wavenumber) * units.invcm / 2
    assert as_it_was.zero_point - softened.zero_point == pytest.approx(lower, rel=1e-6)


def test_a_small_imaginary_frequency_counts_as_real_and_a_large_one_is_no_minimum(ethane):
    turning = thermochemistry(*with_torsion(ethane, -40.0), 1)
    assert turning.counted_as_real_cm == pytest.approx([-40.0])
    real = thermochemistry(*with_torsion(ethane, 40.0), 1)
    assert not len(real.counted_as_real_cm)
    assert turning.free_energy == pytest.approx(real.free_energy, abs=1e-9)
    with pytest.raises(ValueError, match="has an imaginary frequency, 150 / cm"):
        thermochemistry(*with_torsion(ethane, -150.0), 1)
    free = thermochemistry(*with_torsion(ethane, 0.0), 1)
    assert np.isfinite(free.free_energy)


def test_a_saddle_has_one_vibration_less(ethane):
    numbers, point = with_torsion(ethane, -600.0)
    found = thermochemistry(numbers, point, 1, saddle=True)
    assert found.imaginary_cm == pytest.approx(600.0, rel=1e-6)
    assert len(found.frequencies_cm) == 18
    assert not len(found.counted_as_real_cm)
    whole = thermochemistry(*ethane, 1)
    soft = whole.frequencies_cm[0] * units.invcm / 2
    assert found.zero_point == pytest.approx(whole.zero_point - soft, rel=1e-6)


def test_what_is_not_at_rest_has_no_free_energy(ethane):
    numbers, point = ethane
    pushed = replace(point, gradient=point.gradient + np.array([0.0, 0.0, 0.05]))
    with pytest.raises(ValueError, match="not at rest"):
        thermochemistry(numbers, pushed, 1)


def test_spin_and_pressure_enter_the_entropy(ethane):
    singlet, triplet = (thermochemistry(*ethane, m) for m in (1, 3))
    assert triplet.entropy - singlet.entropy == pytest.approx(units.kB * np.log(3))
    thin = thermochemistry(*ethane, 1, Conditions(298.15, 0.1))
    assert thin.entropy - singlet.entropy == pytest.approx(units.kB * np.log(10))
    assert thin.enthalpy == singlet.enthalpy


@pytest.mark.parametrize("temperature", [1.0, 20.0, 3000.0])
def test_any_temperature_has_finite_values(ethane, temperature):
    found = thermochemistry(*ethane, 1, Conditions(temperature))
    assert np.isfinite([found.enthalpy, found.entropy]).all()
    assert temperature > 1 or found.enthalpy == pytest.approx(found.zero_point, abs=1e-3)


@pytest.mark.parametrize(
    "conditions", [(0.0, 1.0), (-5, 1.0), (np.nan, 1.0), (True, 1.0), ("300", 1.0), (300.0, np.inf)]
)
def test_impossible_conditions_are_refused(conditions):
    with pytest.raises(InputError, match="must be a positive number"):
        Conditions(*conditions)


def test_rates_are_those_worked_out_by_hand():
    # kT/h = 1.380649e-23 * 300 / 6.62607015e-34 = 6.25098e12 / s; kT = 0.0258520 eV
    assert eyring(0.0, 300.0) == pytest.approx(6.25098e12, rel=1e-5)
    assert eyring(1.0, 300.0) == pytest.approx(6.25098e12 * np.exp(-38.6817), rel=1e-4)
    # 25 kcal/mol at 298.15 K: 2.9e-6 / s
    assert eyring(25 * units.kcal / units.mol, 298.15) == pytest.approx(2.94e-6, rel=0.01)
    # h c 1000/cm / kT = 4.82564 at 298.15 K
    assert wigner(1000.0, 298.15) == pytest.approx(1 + 4.82564**2 / 24, rel=1e-5)
    assert wigner(0.0, 298.15) == 1.0


def corrections(zero_point, enthalpy, entropy, imaginary=np.nan):
    waves = np.array([500.0])
    return Thermochemistry(zero_point, enthalpy, entropy, waves, imaginary, 1, "nonlinear", 400.0)


def test_forward_and_back_are_in_detailed_balance():
    found = Activation(
        Conditions(400.0),
        corrections(1.0, 1.1, 2e-3),
        corrections(0.9, 1.0, 2.1e-3, 900.0),
        corrections(1.05, 1.2, 1.9e-3),
        np.array([-50.0, -49.0, -50.4]),
    )
    assert np.diff(found.energies_0K) == pytest.approx([0.9, -1.25])
    assert np.diff(found.free_energies) == pytest.approx([0.86, -1.12])
    forward, back = found.rates
    reaction = found.free_energies[2] - found.free_energies[0]
    assert forward / back == pytest.approx(np.exp(-reaction / (units.kB * 400.0)))
    assert forward == pytest.approx(wigner(900.0, 400.0) * eyring(0.86, 400.0))


def test_columns_are_empty_where_the_ends_hessians_are_unknown():
    numbers, x = np.array([1, 1]), np.zeros((2, 3))
    reaction = Reaction("none", numbers, x, x, energies=np.zeros(2), gradients=np.zeros((2, 2, 3)))
    assert activation_cells({}, reaction, None) == {}
    empty = dict.fromkeys(
        [f"{end}_{kind}_eV" for end in ("reactant", "product") for kind in ("zero_point", "free")],
        "",
    )
    assert activation_cells(empty, reaction, None) == {}


def test_an_atom_has_neither_rotation_nor_vibration():
    x = np.zeros((1, 3))
    point = Stationary(
        x, 0.0, x, np.zeros((3, 3)), np.zeros(0), np.zeros(0), np.zeros((0, 1, 3)), 0
    )
    found = thermochemistry(np.array([18]), point, 1)
    assert found.geometry == "monatomic"
    assert found.entropy * J_MOL_K == pytest.approx(154.85, abs=0.05)  # argon, NIST-JANAF
