"""Starting geometries by distance geometry, folded and placed so that they can react.

RDKit's distance geometry (Blaney, Dixon, Rev. Comput. Chem. 5, 299 (1994),
doi:10.1002/9780470125823.ch6) with one change: atoms that bond on the other side of the
reaction may not be far apart. That places fragments face to face and folds chains into shape.
Torsion preferences are left out, since they would unfold them again.

A *crossing* is a geometry of neither side: all bonds that break or form are stretched a
little, all other distances are what either side allows. Both sides driven from one crossing
share its arrangement.
"""

import numpy as np
from ase.data import covalent_radii

from .smiles import MappedReaction, Side

SEED = 20240229
CONFORMERS = 4
STRETCHED = 1.25  # length of a bond at the crossing over the sum of the radii
REACH = 1.6  # angstrom beyond the bond length: how far apart atoms are that will bond
SLACKS = (0.0, 0.4, 0.8, 1.2, 1.6, 2.4, 4.0, np.inf)  # angstrom, where that is too near


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


def crossings(reaction: MappedReaction) -> list[np.ndarray]:
    """Embed geometries (N, 3), angstrom, in which the bonds that change are stretched."""
    from rdkit.Chem import rdDistGeom
    from rdkit.DistanceGeometry import DoTriangleSmoothing

    one, other = (rdDistGeom.GetMoleculeBoundsMatrix(side.molecule) for side in reaction.sides)
    bounds = np.triu(np.maximum(one, other), 1) + np.tril(np.minimum(one, other), -1)
    numbers, radii = reaction.numbers, covalent_radii[reaction.numbers]
    changing = changing_bonds(reaction)
    for i in {atom for pair, _ in changing for atom in pair}:
        # What reacts comes nearer than the force field behind these bounds would let it.
        for j in range(len(numbers)):
            nearest = (1.6 if 1 in (numbers[i], numbers[j]) else 1.35) * (radii[i] + radii[j])
            at = max(i, j), min(i, j)
            bounds[at] = min(bounds[at], nearest)
    for (i, j), length in changing:
        bounds[i, j], bounds[j, i] = length + 0.05, length - 0.05
    if not DoTriangleSmoothing(bounds):
        return []
    return embed(reaction.sides[0], bounds, marks=False)


def changing_bonds(reaction: MappedReaction) -> list[tuple[tuple[int, int], float]]:
    """Pairs of atoms whose bond breaks or forms, and its length at a crossing, angstrom."""
    one, other = (side.bonds for side in reaction.sides)
    radii = covalent_radii[reaction.numbers]
    return [((i, j), STRETCHED * (radii[i] + radii[j])) for i, j in sorted(one ^ other)]


def embed(side: Side, bounds: np.ndarray, *, marks: bool = True) -> list[np.ndarray]:
    """Return embedded geometries (N, 3), angstrom, within the bounds; none if RDKit fails.

    Without `marks`, centres are embedded in any handedness.
    """
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
        if atom.GetDegree() < 4 or not marks:
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
