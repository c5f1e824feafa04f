"""Rivals from outside: none costs more than its own package's example script, and none is needed.

Each `..._script` drives a package as its authors' example does, on the same reaction, with an ASE
calculator that counts. PyDMF's stands in test_dmf.py.
"""

import importlib.util
import sys

import numpy as np
import pytest
import yaml
from ase import Atoms
from conftest import ROOT
from known import XTB, shipped

from mepbench.config import RESERVED, load_config
from mepbench.errors import InputError, NotSupported
from mepbench.judging.sella_bill import priced, said
from mepbench.oracle import Oracle
from mepbench.path import Path, check_frames, resample
from mepbench.registry import check_options, load, module_of
from mepbench.solving.guess import Guess, make_guess
from mepbench.solving.solve import solve as path_stage

HYDROGEN, SUBSTITUTION = "vinyl-alcohol-acetaldehyde", "sn2-chloride-bromomethane"
NEAR = 0.15  # of the script's cost


def atoms_of(reaction, positions, oracle) -> Atoms:
    atoms = Atoms(reaction.numbers, positions)
    atoms.calc = oracle.calculator()
    return atoms


def cost_of(method, reaction, guess=None, **options):
    """Run a method; return its path and its evaluations."""
    oracle = Oracle(XTB.of(reaction), reaction, 3000)
    positions = reaction.ends if guess is None else guess
    return load("methods", method)(reaction, oracle, Path(positions), 0, **options), oracle


def ase_neb_script(reaction, oracle, optimizer) -> np.ndarray:
    """ASE's tutorial of a climbing band, nine images, IDPP; return the highest."""
    from ase import optimize
    from ase.mep.neb import NEB

    images = [atoms_of(reaction, reaction.reactant, oracle) for _ in range(8)]
    images += [atoms_of(reaction, reaction.product, oracle)]
    neb = NEB(images, climb=True, method="improvedtangent")
    neb.interpolate("idpp")
    getattr(optimize, optimizer)(neb, logfile=None).run(fmax=0.05)
    return max(images, key=lambda image: image.get_potential_energy()).positions


@pytest.mark.parametrize("optimizer", ["FIRE", "BFGS"])
@pytest.mark.parametrize("name", [HYDROGEN, SUBSTITUTION])
def test_ase_neb_costs_what_a_users_script_does(name, optimizer):
    reaction, _ = shipped(name)
    theirs = Oracle(XTB.of(reaction))
    top = ase_neb_script(reaction, theirs, optimizer)
    guess = load("guesses", "idpp")(reaction, 0, frames=9)
    path, ours = cost_of("ase-neb", reaction, guess, optimizer=optimizer)
    assert ours.evaluations == pytest.approx(theirs.evaluations, rel=NEAR)
    assert ours.rounds == ours.evaluations / 7
    energies, _ = XTB.of(reaction).evaluate(np.array([top, path.peak.position]))
    assert path.converged
    assert energies[0] == pytest.approx(energies[1], abs=0.01)


@pytest.mark.parametrize("name", [HYDROGEN, SUBSTITUTION])
def test_ase_dimer_costs_what_ases_own_does(name):
    from ase.mep.dimer import DimerControl, MinModeAtoms, MinModeTranslate

    reaction, _ = shipped(name)
    guess = load("guesses", "geodesic")(reaction, 0)
    peak = cost_of("guess-only", reaction, guess)[0].peak
    theirs, ours = Oracle(XTB.of(reaction)), Oracle(XTB.of(reaction), reaction)
    dimer = MinModeAtoms(
        atoms_of(reaction, peak.position, theirs),
        DimerControl(logfile=None),
        eigenmodes=[peak.tangent.copy()],
    )
    MinModeTranslate(dimer, logfile=None).run(fmax=0.01)
    saddle = load("refiners", "ase-dimer")(reaction, ours, peak, 0)
    assert ours.evaluations == pytest.approx(theirs.evaluations, rel=NEAR)
    assert saddle.converged
    assert saddle.energy == pytest.approx(dimer.get_potential_energy(), abs=1e-3)


@pytest.mark.parametrize("name", [HYDROGEN, SUBSTITUTION, "hcn-isomerisation"])
def test_sella_costs_no_more_than_its_documentations_script(name):
    from sella import Sella

    reaction, _ = shipped(name)
    guess = load("guesses", "geodesic")(reaction, 0)
    peak = cost_of("guess-only", reaction, guess)[0].peak
    theirs, ours = Oracle(XTB.of(reaction)), Oracle(XTB.of(reaction), reaction)
    atoms = atoms_of(reaction, peak.position, theirs)
    Sella(atoms, internal=True, logfile=None).run(fmax=0.01, steps=500)
    saddle = load("refiners", "sella")(reaction, ours, peak, 0)
    assert ours.evaluations <= (1 + NEAR) * theirs.evaluations
    assert saddle.converged
    assert saddle.energy == pytest.approx(atoms.get_potential_energy(), abs=1e-3)


