"""What endpoints must be, before and after relaxation.

Each check raises `BadEndpoints`, whose message names what is wrong, where, and the remedy; or
it returns what is worth to know of ends that are good. Their verdicts are columns of
`endpoints.csv`: bonds, minima, stereo, distinct, whole, spin.
"""

import numpy as np
from ase import Atoms
from ase.data import chemical_symbols

from ..errors import BadEndpoints
from ..landscape.minima import Minimum
from ..molecule.mapping import orders_differ
from ..molecule.shortest import inverted
from ..molecule.structure import bonds, difference
from ..path import rmsd
from ..reaction import Entry

ENDS = ("reactant", "product")
OVERLAP = 0.4  # angstrom; the shortest bond there is, that of H2, has 0.74
FALLEN_APART = 6.0  # angstrom; nearest atoms of two fragments
SAME_RMSD = 0.1  # angstrom
LOWER_STATE = 0.05  # eV
SAME_ENERGY, SIMILAR_RMSD = 1e-3, 0.3  # eV, angstrom: a soft mode may keep two relaxations apart


def given_geometries(entry: Entry) -> tuple[np.ndarray, list[np.ndarray]]:
    """Elements and the two geometries of a file, checked before anything is computed."""
    reactant, product = (np.asarray(entry.numbers[end]) for end in ENDS)
    if sorted(reactant) != sorted(product):
        formulas = [Atoms(numbers).get_chemical_formula() for numbers in (reactant, product)]
        raise BadEndpoints(
            f"the reactant is {formulas[0]} and the product {formulas[1]}: both ends must have "
            "the same atoms"
        )
    if len(reactant) < 2:
        raise BadEndpoints("a reaction needs at least two atoms")
    if np.any(reactant == 0):
        raise BadEndpoints(f"atom {int(np.argmin(reactant)) + 1} is a dummy: give an element")
    starts = []
    for end in ENDS:
        positions = np.asarray(entry.positions[end], dtype=float)
        bad = ~np.isfinite(positions).all(axis=1)
        if bad.any():
            raise BadEndpoints(
                f"the {end} has a coordinate that is not a number (atom {int(bad.argmax()) + 1}): "
                "correct the file"
            )
        i, j, distance = _nearest_atoms(positions)
        if distance < OVERLAP:
            raise BadEndpoints(
                f"the {end} has overlapping atoms: {atom_label(reactant, i)} and "
                f"{atom_label(reactant, j)} are {distance:.2f} A apart: correct the file"
            )
        starts.append(positions)
    if reason := orders_differ(reactant, starts[0], product, starts[1]):
        raise BadEndpoints(
            f"{reason}: reorder one file, or let `mepbench import ... --map` find the map"
        )
    return reactant, starts


def check_electrons(numbers: np.ndarray, charge: int, multiplicity: int) -> None:
    """Raise `BadEndpoints` if the atoms with this charge can't have this multiplicity."""
    electrons = int(np.sum(numbers)) - charge
    if electrons < 1:
        raise BadEndpoints(f"charge {charge} leaves {electrons} electrons: correct `charge`")
    unpaired = multiplicity - 1
    if unpaired < 0 or unpaired > electrons or (electrons - unpaired) % 2:
        possible = "1, 3, 5, ..." if electrons % 2 == 0 else "2, 4, 6, ..."
        raise BadEndpoints(
            f"multiplicity {multiplicity} is impossible for {electrons} electrons (charge "
            f"{charge}), it may be {possible}: correct `multiplicity` or `charge`"
        )


def check_bonds(numbers: np.ndarray, starts: list[np.ndarray], ends: list[Minimum]) -> str:
    """Say which bonds relaxation has changed from the ends as given."""
    notes = [
        _changes(numbers, bonds(numbers, start), bonds(numbers, end.positions), name)
        for start, end, name in zip(starts, ends, ENDS, strict=True)
    ]
    return "; ".join(note for note in notes if note)


