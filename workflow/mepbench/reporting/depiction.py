"""Both sides of a reaction drawn in 2D, as SVG, with the reaction centre marked.

From an entry's SMILES where it has one; from its geometries otherwise, as `perception` sees them.

Hydrogens that keep their bonds are hidden on carbon and counted on other elements. An atom
whose bonds change has a disc and its number, from 1, the same on both sides; bonds that break or
form are drawn in the disc's colour.
"""

from dataclasses import dataclass

import numpy as np

from ..errors import BadEndpoints
from ..molecule.stereo import bonds
from ..reaction import Entry
from .perception import perceived

WIDTH, HEIGHT = 220, 130  # pixels
CENTRE = (1.0, 0.75, 0.45)  # colour of the reaction centre
BOND_LENGTH = 24  # pixels, at most
FRAGMENT_GAP = 2.6  # angstrom of the drawing, where a bond has 1.5
ENDS = ("reactant", "product")


@dataclass(frozen=True)
class Depiction:
    """SVG of reactant and product, or the one line that says why there is none.

    Attributes
    ----------
    reactant, product : SVG elements; empty where there is a `problem`
    natoms : 0 where not even that is known
    numbers : (N,) int array, atomic numbers
    problem : empty if all is well
    """

    reactant: str = ""
    product: str = ""
    numbers: np.ndarray | None = None
    problem: str = ""

    @property
    def natoms(self) -> int:
        """Number of atoms."""
        return 0 if self.numbers is None else len(self.numbers)


def depict(entry: Entry) -> Depiction:
    """Draw both sides of an entry; what is wrong with it is said, not raised."""
    try:
        numbers, molecules, sides = _molecules(entry)
    except BadEndpoints as error:
        return Depiction(problem=str(error))
    drawings = [
        draw(molecule, centre=sides[0] ^ sides[1], changed=sides[at] - sides[1 - at])
        for at, molecule in enumerate(molecules)
    ]
    return Depiction(*drawings, numbers=numbers)


def _molecules(entry: Entry) -> tuple[np.ndarray, list, list[frozenset]]:
    """Atomic numbers, and of both sides RDKit's molecule and its bonds (i, j), i < j."""
    if entry.problem:
        raise BadEndpoints(entry.problem)
    if entry.smiles is not None:
        from ..preparation.smiles import read_smiles

        mapped = read_smiles(entry.smiles, entry.charge)
        molecules = [side.molecule for side in mapped.sides]
        return mapped.numbers, molecules, [side.bonds for side in mapped.sides]
    first, second = (np.asarray(entry.numbers[end]) for end in ENDS)
    if not np.array_equal(first, second):
        raise BadEndpoints("the two ends do not have the same atoms in the same order")
    positions = [np.asarray(entry.positions[end], dtype=float) for end in ENDS]
    if not all(np.isfinite(x).all() for x in positions):
        raise BadEndpoints("a coordinate is not a number")
    sides = [bonds(first, x) for x in positions]
    molecules = [
        perceived(first, x, pairs, entry.charge) for x, pairs in zip(positions, sides, strict=True)
    ]
    return first, molecules, sides


