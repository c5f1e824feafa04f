"""Isomers that no bond tells apart: what turns at a price, and the order around a centre."""

import numpy as np
import pytest
from known import XTB
from test_structure import embedded, rotation, turned

from mepbench.judging.turning import Turning, turning_cost
from mepbench.landscape.minima import relax
from mepbench.molecule.conjugation import by_length, estimated_cost, turned_bonds
from mepbench.molecule.stereo import bonds, difference, not_compared
from mepbench.molecule.structure import compare
from mepbench.oracle import Oracle
from mepbench.reaction import Reaction


def relaxed(smiles: str, charge: int = 0):
    """Return numbers, a minimum of GFN2-xTB, and its oracle."""
    numbers, x = embedded(smiles)
    oracle = Oracle(XTB.load(numbers, charge, 1))
    return numbers, relax(oracle, numbers, x, 0.02).positions, oracle


def half_turn(numbers, x, i, j):
    """Turn all that hangs on j by 180 degrees about the bond i-j."""
    graph, side = bonds(numbers, x), {j}
    while True:
        more = {
            b for pair in graph for a, b in (pair, pair[::-1]) if a in side and {a, b} != {i, j}
        }
        if more <= side:
            return turned(x, sorted(side - {j}), (i, j), 180.0)
        side |= more


# SMILES, charge, the bond, and what turning it (or its like) by 90 degrees costs on GFN2-xTB, eV.
TURNED = {
    "amide": ("O=CNC", 0, (1, 2), 0.94),
    "vinylogous amide": ("O=CC=CNC", 0, (3, 4), 0.65),
    "nitroenamine": ("[O-][N+](=O)C=CN(C)CC", 0, (4, 5), 0.75),
    "push-pull ethylene": ("CNC(N)=C(C#N)C#N", 0, (2, 4), 1.24),
    "imidic acid": ("N=COC", 0, (1, 2), 0.6),
    "ester": ("O=COC", 0, (1, 2), 0.69),
    "allyl cation": ("CC=C[CH+]C", 1, (2, 3), 0.9),
    "iminium diene": ("CC=CC=[NH+]C", 1, (3, 4), 1.6),
    "aminoborane": ("CB(O)NC", 0, (1, 3), 0.78),
}


@pytest.mark.parametrize("kind", TURNED)
def test_a_bond_between_one_and_two_is_told_where_turning_it_costs_more_than_the_reaction(kind):
    smiles, charge, (i, j), cost = TURNED[kind]
    numbers, x, _ = relaxed(smiles, charge)
    other = half_turn(numbers, x, i, j)
    away = x.copy()
    away[-1] += 6.0
    easy, hard = by_length(0.1), by_length(3.0)
    match = compare(numbers, other, x, away, turns=easy)
    assert not match.matches
    assert "turned, which costs" in match.reason or "E and Z" in match.reason
    found = list(turned_bonds(numbers, other, x))
    if found:  # else it is as short as a double bond
        assert {found[0][1], found[0][2]} == {i, j}
        assert cost / 2.5 < estimated_cost(numbers, other, x, found[0]) < 1.5 * cost
        assert compare(numbers, other, x, away, turns=hard).matches
    assert compare(numbers, x @ rotation(), x, away, turns=easy).matches


@pytest.mark.parametrize(
    ("smiles", "bond"),
    [("CC=CC=C", (2, 3)), ("C=Cc1ccccc1", (1, 2)), ("C=COC", (1, 2)), ("O=CC(C)C", (1, 2))],
)
def test_single_bonds_turn_whatever_the_reaction_costs(smiles, bond):
    numbers, x, _ = relaxed(smiles)
    other = half_turn(numbers, x, *bond)
    away = x.copy()
    away[-1] += 6.0
    assert compare(numbers, other, x, away, turns=by_length(0.01)).how == "exact"


@pytest.mark.parametrize(("smiles", "barrier"), [("O=CNC", 0.8), ("O=COC", 0.55)])
def test_the_cost_of_turning_is_that_of_the_literature(smiles, barrier):
    # N-methylformamide 0.8 to 0.9 eV, methyl formate 0.55 to 0.6, relaxed.
    numbers, x, oracle = relaxed(smiles)
    (atoms,) = turned_bonds(numbers, half_turn(numbers, x, 1, 2), x)
    before = oracle.evaluations
    assert turning_cost(oracle, numbers, x, atoms) == pytest.approx(barrier, abs=0.12)
    assert oracle.evaluations - before < 70


