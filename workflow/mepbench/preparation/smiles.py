"""Reaction SMILES: read, atoms mapped, found balanced, and compared with geometries.

All atoms are in the order of their map numbers. `@` and `/` are respected where they stand,
also on atoms which only their map numbers tell apart (the two hydrogens of a CH2), and on a
pyramidal nitrogen: RDKit would drop such marks, so they are read before it can.

Hydrogens without a map number are matched by their neighbours. Where one moves, it may go
straight, or by a relay: an X-H (X = N, O, S, ...) in between takes it and hands on its own. Both
are reactions with the same heavy atoms and often very different barriers (an enol may become
its ketone over 63 kcal/mol, or with the help of a hydroxyl group over 36), so both are offered,
and `reactive_pair` chooses. A SMILES without any map number is mapped by `mapping`.
"""

from dataclasses import dataclass

import numpy as np
from ase.data import chemical_symbols

from ..errors import BadEndpoints
from ..molecule.mapping import best_maps, describe, match_hydrogens
from ..molecule.shortest import Mark
from ..molecule.structure import bonds

NAMES = ("reactant", "product")
CARRIERS = frozenset({7, 8, 9, 16, 17, 34, 35, 53})  # of a hydrogen that others may push out
MOST_MAPPINGS = 6
LONGEST = 4000  # characters; some 200 atoms with their map numbers


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
    """Read a reaction SMILES, `reactants>>products`; the first of `read_mappings`."""
    return read_mappings(smiles, charge)[0]


def read_mappings(smiles: str, charge: int) -> list[MappedReaction]:
    """Read a reaction SMILES with every map of its hydrogens that it may mean.

    Either every heavy atom carries a map number or no atom does. Hydrogens may be left
    without, implicit or not.

    Returns
    -------
    list, at most six long; those of fewest changed bonds come first, then relays. One only,
    if every hydrogen that moves is mapped.

    Raises
    ------
    BadEndpoints
        saying which atom is wrong, and what to do.
    """
    parts = smiles.strip().split(">")
    if len(parts) != 3 or parts[1] or not (parts[0] and parts[2]):
        raise BadEndpoints("the SMILES is not of the form reactants>>products")
    if len(smiles) > LONGEST:
        raise BadEndpoints(f"the SMILES has {len(smiles)} characters, more than {LONGEST}")
    molecules = [_parse(text, name) for text, name in zip((parts[0], parts[2]), NAMES, strict=True)]
    if not any(atom.GetAtomMapNum() for m in molecules for atom in m.GetAtoms()):
        _map_heavy_atoms(*molecules)
    for molecule, name in zip(molecules, NAMES, strict=True):
        _check_numbers(molecule, name)
    _check_balance(*molecules)
    for molecule, name in zip(molecules, NAMES, strict=True):
        total = sum(atom.GetFormalCharge() for atom in molecule.GetAtoms())
        if total != charge:
            raise BadEndpoints(
                f"the {name}'s SMILES has charge {total:+d}, declared is {charge:+d}: "
                "correct `charge` or the SMILES"
            )
    return [_mapped(*molecules, match) for match in _hydrogen_matches(*molecules)]


def is_identity(mapping: MappedReaction) -> bool:
    """Whether nothing changes: no bond, no order of one, and nothing that `@` and `/` say."""
    from rdkit import Chem

    one, other = mapping.sides
    if one.bonds != other.bonds:
        return False
    texts = [Chem.MolToSmiles(side.molecule) for side in mapping.sides]
    return texts[0] == texts[1] and written_marks(one) == written_marks(other)


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
    if any(atom.GetIsotope() for atom in molecule.GetAtoms()):
        raise BadEndpoints(
            f"the {name}'s SMILES has isotopes, which can't be treated: leave them out"
        )
    Chem.SetBondStereoFromDirections(molecule)
    return Chem.AddHs(molecule)


def _map_heavy_atoms(reactant, product) -> None:
    """Number the heavy atoms of a SMILES without map numbers, where they tell how."""
    numbers, pairs = [], []
    for molecule in (reactant, product):
        numbers.append([atom.GetAtomicNum() for atom in molecule.GetAtoms()])
        pairs.append(_bonds(molecule))
    found = best_maps(numbers[0], pairs[0], numbers[1], pairs[1])
    heavy = {
        tuple((int(i), int(one.permutation[i])) for i, z in enumerate(numbers[0]) if z > 1): one
        for one in found
    }
    if len(heavy) > 1:
        ways = "; ".join(describe(np.array(numbers[0]), one) for one in list(heavy.values())[:3])
        raise BadEndpoints(
            f"the SMILES has no map numbers, and {len(heavy)} different reactions change as few "
            f"bonds ({ways}): number the atoms, [CH3:1]"
        )
    for number, (i, j) in enumerate(next(iter(heavy)), start=1):
        reactant.GetAtomWithIdx(i).SetAtomMapNum(number)
        product.GetAtomWithIdx(j).SetAtomMapNum(number)


def _check_numbers(molecule, name: str) -> None:
    maps = [atom.GetAtomMapNum() for atom in molecule.GetAtoms()]
    for atom, number in zip(molecule.GetAtoms(), maps, strict=True):
        if number == 0 and atom.GetAtomicNum() != 1:
            raise BadEndpoints(
                f"the {name} has a {atom.GetSymbol()} without a map number: number every atom "
                "but hydrogens, or none"
            )
        if atom.GetAtomicNum() == 0:
            raise BadEndpoints(f"atom {number} of the {name} is a wildcard: give an element")
        if number and maps.count(number) > 1:
            raise BadEndpoints(
                f"map number {number} stands twice in the {name}: number every atom once"
            )


