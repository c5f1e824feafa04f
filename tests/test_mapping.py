"""Atom maps and equivalent atoms: what is unique is found, what is not is an error."""

import numpy as np
import pytest

from mepbench.molecule.mapping import MapError, find_map, orders_differ
from mepbench.molecule.shortest import inverted, shortest_pair
from mepbench.molecule.stereo import bonds
from mepbench.oracle import Oracle
from mepbench.path import rmsd
from mepbench.potentials.xtb_python import load
from mepbench.preparation.embedding import embed, reactive_bounds
from mepbench.preparation.reactive_pair import cheapest_crossing
from mepbench.preparation.smiles import read_mappings, read_smiles

ENOL = "[C:1]([H:5])([H:6])=[C:2]([H:7])[O:3][H:4]>>[H:4][C:1]([H:5])([H:6])[C:2]([H:7])=[O:3]"
CLAISEN = "[CH2:1]=[CH:2][O:3][CH2:4][CH:5]=[CH2:6]>>[O:3]=[CH:2][CH2:1][CH2:6][CH:5]=[CH2:4]"
CHIRAL = (
    "[F:1][C@:2]([H:3])([Cl:4])[CH2:7][N+:5]#[C-:6]>>[F:1][C@:2]([H:3])([Cl:4])[CH2:7][C:6]#[N:5]"
)
OPEN = "[OH:1][CH:2]=[CH:3][CH2:4][CH2:5][OH:6]>>[O:1]=[CH:2][CH2:3][CH2:4][CH2:5][OH:6]"


def geometries(smiles):
    """Elements, and one geometry of either side."""
    reaction = read_smiles(smiles, 0)
    ends = [
        embed(side, reactive_bounds(reaction, at, np.inf))[0]
        for at, side in enumerate(reaction.sides)
    ]
    for side, x in zip(reaction.sides, ends, strict=True):
        assert bonds(reaction.numbers, x) == side.bonds
    return reaction.numbers, *ends


@pytest.mark.parametrize("seed", range(4))
def test_the_map_of_a_shuffled_product_is_found_by_fewest_changed_bonds(seed):
    numbers, reactant, product = geometries(ENOL)
    shuffled = np.random.default_rng(seed).permutation(len(numbers))
    found = find_map(numbers, reactant, numbers[shuffled], product[shuffled])
    np.testing.assert_array_equal(numbers[shuffled][found.permutation], numbers)
    # Which hydrogen goes to the oxygen's end is a matter of symmetry, that one of them does is not.
    assert found.broken == ((2, 3),)
    assert found.formed == ((0, 3),)
    mapped = product[shuffled][found.permutation]
    assert bonds(numbers, mapped) ^ bonds(numbers, reactant) == {(2, 3), (0, 3)}
    assert not inverted(numbers, reactant, mapped)


def test_a_map_that_several_reactions_fit_is_an_error_that_names_them():
    numbers, reactant, product = geometries(CLAISEN)
    with pytest.raises(MapError, match="2 different reactions change as few bonds"):
        find_map(numbers, reactant, numbers[::-1], product[::-1])


def test_two_ends_that_are_one_molecule_have_no_map():
    numbers, reactant, _ = geometries(ENOL)
    with pytest.raises(MapError, match="same molecules"):
        find_map(numbers, reactant, numbers, reactant)


def test_other_atoms_have_no_map():
    numbers, reactant, product = geometries(ENOL)
    with pytest.raises(MapError, match="C2H4O and the product C2H4S"):
        find_map(numbers, reactant, np.where(numbers == 8, 16, numbers), product)


def test_a_product_in_the_mirror_has_no_map():
    numbers, reactant, product = geometries(CHIRAL)
    assert find_map(numbers, reactant, numbers, product).formed == ((5, 6),)
    with pytest.raises(MapError, match="every atom map inverts C2"):
        find_map(numbers, reactant, numbers, -product)


def test_another_order_is_told_from_a_reaction():
    numbers, reactant, product = geometries(OPEN)
    assert orders_differ(numbers, reactant, numbers, product) == ""
    other = np.argsort(-numbers, kind="stable")
    assert "atom 2 is C in the reactant and O" in orders_differ(
        numbers, reactant, numbers[other], product[other]
    )
    shuffled = np.arange(len(numbers))
    for element in set(numbers):
        at = np.flatnonzero(numbers == element)
        shuffled[at] = at[::-1]
    message = orders_differ(numbers, reactant, numbers, product[shuffled])
    assert "with another numbering 2 would" in message


