"""PyDMF as a method: as cheap as its authors' own script, booked and contained by us."""

import sys

import numpy as np
import pytest
from ase import Atoms
from conftest import ROOT

from mepbench.errors import NotInstalled
from mepbench.files.frames import read_frames
from mepbench.methods.dmf import solve
from mepbench.oracle import Oracle, PotentialSpec
from mepbench.path import Path, check_frames
from mepbench.reaction import Reaction
from mepbench.solving.guess import Guess
from mepbench.solving.solve import solve as path_stage

REACTIONS = ["hcn-isomerisation", "vinyl-alcohol-acetaldehyde", "sn2-chloride-bromomethane"]
XTB = PotentialSpec("xtb-python", {"method": "GFN2-xTB"})


@pytest.fixture(scope="module")
def dmf():
    """The package, or a skip that says how to get it."""
    from mepbench.guesses.fb_enm import pydmf

    try:
        return pydmf()[1]
    except NotInstalled as error:
        pytest.skip(str(error))


def reaction(name):
    """A shipped reaction with its relaxed ends."""
    file = ROOT / "workflow" / "reactions" / "references" / "GFN2-xTB" / "textbook.xyz"
    ends = {a.info["role"]: a for a in read_frames(file) if a.info["reaction"] == name}
    r, p = ends["reactant"], ends["product"]
    charge, multiplicity = int(r.info["charge"]), int(r.info["multiplicity"])
    oracle = Oracle(XTB.load(r.numbers, charge, multiplicity))
    positions = np.array([r.positions, p.positions])
    energies, gradients = oracle(positions)
    return Reaction(
        name, r.numbers, *positions, charge, multiplicity, energies=energies, gradients=gradients
    )


def authors_script(dmf, problem, oracle):
    """The example of PyDMF's README, with this calculator in place of EMT."""
    ref_images = [Atoms(problem.numbers, x) for x in problem.ends]
    mxflx_fbenm = dmf.interpolate_fbenm(ref_images, correlated=True)
    coefs = mxflx_fbenm.coefs.copy()
    mxflx = dmf.DirectMaxFlux(ref_images, coefs=coefs, nmove=3, update_teval=True)
    for image in mxflx.images:
        image.calc = oracle.calculator()
    mxflx.add_ipopt_options({"output_file": "sample_ipopt.out"})
    mxflx.solve(tol="middle")
    return mxflx.history.images_tmax[-1].positions


@pytest.mark.parametrize("name", REACTIONS)
def test_cost_and_top_are_those_of_the_authors_own_script(name, dmf, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    problem = reaction(name)
    theirs, ours = Oracle(XTB.of(problem)), Oracle(XTB.of(problem), problem)
    top = authors_script(dmf, problem, theirs)
    path = solve(problem, ours, Path(problem.ends), 0)
    assert ours.evaluations == pytest.approx(theirs.evaluations, rel=0.15)
    assert ours.rounds <= ours.evaluations / 3 + 1
    energies, _ = XTB.of(problem).evaluate(np.array([top, path.peak.position]))
    assert energies[0] == pytest.approx(energies[1], abs=0.02)


def test_it_leaves_no_file_and_prints_nothing(dmf, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    problem = reaction(REACTIONS[0])
    oracle = Oracle(XTB.of(problem), problem)
    path = solve(problem, oracle, Path(problem.ends), 0)
    assert path.converged
    check_frames(path.positions, problem.ends)
    paid = ~np.isnan(path.energies)
    assert paid.sum() >= 5
    energies, _ = XTB.of(problem).evaluate(path.positions[paid])
    assert path.energies[paid] == pytest.approx(energies, abs=1e-4)
    assert oracle.trace[-1].barrier > oracle.trace[-1].residual > 0
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")


def test_the_budget_ends_it_with_the_last_path(dmf):
    problem = reaction(REACTIONS[1])
    found = path_stage(problem, Guess(problem.ends), "dmf", {}, XTB, 20, 0)
    assert found.evaluations == 18  # six rounds of three points
    assert found.path is not None
    assert not found.path.converged
    assert "budget" in found.reason


class Broken:
    """A potential without energy from its n-th call on."""

    def __init__(self, potential, calls):
        self.potential, self.calls = potential, calls
        self.invariances, self.backend = potential.invariances, potential.backend

    def evaluate(self, positions):
        from mepbench.errors import SCFFailure

        self.calls -= 1
        if self.calls in self.fails:
            raise SCFFailure("planted")
        return self.potential.evaluate(positions)

    fails = range(-10_000, 0)


def test_an_scf_failure_at_the_start_is_one_and_later_on_shortens_the_step(dmf):
    from mepbench.errors import SCFFailure

    problem = reaction(REACTIONS[0])
    with pytest.raises(SCFFailure, match="planted"):
        solve(problem, Oracle(Broken(XTB.of(problem), 0), problem), Path(problem.ends), 0)
    once = Broken(XTB.of(problem), 5)
    once.fails = (0,)
    assert solve(problem, Oracle(once, problem), Path(problem.ends), 0).converged


@pytest.mark.parametrize("missing", ["cyipopt", "dmf"])
def test_absent_it_is_a_verdict_with_advice(missing, monkeypatch):
    monkeypatch.setitem(sys.modules, missing, None)
    problem = reaction(REACTIONS[0])
    found = path_stage(problem, Guess(problem.ends), "dmf", {}, XTB, 100, 0)
    assert found.verdict == "not-installed"
    assert "coinor-libipopt-dev" in found.reason
    assert "mepbench[dmf]" in found.reason
    assert found.evaluations == 0