def test_the_judge_measures_what_is_near_the_reactions_own_scale():
    numbers, x, oracle = relaxed("O=CNC")
    other = half_turn(numbers, x, 1, 2)
    (atoms,) = turned_bonds(numbers, other, x)
    for barrier, turns, paid in ((0.5, False, True), (1.5, True, True), (0.1, False, False)):
        oracle.evaluations = 0
        rule = Turning(Reaction("", numbers, x, other), oracle, barrier)
        assert (rule(numbers, other, x, atoms) == "") is turns
        assert (oracle.evaluations > 0) is paid


AXES = np.vstack([np.eye(3), -np.eye(3)])  # +x +y +z -x -y -z
TRIGONAL = np.array([[0, 0, 1], [0, 0, -1], *(
    [np.cos(t), np.sin(t), 0] for t in 2 * np.pi * np.arange(3) / 3)])  # fmt: skip


def complexed(centre: int, ligands: dict[int, int], directions: np.ndarray):
    """Return numbers and geometry: a centre, and ligands {place: atomic number} around it."""
    numbers = np.array([centre, *ligands.values()])
    from ase.data import covalent_radii

    lengths = covalent_radii[numbers[1:]] + covalent_radii[centre]
    arms = directions[list(ligands)] * lengths[:, None]
    x = np.vstack([np.zeros(3), arms])
    return numbers, x + np.random.default_rng(0).normal(scale=0.03, size=x.shape)


SIX = (0, 3, 1, 2, 4, 5)  # the first two opposite
ISOMERS = {  # centre, atomic numbers of the ligands in order, places of one isomer and the other
    "PtCl2N2 trans and cis": (78, (17, 17, 7, 7), (0, 3, 1, 4), (0, 1, 3, 4), AXES),
    "NiBr2P2 trans and cis": (28, (35, 35, 15, 15), (0, 3, 1, 4), (0, 1, 3, 4), AXES),
    "SF4Cl2 trans and cis": (16, (17, 17, 9, 9, 9, 9), SIX, (0, 1, 3, 2, 4, 5), AXES),
    "CoN3Cl3 mer and fac": (27, (7, 7, 7, 17, 17, 17), SIX, (0, 1, 2, 3, 4, 5), AXES),
    "an octahedron's hands": (26, (9, 17, 35, 7, 8, 6), range(6), (0, 1, 5, 3, 4, 2), AXES),
    "PF3Cl2 axial and equatorial": (15, (17, 17, 9, 9, 9), range(5), (2, 3, 0, 1, 4), TRIGONAL),
    "a bipyramid's hands": (15, (9, 17, 35, 6, 8), range(5), (1, 0, 2, 3, 4), TRIGONAL),
    "a see-saw": (16, (9, 17, 35, 8), range(4), (2, 3, 0, 1), TRIGONAL),
    "ClF2O in T": (17, (9, 9, 8), (0, 1, 2), (0, 2, 1), TRIGONAL),
}


@pytest.mark.parametrize("kind", ISOMERS)
def test_the_order_of_neighbours_around_metals_and_hypervalent_centres_is_told(kind):
    centre, ligands, one, other, directions = ISOMERS[kind]
    numbers, a = complexed(centre, dict(zip(one, ligands, strict=True)), directions)
    _, b = complexed(centre, dict(zip(other, ligands, strict=True)), directions)
    assert difference(numbers, a, b)
    shaken = a + np.random.default_rng(1).normal(scale=0.06, size=a.shape)
    assert difference(numbers, shaken @ rotation(), a) == ""
    assert not_compared(numbers, shaken, a) == ""


def test_where_the_order_of_neighbours_cannot_be_told_the_reason_says_so():
    seven = np.vstack([AXES, np.array([[1, 1, 1]]) / np.sqrt(3)])
    numbers, x = complexed(75, dict.fromkeys(range(7), 9), seven)
    away = np.vstack([x[:-1], x[-1:] * 5])
    match = compare(numbers, x, x, away)
    assert match.matches
    assert match.reason == "the arrangement around Re1 can't be told"


def test_the_ligands_of_an_alkali_ion_have_no_order():
    for centre, told in ((11, False), (46, True)):
        numbers, a = complexed(centre, {0: 8, 3: 8, 1: 8, 4: 8}, AXES)
        _, b = complexed(centre, {0: 8, 1: 8, 3: 8, 4: 8}, AXES)
        assert bool(difference(numbers, a, b)) is told
