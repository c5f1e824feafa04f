"""Several ways between the same ends: where searches begin, and how their finds are told apart."""

from dataclasses import replace
from itertools import islice
from types import SimpleNamespace

import numpy as np
import pytest
from ase.build import molecule
from known import shipped

from mepbench.config import check_method
from mepbench.files.columns import JUDGED_COLUMNS
from mepbench.files.frames import write_frames
from mepbench.files.tidy import read_rows, write_rows
from mepbench.jobs.journal import Journal
from mepbench.judging.connection import UNKNOWN, End
from mepbench.judging.job import irc_frames, saddle_frames
from mepbench.judging.judge import Judgement
from mepbench.judging.verify import Judged, refine_and_judge
from mepbench.mechanism.conformers import conformers, rotors
from mepbench.mechanism.job import mechanism_job, way_rows
from mepbench.mechanism.search import Mechanism
from mepbench.mechanism.ways import Explored, Start, further_starts, renumbered, told_apart
from mepbench.molecule.structure import bonds
from mepbench.oracle import Oracle, PotentialSpec
from mepbench.path import Path, Peak, rmsd
from mepbench.preparation.checks import given_geometries
from mepbench.preparation.job import endpoint_frames
from mepbench.reaction import Reaction, read_set
from mepbench.solving.guess import make_guess
from mepbench.solving.job import met_frames, path_frames
from mepbench.solving.solve import Solved, solve

XTB = PotentialSpec("xtb-python")


@pytest.fixture(scope="module")
def pair() -> Reaction:
    """A reaction whose ends turn about two bonds: geometries of DFT, energies of xTB."""
    (entry,) = read_set("rdb7_dev", "rdb7_dev", only=["rxn009217"])
    numbers, ends = given_geometries(entry)
    return with_energies(Reaction("x", numbers, *ends))


def with_energies(reaction: Reaction) -> Reaction:
    energies, gradients = Oracle(XTB.of(reaction))(reaction.ends)
    return replace(reaction, energies=energies, gradients=gradients)


def explored(energy: float, saddle: np.ndarray, start: str, reaction: Reaction) -> Explored:
    """A search that ended at one saddle, with 100 evaluations for its path and 10 for its proof."""
    ends = tuple(End(x, 0.0, 0.0, True, False, (UNKNOWN, UNKNOWN)) for x in reaction.ends)
    irc = np.array([reaction.reactant, saddle, reaction.product])
    found = Judgement("intended", "", energy, irc=irc, irc_energies=np.zeros(3), ends=ends)
    peak = Peak(saddle, energy, np.zeros_like(saddle), converged=True)
    judged = Judged("intended", "", peak, judgement=found, verify_evaluations=10)
    solved = Solved(None, None, evaluations=100)
    return Explored(start, reaction, solved, judged, Mechanism.of(reaction, solved, judged))


@pytest.fixture
def searches() -> list[Explored]:
    reaction, saddle = shipped("hcn-isomerisation")
    level = float(reaction.energies[0])
    higher = saddle + np.random.default_rng(0).normal(scale=0.3, size=saddle.shape)
    nothing = Explored("bent", reaction, Solved(None, None, evaluations=7), None, Mechanism())
    return [
        explored(level + 3.0, higher, "idpp", reaction),
        explored(level + 2.0, saddle, "geodesic", reaction),
        nothing,
        explored(level + 2.0, saddle, "linear", reaction),
    ]


def test_ways_are_told_apart_by_their_highest_saddle_the_lowest_first(searches):
    ways = told_apart(searches)
    assert [(way.starts, way.met) for way in ways] == [(("geodesic", "linear"), 2), (("idpp",), 1)]


def test_rows_rank_the_ways_and_say_what_all_searches_have_cost(searches):
    relaxed = Start("ends turned about 1-2 by 120 degrees", None, None, evaluations=40)
    first, second = way_rows(searches, [relaxed])
    assert (first["way"], first["met"], first["starts"]) == (1, 2, "geodesic; linear")
    assert [row["highest_saddle_eV"] for row in (first, second)] == pytest.approx([2.0, 3.0])
    for row in (first, second):
        assert (row["searches"], row["chain"], row["steps"]) == (4, "R -> P", 1)
        assert (row["gradients_ways"], row["gradients_verify"]) == (3 * 100 + 7 + 40, 30)


