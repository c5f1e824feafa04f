"""The index of a stationary point: soft modes, other units, nearly linear molecules."""

from pathlib import Path as File

import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule
from ase.calculators.lj import LennardJones
from ase.data import atomic_numbers
from known import XTB

from mepbench.judging.judge import judge
from mepbench.judging.verify import refine_and_judge
from mepbench.landscape.hessian import hessian, lowest_modes
from mepbench.landscape.index import stationary_point
from mepbench.landscape.minima import minima, relax, scaled_hessian
from mepbench.landscape.scale import ORDINARY, surface_scale
from mepbench.oracle import Oracle
from mepbench.path import Path, Peak, rigid_motions
from mepbench.potentials import mueller_brown
from mepbench.preparation.prepare import prepare
from mepbench.reaction import Reaction, read_set

RIGID = ("translation", "rotation")


class Scaled:
    """A potential in other units of length and energy."""

    backend = "scaled"

    def __init__(self, potential, length, energy):
        self.potential, self.length, self.energy = potential, length, energy
        self.invariances = potential.invariances

    def evaluate(self, positions):
        energies, gradients = self.potential.evaluate(positions / self.length)
        return energies * self.energy, gradients * self.energy / self.length


class Cluster:
    """Lennard-Jones, sigma = 1 A and epsilon = 1 eV."""

    invariances, backend = RIGID, "Lennard-Jones"

    def evaluate(self, positions):
        energies, gradients = [], []
        for x in positions:
            atoms = Atoms("Ar" * len(x), x, calculator=LennardJones(rc=50.0, smooth=False))
            energies.append(atoms.get_potential_energy())
            gradients.append(-atoms.get_forces())
        return np.array(energies), np.array(gradients)


class Valley:
    """Double well along x; along y a curvature, a quartic term, and a coupling that bends it."""

    invariances, backend = (), "analytic"

    def __init__(self, curvature, quartic=1.0, noise=0.0):
        self.curvature, self.quartic, self.noise = curvature, quartic, noise
        self.rng = np.random.default_rng(0)

    def evaluate(self, positions):
        x, y, z = np.moveaxis(positions[:, 0], -1, 0)
        energy = (x**2 - 1) ** 2 + self.curvature * y**2 / 2 + self.quartic * y**4 + 5 * z**2
        slopes = 4 * x * (x**2 - 1), self.curvature * y + 4 * self.quartic * y**3, 10 * z
        gradient = np.stack(slopes, axis=-1)[:, None]
        return energy, gradient + self.noise * self.rng.normal(size=gradient.shape)


def point_at(oracle, x, **options):
    return stationary_point(oracle, x, hessian(oracle, x), **options)


def relaxed(symbols, positions, charge=0):
    numbers = np.array([atomic_numbers[s] for s in symbols])
    oracle = Oracle(XTB.load(numbers, charge, 1))
    return oracle, numbers, np.asarray(positions, dtype=float)


@pytest.mark.parametrize("curvature", [-0.02, -2e-3, -5e-4, 5e-4, 2e-3, 0.02])
def test_a_soft_curvature_has_its_sign_and_its_error_covers_the_truth(curvature):
    point = point_at(Oracle(Valley(curvature)), np.zeros((1, 3)))
    assert point.index == 1 + (curvature < 0)
    assert abs(point.curvatures[1] - curvature) <= point.errors[1]
    assert point.errors[1] < 4e-3


@pytest.mark.parametrize("noise", [1e-6, 4e-6, 1e-5])
def test_noise_of_the_gradients_is_measured_and_the_energy_decides(noise):
    for curvature in (-2e-3, 2e-3):
        point = point_at(Oracle(Valley(curvature, noise=noise)), np.zeros((1, 3)))
        assert abs(point.curvatures[1] - curvature) < 2 * point.errors[1]
        assert point.index == 1 + (curvature < 0)


@pytest.mark.parametrize("quartic", [0.3, 1.0])
def test_a_flat_mode_along_which_the_energy_rises_or_not_at_all_is_not_negative(quartic):
    assert point_at(Oracle(Valley(0.0, quartic)), np.zeros((1, 3))).index == 1
    assert point_at(Oracle(Valley(0.0, 0.0)), np.zeros((1, 3))).index == 1
    assert point_at(Oracle(Valley(0.0, -quartic)), np.zeros((1, 3))).index == 2


