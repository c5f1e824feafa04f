"""Starting geometries by distance geometry, folded and placed so that they can react.

RDKit's distance geometry (Blaney, Dixon, Rev. Comput. Chem. 5, 299 (1994),
doi:10.1002/9780470125823.ch6) with one change: atoms that bond on the other side of the
reaction may not be far apart. That places fragments face to face and folds chains into shape.
Torsion preferences are left out, since they would unfold them again.
"""

import numpy as np
from ase.data import covalent_radii

from .smiles import MappedReaction, Side

SEED = 20240229
CONFORMERS = 6
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