def _check_balance(reactant, product) -> None:
    atoms = [
        {a.GetAtomMapNum(): a for a in m.GetAtoms() if a.GetAtomMapNum()}
        for m in (reactant, product)
    ]
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
    counts = [len(_hydrogen_kinds(m)) for m in (reactant, product)]
    if counts[0] != counts[1]:
        raise BadEndpoints(
            f"the reactant has {counts[0]} hydrogens without map numbers and the product "
            f"{counts[1]}: balance the SMILES"
        )


def _hydrogen_kinds(molecule) -> dict[int, tuple[frozenset, int]]:
    """Hydrogens without map number: map numbers of their neighbours, and how many are like them."""
    return {
        atom.GetIdx(): (
            frozenset(k.GetAtomMapNum() for k in atom.GetNeighbors() if k.GetAtomMapNum()),
            sum(not k.GetAtomMapNum() for k in atom.GetNeighbors()),
        )
        for atom in molecule.GetAtoms()
        if not atom.GetAtomMapNum()
    }


def _hydrogen_matches(reactant, product) -> list[dict[int, int]]:
    """Which hydrogen is which: straight moves that change fewest bonds, then single relays."""
    kinds_r, kinds_p = _hydrogen_kinds(reactant), _hydrogen_kinds(product)
    element = {a.GetAtomMapNum(): a.GetAtomicNum() for a in reactant.GetAtoms()}
    straight = match_hydrogens(kinds_r, kinds_p)
    relays = {}
    for match in straight:
        moving = {h: k for h, k in match.items() if kinds_r[h] != kinds_p[k]}
        for h, k in moving.items():
            (donor, _), (acceptor, _) = kinds_r[h], kinds_p[k]
            ends = donor | acceptor
            if not any(element[number] in CARRIERS for number in ends):
                continue
            for other, image in match.items():
                carrier = kinds_r[other][0]
                if (
                    other not in moving
                    and len(carrier) == 1
                    and not carrier & ends
                    and element[next(iter(carrier))] in CARRIERS
                ):
                    relays.setdefault((donor, carrier, acceptor), match | {h: image, other: k})
    return [*straight, *relays.values()][:MOST_MAPPINGS]


def _mapped(reactant, product, match: dict[int, int]) -> MappedReaction:
    """Number the hydrogens after all mapped atoms, and sort by map number."""
    from rdkit import Chem

    parents = {h: min(kind[0], default=0) for h, kind in _hydrogen_kinds(reactant).items()}
    top = max((a.GetAtomMapNum() for a in reactant.GetAtoms()), default=0)
    molecules = Chem.Mol(reactant), Chem.Mol(product)
    for number, h in enumerate(sorted(match, key=lambda h: (parents[h], h)), start=top + 1):
        molecules[0].GetAtomWithIdx(h).SetAtomMapNum(number)
        molecules[1].GetAtomWithIdx(match[h]).SetAtomMapNum(number)
    sides = []
    for molecule, name in zip(molecules, NAMES, strict=True):
        number = [atom.GetAtomMapNum() for atom in molecule.GetAtoms()]
        ordered = Chem.RenumberAtoms(molecule, sorted(range(len(number)), key=number.__getitem__))
        sides.append(Side(name, ordered, frozenset(_bonds(ordered))))
    numbers = np.array([atom.GetAtomicNum() for atom in sides[0].molecule.GetAtoms()])
    return MappedReaction(numbers, tuple(sides))


def _bonds(molecule) -> set[tuple[int, int]]:
    return {tuple(sorted((b.GetBeginAtomIdx(), b.GetEndAtomIdx()))) for b in molecule.GetBonds()}


def written_marks(side: Side) -> list[Mark]:
    """What `@` and `/` of one side ask for, as signs of a geometry."""
    from rdkit.Chem import BondStereo, ChiralType

    signs = {ChiralType.CHI_TETRAHEDRAL_CCW: -1, ChiralType.CHI_TETRAHEDRAL_CW: 1}
    marks = []
    for atom in side.molecule.GetAtoms():
        sign = signs.get(atom.GetChiralTag(), 0)
        neighbours = [bond.GetOtherAtomIdx(atom.GetIdx()) for bond in atom.GetBonds()]
        if sign and len(neighbours) in (3, 4):
            # Seen from the first of four neighbours; a lone pair counts as the fourth.
            sign = sign if len(neighbours) == 4 else -sign
            marks.append(Mark((atom.GetIdx(), *neighbours), False, sign))
    for bond in side.molecule.GetBonds():
        if bond.GetStereo() in (BondStereo.STEREOCIS, BondStereo.STEREOTRANS):
            first, second = bond.GetStereoAtoms()
            atoms = first, bond.GetBeginAtomIdx(), bond.GetEndAtomIdx(), second
            marks.append(Mark(atoms, True, 1 if bond.GetStereo() == BondStereo.STEREOCIS else -1))
    return marks


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
    for mark in written_marks(side):
        if mark.of(positions) != mark.sign:
            elements = [chemical_symbols[atom.GetAtomicNum()] for atom in side.molecule.GetAtoms()]
            word = "double bond {} is turned" if mark.double else "centre {} is inverted"
            about = mark.atoms[1:3] if mark.double else mark.atoms[:1]
            return word.format("=".join(f"{elements[i]}{i + 1}" for i in about))
    return ""