def test_starts_are_other_guesses_then_products_renumbered_then_bent_guesses():
    ammonia = molecule("NH3")
    ends = np.stack([ammonia.positions, ammonia.positions * [1, 1, -1]])
    numbers = ammonia.numbers
    gradients = np.random.default_rng(0).normal(size=ends.shape)
    reaction = Reaction("x", numbers, *ends, energies=np.zeros(2), gradients=gradients)
    starts = list(islice(further_starts(reaction, "geodesic", 0, XTB), 6))
    names = [start.name for start in starts]
    assert names[:2] == ["idpp", "linear"]
    assert names[-1].startswith("geodesic, bent")
    for start in starts:
        assert start.guess.positions[[0, -1]] == pytest.approx(start.reaction.ends, abs=1e-6)


def test_a_renumbered_product_takes_its_gradients_along():
    """Energies are those of xTB; the gradient at the renumbered product is what xTB says there."""
    ethane = molecule("C2H6")
    shaken = ethane.positions + np.random.default_rng(1).normal(scale=0.05, size=(8, 3))
    numbers = ethane.numbers
    reaction = Reaction("x", numbers, ethane.positions, shaken)
    reaction = with_energies(reaction)
    others = list(renumbered(reaction))
    assert others
    for other in others:
        energy, gradient = Oracle(XTB.of(other))(other.product[None])
        assert energy[0] == pytest.approx(reaction.energies[1], abs=1e-6)
        assert other.gradients[1] == pytest.approx(gradient[0], abs=1e-4)


def test_bonds_that_turn_are_single_in_no_ring_and_part_the_same_atoms_in_both_ends(pair):
    """Neither a methyl group, nor a bond with the reaction across it."""
    found = dict(rotors(pair.numbers, pair.ends))
    assert set(found) == {(2, 3), (3, 4)}
    for bond, side in found.items():
        assert len(set(bond) & set(side)) == 1
        assert len(side) <= len(pair.numbers) / 2


@pytest.mark.parametrize("name", ["C6H6", "C2H6", "CH3CHO", "CH3CH2OCH3"])
def test_rings_double_bonds_and_methyl_groups_turn_to_nothing_new(name):
    atoms = molecule(name)
    turned = list(rotors(atoms.numbers, np.stack([atoms.positions] * 2)))
    expected = {"CH3CH2OCH3": 1}.get(name, 0)  # about the bond between oxygen and CH2
    assert len(turned) == expected


def test_other_conformers_are_minima_of_the_same_molecules_and_are_paid_for(pair, monkeypatch):
    asked = []
    ask = Oracle._evaluated

    def counted(self, positions):
        asked.append(len(positions))
        return ask(self, positions)

    monkeypatch.setattr(Oracle, "_evaluated", counted)
    other = next(one for one in conformers(pair, XTB, staged=True) if one.reaction is not None)
    assert other.evaluations <= sum(asked)
    monkeypatch.undo()
    between = other.reaction
    for x, end in zip(between.ends, pair.ends, strict=True):
        assert bonds(pair.numbers, x) == bonds(pair.numbers, end)
        assert rmsd(x, end) > 0.3
    check = with_energies(between)
    assert between.energies == pytest.approx(check.energies, abs=1e-6)
    assert np.abs(between.gradients).max() < 0.01


def test_where_no_bond_changes_another_conformer_is_another_end(pair):
    same = replace(pair, product=pair.reactant + 0.0)
    assert list(conformers(same, XTB)) == []


class Inline:
    """A worker that is this process."""

    def run(self, function, *arguments):
        return function(*arguments)