def freezing_string_script(reaction, oracle) -> np.ndarray:
    """ML-FSM's examples/fsm_example.py with its command line's defaults; return the highest."""
    from mlfsm.cos import FreezingString
    from mlfsm.opt import CartesianOptimizer

    ends = [Atoms(reaction.numbers, x) for x in reaction.ends]
    string = FreezingString(*ends, 18, "ric", 50, 0.0)
    optimizer = CartesianOptimizer(oracle.calculator(), "L-BFGS-B", 2, 3, 0.05)
    while string.growing:
        string.grow()
        string.optimize(optimizer)
    nodes, energies = string.r_string + string.p_string, string.r_energy + string.p_energy
    return nodes[np.argmax(energies)].positions


@pytest.mark.parametrize("name", [HYDROGEN, SUBSTITUTION])
def test_freezing_string_costs_what_its_authors_script_does(name):
    available("freezing-string")
    reaction, saddle = shipped(name)
    theirs = Oracle(XTB.of(reaction))
    top = freezing_string_script(reaction, theirs)
    path, ours = cost_of("freezing-string", reaction)
    assert ours.evaluations == pytest.approx(theirs.evaluations, rel=NEAR)
    check_frames(path.positions, reaction.ends)
    energies, _ = XTB.of(reaction).evaluate(np.array([top, path.highest().position, saddle]))
    assert energies[0] == pytest.approx(energies[1], abs=0.01)
    assert energies[1] == pytest.approx(energies[2], abs=0.1)


def growing_string_script(reaction, oracle, **options) -> np.ndarray:
    """pysisyphus' examples/complex/02_alanine_dipeptide_iso_xtb; return the highest."""
    from ase.units import Bohr, Hartree
    from pysisyphus.calculators.Calculator import Calculator
    from pysisyphus.cos.GrowingString import GrowingString
    from pysisyphus.Geometry import Geometry
    from pysisyphus.optimizers.StringOptimizer import StringOptimizer
    from pysisyphus.trj import standardize_geoms

    class Counted(Calculator):
        def get_forces(self, atoms, coords):
            energies, gradients = oracle(coords.reshape(1, -1, 3) * Bohr)
            forces = -gradients.ravel() * Bohr / Hartree
            return {"energy": energies[0] / Hartree, "forces": forces}

        get_energy = get_forces

    symbols = Atoms(reaction.numbers).get_chemical_symbols()
    ends = [Geometry(symbols, x.ravel() / Bohr) for x in reaction.ends]
    ends = standardize_geoms(ends, "dlc", {"coord_kwargs": {}})
    for end in ends:
        end.set_calculator(Counted())
    string = GrowingString(ends, Counted, max_nodes=9)
    StringOptimizer(string, stop_in_when_full=0, align=False, **options).run()
    highest = max(string.images, key=lambda image: image.energy)
    return highest.cart_coords.reshape(-1, 3) * Bohr


@pytest.mark.parametrize("name", [HYDROGEN, SUBSTITUTION])
def test_growing_string_costs_what_its_authors_example_does(name, tmp_path, monkeypatch):
    available("growing-string")
    monkeypatch.chdir(tmp_path)
    reaction, _ = shipped(name)
    theirs = Oracle(XTB.of(reaction))
    top = growing_string_script(reaction, theirs)
    path, ours = cost_of("growing-string", reaction)
    assert ours.evaluations == pytest.approx(theirs.evaluations, rel=NEAR)
    assert ours.rounds <= ours.evaluations / 5 + 1
    check_frames(path.positions, reaction.ends)
    energies, _ = XTB.of(reaction).evaluate(np.array([top, path.highest().position]))
    assert energies[0] == pytest.approx(energies[1], abs=0.02)


@pytest.mark.parametrize("name", [SUBSTITUTION, "ammonia-inversion"])
def test_aid_neb_costs_what_its_package_does(name, tmp_path, monkeypatch):
    available("aid-neb")
    monkeypatch.chdir(tmp_path)
    reaction, saddle = shipped(name)
    guess = load("guesses", "idpp")(reaction, 0, frames=15)
    path, ours = cost_of("aid-neb", reaction, guess)
    from gpatom.aidneb import AIDNEB  # which imports once ours has told it where ASE's NEB is

    theirs = Oracle(XTB.of(reaction))
    images = [Atoms(reaction.numbers, x) for x in guess]
    AIDNEB(
        images[0], images[-1], calculator=theirs.calculator(), interpolation=images, n_images=15
    ).run(fmax=0.05)
    assert ours.evaluations == pytest.approx(theirs.evaluations - 2, rel=NEAR)
    energies, _ = XTB.of(reaction).evaluate(np.array([path.peak.position, saddle]))
    assert path.converged
    assert energies[0] == pytest.approx(energies[1], abs=0.01)


