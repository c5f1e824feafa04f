"""Other conformers of a reaction's ends: both turned about one bond, and relaxed.

Where a reaction changes bonds, another conformer of its reactant is the reactant still, and the
saddle between two others may be lower. A bond that is single in both ends, closes no ring, and
parts the same atoms in both, none of whose changing bonds lies across, is turned by 120 degrees in
the one and the other sense: the staggered places of tetrahedral atoms.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial.transform import Rotation

from ..errors import BadEndpoints
from ..landscape.minima import by_hessian, minima
from ..molecule.conjugation import SINGLE_BOND
from ..molecule.stereo import BOND, beyond_bond, bonds, difference, relative_distances
from ..oracle import Oracle, PotentialSpec
from ..path import align, rmsd
from ..reaction import Reaction
from ..surrogate.relaxation import proven_on_surrogate

ANGLES = (120.0, -120.0)
ANOTHER = 0.1  # angstrom, RMSD of an end that is another minimum


@dataclass(frozen=True)
class Conformer:
    """A reaction between other conformers of its ends.

    Attributes
    ----------
    turned : what was turned, "2-5 by 120 degrees", atoms counted from 1
    reaction : with energies and gradients of these ends; None where relaxation has led back, to
        another molecule, or to no minimum
    evaluations, seconds : what relaxing them has cost
    """

    turned: str
    reaction: Reaction | None
    evaluations: int
    seconds: float


def conformers(
    reaction: Reaction, potential: PotentialSpec, staged: bool = False
) -> Iterator[Conformer]:
    """Yield the reaction between other conformers, each once; nothing where no bond changes.

    Parameters
    ----------
    staged : relax on a surrogate, and prove minima by their softest mode (`surrogate.relaxation`)
    """
    numbers, ends = reaction.numbers, reaction.ends
    if bonds(numbers, ends[0]) == bonds(numbers, ends[1]):
        return
    known = [ends]
    for bond, side in rotors(numbers, ends):
        for angle in ANGLES:
            turned = np.stack([_turned(x, bond, side, angle) for x in ends])
            pairs = zip(turned, ends, strict=True)
            if any(bonds(numbers, x) != bonds(numbers, end) for x, end in pairs):
                continue  # atoms have met
            start, oracle, between = time.perf_counter(), Oracle(potential.of(reaction)), None
            relaxed = _relaxed(oracle, numbers, turned, ends, staged)
            if relaxed is not None and not any(_same(relaxed, pair) for pair in known):
                known.append(relaxed)
                energies, gradients = oracle(relaxed)
                pair = {"reactant": relaxed[0], "product": relaxed[1]}
                between = replace(reaction, **pair, energies=energies, gradients=gradients)
            name = f"{bond[0] + 1}-{bond[1] + 1} by {angle:.0f} degrees"
            yield Conformer(name, between, oracle.evaluations, time.perf_counter() - start)


def rotors(numbers: np.ndarray, ends: np.ndarray) -> Iterator[tuple[tuple[int, int], list[int]]]:
    """Yield each bond that is turned, and the atoms on the smaller of its sides.

    Parameters
    ----------
    ends : (2, N, 3) array, angstrom
    """
    before, after = (bonds(numbers, x) for x in ends)
    lengths = np.stack([relative_distances(numbers, x) for x in ends])
    single = (lengths > SINGLE_BOND).all(axis=0)
    for i, j in sorted(before & after):
        if not single[i, j]:
            continue
        near, other = (set(beyond_bond(bonded, j, i)) for bonded in lengths < BOND)
        if j in near or near != other:
            continue
        far = set(range(len(numbers))) - near
        across = any((a in far) != (b in far) for a, b in before ^ after)
        if across or any(_spins(numbers, before, *ij) for ij in ((i, j), (j, i))):
            continue
        yield (i, j), sorted(min(near, far, key=len))


def _spins(numbers: np.ndarray, pairs, i: int, j: int) -> bool:
    """Whether turning j about i changes nothing: j ends there, or bears three atoms of a kind."""
    others = [k for pair in pairs if j in pair for k in pair if k not in (i, j)]
    return not others or (len(others) == 3 and len(set(numbers[others])) == 1)


def _turned(x: np.ndarray, bond: tuple[int, int], side: list[int], angle: float) -> np.ndarray:
    """Turn the atoms of one side about a bond by an angle, degrees."""
    axis = x[bond[1]] - x[bond[0]]
    turn = Rotation.from_rotvec(np.radians(angle) * axis / np.linalg.norm(axis))
    turned = x.copy()
    turned[side] = turn.apply(x[side] - x[bond[0]]) + x[bond[0]]
    return turned


def _relaxed(oracle, numbers, turned, ends, staged: bool) -> np.ndarray | None:
    """Relax both turned ends, aligned; None where one becomes another molecule, or no minimum."""
    proven = by_hessian
    if staged:
        proven = proven_on_surrogate(numbers, turned, oracle.invariances)
    relaxed = []
    for x, end in zip(turned, ends, strict=True):
        try:
            lowest = min(minima(oracle, numbers, x, proven=proven), key=lambda one: one.energy)
        except BadEndpoints:
            return None
        if difference(numbers, lowest.positions, end):
            return None
        relaxed.append(lowest.positions - lowest.positions.mean(axis=0))
    return np.stack([relaxed[0], align(relaxed[1], relaxed[0])])


def _same(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether two pairs of ends are the same minima, in this order of atoms."""
    return all(rmsd(x, y) < ANOTHER for x, y in zip(a, b, strict=True))
