"""From a geometry to a molecule with bond orders, for drawing.

The bonds are those of the criterion of `stereo`, their orders are perceived from valences (Kim,
Kim, Bull. Korean Chem. Soc. 36, 1769 (2015), doi:10.1002/bkcs.10334, by way of xyz2mol and
RDKit). Radicals, carbenes, metals and structures with odd bonds may have no orders that this
accepts: they are connectivity alone, all bonds single.
"""

import numpy as np

ORDER_ITERATIONS = 2000  # enough for organic molecules, and bounded for others


def perceived(numbers: np.ndarray, positions: np.ndarray, pairs: frozenset, charge: int):
    """Return RDKit's molecule of a geometry, with bond orders where perception finds them.

    Parameters
    ----------
    numbers : (N,) int array, atomic numbers
    positions : (N, 3) array, angstrom
    pairs : the bonds (i, j), i < j
    charge : of the whole
    """
    from rdkit import Chem, RDLogger
    from rdkit.Chem import rdDetermineBonds

    RDLogger.DisableLog("rdApp.*")
    skeleton = Chem.RWMol()
    for number in numbers:
        atom = Chem.Atom(int(number))
        atom.SetNoImplicit(True)
        skeleton.AddAtom(atom)
    for i, j in sorted(pairs):
        skeleton.AddBond(i, j, Chem.BondType.SINGLE)
    molecule = Chem.Mol(skeleton)
    conformer = Chem.Conformer(len(numbers))
    conformer.SetPositions(np.ascontiguousarray(positions))
    molecule.AddConformer(conformer)
    try:
        with_orders = Chem.Mol(molecule)
        rdDetermineBonds.DetermineBondOrders(
            with_orders, charge=charge, embedChiral=False, maxIterations=ORDER_ITERATIONS
        )
        Chem.SanitizeMol(with_orders)
        Chem.AssignStereochemistryFrom3D(with_orders)
    except (ValueError, RuntimeError):  # RDKit raises plain RuntimeErrors for iterations exceeded
        molecule.UpdatePropertyCache(strict=False)
        return molecule
    return with_orders
