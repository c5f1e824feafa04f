"""Implicit solvents: the energies of another program, and of an ion in closed form."""

import json

import numpy as np
import pandas as pd
import pytest
from ase import Atoms
from ase.io import read
from ase.units import Bohr, Hartree
from repository_copy import Copy

from mepbench.config import load_config
from mepbench.errors import InputError
from mepbench.oracle import PotentialSpec
from mepbench.pair.identity import identity
from mepbench.pair.saddle_search import find_saddle
from mepbench.potentials import _solvation, tblite, xtb_python
from mepbench.registry import load

METHANOL = [
    [0, 0, 0.1],
    [0.05, 0.03, 1.5],
    [1, 0.1, -0.3],
    [-0.5, 0.9, -0.25],
    [-0.52, -0.88, -0.3],
]
METHANOL = np.array([*METHANOL, [0.9, -0.1, 1.8]])
# Numbers, positions, charge, multiplicity.
MOLECULES = {
    "methanol": ([6, 8, 1, 1, 1, 1], METHANOL, 0, 1),
    "methoxide": ([6, 8, 1, 1, 1], METHANOL[:5], -1, 1),
    "hydroxymethyl": ([6, 8, 1, 1, 1], METHANOL[[0, 1, 2, 3, 5]], 0, 2),
}
# eV, by the program xtb 6.5.1 (Debian's package) as `xtb x.xyz --acc 0.05 --gfn 2 --alpb water
# --chrg -1 --uhf 0`, less that without a solvent, at these positions turned by `_scf.TILT`.
PROGRAM = [
    ("methanol", "GFN2-xTB", "ALPB(water)", -0.192226),
    ("methanol", "GFN1-xTB", "ALPB(thf)", -0.235769),
    ("methanol", "GFN2-xTB", "GBSA(dmso)", -0.196663),
    ("methanol", "GFN1-xTB", "GBSA(water)", -0.224300),
    ("methoxide", "GFN2-xTB", "ALPB(water)", -3.450777),
    ("methoxide", "GFN1-xTB", "ALPB(thf)", -2.501398),
    ("methoxide", "GFN2-xTB", "GBSA(dmso)", -2.855771),
    ("methoxide", "GFN1-xTB", "GBSA(water)", -3.290801),
    ("hydroxymethyl", "GFN2-xTB", "ALPB(water)", -0.188444),
    ("hydroxymethyl", "GFN1-xTB", "ALPB(thf)", -0.258375),
    ("hydroxymethyl", "GFN2-xTB", "GBSA(dmso)", -0.226694),
    ("hydroxymethyl", "GFN1-xTB", "GBSA(water)", -0.222229),
]


def energy(backend, numbers, x, charge, multiplicity, **options):
    potential = load("potentials", backend)(np.array(numbers), charge, multiplicity, **options)
    return potential.evaluate(np.array([x]))[0][0]


@pytest.mark.parametrize(("molecule", "method", "solvation", "published"), PROGRAM)
def test_solvation_energies_are_those_of_the_program_xtb(molecule, method, solvation, published):
    for backend in ("tblite", "xtb-python") if "GBSA" in solvation else ("tblite",):
        gas = energy(backend, *MOLECULES[molecule], method=method)
        found = energy(backend, *MOLECULES[molecule], method=method, solvation=solvation)
        assert found - gas == pytest.approx(published, abs=2e-6)


@pytest.mark.parametrize("model", _solvation.DIELECTRIC)
@pytest.mark.parametrize(("z", "charge", "radius"), [(17, -1, 2.05), (11, 1, 1.80)])
@pytest.mark.parametrize("constant", [2.0, 7.0, 78.4])
def test_an_ion_has_the_energy_of_a_charge_in_a_sphere(model, z, charge, radius, constant):
    # Born, Z. Phys. 1, 45 (1920), doi:10.1007/BF01881023; COSMO's factor: Klamt, Schueuermann, J.
    # Chem. Soc., Perkin Trans. 2, 799 (1993), doi:10.1039/P29930000799, and Klamt's radii.
    ion = [z], np.zeros((1, 3)), charge, 1
    factor = (constant - 1) / (constant + 0.5 if model == "COSMO" else constant)
    found = energy("tblite", *ion, solvation=f"{model}({constant})") - energy("tblite", *ion)
    assert found == pytest.approx(-factor * Hartree * Bohr / (2 * radius), abs=1e-5)


