"""Structures are told apart as a chemist would, in the given atom order."""

import numpy as np
import pytest
from ase.build import molecule

from mepbench.molecule.structure import (
    bonds,
    compare,
    compare_both,
    difference,
    equivalent_permutations,
    saddle_rmsd,
)
from mepbench.path import rmsd


def rotation(seed: int = 0) -> np.ndarray:
    q, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    return q * np.linalg.det(q)


def embedded(smiles: str) -> tuple[np.ndarray, np.ndarray]:
    from rdkit import Chem
    from rdkit.Chem import AllChem

    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    AllChem.EmbedMolecule(mol, randomSeed=7)
    AllChem.MMFFOptimizeMolecule(mol, maxIters=2000)
    numbers = np.array([atom.GetAtomicNum() for atom in mol.GetAtoms()])
    return numbers, mol.GetConformer().GetPositions()


def turned(x: np.ndarray, atoms: list[int], about: tuple[int, int], degrees: float) -> np.ndarray:
    """Rotate some atoms about the axis through two others."""
    start, axis = x[about[0]], x[about[1]] - x[about[0]]
    axis = axis / np.linalg.norm(axis)
    angle, arm = np.radians(degrees), x[atoms] - start
    new = x.copy()
    new[atoms] = (
        start
        + arm * np.cos(angle)
        + np.cross(axis, arm) * np.sin(angle)
        + np.outer(arm @ axis, axis) * (1 - np.cos(angle))
    )
    return new


def last_atom_off(numbers, x):
    """Return another end: the molecule with its last atom taken far away."""
    away = x.copy()
    away[-1] += 6.0
    return away


def test_bonds_of_ethanol_are_its_eight():
    ethanol = molecule("CH3CH2OH")
    found = bonds(ethanol.numbers, ethanol.positions)
    assert len(found) == 8
    assert all(i < j for i, j in found)


def test_a_rotated_and_moved_end_matches_exactly():
    numbers, x = embedded("CC(O)F")
    match = compare(numbers, x @ rotation() + 3.0, x, last_atom_off(numbers, x))
    assert match.matches
    assert match.how == "exact"
    assert match.rmsd < 1e-6


def test_the_other_end_does_not_match_and_the_broken_bond_is_named():
    numbers, x = embedded("CC(O)F")
    other = last_atom_off(numbers, x)
    match = compare(numbers, other, x, other)
    assert not match.matches
    assert match.how == ""
    assert f"H{len(numbers)} missing" in match.reason


def test_another_conformer_is_the_same_end_where_bonds_change():
    butane = molecule("trans-butane")
    numbers, x = butane.numbers, butane.positions
    carbons = np.flatnonzero(numbers == 6)
    graph = bonds(numbers, x)
    inner = [c for c in carbons if sum(c in b and set(b) <= set(carbons) for b in graph) == 2]
    moving = [
        k
        for k in range(len(x))
        if np.linalg.norm(x[k] - x[inner[1]]) < np.linalg.norm(x[k] - x[inner[0]])
    ]
    gauche = turned(x, moving, tuple(inner), 120.0)
    other = x.copy()
    other[-1] += 6.0
    assert rmsd(gauche, x) > 0.5
    assert compare(numbers, gauche, x, other).how == "exact"
    # The mirror-image rotamer is reached by rotation alone: the same end as well.
    assert compare(numbers, turned(x, moving, tuple(inner), -120.0), gauche, other).how == "exact"


def test_where_the_reaction_is_a_rotation_the_other_rotamer_is_not_the_end():
    numbers, trans = embedded("C=CC=C")
    graph = bonds(numbers, trans)
    middle = (1, 2)
    moving = [
        3,
        *[
            k
            for k in range(len(numbers))
            if any({k, c} == set(b) for b in graph for c in (2, 3)) and k not in (1, 2)
        ],
    ]
    gauche = turned(trans, sorted(set(moving)), middle, 140.0)
    between = turned(trans, sorted(set(moving)), middle, -110.0)
    near = turned(trans, sorted(set(moving)), middle, 5.0)
    assert compare(numbers, near, trans, gauche).matches
    assert not compare(numbers, near, gauche, trans).matches
    assert not compare(numbers, between, trans, gauche).matches
    assert not compare(numbers, between, gauche, trans).matches


def test_a_mirrored_stereocentre_is_flagged_and_no_match():
    numbers, x = np.array([6, 1, 9, 17, 35]), np.zeros((5, 3))
    x[1:] = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / np.sqrt(3)
    x[1:] *= np.array([1.09, 1.38, 1.77, 1.94])[:, None]
    other = last_atom_off(numbers, x)
    match = compare(numbers, -x @ rotation(2), x, other)
    assert not match.matches
    assert match.how == "mirror"
    assert "C1" in match.reason


def test_swapped_hydrogens_of_a_methylene_are_flagged_as_permuted():
    numbers, x = embedded("OCF")
    hydrogens = [
        i for i, j in [(k, 1) for k in np.flatnonzero(numbers == 1)] if (j, i) in bonds(numbers, x)
    ]
    swapped = x.copy()
    swapped[hydrogens] = x[hydrogens[::-1]]
    other = x.copy()
    other[2] += 5.0 * (x[2] - x[1])
    match = compare(numbers, swapped, x, other)
    assert (match.matches, match.how) == (False, "permuted")


