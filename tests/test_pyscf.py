"""PySCF as a potential: published energies, exact gradients, and the same answer each time."""

import sys

import numpy as np
import pytest
from ase.units import Bohr, Hartree

from mepbench.errors import InputError, NotInstalled, NotSupported, SCFFailure
from mepbench.oracle import PotentialSpec
from mepbench.potentials import pyscf as plugin
from mepbench.preparation.prepare import prepare
from mepbench.reaction import Entry

WATER = np.array([[0.0, 0.05, 0.12], [0.02, 0.76, -0.47], [-0.05, -0.74, -0.5]])
H2O, NH2 = np.array([8, 1, 1]), np.array([7, 1, 1])


def potential(numbers, charge=0, multiplicity=1, **options):
    try:
        return plugin.load(np.asarray(numbers), charge, multiplicity, **options)
    except NotInstalled as error:
        pytest.skip(str(error))


def energy(numbers, positions, *state, **options):
    """In hartree, at (N, 3) angstrom."""
    return potential(numbers, *state, **options).evaluate(np.array([positions]))[0][0] / Hartree


def test_hartree_fock_energy_of_water_is_that_of_another_code():
    # Crawford's programming projects, by PSI: STO-3G at this geometry in bohr.
    x = [[0, -0.143225816552, 0], [1.638036840407, 1.136548822547, 0]]
    x = np.array([*x, [-1.638036840407, 1.136548822547, 0]]) * Bohr
    assert energy(H2O, x, method="HF/STO-3G") == pytest.approx(-74.942079928192, abs=1e-8)


@pytest.mark.parametrize(("z", "multiplicity", "published"), [(2, 1, -2.834836), (1, 2, -0.478671)])
def test_density_functional_energies_of_atoms_are_those_published(z, multiplicity, published):
    # Kotochigova et al., Phys. Rev. A 55, 191 (1997), NIST's atomic reference data: LDA and LSD of
    # Vosko, Wilk and Nusair, solved on a radial grid; what is left is the basis.
    found = energy([z], np.zeros((1, 3)), 0, multiplicity, method="LDA,VWN/aug-cc-pVQZ")
    assert found == pytest.approx(published, abs=2e-4)
    assert found > published


@pytest.mark.parametrize(
    ("numbers", "multiplicity", "options"),
    [
        (H2O, 1, {"grid": 1}),
        (H2O, 1, {"grid": 1, "density_fitting": True}),
        (H2O, 1, {"grid": 1, "method": "r2SCAN/STO-3G"}),
        (H2O, 1, {"method": "HF/STO-3G"}),
        (NH2, 2, {"grid": 1, "method": "B3LYP/6-31G*"}),
    ],
)
def test_gradient_is_exact_on_the_coarsest_grid(numbers, multiplicity, options):
    surface = potential(numbers, 0, multiplicity, **options)
    x = WATER
    step = 1e-3 * np.random.default_rng(1).normal(size=x.shape)
    energies, gradients = surface.evaluate(np.array([x, x + step, x - step]))
    slope = (gradients[0] * step).sum()
    assert (energies[1] - energies[2]) / 2 == pytest.approx(slope, abs=1e-7)
    assert gradients.sum(axis=1) == pytest.approx(0, abs=1e-8)


def test_an_answer_does_not_depend_on_what_was_asked_before():
    options = {"method": "PBE0/STO-3G"}
    fresh = potential(H2O, **options).evaluate(WATER[None])
    used = potential(H2O, **options)
    used.evaluate(np.array([1.4 * WATER, 0.8 * WATER]))
    again = used.evaluate(WATER[None])
    assert fresh[0].tobytes() == again[0].tobytes()
    assert fresh[1].tobytes() == again[1].tobytes()