OFF_PATH = """
[Nudged Elastic Band]
images = 17
minimize_endpoints = false
energy_weighted = true
ew_ksp_min = 0.972
ew_ksp_max = 9.72
climbing_image_method = true
climbing_image_converged_only = true
climbing_image_band_slack = 0
ci_after = 0.5
ci_after_rel = 0.8
ci_mmf = true
ci_mmf_after = 0.1
ci_mmf_after_rel = 0.8
ci_mmf_angle = 0.9
ci_mmf_nsteps = 1000
ci_mmf_ci_stability_count = 5
[Dimer]
improved = true
opt_method = cg
converged_angle = 10.0
[Optimizer]
opt_method = lbfgs
max_move = 0.1
converged_force = 0.0514
convergence_metric = max_atom
[LBFGS]
lbfgs_inverse_curvature = 0.0142857
lbfgs_auto_scale = false
lbfgs_angle_reset = false
lbfgs_distance_reset = false
"""


def off_path_script(reaction, guess, oracle) -> float:
    """eOn's NEB as its authors' benchmark sets it, but L-BFGS as ASE's; return the saddle's energy.

    Forces elsewhere on the band may be what they are, as up to eOn 3.2: no `band_slack`.
    """
    import pyeonclient

    parameters = pyeonclient.Parameters()
    parameters.load_ini_text(OFF_PATH)
    potential = pyeonclient.potential_from_ase(oracle.calculator())
    images = [Atoms(reaction.numbers, x) for x in guess]
    images = [pyeonclient.ase_to_matter(image, potential, parameters) for image in images]
    band = pyeonclient.NudgedElasticBand(images, parameters, potential)
    assert band.compute() == pyeonclient.NEBStatus.GOOD
    return band.image_energy(band.climbing_image)


@pytest.mark.parametrize("guess", ["geodesic", "idpp"])
@pytest.mark.parametrize("name", [HYDROGEN, SUBSTITUTION, "hcn-isomerisation"])
def test_the_off_path_climbing_image_costs_what_its_authors_does(
    name, guess, tmp_path, monkeypatch
):
    pytest.importorskip("pyeonclient", reason="pyeonclient is not installed")
    monkeypatch.chdir(tmp_path)
    reaction, saddle = shipped(name)
    positions = resample(load("guesses", guess)(reaction, 0), 19)
    theirs = Oracle(XTB.of(reaction))
    top = off_path_script(reaction, positions, theirs)
    path, ours = cost_of("oci-neb", reaction, positions)
    assert ours.evaluations == pytest.approx(theirs.evaluations - 2, rel=NEAR)
    energies, _ = XTB.of(reaction).evaluate(np.array([path.peak.position, saddle]))
    assert path.converged
    assert energies[0] == pytest.approx(top, abs=0.01)
    assert energies[0] == pytest.approx(energies[1], abs=0.01)


@pytest.mark.parametrize("name", [HYDROGEN, "hcn-isomerisation"])
def test_the_dimer_saves_the_off_path_climbing_image_the_end_of_the_climb(name):
    reaction, saddle = shipped(name)
    guess = load("guesses", "geodesic")(reaction, 0)
    path, handed_over = cost_of("oci-neb", reaction, guess)
    _, climbed = cost_of("oci-neb", reaction, guess, stable=1_000_000)
    assert handed_over.evaluations < 0.5 * climbed.evaluations
    energies, _ = XTB.of(reaction).evaluate(np.array([path.peak.position, saddle]))
    assert path.converged
    assert energies[0] == pytest.approx(energies[1], abs=0.01)


@pytest.mark.parametrize("name", [HYDROGEN, SUBSTITUTION])
def test_the_bill_of_sellas_irc_is_that_of_its_documentation(name):
    from sella import IRC

    reaction, saddle = shipped(name)
    row = priced(reaction, make_guess(reaction, "geodesic", None), XTB)
    assert row["verdict_full"] == row["sella_irc"] == "intended"
    theirs = Oracle(XTB.of(reaction))
    irc = IRC(atoms_of(reaction, saddle, theirs), logfile=None, dx=0.1, eta=1e-4, gamma=0.4)
    irc.run(fmax=0.1, steps=1000, direction="forward")
    irc.run(fmax=0.1, steps=1000, direction="reverse")
    assert row["gradients_sella_irc"] == pytest.approx(theirs.evaluations, rel=NEAR)
    assert row["gradients_staged"] < row["gradients_full"]
    assert f"{row['gradients_sella_irc']} for Sella's IRC" in "\n".join(said([row]))


