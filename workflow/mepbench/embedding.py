"""From atom-mapped reaction SMILES to a reactive pair of geometries.

Conformers of either side are embedded by distance geometry (ETKDGv3: Wang, Witek, Landrum,
Riniker, J. Chem. Inf. Model. 60, 2044 (2020), doi:10.1021/acs.jcim.0c00025) with one change:
atoms that bond on the other side may not be far apart. That places fragments face to face
and folds chains into shape. From each relaxed conformer the other side is then made by
pulling its distances into the other side's bounds, which keeps every atom near its place.
Of all that relaxes to the bonds and the stereochemistry that were written, the pair of
least E_R + E_P + 1 eV/A * RMSD(R, P) is taken.

`@` and `/` are respected where they stand, also on atoms which only their map numbers tell
apart (the two hydrogens of a CH2), and on a pyramidal nitrogen.
"""

import itertools
from dataclasses import dataclass

import numpy as np
from ase.data import chemical_symbols, covalent_radii

from .errors import BadEndpoints, SCFFailure
from .path import rmsd
from .relax import Minimum, minima, relax
from .structure import bonds

SEED = 20240229
CONFORMERS = 6
REACH = 1.6  # angstrom beyond the bond length: how far apart atoms are that will bond
SLACKS = (0.0, 0.4, 0.8, 1.2, 1.6, 2.4, 4.0, np.inf)  # angstrom, where that is too near
ROUGH_FMAX, ROUGH_STEPS = 0.05, 200  # eV/angstrom
TRIED_PAIRS = 6
NO_MINIMUM = "the {} as written is no minimum of the potential: {}"
STRAIN_PER_LENGTH = 1.0  # eV/angstrom


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


def reactive_pair(reaction: MappedReaction, oracle) -> tuple[Minimum, Minimum]:
    """Return the pair of proven minima between which the reaction can best run.

    Raises
    ------
    BadEndpoints
        if no geometry with the bonds and the stereochemistry as written is a minimum.
    """
    pools = conformers(reaction, oracle)
    for side, (pool, lost) in zip(reaction.sides, pools, strict=True):
        if not pool:
            raise BadEndpoints(NO_MINIMUM.format(side.name, lost))
    pairs = sorted(
        ((r, p) for r in pools[0][0] for p in pools[1][0]),
        key=lambda pair: pair_score(*pair, oracle.invariances),
    )
    proven: dict[int, list[Minimum]] = {}
    best, best_score, lost = None, np.inf, ""
    for pair in pairs[:TRIED_PAIRS]:
        if pair_score(*pair, oracle.invariances) > best_score:
            break
        for side, rough in zip(reaction.sides, pair, strict=True):
            if id(rough) not in proven:
                proven[id(rough)], why = _proven(reaction, side, rough, oracle)
                lost = why or lost
        for ends in itertools.product(*(proven[id(rough)] for rough in pair)):
            score = pair_score(*ends, oracle.invariances)
            if score < best_score:
                best, best_score = ends, score
    if best is None:
        raise BadEndpoints(lost)
    return best


def pair_score(reactant: Minimum, product: Minimum, invariances: tuple[str, ...]) -> float:
    """Return E_R + E_P + 1 eV/A * RMSD(R, P) in eV: low where both ends are low, and near.

    A reaction starts from conformers that can react, which need not be the lowest ones.
    """
    distance = rmsd(product.positions, reactant.positions, invariances)
    return reactant.energy + product.energy + STRAIN_PER_LENGTH * distance


def _proven(
    reaction: MappedReaction, side: Side, rough: Minimum, oracle
) -> tuple[list[Minimum], str]:
    """Relax to minima that are as written; if there are none, say why."""
    try:
        found = minima(oracle, reaction.numbers, rough.positions)
    except BadEndpoints as error:
        return [], f"the {side.name} {error}"
    except SCFFailure as error:
        return [], f"the {side.name} as written has no energy ({error})"
    changes = [unlike(side, reaction.numbers, m.positions) for m in found]
    kept = [m for m, change in zip(found, changes, strict=True) if not change]
    return kept, "" if kept else NO_MINIMUM.format(side.name, changes[0])


