"""The network potential: what its energy is blind to, its file, and where it is not asked."""

import json
import time
from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mepbench.config import check_method, solver_files
from mepbench.errors import InputError, NotSupported
from mepbench.files.checksums import write_sums
from mepbench.learned import weights
from mepbench.oracle import PotentialSpec
from mepbench.preparation.prepare import prepare
from mepbench.reaction import Entry, Reaction, read_set
from mepbench.registry import code_digest, load
from mepbench.registry import module_of as load_module
from mepbench.solving.guess import make_guess
from mepbench.solving.solve import solve

torch = pytest.importorskip("torch")
network = pytest.importorskip("mepbench.learned.network")

SMALL = network.Shape(scalars=16, channels=12, projected=8, radial=(6, 4, 3))
NEUTRAL = torch.zeros(1)
METHANOL = np.array([6, 8, 1, 1, 1, 1])
X = np.array(
    [
        [-0.67, -0.02, 0.01],
        [0.73, 0.12, -0.02],
        [-1.05, -0.53, 0.89],
        [-1.03, -0.55, -0.88],
        [-1.11, 0.98, 0.03],
        [1.14, -0.74, 0.06],
    ]
)


def ensemble(members=3, seed=0):
    torch.manual_seed(seed)
    return network.Ensemble(SMALL, members)


@pytest.fixture
def file(tmp_path):
    """Weights that were never taught anything."""
    weights.save(tmp_path / "mine.safetensors", ensemble(), {"reactions": 0})
    return tmp_path / "mine.safetensors"


def potential(file, numbers=METHANOL, charge=0, multiplicity=1, **options):
    return load("potentials", "learned")(
        numbers, charge, multiplicity, weights=str(file), **options
    )


def test_energy_is_blind_to_rotation_reflection_and_the_order_of_equals(file):
    learned = potential(file)
    turn = Rotation.from_euler("xyz", [0.3, 1.2, -0.4]).as_matrix()
    (energy,), (gradient,) = learned.evaluate(X[None])
    for motion in (turn, -turn):
        (moved,), (pulled,) = learned.evaluate(X[None] @ motion + 0.7)
        assert moved == pytest.approx(energy, abs=1e-10)
        assert pulled == pytest.approx(gradient @ motion, abs=1e-9)
    order = [0, 1, 4, 2, 3, 5]
    (renumbered,), (pulled,) = learned.evaluate(X[None, order])
    assert renumbered == pytest.approx(energy, abs=1e-10)
    assert pulled == pytest.approx(gradient[order], abs=1e-9)


def test_energy_tells_a_bond_that_has_turned(file):
    learned = potential(file)
    bent = X.copy()
    bent[5] = X[1] + Rotation.from_euler("z", 0.4).as_matrix() @ (X[5] - X[1])
    energies, _ = learned.evaluate(np.array([X, bent]))
    assert abs(energies[1] - energies[0]) > 1e-4


def test_atoms_that_collide_are_repelled_whatever_was_taught(file):
    learned = potential(file, np.array([6, 6]))
    apart = np.array([0.3, 0.5, 0.7])
    x = np.stack([np.zeros((3, 3)), apart[:, None] * np.eye(3)[:1]], axis=1)
    energies, gradients = learned.evaluate(x)
    assert (np.diff(energies) < -10).all()
    assert (gradients[:, 1, 0] < 0).all()


def test_energy_is_smooth_where_an_atom_leaves_the_cutoff(file):
    learned = potential(file, np.array([6, 8, 1]))
    r = SMALL.cutoff + np.linspace(-1e-3, 1e-3, 9)
    x = np.zeros((9, 3, 3))
    x[:, 1, 0], x[:, 2, 1] = 1.2, r
    energies, gradients = learned.evaluate(x)
    assert np.ptp(energies) < 1e-6
    assert np.abs(np.diff(gradients, axis=0)).max() < 1e-4


def test_padding_changes_nothing():
    of = ensemble(1).double()
    molecules = [(METHANOL, X), (np.array([8, 1, 1]), X[[1, 5, 2]])]
    z, positions = network.padded(*zip(*molecules, strict=True))
    energies, gradients = of.energies_and_gradient(z, NEUTRAL.expand(2), positions)
    for k, (numbers, x) in enumerate(molecules):
        z, positions = network.padded([numbers], [x])
        alone, gradient = of.energies_and_gradient(z, NEUTRAL, positions)
        assert float(energies[0, k]) == pytest.approx(float(alone[0, 0]), abs=1e-10)
        assert gradients[k, : len(x)].numpy() == pytest.approx(gradient[0].numpy(), abs=1e-9)