PACKAGES = {  # method: module, how to get it
    "aid-neb": ("gpatom", "mepbench[mlneb]"),
    "freezing-string": ("mlfsm", "mepbench[fsm]"),
    "growing-string": ("pysisyphus", "mepbench[gsm]"),
}


def available(method):
    """Import a method's package as the method does; skip, saying how to get it, if it is absent."""
    module = module_of("methods", method)
    if importlib.util.find_spec(PACKAGES[method][0]) is None:
        pytest.skip(module.ADVICE)
    module.warm_up()


@pytest.mark.parametrize("method", PACKAGES)
def test_a_method_whose_package_is_absent_is_a_verdict_with_advice(method, monkeypatch):
    module, group = PACKAGES[method]
    for name in [name for name in sys.modules if name.partition(".")[0] == module]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, module, None)
    reaction, _ = shipped(SUBSTITUTION)
    found = path_stage(reaction, Guess(reaction.ends), method, {}, XTB, 100, 0)
    assert found.verdict == "not-installed"
    assert group in found.reason
    assert found.evaluations == 0


@pytest.mark.parametrize("method", PACKAGES)
def test_a_peer_leaves_no_file_and_prints_nothing(method, tmp_path, monkeypatch, capfd):
    available(method)
    monkeypatch.chdir(tmp_path)
    reaction, _ = shipped(SUBSTITUTION)
    found = path_stage(reaction, Guess(reaction.ends), method, {}, XTB, 40, 0)
    assert found.path is not None
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("missing", ["cyipopt", "dmf"])
def test_a_guess_whose_package_is_absent_is_a_verdict_with_advice(missing, monkeypatch):
    monkeypatch.setitem(sys.modules, missing, None)
    reaction, _ = shipped(SUBSTITUTION)
    guess = make_guess(reaction, "fb-enm", XTB)
    found = path_stage(reaction, guess, "guess-only", {}, XTB, 100, 0)
    assert guess.verdict == found.verdict == "not-installed"
    assert "mepbench[dmf]" in found.reason
    assert found.evaluations == 0


def test_a_guess_that_is_not_made_for_a_molecule_is_a_verdict_with_what_it_is_for(monkeypatch):
    def interpolate(reaction, seed, *, frames):
        raise NotSupported("a model of neutral singlets")

    monkeypatch.setattr("mepbench.solving.guess.load", lambda kind, name: interpolate)
    reaction, _ = shipped(SUBSTITUTION)
    found = path_stage(reaction, make_guess(reaction, "mine", XTB), "guess-only", {}, XTB, 100, 0)
    assert found.verdict == "not-supported"
    assert found.reason == "guess mine: a model of neutral singlets"


def test_fb_enm_is_the_path_of_pydmfs_own_script(tmp_path, monkeypatch):
    dmf = pytest.importorskip("dmf", reason="PyDMF is not installed")
    monkeypatch.chdir(tmp_path)
    reaction, _ = shipped(HYDROGEN)
    network = dmf.interpolate_fbenm([Atoms(reaction.numbers, x) for x in reaction.ends])
    theirs = network.get_positions(np.linspace(0, 1, 101))
    ours = load("guesses", "fb-enm")(reaction, 0, frames=101)
    potential = XTB.of(reaction)
    tops = [potential.evaluate(path)[0].max() for path in (theirs, ours)]
    assert tops[0] == pytest.approx(tops[1], abs=0.02)


def test_the_table_of_rivals_has_all_of_them_and_says_how_to_make_what_does_not_ship(
    tmp_path, monkeypatch
):
    files = [ROOT / "workflow" / name for name in ("peers.yaml", "peers_slow.yaml")]
    monkeypatch.chdir(tmp_path)
    entries = []
    for file in files:
        with pytest.raises(InputError, match="`mepbench data baker` says of which public"):
            load_config(file)
        entries += yaml.safe_load(file.read_text(encoding="utf-8"))["methods"].values()
    named = {entry.get(role) for entry in entries for role in ("solver", "guess", "refiner")}
    assert {"ase-neb", "oci-neb", "dmf", "ase-dimer", "fb-enm", "mepin", *PACKAGES} <= named
    for entry in entries:
        chosen = {key: value for key, value in entry.items() if key not in RESERVED}
        check_options("methods", entry["solver"], chosen, "peers.yaml")
