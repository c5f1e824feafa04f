"""Equivalent atoms numbered such that the way from reactant to product is shortest.

A renumbering of one end by an automorphism of its own bonds (hydrogens of a methyl group,
arms of a symmetric ligand, identical fragments) changes no bond that was asked for, but may
send every atom a long way, or turn a centre inside out. Of all renumberings of both ends

    (q, p) in Aut(R) x Aut(P):    min RMSD(x_R[q], x_P[p])

is taken that inverts no centre whose neighbours stay, turns no double bond that stays, and
keeps what is written: with four bonds kept no hydrogens of a CH2 can swap, in a CH3 they can
only turn around.

The group is a product: atoms with one neighbour permute at their neighbour, each such orbit
by itself, at most 4! ways; what is left are the automorphisms of the skeleton, of which
the 200 that are found first are weighed (only molecules of many alike arms have more).
"""

from dataclasses import dataclass
from itertools import islice, permutations, product

import numpy as np
from ase.data import chemical_symbols

from ..path import rmsd
from .relabelling import rmsds
from .stereo import (
    BOND,
    DOUBLE_BOND,
    cis,
    double_bonds,
    handedness,
    relative_distances,
    stereocentres,
)

MOST_SKELETONS, MOST_PLACEMENTS = 200, 20_000
TRIED_SKELETONS = 8
ROUNDS = 4
AS_SHORT = 0.01  # angstrom, by which the ways of two orders may differ and be as short
SAME_WAY = 0.05  # angstrom, by which all distances agree along the ways of equivalent orders
LARGEST_ORBIT = 4


@dataclass(frozen=True)
class Mark:
    """A sign that a geometry must have: of a centre's volume, or of cis (+1) and trans (-1).

    Attributes
    ----------
    atoms : a centre and its three or four neighbours, or (a, i, j, b) about the bond i=j
    double : whether it is about a double bond
    sign : +1 or -1
    """

    atoms: tuple[int, ...]
    double: bool
    sign: int

    def of(self, positions: np.ndarray) -> int:
        """Sign that (N, 3) positions have; 0 where it is not clear."""
        if self.double:
            return cis(positions, *self.atoms)
        return handedness(positions, self.atoms[0], list(self.atoms[1:]))

    def name(self, numbers: np.ndarray) -> str:
        """Element and number of what it is about, counting from 1."""
        about = self.atoms[1:3] if self.double else self.atoms[:1]
        return "=".join(f"{chemical_symbols[numbers[i]]}{i + 1}" for i in about)

    def holds(self, positions: np.ndarray) -> bool:
        """Whether (N, 3) positions do not contradict it."""
        return self.of(positions) * self.sign >= 0


def kept_marks(numbers: np.ndarray, a: np.ndarray, b: np.ndarray) -> list[Mark]:
    """Signs that geometry `a` has at what stays the same from a to b.

    These are centres whose neighbours are the same at both ends, and double bonds that are
    double at both and whose neighbours are the same.
    """
    at, bt = (relative_distances(numbers, x) for x in (a, b))
    bonded = at < BOND
    same = (bonded == (bt < BOND)).all(axis=1)
    marks = [
        Mark((centre, *neighbours), False, handedness(a, centre, neighbours))
        for centre, neighbours in stereocentres(numbers, bonded)
        if same[centre]
    ]
    double = bonded & (at < DOUBLE_BOND) & (bt < DOUBLE_BOND) & same[:, None] & same[None]
    marks += [Mark(atoms, True, cis(a, *atoms)) for atoms in double_bonds(numbers, bonded, double)]
    return [mark for mark in marks if mark.sign]


def inverted(numbers: np.ndarray, a: np.ndarray, b: np.ndarray) -> list[Mark]:
    """Return what is inverted or turned from geometry `a` to `b` although its bonds stay."""
    return [mark for mark in kept_marks(numbers, a, b) if not mark.holds(b)]