def test_weights_come_back_as_they_were_with_what_is_said_of_them(file):
    found, card = weights.load(file)
    assert card == {"reactions": 0}
    assert found.shape == SMALL
    for one, other in zip(found.parameters(), ensemble().parameters(), strict=True):
        assert torch.equal(one, other)


def rewritten(file, tensors=None, **about):
    from safetensors import safe_open
    from safetensors.torch import load_file, save_file

    with safe_open(file, framework="pt") as opened:
        known = opened.metadata()
    save_file({**load_file(file), **(tensors or {})}, file, metadata={**known, **about})
    write_sums(file)


def flipped(file):
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)


def garbled(file):
    file.write_bytes(b"\x80\x04 a pickle, for all that is known")
    write_sums(file)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (flipped, "its SHA-256 is not the one in"),
        (lambda file: file.unlink(), "is missing"),
        (garbled, "is no file of weights"),
        (lambda file: rewritten(file, version="1"), "of version 1, this mepbench reads 2"),
    ],
)
def test_a_file_that_is_not_what_it_should_be_is_one_sentence_before_a_job_starts(
    file, spoil, said
):
    spoil(file)
    prior = {"name": "learned", "weights": str(file)}
    with pytest.raises(InputError, match=said) as raised:
        check_method("mine", {"solver": "neural-surrogate", "prior": prior})
    assert "\n" not in str(raised.value)
    with pytest.raises(InputError, match=said):
        potential(file)


def test_tensors_of_another_shape_are_named(file):
    shape = {**json.loads(weights.described(file)["shape"]), "scalars": 24}
    rewritten(file, shape=json.dumps(shape))
    with pytest.raises(InputError, match=r"0\.charged is \(2, 16\), .* asks for \(2, 24\)"):
        potential(file)
    rewritten(file, shape="{}", members="many")
    with pytest.raises(InputError, match="does not say what it holds"):
        potential(file)


@pytest.mark.parametrize(
    ("numbers", "charge", "multiplicity", "said"),
    [
        ([6, 14, 1], 0, 1, "mine is a model of neutral singlets of H, C, N, O; not of Si"),
        ([8, 1, 1], -1, 1, "not of charge -1, multiplicity 1"),
        ([8, 1], 0, 2, "not of charge 0, multiplicity 2"),
    ],
)
def test_what_was_not_taught_is_refused(file, numbers, charge, multiplicity, said):
    with pytest.raises(NotSupported, match=said):
        potential(file, np.array(numbers), charge, multiplicity)


def test_a_charge_that_was_taught_is_told_to_the_network(tmp_path):
    torch.manual_seed(0)
    of = network.Ensemble(replace(SMALL, charges=(-1, 0, 1)), 1)
    with torch.no_grad():
        of.members[0].charged.normal_()
    weights.save(tmp_path / "ions.safetensors", of, {})
    bent = np.array([X, X + np.eye(6, 3)])
    steps = {
        charge: np.diff(potential(tmp_path / "ions.safetensors", charge=charge).evaluate(bent)[0])
        for charge in (-1, 0, 1)
    }
    assert len({round(float(step[0]), 6) for step in steps.values()}) == 3
    with pytest.raises(NotSupported, match=r"neutral or of charge -1, \+1, of H, .* charge 2"):
        potential(tmp_path / "ions.safetensors", charge=2)