@pytest.mark.parametrize("solvation", ["ALPB(water)", "GBSA(chcl3)", "CPCM(4.8)", "PCM(water)"])
@pytest.mark.parametrize("molecule", MOLECULES)
def test_the_gradient_in_a_solvent_is_the_derivative_of_the_energy(molecule, solvation):
    numbers, x, *state = MOLECULES[molecule]
    surface = tblite.load(np.array(numbers), *state, solvation=solvation)
    step = np.random.default_rng(3).normal(size=x.shape)
    step *= 1e-3 / np.linalg.norm(step)
    energies, gradients = surface.evaluate(np.array([x + step, x - step, x]))
    assert (energies[0] - energies[1]) / 2 == pytest.approx((gradients[2] * step).sum(), abs=1e-7)


@pytest.mark.parametrize("method", ["GFN1-xTB", "GFN2-xTB"])
@pytest.mark.parametrize("solvation", [None, "GBSA(water)", "GBSA(toluene)"])
@pytest.mark.parametrize("molecule", MOLECULES)
def test_backends_agree(molecule, method, solvation):
    pytest.importorskip("xtb", reason="xtb-python has wheels for Python 3.11 alone")
    numbers, x, *state = MOLECULES[molecule]
    chosen = {"method": method, "solvation": solvation}
    one, other = (
        backend.load(np.array(numbers), *state, **chosen).evaluate(np.array([x, 1.1 * x]))
        for backend in (tblite, xtb_python)
    )
    assert one[0] == pytest.approx(other[0], abs=1e-5)
    assert one[1] == pytest.approx(other[1], abs=2e-4)


def test_every_solvent_that_is_listed_is_one_of_the_backend():
    for solvent in _solvation.SOLVENTS:
        for model in ("ALPB", "CPCM"):
            PotentialSpec.read({"name": "tblite", "solvation": f"{model}({solvent})"})


@pytest.mark.parametrize(
    ("name", "solvation", "said"),
    [
        ("tblite", "water", r"'water' is not MODEL\(solvent\), such as ALPB\(water\)"),
        ("tblite", "ALPB(watr)", r"no solvent watr\. Did you mean 'water'\?"),
        ("tblite", "ALPB(78.4)", r"no solvent 78\.4"),
        ("tblite", "CPCM(cyclohexane)", r"A dielectric constant will do, too"),
        ("tblite", "CPCM(0.5)", "a dielectric constant is above 1"),
        ("tblite", "CPCM(nan)", "a dielectric constant is above 1"),
        ("tblite", "SMD(water)", "tblite has no model SMD, only ALPB, GBSA, CPCM, COSMO, PCM$"),
        ("tblite", "GBSA(octanol)", "tblite has no parameters of it for GFN2-xTB"),
        ("xtb-python", "ALPB(water)", "has no model ALPB, only GBSA; tblite has it"),
        ("xtb-python", "GBSA(octanol)", "(xtb-python|tblite) has no parameters of it for GFN2-xTB"),
    ],
)
def test_what_the_backend_lacks_is_bad_input_before_any_job(name, solvation, said, tmp_path):
    file = tmp_path / "config.yaml"
    file.write_text(f"potential: {{name: {name}, solvation: {solvation}}}\n", encoding="utf-8")
    with pytest.raises(InputError, match=f"potential: solvation .*{said}"):
        load_config(file)


