"""What every potential promises, over all files found in potentials/."""

import importlib
import inspect

import numpy as np
import pytest
import small_mace
from ase.data import atomic_numbers
from scipy.spatial.transform import Rotation

from mepbench.errors import NotInstalled, NotSupported
from mepbench.learned import weights
from mepbench.oracle import Oracle
from mepbench.potentials.ase import ASEPotential
from mepbench.registry import available, load, options

WATER = np.array([[0.0, 0.05, 0.12], [0.02, 0.76, -0.47], [-0.05, -0.74, -0.5]])


def lennard_jones(numbers, charge, multiplicity):
    from ase.calculators.lj import LennardJones

    return LennardJones(sigma=0.9, epsilon=0.5, rc=20.0, smooth=False)


def untaught(folder):
    from mepbench.learned.network import Ensemble, Shape

    weights.save(folder / "untaught.safetensors", Ensemble(Shape(), 2), {})
    return str(folder / "untaught.safetensors")


NEEDED = {"factory": f"{__name__}:lennard_jones"}
FURTHER = {
    "xtb-python, GFN1": {"name": "xtb-python", "method": "GFN1-xTB"},
    "xtb-python, GBSA": {"name": "xtb-python", "solvation": "GBSA(water)"},
    "tblite, GFN1": {"name": "tblite", "method": "GFN1-xTB"},
    **{
        f"tblite, {model}": {"name": "tblite", "solvation": f"{model}(water)"}
        for model in ("ALPB", "GBSA", "CPCM", "COSMO", "PCM")
    },
}
PLAIN = {name: {"name": name} for name in available("potentials")}


@pytest.fixture(params=PLAIN | FURTHER)
def case(request, tmp_path):
    """A potential, and geometries (B, N, 3) at which it is tested."""
    given = dict((PLAIN | FURTHER)[request.param])
    kind = given.pop("name")
    if kind == "mace":
        given |= {"method": small_mace.saved(tmp_path), "trust": True}
    if kind == "learned":
        given |= {"weights": untaught(tmp_path)}
    module = importlib.import_module(f"mepbench.potentials.{kind.replace('-', '_')}")
    given |= {
        name: NEEDED[name]
        for name, option in options("potentials", kind).items()
        if option.default is inspect.Parameter.empty and name not in given
    }
    if hasattr(module, "KNOWN"):
        numbers = module.KNOWN[0].reaction.numbers
        where = np.concatenate([[k.reaction.reactant, k.saddle] for k in module.KNOWN])
    else:
        numbers, where = np.array([8, 1, 1]), np.stack([WATER, 1.1 * WATER])
    try:
        potential = load("potentials", kind)(numbers, 0, 1, **given)
        potential.evaluate(where[:1])
    except NotInstalled as error:
        pytest.skip(str(error))
    return potential, where + np.random.default_rng(0).normal(scale=0.05, size=where.shape)


def test_gradient_is_the_derivative_of_the_energy(case):
    potential, geometries = case
    step = 2e-3
    for x in geometries:
        _, gradient = potential.evaluate(x[None])
        shifts = step * np.eye(x.size).reshape(-1, *x.shape)
        up, down = potential.evaluate(x + shifts)[0], potential.evaluate(x - shifts)[0]
        numerical = ((up - down) / (2 * step)).reshape(x.shape)
        scale = max(1.0, np.abs(numerical).max())
        assert gradient[0] == pytest.approx(numerical, abs=1e-3 * scale)


def test_every_evaluation_is_counted(case):
    potential, geometries = case
    oracle = Oracle(potential)
    potential.evaluate(geometries)
    with pytest.raises(ValueError, match=f"did not count: {len(geometries)}"):
        oracle.audit(None)


def test_shapes_are_those_of_a_batch_and_geometries_do_not_mix(case):
    potential, geometries = case
    energies, gradients = potential.evaluate(geometries)
    assert energies.shape == (len(geometries),)
    assert gradients.shape == geometries.shape
    for x, energy, gradient in zip(geometries, energies, gradients, strict=True):
        alone = potential.evaluate(x[None])
        assert alone[0][0] == pytest.approx(energy, abs=1e-6)
        assert alone[1][0] == pytest.approx(gradient, abs=1e-3)


def test_invariances_are_as_declared(case, request):
    potential, geometries = case
    in_solvent = "solvation" in FURTHER.get(request.node.callspec.params["case"], {})
    energy, gradient = (1e-3, 2e-2) if in_solvent else (1e-5, 1e-3)  # cavities' grids do not turn
    rotation = Rotation.from_euler("xyz", [0.7, -0.4, 1.1]).as_matrix()
    for kind, moved, turned in [
        ("translation", geometries + np.array([0.3, -0.2, 0.4]), np.eye(3)),
        ("rotation", geometries @ rotation, rotation),
    ]:
        before, after = potential.evaluate(geometries), potential.evaluate(moved)
        if kind in potential.invariances:
            assert after[0] == pytest.approx(before[0], abs=energy)
            assert after[1] == pytest.approx(before[1] @ turned, abs=gradient)
        else:
            assert np.abs(after[0] - before[0]).max() > 1e-3


def test_backend_is_named(case):
    assert isinstance(case[0].backend, str)
    assert case[0].backend


@pytest.mark.parametrize("name", ["xtb-python", "tblite"])
@pytest.mark.parametrize(
    ("symbol", "said"),
    [
        ("Fr", r"no parameters for Fr \(Z = 87\); GFN-xTB goes to Rn \(86\)"),
        ("U", r"no parameters for U \(Z = 92\)"),
        ("Og", r"no parameters for Og \(Z = 118\)"),
    ],
)
def test_an_element_beyond_xtb_is_refused_before_the_library_sees_it(name, symbol, said):
    numbers = np.array([atomic_numbers[symbol], 8, 1])
    with pytest.raises(NotSupported, match=said):
        load("potentials", name)(numbers, 0, 1)


def test_radon_is_not_beyond_xtb():
    potential = load("potentials", "tblite")(np.array([86, 10]), 0, 1)
    assert np.isfinite(potential.evaluate(np.array([[[0, 0, 0], [0, 0, 4.0]]]))[0]).all()


def test_a_calculator_that_computes_forces_only_if_asked_for_runs_once_a_geometry():
    from ase import Atoms
    from ase.calculators.calculator import Calculator, all_changes

    class AsTold(Calculator):
        implemented_properties = ("energy", "forces")
        runs = 0

        def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
            super().calculate(atoms, properties, system_changes)
            self.runs += 1
            self.results = {"energy": 1.0}
            if "forces" in properties:
                self.results["forces"] = np.ones((3, 3))

    calculator = AsTold()
    energies, gradients = ASEPotential(Atoms("OHH", WATER), calculator).evaluate(
        np.stack([WATER, 1.1 * WATER])
    )
    assert calculator.runs == 2
    assert energies.tolist() == [1.0, 1.0]
    assert (gradients == -1).all()


def no_such_element(numbers, charge, multiplicity):
    raise NotSupported("no parameters for Xe (Z = 54)")


def test_a_factory_may_say_which_elements_it_lacks():
    with pytest.raises(NotSupported, match="Xe"):
        load("potentials", "ase")(np.array([54, 1]), 0, 1, factory=f"{__name__}:no_such_element")
