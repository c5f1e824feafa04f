"""Where no bonds change an end is one minimum; where they do, another conformer is named."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.io import read
from known import XTB, shipped
from test_structure import bonds, embedded, rotation, turned

from mepbench.errors import BadEndpoints
from mepbench.judging.judge import judge
from mepbench.landscape.minima import Minimum, relax
from mepbench.molecule.structure import RIGID, compare, compare_both, saddle_rmsd
from mepbench.oracle import Oracle
from mepbench.path import Peak, align, rmsd
from mepbench.preparation.checks import check_distinct
from mepbench.reaction import Reaction
from mepbench.refiners.sella import refine as sella

CASES = Path(__file__).resolve().parents[2] / "shared" / "cases"


def case(name: str, *files: str) -> list:
    """Read geometries of a case that is not part of the project; skip where it is absent."""
    if not (CASES / name).is_dir():
        pytest.skip("development reactions absent: cases")
    return [read(CASES / name / f"{file}.xyz") for file in files]


def reaction_of(numbers, reactant, product) -> Reaction:
    ends = np.array([reactant, align(product, reactant)])
    energies, _ = Oracle(XTB.load(numbers, 0, 1))(ends)
    return Reaction("moved", numbers, *ends, energies=energies)


def verdict(reaction: Reaction, saddle: np.ndarray):
    return judge(reaction, Oracle(XTB.of(reaction)), Peak(saddle))


def minimum(numbers, x):
    return relax(Oracle(XTB.load(numbers, 0, 1)), numbers, x).positions


def saddle_between(numbers, before, top, after) -> np.ndarray:
    """Optimise a saddle from `top`, along the way from one geometry to another."""
    reaction = Reaction("", numbers, before, after)
    way = align(after, top) - align(before, top)
    peak = Peak(top, tangent=way / np.linalg.norm(way))
    found = sella(reaction, Oracle(XTB.of(reaction)), peak, 0)
    assert found.converged
    return found.position


@pytest.fixture(scope="module")
def difluoroethane():
    """Numbers, its three minima (anti, gauche, the other gauche), and the saddle anti-gauche."""
    numbers, x = embedded("FCCF")
    graph = bonds(numbers, x)
    side = [3, *(k for k in range(4, 8) if (2, k) in graph)]
    start = Atoms(numbers, x).get_dihedral(0, 1, 2, 3)

    def at(angle):
        return turned(x, side, (1, 2), angle - start)

    minima = [minimum(numbers, at(angle)) for angle in (180, 70, 290)]
    return numbers, minima, saddle_between(numbers, at(170), at(120), at(70))


def test_a_saddle_joins_the_rotamers_that_it_joins_and_no_others(difluoroethane):
    numbers, (anti, gauche, other), saddle = difluoroethane
    assert verdict(reaction_of(numbers, anti, gauche), saddle).verdict == "intended"
    assert verdict(reaction_of(numbers, gauche, anti), saddle).end_match == "exact"
    refused = verdict(reaction_of(numbers, gauche, other), saddle)
    assert refused.verdict == "half-intended"
    assert "another minimum" in refused.reason
    mirrored = verdict(reaction_of(numbers, anti, other), -saddle)
    assert mirrored.verdict == "intended"


def test_the_rotation_of_hydrazine_is_not_its_double_inversion():
    # Turning leads to the other hand and keeps the order of the hydrogens at each N; in the
    # mirror image of one drawing both nitrogens are inverted.
    numbers, x = embedded("NN")
    x = minimum(numbers, x)
    here = [k for k in range(2, 6) if (1, k) in bonds(numbers, x)]
    planar = turned(x, here, (0, 1), -_lone_pair_dihedral(x, numbers))
    saddle = saddle_between(numbers, x, planar, turned(planar, here, (0, 1), 30.0))
    judged = verdict(reaction_of(numbers, x, -x), saddle)
    assert judged.verdict != "intended"
    ends = judged.irc[[0, -1]]
    assert verdict(reaction_of(numbers, *ends), saddle).verdict == "intended"


def _lone_pair_dihedral(x, numbers):
    """Angle in degrees between the bisectors of the two NH2 groups about the bond N-N."""
    graph = bonds(numbers, x)
    axis = (x[1] - x[0]) / np.linalg.norm(x[1] - x[0])
    arms = []
    for n in (0, 1):
        arm = sum(x[k] - x[n] for k in range(2, 6) if (n, k) in graph)
        arm = arm - (arm @ axis) * axis
        arms.append(arm / np.linalg.norm(arm))
    return np.degrees(np.arctan2(np.cross(arms[0], arms[1]) @ axis, arms[0] @ arms[1]))


def test_both_hands_of_a_disulfide_are_ends_of_its_rotation():
    numbers, x = embedded("SS")
    x = minimum(numbers, x)
    dihedral = Atoms(numbers, x).get_dihedral(2, 0, 1, 3)
    cis, beyond = (turned(x, [3], (0, 1), -k * dihedral) for k in (1, 1.2))
    saddle = saddle_between(numbers, x, cis, beyond)
    reaction = reaction_of(numbers, x, -x)
    assert verdict(reaction, saddle).verdict == "intended"
    halfway = align(cis, x)
    assert not compare(numbers, halfway, *reaction.ends).matches
    assert not compare(numbers, halfway, *reaction.ends[::-1]).matches


def test_a_pyramid_that_inverts_is_its_mirror_image_and_nothing_between():
    for smiles in ("N", "P", "CN"):
        numbers, up = embedded(smiles)
        down = -up @ rotation(5)
        assert compare(numbers, up @ rotation(1), up, down).how == "exact"
        assert not compare(numbers, down, up, down).matches
        between = (up + align(down, up)) / 2
        assert not compare(numbers, between, up, down).matches


@pytest.mark.parametrize("height", [0.15, 0.25, 0.35])
def test_two_hands_of_a_flat_pyramid_are_two_minima(height):
    angles = 2 * np.pi * np.arange(3) / 3
    hydrogens = np.stack([np.cos(angles), np.sin(angles), np.full(3, height)], axis=1)
    up, down = (np.vstack([np.zeros(3), hydrogens * [1, 1, hand]]) for hand in (1, -1))
    ends = [Minimum(x, 0.0, 0.0, True) for x in (up, down)]
    numbers = np.array([8, 1, 1, 1])
    if rmsd(up, down) > 0.1:
        check_distinct(numbers, *ends, RIGID, {})
    near = Minimum(up + 0.001 * up**2, 0.0, 0.0, True)
    with pytest.raises(BadEndpoints, match="one minimum"):
        check_distinct(numbers, ends[0], near, RIGID, {})


def test_an_end_that_was_given_as_a_saddle_is_not_said_to_have_no_reaction():
    numbers, x = embedded("CC")
    end, left = Minimum(x, 0.0, 0.0, True), Minimum(x, 0.0, 0.0, True, displaced=True)
    with pytest.raises(BadEndpoints, match=r"product left a saddle.* start from minima") as raised:
        check_distinct(numbers, end, left, RIGID, {})
    assert "no reaction" not in str(raised.value)
    with pytest.raises(BadEndpoints, match="there is no reaction between them"):
        check_distinct(numbers, end, end, RIGID, {})


@pytest.fixture(scope="module")
def ethanol():
    """Numbers, anti, gauche, the hydrogens of the methyl group."""
    numbers, x = embedded("CCO")
    graph = bonds(numbers, x)
    proton = next(k for k in range(3, 9) if (2, k) in graph)
    methyl = [k for k in range(3, 9) if (0, k) in graph]
    gauche = turned(x, [proton], (1, 2), 120.0)
    return numbers, x, gauche, methyl


def test_a_spectators_flip_is_no_other_end(ethanol):
    numbers, anti, gauche, methyl = ethanol
    ends = np.array([anti, gauche])
    flipped = turned(gauche, methyl, (1, 0), 120.0)
    match = compare(numbers, flipped, gauche, anti)
    assert (match.matches, match.how) == (True, "permuted")
    both = compare_both(numbers, np.array([anti, flipped]), ends)
    assert both.how == "permuted"
    half = compare(numbers, turned(gauche, methyl, (1, 0), 60.0), gauche, anti)
    assert (half.matches, half.how) == (False, "")
    saddle = (anti + gauche) / 2
    assert saddle_rmsd(numbers, turned(saddle, methyl, (1, 0), 120.0), saddle, ends) < 0.1


def test_a_rotor_that_is_the_reaction_is_no_spectator(ethanol):
    numbers, anti, _, methyl = ethanol
    once, twice = (turned(anti, methyl, (1, 0), angle) for angle in (120.0, 240.0))
    match = compare(numbers, twice, once, anti)
    assert (match.matches, match.how) == (False, "permuted")
    # The turn the other way is the same reaction with other labels.
    both = compare_both(numbers, np.array([anti, twice]), np.array([anti, once]))
    assert both.how == "permuted"


def test_flips_of_both_kinds_of_a_flat_group_count_as_spectators():
    numbers, x = embedded("c1ccccc1CCO")
    graph = bonds(numbers, x)
    proton = next(k for k in range(9, len(x)) if (8, k) in graph)
    other = turned(x, [proton], (7, 8), 120.0)
    ring = [0, 1, 2, 3, 4, *(k for k in range(9, len(x)) if any((c, k) in graph for c in range(5)))]
    match = compare(numbers, turned(x, ring, (6, 5), 180.0), x, other)
    assert (match.matches, match.how) == (True, "permuted")


@pytest.mark.parametrize(
    ("name", "conformer"),
    [
        ("hydroxymethylene-formaldehyde", "reactant"),
        ("sulfolene-extrusion", "product"),
        ("fluoroethane-elimination", ""),
        ("beckmann", ""),  # its loose end lies 0.04 eV above the minimum it is in
    ],
)
def test_another_conformer_of_the_right_species_is_intended_and_named(name, conformer):
    reaction, saddle = shipped(name)
    judged = verdict(reaction, saddle)
    assert (judged.verdict, judged.end_conformer) == ("intended", conformer)
    assert f"conformer of the {conformer}" in judged.reason or not conformer
    for role, gap in zip(("reactant", "product"), judged.end_gaps, strict=True):
        assert (abs(gap) > 1e-3) == (role == conformer)


def test_one_side_turned_about_a_double_bond_is_another_reaction():
    # The hydrogen bond of malonaldehyde's enol holds it in Z; E lies behind the turn of a bond.
    reaction, saddle = shipped("malonaldehyde-proton-transfer")
    carbons = np.flatnonzero(reaction.numbers == 6)
    graph = bonds(reaction.numbers, reaction.product)
    middle = next(c for c in carbons if sum((min(c, d), max(c, d)) in graph for d in carbons) == 2)
    for outer in (c for c in carbons if c != middle):
        x = reaction.product
        side = [k for k in range(len(x)) if (min(k, outer), max(k, outer)) in graph and k != middle]
        side += [k for k in range(len(x)) for s in side if (min(k, s), max(k, s)) in graph]
        side = sorted(set(side) - {outer})
        length = np.linalg.norm(x[outer] - x[middle])
        if length < 1.40:
            bent = minimum(reaction.numbers, turned(x, side, (middle, outer), 180.0))
            judged = verdict(replace(reaction, product=bent), saddle)
            assert judged.verdict == "half-intended"
            assert "turned, which costs" in judged.reason or "E and Z" in judged.reason
            break
    else:
        pytest.fail("no double bond found")


def test_a_case_beyond_the_middle_between_two_rotamers_is_not_the_product():
    reactant, product, saddle = case("judge_two_torsions_propanol", "reactant", "product", "ts")
    reaction = reaction_of(reactant.numbers, reactant.positions, product.positions)
    judged = verdict(reaction, saddle.positions)
    assert judged.verdict == "half-intended"
    assert judged.end_gaps[1] == pytest.approx(0.069, abs=2e-3)


def test_an_enaminone_does_not_turn_about_its_double_bond_in_a_proton_transfer():
    reactant, product, saddle = case("judge_enaminone_wrong_EZ", "reactant", "product", "ts")
    reaction = reaction_of(reactant.numbers, reactant.positions, product.positions)
    judged = verdict(reaction, saddle.positions)
    assert judged.verdict == "half-intended"
    assert "C3-C4 is turned" in judged.reason


def test_the_boat_of_a_ring_is_not_its_other_chair():
    reactant, product, boat = case("judge_thp_ring_flip", "reactant", "product", "judged_end")
    ends = product.positions, reactant.positions
    assert not compare(product.numbers, boat.positions, *ends).matches
    assert not compare(product.numbers, boat.positions, *ends[::-1]).matches