def shortest_pair(
    numbers: np.ndarray,
    reactant: np.ndarray,
    product: np.ndarray,
    written: tuple[list[Mark], list[Mark]] = ((), ()),
    starts: int = 1,
) -> tuple[np.ndarray, np.ndarray, int]:
    """Find the renumberings of both ends by which they are nearest.

    Each end in turn is renumbered to be nearest to the other, until neither moves.

    Parameters
    ----------
    numbers : (N,) int array, atomic numbers
    reactant, product : (N, 3) arrays, angstrom
    written : signs that each end must have, whatever the other has
    starts : from how many renumberings; the first is as given, the others are drawn

    Returns
    -------
    q, p : (N,) int arrays; `reactant[q]` and `product[p]` have the bonds of `reactant` and
        `product`. Both are the identity where nothing is nearer.
    wrong : how many signs do not hold: written ones, and of what stays the same
    """
    identity = np.arange(len(numbers))
    groups = [_Renumberings(numbers, x) for x in (reactant, product)]
    draw = np.random.default_rng(0)
    best, least = (identity, identity), _cost(numbers, reactant, product, written)
    if all(len(group.skeletons) == 1 and not group.orbits for group in groups):
        return *best, least[0]
    for start in range(starts):
        q, p = best if start == 0 else [group.drawn(draw) for group in groups]
        here = (np.inf,) if start else least
        for _ in range(ROUNDS):
            changed = False
            for at in (1, 0):
                x, y = reactant[q], product[p]
                mobile, fixed = (y, x) if at else (x, y)
                marks = _wanted(numbers, fixed, mobile, written[at], written[1 - at])
                found = groups[at].nearest(mobile, fixed, marks)
                new = (q, p[found]) if at else (q[found], p)
                cost = _cost(numbers, reactant[new[0]], product[new[1]], written)
                if cost < (here[0], here[-1] - 1e-6):
                    (q, p), here, changed = new, cost, True
            if not changed:
                break
        if here < (least[0], least[1] - 1e-6):
            best, least = (q, p), here
    return *best, least[0]


def shortest_orders(
    numbers: np.ndarray, reactant: np.ndarray, product: np.ndarray, starts: int = 1
) -> list[np.ndarray]:
    """Find the orders of the product's atoms by which it is nearest to the reactant as it is.

    What `shortest_pair` renumbers at the reactant is carried over to the product, so that the
    bonds which change are the same up to equivalent atoms. What is no shorter by 0.01 A than the
    order as given, and inverts no less, is not preferred to it.

    Returns
    -------
    list of (N,) int arrays; `product[order]` is the product in the order, the shortest first.
    The others are as short, invert no more, and no symmetry of the two ends makes them the first.
    """
    q, p, wrong = shortest_pair(numbers, reactant, product, starts=starts)
    shorter = rmsd(product[p], reactant[q]) < rmsd(product, reactant) - AS_SHORT
    if not shorter and len(inverted(numbers, reactant, product)) <= wrong:
        q = p = np.arange(len(numbers))
    x, y = reactant[q], product[p]
    least, way = rmsd(y, x), _way(x, y)
    orders = [p[np.argsort(q)]]
    for at, (mobile, fixed) in enumerate(((x, y), (y, x))):
        marks = kept_marks(numbers, fixed, mobile)
        changes = np.array(_Renumberings(numbers, mobile).near(mobile, fixed, marks))
        far = rmsds(mobile[changes], fixed, ("translation", "rotation")) > least + AS_SHORT
        for change in changes[~far]:
            other = (mobile[change], fixed) if at == 0 else (fixed, mobile[change])
            if np.abs(_way(*other) - way).max() < SAME_WAY:
                continue
            if len(inverted(numbers, *other)) <= wrong:
                orders.append(p[np.argsort(q[change])] if at == 0 else p[change][np.argsort(q)])
    return orders