def test_the_loss_of_an_equivalent_hydrogen_is_flagged_as_permuted():
    methane = molecule("CH4")
    numbers, x = methane.numbers, methane.positions
    first, second = x.copy(), x.copy()
    first[1] *= 6
    second[2] *= 6
    match = compare(numbers, second, first, x)
    assert (match.matches, match.how) == (False, "permuted")


def test_the_loss_of_an_inequivalent_hydrogen_is_not_flagged():
    numbers, x = embedded("OC")
    x = x - x.mean(axis=0)
    on_oxygen = next(j for i, j in bonds(numbers, x) if i == 0 and numbers[j] == 1)
    on_carbon = next(j for i, j in bonds(numbers, x) if i == 1 and numbers[j] == 1)
    first, second = x.copy(), x.copy()
    first[on_oxygen] += 8 * (x[on_oxygen] - x[0])
    second[on_carbon] += 8 * (x[on_carbon] - x[1])
    match = compare(numbers, second, first, x)
    assert (match.matches, match.how) == (False, "")


def test_a_methyl_group_turned_by_120_degrees_is_the_same_structure():
    ethane = molecule("C2H6")
    x = ethane.positions
    hydrogens = [j for i, j in bonds(ethane.numbers, x) if i == 0 and j > 1]
    assert difference(ethane.numbers, turned(x, hydrogens, (0, 1), 120.0), x) == ""


def test_e_and_z_differ_but_single_bonds_and_amides_turn():
    numbers, trans = embedded("F/C=C/F")
    _, cis = embedded("F/C=C\\F")
    assert "E and Z" in difference(numbers, trans, cis)
    numbers, x = embedded("O=CNC")
    graph = bonds(numbers, x)
    on_nitrogen = [k for k in range(len(x)) if (2, k) in graph or (k, 2) in graph]
    moving = [k for k in on_nitrogen if k != 1] + [j for i, j in graph if i == 3]
    assert difference(numbers, turned(x, moving, (1, 2), 180.0), x) == ""
    numbers, imine = embedded("F/C=N/F")
    _, other = embedded("F/C=N\\F")
    assert "E and Z" in difference(numbers, imine, other)


def test_inverted_ammonia_is_one_structure_but_two_ends_of_an_inversion():
    ammonia = molecule("NH3")
    up, down = ammonia.positions, ammonia.positions * [1, 1, -1]
    assert difference(ammonia.numbers, up, down) == ""
    assert compare(ammonia.numbers, up, up, down).matches
    assert not compare(ammonia.numbers, down, up, down).matches
    assert not compare(ammonia.numbers, up * [1, 1, 0], up, down).matches


def test_a_sulfoxide_keeps_its_handedness_and_an_amine_does_not():
    numbers, x = embedded("C[S@](=O)F")
    assert "S2" in difference(numbers, x * [1, 1, -1], x) or "C1" in difference(numbers, -x, x)
    pyramid = np.array([[0, 0, 0.3], [1.0, 0, 0], [-0.5, 0.87, 0], [-0.5, -0.87, 0]]) * 1.7
    flipped = pyramid * [1, 1, -1]
    assert difference(np.array([16, 8, 9, 17]), pyramid, flipped) != ""
    assert difference(np.array([7, 8, 9, 17]), pyramid, flipped) == ""


def test_a_bond_near_the_threshold_makes_no_difference_but_a_broken_one_does():
    numbers = np.array([6, 6])
    at = lambda ratio: np.array([[0.0, 0, 0], [0, 0, 1.52 * ratio]])  # noqa: E731
    assert difference(numbers, at(1.28), at(1.33)) == ""
    assert difference(numbers, at(1.28), at(1.40)) != ""
    assert difference(numbers, at(1.15), at(1.33)) != ""


def test_fragments_further_apart_are_the_same_end():
    water = molecule("H2O")
    numbers = np.tile(water.numbers, 2)
    near = np.concatenate([water.positions, water.positions + np.array([0, 0, 3.5])])
    far = np.concatenate([water.positions, water.positions @ rotation(3) + [1, 2, 6.0]])
    other = near.copy()
    other[1] = near[3] + [0, 0, -1.2]
    assert compare(numbers, far, near, other).how == "exact"


def test_a_surface_without_invariances_matches_by_distance_alone():
    numbers, r, p = np.array([1]), np.array([[0.0, 0, 0]]), np.array([[1.0, 0, 0]])
    assert compare(numbers, r + 0.1, r, p, ()).matches
    assert not compare(numbers, r + np.array([0.6, 0, 0]), r, p, ()).matches
    assert not compare(numbers, r + np.array([0, 0.6, 0]), r, p, ()).matches


