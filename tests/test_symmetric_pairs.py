"""Pairs whose symmetric guess leads to a saddle of higher order: rotors, a ring flip, inversions.

All groups move at once along such a guess. The right answer is a way of single steps; that their
saddles are saddles is the word of another code, ASE's dimer, from a perturbed start.
"""

import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule
from ase.mep import DimerControl, MinModeAtoms, MinModeTranslate
from ase.optimize import BFGS
from rdkit import Chem
from rdkit.Chem import AllChem
from scipy.spatial.transform import Rotation
from tblite.ase import TBLite

from mepbench import find_saddle

pytestmark = pytest.mark.slow


def relaxed(atoms: Atoms) -> Atoms:
    atoms = atoms.copy()
    atoms.calc = TBLite(method="GFN2-xTB", verbosity=0)
    BFGS(atoms, logfile=None).run(fmax=0.01, steps=300)
    return Atoms(atoms.numbers, atoms.positions)


def from_smiles(smiles: str) -> Atoms:
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    AllChem.EmbedMolecule(mol, randomSeed=1)
    symbols = [atom.GetSymbol() for atom in mol.GetAtoms()]
    return relaxed(Atoms(symbols, mol.GetConformer().GetPositions()))


def hydrogens(atoms: Atoms, k: int) -> list[int]:
    near = atoms.get_all_distances()[k] < 1.3
    return [i for i in np.flatnonzero(near) if atoms.numbers[i] == 1]


def methyls_turned(name: str) -> tuple[Atoms, Atoms]:
    """Both methyl groups of a molecule turned by 120 degrees."""
    atoms = relaxed(molecule(name))
    turned, distances = atoms.copy(), atoms.get_all_distances()
    for c in np.flatnonzero(atoms.numbers == 6):
        if len(own := hydrogens(atoms, c)) != 3:
            continue
        (heavy,) = [
            i for i in np.flatnonzero(distances[c] < 1.95) if atoms.numbers[i] > 1 and i != c
        ]
        axis = atoms.positions[c] - atoms.positions[heavy]
        turn = Rotation.from_rotvec(np.radians(120) * axis / np.linalg.norm(axis))
        moved = atoms.positions[own] - atoms.positions[c]
        turned.positions[own] = atoms.positions[c] + turn.apply(moved)
    return atoms, turned


def chair_flipped() -> tuple[Atoms, Atoms]:
    """Cyclohexane reflected through its mean plane, each hydrogen back on its own face."""
    atoms = from_smiles("C1CCCCC1")
    centred = atoms.positions - atoms.positions[:6].mean(axis=0)
    normal = np.linalg.svd(centred[:6])[2][2]
    mirrored = centred - 2 * np.outer(centred @ normal, normal)
    order = np.arange(len(atoms))
    for k in range(6):
        a, b = hydrogens(atoms, k)
        order[a], order[b] = b, a
    return atoms, Atoms(atoms.numbers, mirrored[order])


def amines_inverted() -> tuple[Atoms, Atoms]:
    """Both nitrogens of methanediamine inverted at once."""
    atoms = from_smiles("NCN")
    inverted = atoms.positions.copy()
    (carbon,) = np.flatnonzero(atoms.numbers == 6)
    for n in np.flatnonzero(atoms.numbers == 7):
        a, b = hydrogens(atoms, n)
        axis = atoms.positions[n] - atoms.positions[carbon]
        across = atoms.positions[a] - atoms.positions[b]
        normal = np.cross(axis, across)
        normal /= np.linalg.norm(normal)
        for h in (a, b):
            away = atoms.positions[h] - atoms.positions[n]
            inverted[h] -= 2 * (away @ normal) * normal
    return atoms, relaxed(Atoms(atoms.numbers, inverted))


def by_dimer(start: np.ndarray, numbers: np.ndarray, mode: np.ndarray) -> float:
    """Energy of the saddle to which ASE's dimer leads from a start, eV."""
    atoms = Atoms(numbers, start, calculator=TBLite(method="GFN2-xTB", verbosity=0))
    control = DimerControl(
        initial_eigenmode_method="displacement", displacement_method="vector", logfile=None
    )
    climbing = MinModeAtoms(atoms, control)
    climbing.displace(displacement_vector=0.02 * mode / np.abs(mode).max())
    MinModeTranslate(climbing, logfile=None).run(fmax=0.01, steps=300)
    return atoms.get_potential_energy()


PAIRS = {
    "rotors of propane": lambda: methyls_turned("C3H8"),
    "rotors of dimethyl sulfide": lambda: methyls_turned("CH3SCH3"),
    "rotors of acetone": lambda: methyls_turned("CH3COCH3"),
    "chair of cyclohexane": chair_flipped,
    "amines of methanediamine": amines_inverted,
}


@pytest.mark.parametrize("name", PAIRS)
def test_a_symmetric_pair_is_explained_by_steps_that_another_code_confirms(name):
    reactant, product = PAIRS[name]()
    found = find_saddle(reactant, product, "tblite")
    assert found.mechanism is not None
    rng = np.random.default_rng(1)
    for step in found.mechanism.steps:
        assert step.judged.judgement.point.index == 1
    top = found.mechanism.highest
    aside = top.saddle.position + rng.normal(scale=0.01, size=top.saddle.position.shape)
    energy = by_dimer(aside, found.reaction.numbers, top.judged.judgement.mode)
    assert energy == pytest.approx(top.saddle.energy, abs=2e-3)


def test_one_methyl_of_propane_turns_at_a_time():
    """The saddle of a single rotor, found by the dimer from one methyl turned by half the way."""
    reactant, product = methyls_turned("C3H8")
    found = find_saddle(reactant, product, "tblite")
    assert found.verdict == "multistep"
    assert len(found.mechanism.steps) == 2
    first = next(k for k in range(3) if len(hydrogens(reactant, k)) == 3)
    own = hydrogens(reactant, first)
    half = reactant.positions.copy()
    (middle,) = [k for k in range(3) if len(hydrogens(reactant, k)) == 2]
    axis = reactant.positions[first] - reactant.positions[middle]
    turn = Rotation.from_rotvec(np.radians(55) * axis / np.linalg.norm(axis))
    half[own] = reactant.positions[first] + turn.apply(half[own] - reactant.positions[first])
    mode = np.zeros_like(half)
    mode[own] = np.cross(axis, half[own] - reactant.positions[first])
    barrier = by_dimer(half, reactant.numbers, mode) - found.reaction.energies[0]
    for step in found.mechanism.steps:
        assert step.saddle.energy - found.reaction.energies[0] == pytest.approx(barrier, abs=2e-3)