def renumbered(numbers, x, *pairs):
    """Swap atoms of one geometry."""
    order = np.arange(len(numbers))
    for i, j in pairs:
        order[[i, j]] = order[[j, i]]
    return x[order]


def test_hydrogens_of_methyl_and_methylene_groups_are_numbered_for_the_shortest_way():
    numbers, x, _ = geometries("[CH3:1][CH2:2][CH3:3]>>[CH3:1][CH2:2][CH3:3]")
    wrong = renumbered(numbers, x, (3, 4), (6, 7))  # a methyl and the methylene in the mirror
    assert len(inverted(numbers, x, wrong)) == 2
    q, p, left = shortest_pair(numbers, x, wrong)
    assert left == 0
    assert rmsd(x[q], wrong[p]) < 1e-6
    assert bonds(numbers, wrong[p]) == bonds(numbers, x)


def test_a_methyl_group_is_turned_but_never_turned_inside_out():
    numbers, x, _ = geometries("[CH3:1][OH:2]>>[CH3:1][OH:2]")
    q, p, left = shortest_pair(numbers, x, -x)
    assert left == 0
    assert not inverted(numbers, x[q], (-x)[p])


@pytest.mark.parametrize("smiles", ["CC(C)(C)C", "C[Si](C)(C)C", "CC(C)(C)C(C)(C)C"])
def test_molecules_rich_in_methyl_groups_are_renumbered_in_reasonable_time(smiles):
    import time

    numbers, x, _ = geometries(f"{smiles}>>{smiles}")
    atoms = np.arange(len(numbers))
    methyls = [
        [k for k in atoms[numbers == 1] if (min(k, c), max(k, c)) in bonds(numbers, x)]
        for c in atoms[numbers == 6]
    ]
    turned = atoms.copy()
    for hydrogens in methyls:
        turned[hydrogens] = np.roll(hydrogens, 1)
    start = time.process_time()
    q, p, left = shortest_pair(numbers, x, x[turned])
    assert time.process_time() - start < 3
    assert left == 0
    assert rmsd(x[q], x[turned][p]) < 1e-6


def test_identical_fragments_are_swapped_where_that_is_nearer():
    numbers = np.array([8, 1, 1, 8, 1, 1])
    water = np.array([[0, 0, 0], [0.96, 0, 0], [-0.24, 0.93, 0]])
    x = np.vstack([water, water + np.array([0, 0, 3.0])])
    q, p, left = shortest_pair(numbers, x, x[[3, 4, 5, 0, 1, 2]])
    assert left == 0
    assert rmsd(x[q], x[[3, 4, 5, 0, 1, 2]][p]) < 1e-6


def test_hydrogens_without_numbers_go_straight_or_by_a_relay():
    straight, relay = read_mappings(OPEN, 0)
    changes = [
        (len(one.sides[0].bonds - one.sides[1].bonds), len(one.sides[1].bonds - one.sides[0].bonds))
        for one in (straight, relay)
    ]
    assert changes == [(1, 1), (2, 2)]
    # The hydroxyl group at the far end (O6) takes one hydrogen and gives its own.
    assert {i for pair in relay.sides[0].bonds ^ relay.sides[1].bonds for i in pair} >= {0, 2, 5}


def test_a_smiles_without_numbers_is_mapped_where_its_atoms_tell_how():
    written = read_mappings(OPEN, 0)
    found = read_mappings("OC=CCCO>>O=CCCCO", 0)
    for one, other in zip(written, found, strict=True):
        assert [side.bonds for side in one.sides] == [side.bonds for side in other.sides]


@pytest.mark.parametrize(
    ("smiles", "bonds_changed"),
    [
        ("OC=CCCO>>O=CCCCO", 4),  # 36 kcal/mol by the relay, 67 straight
        ("O/C=C\\CCO>>O=CCCCO", 4),
        ("O/C=C/CCO>>O=CCCCO", 2),  # 63 kcal/mol; the relay's saddle belongs to the Z enol
    ],
)
def test_an_enol_becomes_a_ketone_by_the_cheaper_of_two_maps(smiles, bonds_changed):
    mappings = read_mappings(smiles, 0)
    assert len(mappings) == 2
    oracle = Oracle(load(mappings[0].numbers, 0, 1))
    chosen, crossings = cheapest_crossing(mappings, oracle)
    one, other = (side.bonds for side in chosen.sides)
    assert len(one ^ other) == bonds_changed
    assert crossings
