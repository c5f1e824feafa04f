"""Small reactions of the kinds at which a judge of saddles errs, each with its right verdict.

Geometries are built by RDKit or by hand, their stationary points and ends found and classified
by `careful`. The right verdict follows from its index, and from the ends that are asked for.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from ase.data import atomic_masses
from careful import Stationary, Surface, classify, descend, newton
from rdkit import Chem
from rdkit.Chem import AllChem
from rdkit.Chem.rdMolTransforms import SetDihedralDeg

from mepbench.potentials import tblite

OTHER_END = "half-intended", "multistep"


@dataclass(frozen=True)
class Case:
    """A stationary point, and a reaction whose saddle it may be.

    Attributes
    ----------
    numbers : (N,) int array
    charge, multiplicity : int
    point : the stationary point, to be judged
    ends : (2, N, 3) array, angstrom: the reactant and the product asked for, minima where the point
        is a first-order saddle
    right : the verdicts that are right
    """

    numbers: np.ndarray
    charge: int
    multiplicity: int
    point: Stationary
    ends: np.ndarray
    right: tuple[str, ...]


def surface_of(numbers: np.ndarray, charge: int = 0, multiplicity: int = 1) -> Surface:
    """Return GFN2-xTB of one molecule, its SCF so tight that its noise is not felt."""
    return tblite.load(np.asarray(numbers), charge, multiplicity, accuracy=1e-3).evaluate


def embedded(smiles: str, *torsions: tuple) -> tuple[np.ndarray, np.ndarray]:
    """Return atomic numbers and positions; `torsions` are four atoms and an angle in degrees."""
    molecule = Chem.AddHs(Chem.MolFromSmiles(smiles))
    AllChem.EmbedMolecule(molecule, randomSeed=1)
    conformer = molecule.GetConformer()
    for *atoms, angle in torsions:
        SetDihedralDeg(conformer, *atoms, float(angle))
    return np.array([a.GetAtomicNum() for a in molecule.GetAtoms()]), conformer.GetPositions()


def flat(numbers: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return a ring with its heavy atoms in their plane, its hydrogens in or astride it."""
    heavy = np.flatnonzero(numbers > 1)
    centre = x[heavy].mean(axis=0)
    normal = np.linalg.svd(x[heavy] - centre)[2][2]
    y = x.copy()
    y[heavy] -= np.outer((x[heavy] - centre) @ normal, normal)
    for i in heavy:
        mine = [j for j in np.flatnonzero(numbers == 1) if np.linalg.norm(x[j] - x[i]) < 1.3]
        out = (y[i] - centre) / np.linalg.norm(y[i] - centre)
        rise = [0.82, -0.82] if len(mine) == 2 else [0.0]
        for j, height in zip(mine, rise, strict=False):
            y[j] = y[i] + 1.09 * (np.sqrt(1 - height**2) * out + height * normal)
    return numbers, y


def held(surface: Surface, pairs: list[tuple[int, int]], length: float) -> Surface:
    """Return the surface with stiff springs that hold some distances at one length, angstrom."""
    one, other = np.array(pairs).T

    def evaluate(positions):
        energies, gradients = surface(positions)
        arms = positions[:, one] - positions[:, other]
        lengths = np.linalg.norm(arms, axis=-1)
        pull = 100.0 * (1 - length / lengths)[..., None] * arms
        gradients = gradients.copy()
        for k, (i, j) in enumerate(pairs):
            gradients[:, i] += pull[:, k]
            gradients[:, j] -= pull[:, k]
        return energies + 50.0 * ((lengths - length) ** 2).sum(axis=-1), gradients

    return evaluate


def between(x: np.ndarray, moving: int, one: int, other: int, length: float) -> np.ndarray:
    """Return `x` with one atom as far from each of two others as `length` asks for."""
    y, middle = x.copy(), (x[one] + x[other]) / 2
    axis = (x[other] - x[one]) / np.linalg.norm(x[other] - x[one])
    side = x[moving] - middle
    side -= (side @ axis) * axis
    rise = np.sqrt(max(length**2 - (np.linalg.norm(x[other] - x[one]) / 2) ** 2, 0.04))
    y[moving] = middle + rise * side / np.linalg.norm(side)
    return y


def case(numbers, x, index: int | None = None, *, charge: int = 0, multiplicity: int = 1) -> Case:
    """Return what the stationary point beside `x` is, with the minima on its two sides as ends."""
    numbers = np.asarray(numbers)
    surface = surface_of(numbers, charge, multiplicity)
    found, converged = newton(surface, np.asarray(x, float), index)
    assert converged, "not a stationary point"
    point = classify(surface, found)
    if point.index == 1:
        masses, ways = atomic_masses[numbers], (-point.modes[0], point.modes[0])
        feet = [descend(surface, point.x, way, masses, step=0.3)[0] for way in ways]
        assert max(foot.fmax for foot in feet) < 1e-3, "a foot is not relaxed"
        ends = [foot.x for foot in feet]
    else:
        ends = [point.x - 0.5 * point.modes[0], point.x + 0.5 * point.modes[0]]
    right = {0: "minimum", 1: "intended"}.get(point.index, "higher-order")
    return Case(numbers, charge, multiplicity, point, np.array(ends), (right,))