def test_what_ships_is_about_as_near_to_gfn2_as_gfn1_on_reactions_it_was_not_taught():
    """Along geodesic paths of the shipped set, in forces; and it says what it was taught."""
    of, card = weights.load(load_module("potentials", "learned").SHIPPED)
    assert card["reactions"] > 3000
    assert card["errors"]["ensemble"]["held out"][0] < card["errors"]["GFN1-xTB"]["held out"][0]
    assert sum(p.numel() for p in of.parameters()) == card["parameters"]
    off = {"learned": [], "GFN1-xTB": []}
    for entry in read_set("rdb7_dev", "rdb7_dev")[::12]:
        reaction = Reaction(
            entry.name,
            entry.numbers["reactant"],
            *(entry.positions[role] for role in ("reactant", "product")),
        )
        path = load("guesses", "geodesic")(reaction, 0, frames=5)
        _, true = PotentialSpec("xtb-python").of(reaction).evaluate(path)
        rival = PotentialSpec("xtb-python", {"method": "GFN1-xTB"})
        for name, spec in (("learned", PotentialSpec("learned")), ("GFN1-xTB", rival)):
            _, gradients = spec.of(reaction).evaluate(path)
            off[name].append(np.linalg.norm(gradients - true, axis=2).mean())
    assert np.mean(off["learned"]) < 1.3 * np.mean(off["GFN1-xTB"]) < 0.4


def test_members_differ_off_the_first_geometry_and_say_so(file):
    learned = potential(file, unsure=1e-9)
    path = np.array([X, 1.02 * X, 1.05 * X])
    spread = learned.spread(path)
    assert spread[0] == 0
    assert (spread[1:] > 0).all()
    assert f"differ by {spread.max():.2g} eV along the path" in learned.doubt(path)
    assert potential(file, unsure=1e9).doubt(path) == ""
    assert potential(file, members=1, unsure=1e-9).doubt(path) == ""


def test_a_change_of_the_weights_is_a_change_of_the_code_that_rules_see(file):
    prior = {"name": "learned", "weights": str(file)}
    method, _ = check_method("mine", {"solver": "neural-surrogate", "prior": prior})
    before = code_digest(*solver_files(method))
    code_digest.cache_clear()
    weights.save(file, ensemble(seed=1), {})
    assert code_digest(*solver_files(method)) != before


def test_a_geometry_of_fifteen_atoms_takes_no_more_than_ten_milliseconds(tmp_path):
    weights.save(tmp_path / "two.safetensors", network.Ensemble(network.Shape(), 2), {})
    rng = np.random.default_rng(0)
    numbers = np.array([6] * 5 + [8] + [1] * 9)
    x = rng.permutation(np.indices((3, 3, 3)).reshape(3, -1).T)[:15] * 1.3
    learned = potential(tmp_path / "two.safetensors", numbers)
    learned.evaluate(x[None])
    seconds = []
    for _ in range(20):
        start = time.process_time()
        learned.evaluate(x[None])
        seconds.append(time.process_time() - start)
    assert min(seconds) < 0.010


@pytest.fixture(scope="module")
def hcn():
    """HCN and HNC, minima of GFN2-xTB, and a guess between them."""
    ends = {
        "reactant": np.array([[-1.07, 0.02, 0.0], [0.0, 0.0, 0.0], [1.15, 0.0, 0.0]]),
        "product": np.array([[2.15, 0.02, 0.0], [0.0, 0.0, 0.0], [1.17, 0.0, 0.0]]),
    }
    numbers = {role: np.array([1, 6, 7]) for role in ends}
    entry = Entry("mine", "hcn", "test", numbers=numbers, positions=ends)
    reaction = prepare(entry, PotentialSpec("xtb-python").load).reaction
    return reaction, make_guess(reaction, "geodesic", None)


@pytest.mark.parametrize("unsure", [1e-6, 1e6])
def test_a_search_is_no_worse_for_a_prior_that_knows_nothing_and_says_why_it_is_off(
    hcn, file, unsure
):
    def searched(**options):
        reaction, guess = hcn
        spec = PotentialSpec("xtb-python")
        return solve(reaction, guess, "neural-surrogate", options, spec, 300, 0)

    plain = searched()
    prior = {"name": "learned", "weights": str(file), "unsure": unsure}
    helped = searched(prior=prior, limit=15, restart=8)
    assert helped.path.converged
    assert helped.peak.energy == pytest.approx(plain.peak.energy, abs=1e-3)
    said = "switched off: its members differ" if unsure < 1 else "the prior was dropped"
    assert said in helped.reason or "the prior failed" in helped.reason or unsure > 1
    assert helped.prior_evaluations > 0
    if unsure < 1 and "switched off" in helped.reason:
        assert helped.evaluations == searched(limit=15, restart=8).evaluations