def test_a_solvent_without_parameters_for_the_method_is_bad_input():
    with pytest.raises(InputError, match="no parameters of it for GFN1-xTB"):
        PotentialSpec.read({"name": "xtb-python", "method": "GFN1-xTB", "solvation": "GBSA(dmf)"})


def test_the_level_names_the_solvent_and_is_read_again():
    spec = PotentialSpec.read({"name": "tblite", "solvation": "ALPB(water)"})
    assert spec.level == "GFN2-xTB, ALPB(water)"
    assert PotentialSpec.at(spec.level) == PotentialSpec(
        "tblite", {"method": "GFN2-xTB", "solvation": "ALPB(water)"}
    )
    assert PotentialSpec.at("GFN1-xTB") == PotentialSpec("xtb-python", {"method": "GFN1-xTB"})


def test_evaluations_in_another_solvent_are_of_another_potential():
    told = {
        identity(spec, spec.load(np.array([8, 1, 1]), 0, 1))
        for solvation in (None, "ALPB(water)", "ALPB(thf)", "CPCM(water)")
        for spec in [PotentialSpec("tblite", {"solvation": solvation})]
    }
    assert len(told) == 4


@pytest.mark.parametrize("solvation", ["ALPB(water)", "CPCM(water)"])
def test_a_solvent_is_in_ends_path_proof_and_all_that_is_said(solvation, tmp_path):
    ends = (
        Atoms("HCN", [[0, 0, 0], [0.05, 0, 1.07], [0, 0, 2.22]]),
        Atoms("HCN", [[0, 0, 3.22], [0.05, 0, 1.07], [0, 0, 2.24]]),
    )
    chosen = {"name": "tblite", "solvation": solvation}
    found = find_saddle(*ends, chosen, folder=tmp_path)
    assert found.verdict == "intended"
    assert found.potential == f"GFN2-xTB, {solvation}"
    assert json.loads((tmp_path / "summary.json").read_text())["potential"] == found.potential
    assert found.potential in str(found)
    assert found.potential in (tmp_path / "report.html").read_text(encoding="utf-8")

    stationary = np.array(
        [found.reactant.positions, found.saddle.positions, found.product.positions]
    )
    water, gas = (
        tblite.load(found.saddle.numbers, 0, 1, solvation=solvation).evaluate(stationary)
        for solvation in (solvation, None)
    )
    forces = np.abs(np.array([water[1], gas[1]])).max(axis=(2, 3))
    assert (forces[0] < 0.015).all()
    assert (forces[1] > 0.03).all()
    assert found.barrier_eV == pytest.approx(water[0][1] - water[0][0], abs=1e-3)
    assert found.reaction_energy_eV == pytest.approx(water[0][2] - water[0][0], abs=1e-3)
    assert abs(found.barrier_eV - (gas[0][1] - gas[0][0])) > 0.02


def test_a_run_of_the_benchmark_is_in_the_solvent_and_says_so(tmp_path):
    config = {
        "sets": {"textbook": "textbook"},
        "select": ["hcn-isomerisation"],
        "potential": {"name": "tblite", "solvation": "ALPB(water)"},
        "methods": {"neural-surrogate": {"solver": "neural-surrogate"}},
    }
    copy = Copy(tmp_path / "copy")
    copy.snakemake(config, "--quiet", "rules")
    results = copy.folder / "results"
    (run,) = pd.read_csv(results / "runs.csv").itertuples()
    assert run.verdict == "intended"
    assert run.potential == "GFN2-xTB, ALPB(water)"
    level = PotentialSpec.at(run.potential)
    folder = results / "sets" / "textbook"
    frames = [frame for file in folder.glob("endpoints*.xyz") for frame in read(file, ":")]
    for frame in frames:
        _, gradients = level.load(frame.numbers, 0, 1).evaluate(frame.positions[None])
        assert np.abs(gradients).max() < 0.015
    assert len(frames) == 2
    for page in ("index", "origin"):
        assert "ALPB(water)" in (results / "report" / f"{page}.html").read_text(encoding="utf-8")