def check_stereo(numbers: np.ndarray, reactant: Minimum, product: Minimum) -> str:
    """Say what is inverted from end to end although none of its bonds changes.

    In a file the order of the atoms is a statement, and a centre may really invert; but mostly
    two of its atoms are swapped at one end.
    """
    marks = inverted(numbers, reactant.positions, product.positions)
    names = ", ".join(mark.name(numbers) for mark in marks[:4])
    return f"{names} inverted, though no bond of it changes: is the atom order right?" * bool(marks)


def check_minima(ends: list[Minimum]) -> str:
    """Say which end was left along a negative mode."""
    names = [name for end, name in zip(ends, ENDS, strict=True) if end.displaced]
    return f"{' and '.join(names)} left a saddle along its negative mode" * bool(names)


def check_spin(numbers, charge: int, multiplicity: int, ends: list[Minimum], load) -> str:
    """Say at which end the next higher or lower multiplicity has the lower energy.

    `load(numbers, charge, multiplicity)` returns a potential. GFN-xTB has no exchange energy that
    favours high spin, so what it finds lower is lower.
    """
    notes = []
    for other in (multiplicity - 2, multiplicity + 2):
        if other < 1 or other - 1 > int(np.sum(numbers)) - charge:
            continue
        try:
            energies, _ = load(numbers, charge, other).evaluate(
                np.array([end.positions for end in ends])
            )
        except Exception:  # a user's own potential may refuse the other state in any way
            continue
        for energy, end, name in zip(energies, ends, ENDS, strict=True):
            if energy < end.energy - LOWER_STATE:
                gap = end.energy - energy
                notes.append(f"multiplicity {other} is {gap:.2f} eV lower at the {name}")
    return "; ".join(notes)


def check_whole(numbers: np.ndarray, reactant: Minimum, product: Minimum) -> None:
    """Raise `BadEndpoints` if an end has fallen into fragments too far apart to react."""
    from scipy.sparse.csgraph import minimum_spanning_tree
    from scipy.spatial.distance import cdist

    for minimum, end in zip((reactant, product), ENDS, strict=True):
        gap = minimum_spanning_tree(cdist(minimum.positions, minimum.positions)).toarray().max()
        if gap > FALLEN_APART:
            raise BadEndpoints(
                f"the {end} falls apart on relaxation (fragments {gap:.1f} A apart): give a "
                "complex that is bound"
            )


def check_distinct(
    numbers: np.ndarray, reactant: Minimum, product: Minimum, invariances: tuple[str, ...]
) -> None:
    """Raise `BadEndpoints` if both ends are one minimum."""
    distance = rmsd(product.positions, reactant.positions, invariances)
    gap = abs(product.energy - reactant.energy)
    # Two hands of one pyramid have one energy, and may be that near.
    hands = rmsd(-product.positions, reactant.positions, invariances) < distance / 2
    similar = distance < SIMILAR_RMSD and gap < SAME_ENERGY and not hands
    near = distance < SAME_RMSD or similar
    if near and not difference(numbers, reactant.positions, product.positions):
        raise BadEndpoints(
            f"both ends relax into one minimum (RMSD {distance:.3f} A, energies {gap:.4f} eV "
            "apart): with this potential there is no reaction between them"
        )


def _changes(numbers, before: frozenset, after: frozenset, end: str) -> str:
    """One line on the bonds that relaxation has changed, empty if none."""
    parts = []
    for word, pairs in (("breaks", before - after), ("forms", after - before)):
        names = ["-".join(atom_label(numbers, k) for k in pair) for pair in sorted(pairs)]
        if names:
            parts.append(f"{word} {', '.join(names)}")
    return f"relaxation of the {end} {' and '.join(parts)}" if parts else ""


def atom_label(numbers: np.ndarray, index: int) -> str:
    """Element and number of an atom, counting from 1."""
    return f"{chemical_symbols[numbers[index]]}{index + 1}"


def _nearest_atoms(positions: np.ndarray) -> tuple[int, int, float]:
    i, j = np.triu_indices(len(positions), 1)
    distances = np.linalg.norm(positions[i] - positions[j], axis=1)
    at = int(distances.argmin())
    return int(i[at]), int(j[at]), float(distances[at])