def draw(molecule, *, centre: frozenset, changed: frozenset) -> str:
    """Return the SVG of one side.

    Parameters
    ----------
    molecule : RDKit's, hydrogens explicit, atoms in the order of the reaction
    centre : bonds (i, j) that differ between the sides; their atoms are marked
    changed : those of them that this side has
    """
    from rdkit import Chem
    from rdkit.Chem import rdDepictor
    from rdkit.Chem.Draw import rdMolDraw2D

    marked = {i for pair in centre for i in pair}
    molecule = Chem.RWMol(molecule)
    molecule.RemoveAllConformers()
    shown = marked or _stereo_atoms(molecule)
    for atom in molecule.GetAtoms():
        atom.SetAtomMapNum(0)
        if marked:
            atom.SetChiralTag(Chem.ChiralType.CHI_UNSPECIFIED)
        if atom.GetIdx() in shown:
            atom.SetProp("atomNote", str(atom.GetIdx() + 1))
        atom.SetIntProp("_index", atom.GetIdx())
    _hide_hydrogens(molecule, shown)
    molecule = molecule.GetMol()
    molecule.UpdatePropertyCache(strict=False)
    Chem.Kekulize(molecule, clearAromaticFlags=True)
    Chem.FastFindRings(molecule)
    rdDepictor.Compute2DCoords(molecule, canonOrient=True)
    _in_a_row(molecule)
    Chem.WedgeMolBonds(molecule, molecule.GetConformer())

    index = {atom.GetIntProp("_index"): atom.GetIdx() for atom in molecule.GetAtoms()}
    atoms = [index[i] for i in marked]
    lines = [molecule.GetBondBetweenAtoms(index[i], index[j]).GetIdx() for i, j in changed]
    canvas = rdMolDraw2D.MolDraw2DSVG(WIDTH, HEIGHT)
    options = canvas.drawOptions()
    options.prepareMolsBeforeDrawing = False
    options.useBWAtomPalette()
    options.fixedBondLength = BOND_LENGTH
    options.clearBackground = False
    options.highlightRadius = 0.32
    options.highlightBondWidthMultiplier = 12
    options.fillHighlights = True
    options.annotationFontScale = 0.6
    options.setHighlightColour(CENTRE)
    canvas.DrawMolecule(molecule, highlightAtoms=sorted(atoms), highlightBonds=sorted(lines))
    canvas.FinishDrawing()
    text = canvas.GetDrawingText()
    return text[text.index("<svg") :].strip()


def _stereo_atoms(molecule) -> set[int]:
    """Atoms whose arrangement is marked, with their neighbours."""
    from rdkit.Chem import BondStereo, ChiralType

    found = {a.GetIdx() for a in molecule.GetAtoms() if a.GetChiralTag() != ChiralType.values[0]}
    for bond in molecule.GetBonds():
        if bond.GetStereo() not in (BondStereo.STEREONONE, BondStereo.STEREOANY):
            found |= {bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()}
    return found | {
        neighbour.GetIdx()
        for index in found
        for neighbour in molecule.GetAtomWithIdx(index).GetNeighbors()
    }


def _in_a_row(molecule) -> None:
    """Move the fragments of a drawing side by side, so that no label covers another."""
    from rdkit import Chem

    conformer, right = molecule.GetConformer(), 0.0
    for fragment in Chem.GetMolFrags(molecule):
        places = {at: conformer.GetAtomPosition(at) for at in fragment}
        xs, ys = zip(*((place.x, place.y) for place in places.values()), strict=True)
        for at, place in places.items():
            place.x += right - min(xs)
            place.y -= (min(ys) + max(ys)) / 2
            conformer.SetAtomPosition(at, place)
        right += max(xs) - min(xs) + FRAGMENT_GAP


def _hide_hydrogens(molecule, marked: set[int]) -> None:
    """Turn hydrogens that keep their one bond into counts at their atom."""
    from rdkit import Chem

    hidden = []
    for atom in molecule.GetAtoms():
        plain = atom.GetAtomicNum() == 1 and atom.GetDegree() == 1 and not atom.GetFormalCharge()
        if plain and atom.GetIdx() not in marked:
            holder = atom.GetNeighbors()[0]
            if holder.GetAtomicNum() > 1:
                holder.SetNumExplicitHs(holder.GetNumExplicitHs() + 1)
                holder.SetNoImplicit(True)
                hidden.append(atom.GetIdx())
    for bond in molecule.GetBonds():
        # Their directions may have hung on a hydrogen that is hidden now.
        bond.SetBondDir(Chem.BondDir.NONE)
    for at in sorted(hidden, reverse=True):
        molecule.RemoveAtom(at)