def test_a_job_searches_further_ways_of_what_is_solved_as_well(tmp_path):
    """HCN has one saddle: two more searches meet it again, and leave its row as it was."""
    reaction, _ = shipped("hcn-isomerisation")
    method, _ = check_method("mine", {"solver": "neural-surrogate"}, None)
    guess = make_guess(reaction, method.guess, None)
    solved = solve(reaction, guess, method.solver, method.options, XTB, 3000, 0)
    judged = refine_and_judge(reaction, solved.path, solved.peak, method.refiner, XTB, 200, 0)
    assert judged.verdict == "intended"
    files = SimpleNamespace(
        **{name: str(tmp_path / f"{name}.xyz") for name in ("paths", "met", "saddles", "irc")},
        runs=str(tmp_path / "runs.csv"),
    )
    identity = {"set": "a", "reaction": reaction.name, "method": "mine", "seed": 0}
    write_frames(tmp_path / "ends.xyz", endpoint_frames(replace(reaction, set="a")))
    write_frames(files.paths, path_frames(reaction, solved, identity))
    write_frames(files.met, met_frames(reaction, solved, identity, True))
    write_frames(files.saddles, saddle_frames(reaction, solved.peak, judged, identity))
    write_frames(files.irc, irc_frames(reaction, judged, identity))
    spent = {"gradients_path": solved.evaluations, "verdict": "intended"}
    write_rows(files.runs, JUDGED_COLUMNS, [identity | spent])
    outputs = {name: str(tmp_path / f"{name}.out") for name in ("rows", "steps", "frames", "ways")}

    def job(ways: int) -> list[dict]:
        journal = Journal(str(tmp_path / f"{ways}.journal"), "key")
        ends = str(tmp_path / "ends.xyz")
        mechanism_job("a", method, ways, ends, files, files, XTB, Inline(), outputs, journal)
        return read_rows(outputs["ways"])

    assert list(job(1)) == list(job(0)) == []
    (way,) = job(3)
    assert (way["way"], way["met"], way["searches"], way["chain"]) == ("1", "3", "3", "R -> P")
    assert way["starts"] == "geodesic; idpp; linear"
    known = judged.saddle.energy - reaction.energies[0]
    assert float(way["highest_saddle_eV"]) == pytest.approx(known, abs=2e-3)
    assert int(way["gradients_ways"]) > solved.evaluations
    assert list(read_rows(outputs["rows"])) == []  # its steps were not searched


def test_with_no_ways_nothing_is_searched_where_a_run_fails(tmp_path):
    reaction, _ = shipped("hcn-isomerisation")
    method, _ = check_method("mine", {"solver": "neural-surrogate"}, None)
    identity = {"set": "a", "reaction": reaction.name, "method": "mine", "seed": 0}
    names = ("paths", "met", "saddles", "irc")
    files = SimpleNamespace(
        **{name: str(tmp_path / f"{name}.xyz") for name in names}, runs=str(tmp_path / "runs.csv")
    )
    top = Peak(reaction.reactant, reaction.energies[0], reaction.gradients[0])
    failed = Solved(Path(reaction.ends, reaction.energies, top), top, evaluations=7)
    write_frames(tmp_path / "ends.xyz", endpoint_frames(replace(reaction, set="a")))
    write_frames(files.paths, path_frames(reaction, failed, identity))
    for name in names[1:]:
        write_frames(getattr(files, name), [])
    write_rows(
        files.runs, JUDGED_COLUMNS, [identity | {"verdict": "unconverged", "gradients_path": 7}]
    )
    outputs = {name: str(tmp_path / f"{name}.out") for name in ("rows", "steps", "frames", "ways")}

    class AskedError(Exception):
        pass

    class Asking:
        def run(self, function, *arguments):
            raise AskedError

    def job(ways: int) -> None:
        journal = Journal(str(tmp_path / f"{ways}.journal"), "key")
        ends = str(tmp_path / "ends.xyz")
        mechanism_job("a", method, ways, ends, files, files, XTB, Asking(), outputs, journal)

    with pytest.raises(AskedError):
        job(1)
    job(0)
    assert list(read_rows(outputs["rows"])) == list(read_rows(outputs["steps"])) == []