def test_methane_has_twelve_proper_permutations_and_twelve_with_reflection():
    methane = molecule("CH4")
    proper = equivalent_permutations(methane.numbers, methane.positions[None])
    mirrored = equivalent_permutations(methane.numbers, methane.positions[None], mirror=True)
    assert len(proper) == len(mirrored) == 12
    assert (proper[0] == np.arange(5)).all()
    assert len({tuple(p) for p in [*proper, *mirrored]}) == 24


def test_permutations_keep_both_ends():
    ethane = molecule("C2H6")
    numbers, x = ethane.numbers, ethane.positions
    both = equivalent_permutations(numbers, np.array([x, x]))
    assert len(both) == 18
    lost = x.copy()
    lost[2] += 5.0 * (x[2] - x[0])
    for p in equivalent_permutations(numbers, np.array([x, lost])):
        assert bonds(numbers, lost[p]) == bonds(numbers, lost)
        assert p[2] == 2


def test_saddle_distance_ignores_equivalent_atoms_and_allowed_mirror_images():
    numbers, x = embedded("CCO")
    other = x.copy()
    other[2] += 4.0
    other[8] += 4.0
    ends = np.array([x, other])
    saddle = x + np.random.default_rng(1).normal(scale=0.02, size=x.shape)
    for mirror in (False, True):
        for p in equivalent_permutations(numbers, ends, mirror=mirror)[:6]:
            image = (-saddle if mirror else saddle)[p] @ rotation(4) + 1.0
            assert saddle_rmsd(numbers, image, saddle, ends) < 1e-6
    hydrogens = [3, 4]
    swapped = saddle.copy()
    swapped[hydrogens] = saddle[hydrogens[::-1]]
    assert saddle_rmsd(numbers, swapped, saddle, ends) > 0.1


def test_saddle_distance_keeps_a_stereocentre():
    numbers, x = embedded("C[C@H](O)F")
    other = x.copy()
    other[-1] += 5.0
    assert saddle_rmsd(numbers, -x, x, np.array([x, other])) > 0.1


def test_many_methyl_groups_stay_fast_and_bounded():
    numbers, x = embedded("CC(C)(C)C(C)(C)C(C)(C)C")
    assert len(equivalent_permutations(numbers, np.array([x, x]), limit=500)) == 500


@pytest.mark.parametrize("seed", range(3))
def test_verdicts_do_not_depend_on_rotation_or_numbering(seed):
    numbers, x = embedded("C[C@H](O)F")
    other = last_atom_off(numbers, x)
    p = np.random.default_rng(seed).permutation(len(numbers))
    for geometry in (x, -x, other, x + 0.02):
        plain = compare(numbers, geometry, x, other)
        moved = compare(numbers[p], geometry[p] @ rotation(seed), x[p], other[p])
        assert (plain.matches, plain.how) == (moved.matches, moved.how)


def test_both_ends_together_match_in_either_order():
    numbers, x = embedded("CC(O)F")
    other = last_atom_off(numbers, x)
    ends = np.array([x, other])
    there, back = compare_both(numbers, ends, ends), compare_both(numbers, ends[::-1], ends)
    assert (there.how, there.swapped) == ("exact", False)
    assert (back.how, back.swapped) == ("exact", True)
    half = compare_both(numbers, np.array([x, x + 0.01]), ends)
    assert (half.reactant.matches, half.product.matches, half.how) == (True, False, "")


def test_atoms_equivalent_in_both_ends_may_swap_in_both():
    # Aminocarbene loses both hydrogens of its nitrogen as H2: which is which is no matter.
    numbers = np.array([6, 7, 1, 1, 1])
    carbene = np.array([[0, 0, 0], [1.29, 0, 0], [-0.4, 1.0, 0], [1.85, 0.87, 0], [1.85, -0.87, 0]])
    apart = np.array([[0, 0, 0], [1.15, 0, 0], [-1.07, 0, 0], [3.5, 0.37, 0], [3.5, -0.37, 0]])
    swapped = carbene[[0, 1, 2, 4, 3]]
    assert compare(numbers, swapped, carbene, apart).how == "permuted"
    match = compare_both(numbers, np.array([swapped, apart]), np.array([carbene, apart]))
    assert match.how == "permuted"
    assert not match.reactant.matches


def test_the_forbidden_sense_of_ring_closure_is_not_an_equivalent_reaction():
    numbers, open_chain = embedded("C=CC=C")
    _, ring = embedded("C1C=CC1")
    turned_other_way = ring[[0, 1, 2, 3, 5, 4, 6, 7, 8, 9]]
    assert difference(numbers, ring, turned_other_way) == "C1 has the opposite handedness"
    ends = np.array([open_chain, ring])
    assert compare_both(numbers, np.array([open_chain, turned_other_way]), ends).how == ""
    # The same ring closure seen in a mirror is the same reaction.
    assert compare_both(numbers, -ends, ends).how in ("mirror", "permuted", "permuted-mirror")


def test_the_enantiomer_of_the_product_of_an_achiral_reactant_is_flagged_for_both():
    numbers, aldehyde = embedded("O=C(C)[Cl]")
    ends = np.array([aldehyde, aldehyde.copy()])
    ends[1, 3] += 4.0
    match = compare_both(numbers, -ends, ends)
    assert match.how in ("permuted", "permuted-mirror")