def test_a_point_on_the_slope_of_a_soft_mode_settles_beside_it():
    # The force of 0.005 eV/A is allowed, and leaves it 0.1 A away where the curvature is another.
    start = np.array([[0.0, 0.1, 0.0]])
    point = point_at(Oracle(Valley(0.05, 0.0)), start)
    assert np.abs(point.position).max() < 1e-6
    assert point.index == 1


@pytest.mark.parametrize(
    ("length", "energy"), [(1, 1), (1e-2, 1), (1, 1e3), (1, 1e-2), (10, 1e-3), (1e-2, 1e-2)]
)
def test_mueller_brown_has_one_verdict_in_all_units(length, energy):
    known = mueller_brown.KNOWN[0]
    oracle = Oracle(Scaled(mueller_brown.load(None, 0, 1), length, energy))
    ends = length * known.reaction.ends
    energies, gradients = oracle(ends)
    reaction = Reaction("scaled", np.array([1]), *ends, energies=energies, gradients=gradients)
    judgement = judge(reaction, oracle, Peak(length * known.saddle))
    assert judgement.verdict == "intended", judgement.reason
    barrier = judgement.energy - energies[0]
    assert barrier == pytest.approx(energy * known.barrier, rel=1e-4)
    assert judge(reaction, oracle, Peak(ends[1])).verdict == "minimum"


TETRAHEDRON = 1.1 * np.array([[0, 0, 0], [1, 0, 0], [0.5, 0.87, 0], [0.5, 0.29, 0.8]])
RHOMBUS = 1.1 * np.array([[0, 0, 0], [1, 0, 0], [0.5, 0.87, 0], [1.5, 0.87, 0]])
BIPYRAMID = np.vstack([TETRAHEDRON, [[0.55, 0.32, -0.9]]])


@pytest.mark.parametrize(("length", "energy"), [(3.405, 0.0104), (2.74, 0.0031), (0.5, 30.0)])
@pytest.mark.parametrize(
    ("start", "index"), [(TETRAHEDRON, 0), (RHOMBUS, 1), (BIPYRAMID, 0)], ids=["4", "flat", "5"]
)
def test_clusters_of_argon_neon_and_none_have_one_index(start, index, length, energy):
    found = []
    for scale in ((1.0, 1.0), (length, energy)):
        oracle = Oracle(Scaled(Cluster(), *scale))
        x = _stationary(oracle, scale[0] * start, scale)
        matrix, units = scaled_hessian(oracle, x)
        found.append(stationary_point(oracle, x, matrix, units))
    assert [point.index for point in found] == [index, index]
    lowest = found[1].curvatures[0] * length**2 / energy
    assert lowest == pytest.approx(found[0].curvatures[0], rel=0.02)


def _stationary(oracle, x, scale):
    """Newton's method, without falling off a symmetry that is no minimum's."""
    for _ in range(12):
        gradient = oracle(x[None])[1][0]
        values, modes = lowest_modes(
            hessian(oracle, x, step=1e-3 * scale[0]), x, RIGID, count=x.size
        )
        slopes = np.einsum("kij,ij->k", modes, gradient)
        step = -np.einsum("k,kij->ij", slopes / values, modes)
        x = x + step * min(1.0, 0.1 * scale[0] / np.abs(step).max())
    return x


def test_argon_relaxes_as_tightly_as_its_own_scale_asks_for():
    oracle = Oracle(Scaled(Cluster(), 3.405, 0.0104))
    (found,) = minima(oracle, np.full(4, 18), 3.3 * TETRAHEDRON)
    assert found.energy == pytest.approx(-6 * 0.0104, rel=1e-4)


def test_a_molecule_is_looked_at_in_its_ordinary_units():
    for stiffest in (6.0, 60.0, 900.0):
        assert surface_scale(np.diag([0.1, stiffest])) == ORDINARY


# Linear molecules, and the same bent by half a degree and by three.
LINEAR = {
    "CO2": ("OCO", [-1.14, 0, 1.14]),
    "HCN": ("HCN", [-1.07, 0, 1.14]),
    "HCCH": ("HCCH", [-1.66, -0.6, 0.6, 1.66]),
    "C3O2": ("OCCCO", [-2.43, -1.28, 0, 1.28, 2.43]),
}


