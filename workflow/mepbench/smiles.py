"""Atom-mapped reaction SMILES: read, found balanced, and compared with geometries.

All atoms are in the order of their map numbers. `@` and `/` are respected where they stand,
also on atoms which only their map numbers tell apart (the two hydrogens of a CH2), and on a
pyramidal nitrogen: RDKit would drop such marks, so they are read before it can.
"""

from dataclasses import dataclass

import numpy as np
from ase.data import chemical_symbols

from .errors import BadEndpoints
from .structure import bonds


@dataclass(frozen=True)
class Side:
    """One side of the arrow, its atoms in the order of their map numbers.

    Attributes
    ----------
    name : "reactant" or "product"
    molecule : RDKit's, all fragments in one, hydrogens explicit
    bonds : pairs (i, j), i < j
    """

    name: str
    molecule: object
    bonds: frozenset


@dataclass(frozen=True)
class MappedReaction:
    """A reaction SMILES that was read and found balanced; `numbers` is (N,) int."""

    numbers: np.ndarray
    sides: tuple[Side, Side]


def read_smiles(smiles: str, charge: int) -> MappedReaction:
    """Read an atom-mapped reaction SMILES, `reactants>>products`.

    Every atom carries a map number; hydrogens may be left implicit on atoms that have the
    same number of implicit ones on both sides.

    Raises
    ------
    BadEndpoints
        saying which atom is wrong, and what to do.
    """
    parts = smiles.strip().split(">")
    if len(parts) != 3 or parts[1] or not (parts[0] and parts[2]):
        raise BadEndpoints("the SMILES is not of the form reactants>>products")
    molecules = [
        _parse(text, name)
        for text, name in zip((parts[0], parts[2]), ("reactant", "product"), strict=True)
    ]
    _check_balance(*molecules)
    molecules = [_ordered(molecule) for molecule in molecules]
    numbers = [np.array([a.GetAtomicNum() for a in m.GetAtoms()]) for m in molecules]
    for molecule, name in zip(molecules, ("reactant", "product"), strict=True):
        total = sum(atom.GetFormalCharge() for atom in molecule.GetAtoms())
        if total != charge:
            raise BadEndpoints(
                f"the {name}'s SMILES has charge {total:+d}, declared is {charge:+d}: "
                "correct `charge` or the SMILES"
            )
    sides = tuple(
        Side(
            name,
            molecule,
            frozenset(
                tuple(sorted((b.GetBeginAtomIdx(), b.GetEndAtomIdx()))) for b in molecule.GetBonds()
            ),
        )
        for molecule, name in zip(molecules, ("reactant", "product"), strict=True)
    )
    return MappedReaction(numbers[0], sides)


def _parse(text: str, name: str):
    from rdkit import Chem, RDLogger

    RDLogger.DisableLog("rdApp.*")
    options = Chem.SmilesParserParams()
    options.removeHs, options.sanitize = False, False
    molecule = Chem.MolFromSmiles(text, options)
    if molecule is None:
        raise BadEndpoints(f"RDKit cannot read the {name}'s SMILES: check its syntax")
    try:
        Chem.SanitizeMol(molecule)
    except Exception as error:
        raise BadEndpoints(f"RDKit refuses the {name}'s SMILES ({error}): correct it") from None
    Chem.SetBondStereoFromDirections(molecule)
    maps = [atom.GetAtomMapNum() for atom in molecule.GetAtoms()]
    for atom, number in zip(molecule.GetAtoms(), maps, strict=True):
        if number == 0:
            raise BadEndpoints(
                f"the {name} has a {atom.GetSymbol()} without a map number: number every atom"
            )
        if atom.GetAtomicNum() == 0:
            raise BadEndpoints(f"atom {number} of the {name} is a wildcard: give an element")
        if maps.count(number) > 1:
            raise BadEndpoints(
                f"map number {number} stands twice in the {name}: number every atom once"
            )
    return molecule


