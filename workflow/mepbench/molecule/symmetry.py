"""The symmetry number: how many proper rotations map a molecule onto itself.

Every such rotation takes one pair of atoms, not in line with the centre, to another pair of the
same elements and distances. All of these are tried: the turned atoms are matched with the atoms,
the rotation is fitted to all of them, and it counts where each atom comes within a tolerance of
an equivalent one. The rotations must form a group; where they don't, since the geometry is nearly
of a higher symmetry, the tolerance is halved until they do.

Of a saddle only those count that keep the way over it: one that turns the reaction's mode around
takes the reactant's side to the product's, and the way back is another reaction (Pollak, Pechukas,
J. Am. Chem. Soc. 100, 2984 (1978), doi:10.1021/ja00478a009; planar ammonia: 3, not 6).
"""

from collections.abc import Iterator

import numpy as np

from ..path import rigid_motions, superposition
from .stereo import RIGID

# Angstrom, of one atom. Relaxed to 0.005 eV/A, a soft mode of 0.03 eV/A^2 may be 0.1 A off; atoms
# that no rotation exchanges are further apart.
TOLERANCE = 0.1


def symmetry_number(
    numbers: np.ndarray,
    positions: np.ndarray,
    mode: np.ndarray | None = None,
    tolerance: float = TOLERANCE,
) -> int:
    """Count the proper rotations that map a molecule onto itself.

    Parameters
    ----------
    numbers : (N,) int array, atomic numbers
    positions : (N, 3) array, angstrom
    mode : (N, 3) array, of a saddle the direction in which it is left; either sign
    tolerance : angstrom, how far an atom may be from that onto which it is mapped
    """
    x = positions - positions.mean(axis=0)
    found: dict[tuple[int, ...], tuple[float, bool]] = {}
    for turn in _candidates(numbers, x, tolerance):
        order = _matched(numbers, x, x @ turn)
        if order is None or tuple(order) in found:
            continue
        if len(rigid_motions(x, RIGID)) == 6:
            turn = superposition(x[order], x)
        away = np.linalg.norm(x[order] @ turn - x, axis=1).max()
        kept = mode is None or ((mode[order] @ turn) * mode).sum() > 0
        if away <= tolerance:
            found[tuple(order)] = away, kept
    while not _is_group(
        group := {order for order, (away, _) in found.items() if away <= tolerance}
    ):
        tolerance /= 2
    return sum(bool(found[order][1]) for order in group)


def _candidates(numbers: np.ndarray, x: np.ndarray, tolerance: float) -> Iterator[np.ndarray]:
    """Yield rotations (3, 3), applied from the right, that may map the molecule onto itself."""
    yield np.eye(3)
    radii = np.linalg.norm(x, axis=1)
    if len(rigid_motions(x, RIGID)) < 6:
        # Atoms in line: about the axis all turns are one; across it there is one more.
        if len(x) > 1:
            across = np.linalg.svd(x)[2][2]
            yield 2 * np.outer(across, across) - np.eye(3)
        return
    alike = (numbers[:, None] == numbers) & (np.abs(radii[:, None] - radii) < 2 * tolerance)
    # The first atom has few equivalents, and lies where its direction is sure.
    first = min(
        range(len(x)), key=lambda i: (radii[i] < radii.max() / 3, alike[i].sum(), -radii[i])
    )
    second = int(np.linalg.norm(np.cross(x[first], x), axis=1).argmax())
    length = np.linalg.norm(x[first] - x[second])
    frame = _frame(x[first], x[second])
    for i in np.flatnonzero(alike[first]):
        for j in np.flatnonzero(alike[second]):
            if i != j and abs(np.linalg.norm(x[i] - x[j]) - length) < 2 * tolerance:
                yield frame.T @ _frame(x[i], x[j])


def _frame(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return right-handed axes (3, 3), rows, of which the first two span the plane of a and b."""
    normal = np.cross(a, b)
    along, normal = a / np.linalg.norm(a), normal / (np.linalg.norm(normal) or 1.0)
    return np.array([along, np.cross(normal, along), normal])


def _matched(numbers: np.ndarray, x: np.ndarray, turned: np.ndarray) -> np.ndarray | None:
    """Return which turned atom lies at each atom; None where two lie at one."""
    distances = np.linalg.norm(x[:, None] - turned, axis=2)
    order = np.where(numbers[:, None] == numbers, distances, np.inf).argmin(axis=1)
    return order if len(set(order)) == len(order) else None


def _is_group(orders: set[tuple[int, ...]]) -> bool:
    return all(tuple(p[i] for i in q) in orders for p in orders for q in orders)