def _way(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """How much each distance changes from a to b, sorted: the same whatever the numbering."""
    i, j = np.triu_indices(len(a), 1)
    return np.sort(np.linalg.norm(a[i] - a[j], axis=1) - np.linalg.norm(b[i] - b[j], axis=1))


def _wanted(numbers, fixed, mobile, own, others) -> list[Mark]:
    """Signs that the mobile end must have: its own as written, else those of the other end."""
    about = {frozenset(mark.atoms) for mark in (*own, *others)}
    kept = [m for m in kept_marks(numbers, fixed, mobile) if frozenset(m.atoms) not in about]
    return [*own, *kept]


def _cost(numbers, reactant, product, written) -> tuple[int, float]:
    wrong = sum(not mark.holds(reactant) for mark in written[0])
    wrong += sum(
        not mark.holds(product)
        for mark in _wanted(numbers, reactant, product, written[1], written[0])
    )
    return wrong, rmsd(product, reactant)


class _Renumberings:
    """The automorphisms of one end's bonds: orbits of leaves, and of the skeleton."""

    def __init__(self, numbers: np.ndarray, positions: np.ndarray):
        relative = relative_distances(numbers, positions)
        self.bonded = (relative < BOND).astype(int) + (relative < DOUBLE_BOND)
        self.numbers = numbers
        degree = (self.bonded > 0).sum(axis=1)
        orbits: dict[tuple, list[int]] = {}
        for leaf in np.flatnonzero(degree == 1):
            parent = int(np.flatnonzero(self.bonded[leaf])[0])
            if degree[parent] > 1:
                orbits.setdefault((parent, int(numbers[leaf])), []).append(int(leaf))
        self.orbits: dict[int, list[list[int]]] = {}
        for (parent, _), leaves in orbits.items():
            if 1 < len(leaves) <= LARGEST_ORBIT:
                self.orbits.setdefault(parent, []).append(leaves)
        leaves = [k for at in self.orbits.values() for orbit in at for k in orbit]
        self.rest = np.setdiff1d(np.arange(len(numbers)), leaves)
        # Of each atom its leaves, and all the orders in which they may stand, the one as is first.
        self.choices = {
            parent: (np.concatenate(at), np.array([np.concatenate(c) for c in _orders(at)]))
            for parent, at in self.orbits.items()
        }
        self.skeletons = np.array(list(islice(self._skeletons(), MOST_SKELETONS)))

    def drawn(self, draw: np.random.Generator) -> np.ndarray:
        """Return one of the renumberings at random."""
        p = draw.choice(self.skeletons).copy()
        for orbits in self.orbits.values():
            for orbit in orbits:
                p[orbit] = p[draw.permutation(orbit)]
        return p

    def nearest(self, mobile: np.ndarray, fixed: np.ndarray, marks: list[Mark]) -> np.ndarray:
        """Find the renumbering of (N, 3) `mobile` that is nearest to `fixed` and has the marks."""

        def cost(p) -> tuple[int, float]:
            return sum(not mark.holds(mobile[p]) for mark in marks), rmsd(mobile[p], fixed)

        return min(self._placed(mobile, fixed, marks), key=cost)

    def near(self, mobile: np.ndarray, fixed: np.ndarray, marks: list[Mark]) -> list[np.ndarray]:
        """Renumberings that differ by the skeleton, or by the leaves of one atom."""
        changes = self._placed(mobile, fixed, marks)
        for orbit in (orbit for orbits in self.orbits.values() for orbit in orbits):
            for choice in permutations(orbit):
                p = np.arange(len(mobile))
                p[orbit] = choice
                changes.append(p)
        return changes

    def _placed(self, mobile, fixed, marks) -> list[np.ndarray]:
        """The skeletons that are nearest, with their leaves at their places."""
        rest = self.rest
        near = rmsds(mobile[self.skeletons][:, rest], fixed[rest], ("translation", "rotation"))
        nearest = self.skeletons[np.argsort(near, kind="stable")[:TRIED_SKELETONS]]
        about = {parent: [m for m in marks if parent in m.atoms] for parent in self.choices}
        return [self._leaves_placed(p, mobile, fixed, about) for p in nearest]

    def _leaves_placed(self, p, mobile, fixed, about: dict[int, list[Mark]]):
        """Place the leaves at each skeleton atom nearest to where they are in `fixed`."""
        p = p.copy()
        anchors = self.rest if len(self.rest) > 3 else np.arange(len(p))
        for _ in range(ROUNDS):
            moved = align_by(mobile[p], fixed, anchors)
            before = p.copy()
            for parent, (at, choices) in self.choices.items():
                # `at` keeps its slots in x[p]; the choice is which of them gets which position.
                distance = ((moved[choices] - fixed[at]) ** 2).sum(axis=(1, 2))
                trial = p.copy()
                for slots in choices[np.argsort(distance, kind="stable")]:
                    trial[at] = p[slots]
                    if all(mark.holds(mobile[trial]) for mark in about[parent]):
                        moved[at] = moved[slots]
                        p = trial
                        break
            if (p == before).all():
                break
            anchors = np.arange(len(p))
        return p

    def _skeletons(self):
        """Automorphisms, one for all that differ by leaves of one orbit only; identity first."""
        n = len(self.numbers)
        colours = _colours(self.numbers, self.bonded)
        orbit_of = {
            k: (parent, at)
            for parent, orbits in self.orbits.items()
            for at, orbit in enumerate(orbits)
            for k in orbit
        }
        order = _along_bonds(self.bonded)
        p, used = np.full(n, -1), np.zeros(n, dtype=bool)
        placements = 0

        def place(depth):
            nonlocal placements
            if depth == n:
                yield p.copy()
                return
            i, before = order[depth], order[:depth]
            candidates = np.flatnonzero(~used & (colours == colours[i]))
            if i in orbit_of:  # the first that is free stands for all
                candidates = [
                    c
                    for c in candidates
                    if (self.bonded[c, p[before]] == self.bonded[i, before]).all()
                ][:1]
            for c in sorted(candidates, key=lambda c: c != i):
                if (self.bonded[c, p[before]] != self.bonded[i, before]).any():
                    continue
                placements += 1
                if placements > MOST_PLACEMENTS:
                    return
                p[i], used[c] = c, True
                yield from place(depth + 1)
                p[i], used[c] = -1, False

        yield from place(0)


def _orders(orbits: list[list[int]]):
    return product(*(permutations(orbit) for orbit in orbits))


def align_by(mobile: np.ndarray, fixed: np.ndarray, atoms: np.ndarray) -> np.ndarray:
    """Superimpose `mobile` on `fixed` by the best rotation of some of the atoms."""
    centre_m, centre_f = mobile[atoms].mean(axis=0), fixed[atoms].mean(axis=0)
    u, _, vt = np.linalg.svd((mobile[atoms] - centre_m).T @ (fixed[atoms] - centre_f))
    sign = np.sign(np.linalg.det(u @ vt)) or 1.0
    return (mobile - centre_m) @ (u @ np.diag([1.0, 1.0, sign]) @ vt) + centre_f


def _colours(numbers, bonded) -> np.ndarray:
    colours = np.asarray(numbers).copy()
    for _ in range(len(numbers)):
        keys = [
            (
                c,
                tuple(
                    sorted((int(bonded[i, j]), int(colours[j])) for j in np.flatnonzero(bonded[i]))
                ),
            )
            for i, c in enumerate(colours.tolist())
        ]
        palette = {key: k for k, key in enumerate(sorted(set(keys)))}
        refined = np.array([palette[key] for key in keys])
        if len(palette) == len(set(colours.tolist())):
            return refined
        colours = refined
    return colours


def _along_bonds(bonded) -> list[int]:
    """Order the atoms along the bonds, those of one neighbour last."""
    degree = (bonded > 0).sum(axis=1)
    order: list[int] = []
    for start in np.argsort(-degree, kind="stable"):
        queue = [int(start)]
        while queue:
            i = queue.pop(0)
            if i not in order:
                order.append(i)
                queue += [int(j) for j in np.flatnonzero(bonded[i])]
    return sorted(order, key=lambda i: degree[i] <= 1)
