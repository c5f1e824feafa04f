"""What endpoints must be, before and after relaxation.

Each check raises `BadEndpoints`, whose message names what is wrong, where, and the remedy; or
it returns what is worth to know of ends that are good. Their verdicts are columns of
`endpoints.csv`: bonds, minima, order, stereo, distinct, whole, spin.
"""

import numpy as np
from ase import Atoms
from ase.data import chemical_symbols

from ..errors import BadEndpoints
from ..landscape.minima import Minimum
from ..molecule.mapping import orders_differ
from ..molecule.shortest import inverted
from ..molecule.stereo import BOND, relative_distances
from ..molecule.structure import bonds, difference
from ..path import rmsd
from ..reaction import Entry

ENDS = ("reactant", "product")
OVERLAP = 0.4  # angstrom; the shortest bond there is, that of H2, has 0.74
FARTHEST = 1000.0  # angstrom; a molecule of 2000 atoms, the largest that is read, is shorter
FALLEN_APART = 6.0  # angstrom; nearest atoms of two fragments
SAME_RMSD = 0.1  # angstrom
CONTACT = 1.15  # of the sum of the radii; two atoms on a third that stay beyond are not bonded
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
        away = np.abs(positions - np.median(positions, axis=0)).max(axis=1)
        if away.max() > FARTHEST:
            raise BadEndpoints(
                f"the {end} has an atom that is {away.max():.3g} A from the others (atom "
                f"{int(away.argmax()) + 1}): correct the file"
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


def relaxation_changes(
    numbers: np.ndarray, starts: list[np.ndarray], ends: list[Minimum]
) -> dict[str, str]:
    """Say for each end what relaxation has changed of its bonds, and what became of its molecules.

    Ends whose bonds are as given are missing.
    """
    changes = {}
    for start, end, name in zip(starts, ends, ENDS, strict=True):
        before, after = bonds(numbers, start), bonds(numbers, end.positions)
        if text := _changes(numbers, before, after):
            old, new = (molecules(numbers, pairs) for pairs in (before, after))
            changes[name] = text + f" ({old} became {new})" * (old != new)
    return changes


def check_bonds(
    numbers: np.ndarray, starts: list[np.ndarray], ends: list[Minimum], accept: bool
) -> str:
    """Raise `BadEndpoints` if relaxation has replaced an end by another structure.

    That is one with other bonds, beyond what is undecided, another handedness, or the other of
    E and Z (see `molecule.stereo`). What only crosses the limit of a bond, as in a loose complex,
    is worth a note; so is what is accepted as relaxed.
    """
    changes = relaxation_changes(numbers, starts, ends)
    left = []
    for start, end, name in zip(starts, ends, ENDS, strict=True):
        reason = difference(numbers, end.positions, start)
        if reason and not _only_contacts(numbers, end.positions, start, reason):
            text = changes.get(name, "") if reason.startswith("bonds") else f"turns it: {reason}"
            left.append(f"the {name} left its basin: relaxation {text}")
    if not left:
        return "; ".join(f"relaxation of the {name} {text}" for name, text in changes.items())
    said = "; ".join(left)
    if accept:
        return f"accepted as relaxed: {said}"
    raise BadEndpoints(
        f"{said}. There may be no barrier on this potential: start from minima of it, or go on "
        "between the relaxed ends (--accept-relaxed)"
    )


def _only_contacts(numbers, a: np.ndarray, b: np.ndarray, reason: str) -> bool:
    """Whether all that bonds differ in are long contacts of two atoms on a third one.

    Large atoms come that near without a bond: Mg and C over O at 1.2 times the sum of radii.
    """
    at, bt = relative_distances(numbers, a), relative_distances(numbers, b)
    common = ((at < BOND) & (bt < BOND)).astype(int)
    contact = (common @ common > 0) & (np.minimum(at, bt) > CONTACT)
    return reason.startswith("bonds") and not (((at < BOND) != (bt < BOND)) & ~contact).any()


def molecules(numbers: np.ndarray, pairs: frozenset) -> str:
    """Return the formulas of the molecules that bonds make: `CH2 + H2`."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    i, j = np.array(sorted(pairs), dtype=int).reshape(-1, 2).T
    n = len(numbers)
    _, labels = connected_components(coo_matrix((np.ones(len(i)), (i, j)), shape=(n, n)), False)
    names = [Atoms(numbers[labels == k]).get_chemical_formula() for k in range(labels.max() + 1)]
    return " + ".join(sorted(names))


def check_stereo(numbers: np.ndarray, reactant: Minimum, product: Minimum) -> str:
    """Say what is inverted from end to end although none of its bonds changes.

    Where the order of the atoms is kept, a centre may really invert; but mostly two of its atoms
    are swapped at one end.
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
    numbers: np.ndarray,
    reactant: Minimum,
    product: Minimum,
    invariances: tuple[str, ...],
    changes: dict[str, str],
) -> None:
    """Raise `BadEndpoints` if both ends are one minimum; `changes` as `relaxation_changes` says."""
    if one_minimum(numbers, reactant, product, invariances):
        distance = rmsd(product.positions, reactant.positions, invariances)
        gap = abs(product.energy - reactant.energy)
        said = "; ".join(f"relaxation of the {name} {text}" for name, text in changes.items())
        saddles = "" if said else check_minima([reactant, product])
        why = "with this potential there is no reaction between them"
        if saddles:
            why = f"{saddles}, which has two ways down: start from minima"
        raise BadEndpoints(
            f"both ends relax into one minimum (RMSD {distance:.3f} A, energies {gap:.4f} eV "
            f"apart; {said or 'no bond of either changes'}): {why}"
        )


def one_minimum(
    numbers: np.ndarray,
    reactant: Minimum,
    product: Minimum,
    invariances: tuple[str, ...] = ("translation", "rotation"),
) -> bool:
    """Whether both ends are the same minimum, as nearly as two relaxations tell."""
    distance = rmsd(product.positions, reactant.positions, invariances)
    gap = abs(product.energy - reactant.energy)
    # Two hands of one pyramid have one energy, and may be that near.
    hands = rmsd(-product.positions, reactant.positions, invariances) < distance / 2
    similar = distance < SIMILAR_RMSD and gap < SAME_ENERGY and not hands
    near = distance < SAME_RMSD or similar
    return near and not difference(numbers, reactant.positions, product.positions)


def _changes(numbers, before: frozenset, after: frozenset) -> str:
    """Which bonds break and form, empty if none."""
    parts = []
    for word, pairs in (("breaks", before - after), ("forms", after - before)):
        names = ["-".join(atom_label(numbers, k) for k in pair) for pair in sorted(pairs)]
        if names:
            parts.append(f"{word} {', '.join(names)}")
    return " and ".join(parts)


def atom_label(numbers: np.ndarray, index: int) -> str:
    """Element and number of an atom, counting from 1."""
    return f"{chemical_symbols[numbers[index]]}{index + 1}"


def _nearest_atoms(positions: np.ndarray) -> tuple[int, int, float]:
    i, j = np.triu_indices(len(positions), 1)
    distances = np.linalg.norm(positions[i] - positions[j], axis=1)
    at = int(distances.argmin())
    return int(i[at]), int(j[at]), float(distances[at])