@pytest.mark.parametrize("name", LINEAR)
@pytest.mark.parametrize("degrees", [0.0, 0.5, 3.0])
def test_the_rotation_about_the_axis_of_a_nearly_linear_molecule_is_a_bend(name, degrees):
    _, z = LINEAR[name]
    x = np.zeros((len(z), 3))
    x[:, 2] = z
    x[:, 0] = np.abs(z) * np.tan(np.radians(degrees) / 2)
    assert len(rigid_motions(x, RIGID)) == 5
    # A bend in the plane, and one out of it: both are left.
    for axis in (0, 1):
        bend = np.zeros_like(x)
        bend[:, axis] = np.array(z) ** 2 - np.mean(np.square(z))
        lost = rigid_motions(x, RIGID) @ bend.ravel() / np.linalg.norm(bend)
        assert np.linalg.norm(lost) < 0.3


@pytest.mark.parametrize("name", ["H2O", "CH3CH2OH", "C6H6", "H2CO"])
def test_bent_molecules_have_six_rigid_motions(name):
    assert len(rigid_motions(molecule(name).positions, RIGID)) == 6


def test_both_bends_of_a_nearly_linear_molecule_are_measured():
    symbols, z = LINEAR["HCN"]
    x = np.zeros((3, 3))
    x[:, 2] = z
    oracle, numbers, _ = relaxed(symbols, x)
    flat = relax(oracle, numbers, x, 1e-4)
    bent = flat.positions.copy()
    bent[1, 0] += 0.004
    straight, nearly = (
        lowest_modes(hessian(oracle, y), y, RIGID, count=2)[0] for y in (flat.positions, bent)
    )
    assert nearly == pytest.approx(straight, rel=0.03)
    assert straight[0] == pytest.approx(straight[1], rel=0.01)
    assert straight[0] > 0.3


# Methyl groups eclipsed where they should be staggered: second-order saddles made on purpose.
def _eclipsed(name, carbon, axis_atom):
    atoms = molecule(name)
    numbers = atoms.numbers
    oracle = Oracle(XTB.load(numbers, 0, 1))
    x = relax(oracle, numbers, atoms.positions, 1e-3).positions
    atoms.positions = x
    hydrogens = [k for k in np.flatnonzero(numbers == 1) if np.linalg.norm(x[k] - x[carbon]) < 1.25]
    part = atoms[hydrogens]
    part.rotate(60, x[carbon] - x[axis_atom], center=x[carbon])
    x = x.copy()
    x[hydrogens] = part.positions
    return oracle, numbers, x


@pytest.mark.parametrize(
    ("name", "carbon", "axis"), [("C2H6", 0, 1), ("CH3OH", 0, 1), ("CH3CH2Cl", 1, 0)]
)
def test_an_eclipsed_methyl_group_is_a_saddle_with_a_soft_mode(name, carbon, axis):
    oracle, numbers, x = _eclipsed(name, carbon, axis)
    point = point_at(oracle, _stationary(oracle, x, (1.0, 1.0)))
    assert point.index == 1
    assert -1 < point.curvatures[0] < -3 * point.errors[0]
    assert minima(oracle, numbers, point.position)[0].energy < point.energy - 1e-3


def cases() -> File:
    folder = File(__file__).resolve().parents[1] / ".." / "shared" / "cases"
    if not folder.is_dir():
        pytest.skip("cases absent")
    return folder.resolve()


SECOND_ORDER = {  # eV: how far the true saddle lies below
    "judge_index2_propenol-acetone": 0.006,
    "judge_index2_sn2-chloride-chloroethane": 0.005,
}


@pytest.mark.slow
@pytest.mark.parametrize("name", SECOND_ORDER)
def test_a_given_second_order_saddle_is_refused_and_left_downwards(name):
    (entry,) = read_set("cases", str(cases()), only={name})
    reaction, given = prepare(entry, XTB.load).reaction, entry.positions["ts"]
    judgement = judge(reaction, Oracle(XTB.of(reaction)), Peak(given))
    assert judgement.verdict == "higher-order"
    trajectory = Path(given[None], is_path=False)
    judged = refine_and_judge(reaction, trajectory, Peak(given), "sella", XTB, 200, 0)
    assert judged.verdict == "intended", judged.reason
    assert judgement.energy - judged.saddle.energy == pytest.approx(SECOND_ORDER[name], abs=2e-3)
    assert judged.judgement.eigenvalues[1] > 0
    assert 0 < judged.refine_evaluations < 60