def test_the_field_is_converged_so_that_the_gradient_is_good_to_a_tenth_of_a_millielectronvolt(
    monkeypatch,
):
    usual = potential(H2O).evaluate(1.2 * WATER[None])[1]
    monkeypatch.setattr(plugin, "ENERGY_CHANGE", 1e-12)
    monkeypatch.setattr(plugin, "ORBITAL_GRADIENT", 1e-9)
    assert usual == pytest.approx(potential(H2O).evaluate(1.2 * WATER[None])[1], abs=1e-4)


def test_charge_and_multiplicity_are_those_asked_for():
    # One electron and two nuclei far apart: half a hartree, but for basis and self-interaction.
    far = np.array([[0, 0, 0], [0, 0, 40.0]])
    assert energy([1, 1], far, 1, 2, method="HF/aug-cc-pVTZ") == pytest.approx(-0.5, abs=2e-3)
    # Methylene's ground state is a triplet, by 0.39 eV (Jensen, Bunker 1988).
    x = np.array([[0, 0, 0.1], [0, 0.95, -0.4], [0, -0.95, -0.4]])
    singlet, triplet = (energy([6, 1, 1], x, 0, m, method="B3LYP/6-31G*") for m in (1, 3))
    assert triplet < singlet - 0.01


def test_heavy_elements_have_the_core_potential_of_their_basis():
    x = np.array([[0, 0, 0], [0, 0, 1.61]])
    assert energy([53, 1], x, method="HF/def2-SVP") > -310  # all electrons have -6918


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"method": "PBE0"}, "is not functional/basis"),
        ({"method": "/def2-SVP"}, "is not functional/basis"),
        ({"method": "PBEO/def2-SVP"}, "no functional 'PBEO'"),
        ({"grid": 10}, "grid must be 0 to 9"),
    ],
)
def test_what_there_is_not_is_bad_input(options, said):
    potential(H2O)
    with pytest.raises(InputError, match=said):
        plugin.load(H2O, 0, 1, **options)


@pytest.mark.parametrize(("basis", "missing"), [("6-31G*", "I"), ("def2-SVQ", "H, I")])
def test_elements_without_functions_are_not_supported(basis, missing):
    potential(H2O)
    with pytest.raises(NotSupported, match=rf"no basis {basis.replace('*', '.')} for {missing}$"):
        plugin.load(np.array([53, 1]), 0, 1, method=f"PBE0/{basis}")


def test_a_state_without_electrons_to_match_is_bad_input():
    potential(H2O)
    with pytest.raises(InputError, match="spin"):
        plugin.load(H2O, 0, 2)


def test_a_field_that_does_not_converge_is_a_failure(monkeypatch):
    surface = potential(H2O, method="HF/STO-3G")
    monkeypatch.setattr(plugin, "CYCLES", 1)
    with pytest.raises(SCFFailure, match="neither by DIIS in 1 cycles nor to second order"):
        surface.evaluate(2.5 * WATER[None])


@pytest.mark.parametrize("x", [np.zeros((3, 3)), np.full((3, 3), np.nan)])
def test_impossible_geometries_are_failures(x):
    with pytest.raises(SCFFailure):
        potential(H2O, method="PBE0/STO-3G").evaluate(x[None])


def test_where_diis_fails_the_second_order_method_finds_the_same_field(monkeypatch):
    usual = energy(H2O, WATER, method="HF/STO-3G")
    monkeypatch.setattr(plugin, "CYCLES", 5)
    assert energy(H2O, WATER, method="HF/STO-3G") == pytest.approx(usual, abs=1e-8)


def test_absent_it_is_a_verdict_with_advice(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyscf", None)
    ends = {"reactant": WATER, "product": 1.1 * WATER}
    entry = Entry("mine", "water", "mine.xyz", numbers=dict.fromkeys(ends, H2O), positions=ends)
    prepared = prepare(entry, PotentialSpec("pyscf").load)
    assert prepared.verdict == "not-installed"
    assert "pip install 'mepbench[dft]'" in prepared.reason