def conformers(reaction: MappedReaction, oracle) -> list[tuple[list[Minimum], str]]:
    """Roughly relaxed geometries of both sides that are as written, and what others became."""
    starts = [starting_geometries(reaction, at) for at in (0, 1)]
    pools: list[list[Minimum]] = [[], []]
    lost = ["no starting geometry was found", "no starting geometry was found"]

    def collect(at: int, geometries: list[np.ndarray]) -> None:
        side = reaction.sides[at]
        for start in geometries:
            for image in (start, start * [-1.0, 1.0, 1.0]):
                if not wrong_stereo(side, image):
                    break
            else:
                continue
            try:
                end = relax(oracle, reaction.numbers, image, ROUGH_FMAX, ROUGH_STEPS)
            except SCFFailure as error:
                lost[at] = f"the SCF failed ({error})"
                continue
            change = unlike(side, reaction.numbers, end.positions)
            if change:
                lost[at] = change
            elif not any(_same(end, known) for known in pools[at]):
                pools[at].append(end)

    for at in (0, 1):
        collect(at, starts[at][0])
    embedded = [list(pool) for pool in pools]
    for at in (0, 1):
        collect(at, [drive(other.positions, starts[at][1]) for other in embedded[1 - at]])
    return list(zip(pools, lost, strict=True))


def _same(a: Minimum, b: Minimum) -> bool:
    return abs(a.energy - b.energy) < 2e-3 and rmsd(a.positions, b.positions) < 0.1


def starting_geometries(reaction: MappedReaction, at: int) -> tuple[list[np.ndarray], np.ndarray]:
    """Embed one side, as tightly as it goes; also return the bounds it was embedded with."""
    for slack in SLACKS:
        bounds = reactive_bounds(reaction, at, slack)
        if bounds is not None:
            geometries = embed(reaction.sides[at], bounds)
            if geometries:
                return geometries, bounds
    return [], reactive_bounds(reaction, at, np.inf)


def reactive_bounds(reaction: MappedReaction, at: int, slack: float) -> np.ndarray | None:
    """Distance bounds of one side: RDKit's, with atoms that bond on the other side in reach.

    Returns
    -------
    (N, N) array, angstrom; upper bounds above the diagonal, lower ones below. None if they
    contradict each other.
    """
    from rdkit.Chem import rdDistGeom
    from rdkit.DistanceGeometry import DoTriangleSmoothing

    side, other = reaction.sides[at], reaction.sides[1 - at]
    radii = covalent_radii[reaction.numbers]
    bounds = rdDistGeom.GetMoleculeBoundsMatrix(side.molecule)
    for i, j in other.bonds - side.bonds:
        bounds[i, j] = min(bounds[i, j], radii[i] + radii[j] + REACH + slack)
        bounds[j, i] = min(bounds[j, i], bounds[i, j] - 0.3)
    return bounds if DoTriangleSmoothing(bounds) else None


def embed(side: Side, bounds: np.ndarray) -> list[np.ndarray]:
    """Return embedded geometries (N, 3), angstrom, within the bounds; none if RDKit fails."""
    from rdkit.Chem import ChiralType, Mol, rdDistGeom

    options = rdDistGeom.KDG()
    options.randomSeed = SEED
    options.maxIterations = 20
    options.useRandomCoords = True
    options.embedFragmentsSeparately = False
    options.SetBoundsMat(bounds)
    molecule = Mol(side.molecule)
    for atom in molecule.GetAtoms():
        # RDKit holds no pyramid of three neighbours as written; the mirror image is tried later.
        if atom.GetDegree() < 4:
            atom.SetChiralTag(ChiralType.CHI_UNSPECIFIED)
    found = rdDistGeom.EmbedMultipleConfs(molecule, CONFORMERS, options)
    return [np.array(molecule.GetConformer(index).GetPositions()) for index in found]


def drive(positions: np.ndarray, bounds: np.ndarray) -> np.ndarray:
    """Move (N, 3) positions until their distances lie within the bounds, as nearly as may be."""
    from scipy.optimize import minimize

    n = len(positions)
    i, j = np.triu_indices(n, 1)
    upper, lower = bounds[i, j], bounds[j, i]

    def violation(flat):
        x = flat.reshape(n, 3)
        vectors = x[i] - x[j]
        distances = np.linalg.norm(vectors, axis=1) + 1e-12
        excess = np.maximum(distances - upper, 0) - np.maximum(lower - distances, 0)
        pull = (2 * excess / distances)[:, None] * vectors
        gradient = np.zeros((n, 3))
        np.add.at(gradient, i, pull)
        np.add.at(gradient, j, -pull)
        return float((excess**2).sum()), gradient.ravel()

    shaken = positions + 0.03 * np.random.default_rng(SEED).normal(size=positions.shape)
    return minimize(violation, shaken.ravel(), jac=True, method="L-BFGS-B").x.reshape(n, 3)


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