def methyls_sharing_hydrogen() -> Case:
    """CH3-H-CH3, the two methyls eclipsed: a rotor of -0.005 eV/angstrom^2."""
    angles = np.radians([0.0, 120.0, 240.0])
    rim = np.stack([1.05 * np.cos(angles), 1.05 * np.sin(angles), np.full(3, 1.65)], axis=1)
    x = [[0, 0, 0], [0, 0, 1.35], [0, 0, -1.35], *rim, *(rim * [1, 1, -1])]
    return case([1, 6, 6, *[1] * 6], x, multiplicity=2)


def exchange_at_ethyl(halogen: int, length: float, turn: float) -> Case:
    """X- + C2H5X, the back side attack with its methyl turned."""
    waist = np.radians([120.0, 240.0])
    rim = np.radians([0.0, 120.0, 240.0]) + np.radians(turn)
    methyl = [[1.9, np.cos(a), np.sin(a)] for a in rim]
    hydrogens = [[1.07 * np.cos(a), 1.07 * np.sin(a), 0] for a in waist]
    x = [[0, 0, length], [0, 0, -length], [0, 0, 0], [1.48, 0, 0], *hydrogens, *methyl]
    return case([halogen, halogen, 6, 6, *[1] * 5], x, charge=-1)


def linear_imine(turn: float) -> Case:
    """Inversion of CH3-CH=NH at nitrogen, its methyl turned to a hydrogen against nitrogen."""
    numbers, x = embedded("CC=N", (3, 0, 1, 2, turn))
    along = x[2] - x[1]
    x[7] = x[2] + along / np.linalg.norm(along)
    return case(numbers, x)


def hydrogen_shift(smiles: str, moving: int, one: int, other: int, *torsions) -> Case:
    """Return the saddle at which a hydrogen is between two atoms."""
    numbers, x = embedded(smiles, *torsions)
    springs = held(surface_of(numbers), [(moving, one), (moving, other)], 1.3)
    start, _ = newton(springs, between(x, moving, one, other, 1.3), 0, force=0.02)
    return case(numbers, start, 1)


def asked_for(found: Case, product: np.ndarray) -> Case:
    """Return a case with a product to which its saddle does not lead, from its higher end."""
    surface = surface_of(found.numbers, found.charge, found.multiplicity)
    relaxed, converged = newton(surface, product, 0, most=150)
    assert converged, "the product is not relaxed"
    higher = found.ends[int(np.argmax(surface(found.ends)[0]))]
    return replace(found, ends=np.array([higher, relaxed]), right=OTHER_END)


def nitro_group_across() -> Case:
    """H shift from N to O of Z-2-nitroethenamine; the product asked for is the E isomer."""
    ring = (4, 3, 2, 1, 0), (6, 0, 1, 2, 0)
    found = hydrogen_shift(r"N/C=C\[N+](=O)[O-]", 6, 0, 4, *ring)
    return asked_for(found, embedded("N/C=C/[N+](=O)[O-]")[1])


def amide_across() -> Case:
    """H shift from O to N of an imidic acid; the other N-methylformamide is asked for.

    Over such a barrier its bond C-N turns as well: a conformer.
    """
    found = hydrogen_shift("CNC=O", 7, 1, 3, (3, 2, 1, 0, 180))
    asked = asked_for(found, embedded("CNC=O", (3, 2, 1, 0, 0))[1])
    return replace(asked, right=("intended",))


def one_of_two_torsions(hydroxyl: float, carbons: float) -> Case:
    """One bond of 2-fluoroethanol turns, from angles (degrees) near its top; asked for are both."""
    found = case(*embedded("OCCF", (4, 0, 1, 2, hydroxyl), (0, 1, 2, 3, carbons)), 1)
    return asked_for(found, embedded("OCCF", (4, 0, 1, 2, 300), (0, 1, 2, 3, 65))[1])


CASES: dict[str, Callable[[], Case]] = {
    "methyls that share a hydrogen, eclipsed": methyls_sharing_hydrogen,
    "fluoride at fluoroethane, a methyl hydrogen eclipsing it": lambda: exchange_at_ethyl(
        9, 1.85, 90
    ),
    "inversion of ethanimine": lambda: linear_imine(0),
    "inversion of ethanimine, the methyl turned": lambda: linear_imine(180),
    "turn of diboron tetrafluoride": lambda: case(*embedded("FB(F)B(F)F", (0, 1, 3, 4, 180))),
    "turn of diboron tetrachloride": lambda: case(*embedded("ClB(Cl)B(Cl)Cl", (0, 1, 3, 4, 180))),
    "flip of thietane": lambda: case(*flat(*embedded("C1CSC1"))),
    "dioxolane in a plane": lambda: case(*flat(*embedded("C1COCO1"))),
    "hydrogen chloride dimer, donor to acceptor": lambda: case(
        [17, 1, 17, 1], [[0, 0, 0], [0.7, 1.05, 0], [3.7, 0.6, 0], [3.0, -0.45, 0]], 1
    ),
    "acetone, both methyls turned": lambda: case(
        *embedded("CC(=O)C", (4, 0, 1, 2, 60), (7, 3, 1, 2, 60))
    ),
    "nitroethenamine, E asked for at a saddle to Z": nitro_group_across,
    "methylformamide, the other isomer asked for": amide_across,
    "fluoroethanol, its hydroxyl turns": lambda: one_of_two_torsions(120, 180),
    "fluoroethanol, its carbons turn": lambda: one_of_two_torsions(60, 120),
}