def _check_balance(reactant, product) -> None:
    atoms = [{a.GetAtomMapNum(): a for a in m.GetAtoms()} for m in (reactant, product)]
    for one, other, word in ((*atoms, "product"), (*reversed(atoms), "reactant")):
        missing = sorted(set(one) - set(other))
        if missing:
            raise BadEndpoints(
                f"the {word} has no atom mapped {missing[0]} "
                f"({one[missing[0]].GetSymbol()} on the other side): balance the SMILES"
            )
    for number, atom in sorted(atoms[0].items()):
        other = atoms[1][number]
        if atom.GetAtomicNum() != other.GetAtomicNum():
            raise BadEndpoints(
                f"atom {number} is {atom.GetSymbol()} in the reactant and {other.GetSymbol()} in "
                "the product: correct the map numbers"
            )
        if atom.GetNumImplicitHs() + atom.GetNumExplicitHs() != (
            other.GetNumImplicitHs() + other.GetNumExplicitHs()
        ):
            raise BadEndpoints(
                f"the hydrogens of atom {number} ({atom.GetSymbol()}) change: write those that "
                "move as atoms with map numbers, [H:9]"
            )


def _ordered(molecule):
    """Make hydrogens explicit, numbered after all mapped atoms, and sort by map number."""
    from rdkit import Chem

    molecule = Chem.AddHs(molecule)
    parents = [
        (a.GetNeighbors()[0].GetAtomMapNum(), a.GetIdx())
        for a in molecule.GetAtoms()
        if a.GetAtomMapNum() == 0
    ]
    top = max(a.GetAtomMapNum() for a in molecule.GetAtoms())
    for number, (_, index) in enumerate(sorted(parents), start=top + 1):
        molecule.GetAtomWithIdx(index).SetAtomMapNum(number)
    order = sorted(
        range(molecule.GetNumAtoms()), key=lambda i: molecule.GetAtomWithIdx(i).GetAtomMapNum()
    )
    return Chem.RenumberAtoms(molecule, order)


def unlike(side: Side, numbers: np.ndarray, positions: np.ndarray) -> str:
    """Say in one line how a geometry differs from the side as written; empty if it does not."""
    found = bonds(numbers, positions)
    changes = [
        f"{chemical_symbols[numbers[i]]}{i + 1}-{chemical_symbols[numbers[j]]}{j + 1} {word}"
        for word, pairs in (("breaks", side.bonds - found), ("forms", found - side.bonds))
        for i, j in sorted(pairs)
    ]
    if changes:
        return "bond " + ", ".join(changes)
    return wrong_stereo(side, positions)


def wrong_stereo(side: Side, positions: np.ndarray) -> str:
    """Say which mark of stereochemistry a geometry does not keep; empty if all are kept."""
    from rdkit.Chem import BondStereo, ChiralType

    signs = {ChiralType.CHI_TETRAHEDRAL_CCW: -1, ChiralType.CHI_TETRAHEDRAL_CW: 1}
    for atom in side.molecule.GetAtoms():
        sign = signs.get(atom.GetChiralTag(), 0)
        neighbours = [bond.GetOtherAtomIdx(atom.GetIdx()) for bond in atom.GetBonds()]
        if sign and len(neighbours) in (3, 4):
            arms = positions[neighbours] - positions[atom.GetIdx()]
            # Seen from the first of four neighbours; a lone pair counts as the fourth.
            volume = np.linalg.det(arms[1:]) if len(arms) == 4 else -np.linalg.det(arms)
            if volume * sign <= 0:
                return f"centre {atom.GetSymbol()}{atom.GetIdx() + 1} is inverted"
    for bond in side.molecule.GetBonds():
        if bond.GetStereo() in (BondStereo.STEREOCIS, BondStereo.STEREOTRANS):
            first, second = bond.GetStereoAtoms()
            a, b = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
            axis = positions[b] - positions[a]
            sides = [np.cross(axis, positions[k] - positions[a]) for k in (first, second)]
            if (sides[0] @ sides[1] > 0) != (bond.GetStereo() == BondStereo.STEREOCIS):
                return f"double bond {a + 1}={b + 1} is turned"
    return ""
