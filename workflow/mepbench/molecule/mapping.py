"""Which atom is which: the map between two ends that were numbered differently.

A map is *best* if it changes the fewest bonds, broken and formed together: the principle of
minimum chemical distance (Jochum, Gasteiger, Ugi, Angew. Chem. Int. Ed. 19, 495 (1980),
doi:10.1002/anie.198004953). Heavy atoms are placed depth first under a bound that grows
until a map fits; hydrogens follow, those first that keep their neighbours.

Two maps are the same reaction if their condensed graphs (atoms, with the bonds that break,
form and stay) are isomorphic. All best maps must be: otherwise the ends alone do not say what
happens. Among the maps of that one reaction, which differ by equivalent atoms, the one is
taken that inverts no centre and has the shortest way (see `shortest`).
"""

from collections import Counter
from dataclasses import dataclass
from itertools import permutations

import numpy as np
from ase import Atoms
from ase.data import chemical_symbols

from ..errors import BadEndpoints
from .stereo import bonds

MOST_PLACEMENTS = 1_000_000
MOST_MAPS = 2_000
MOST_CHANGES = 12
MOST_MOVING_HYDROGENS = 6
STARTS = 16


class MapError(BadEndpoints):
    """There is no map, or more than one that the ends alone can't tell apart."""


@dataclass(frozen=True)
class AtomMap:
    """A map from the reactant's atoms to the product's.

    Attributes
    ----------
    permutation : (N,) int array; atom i of the reactant is atom permutation[i] of the product,
        so `positions_p[permutation]` is in the reactant's order
    broken, formed : pairs (i, j), i < j, in the reactant's order, from 0
    """

    permutation: np.ndarray
    broken: tuple[tuple[int, int], ...]
    formed: tuple[tuple[int, int], ...]


def find_map(
    numbers_r: np.ndarray,
    positions_r: np.ndarray,
    numbers_p: np.ndarray,
    positions_p: np.ndarray,
) -> AtomMap:
    """Find the map between two geometries, where it is unique up to symmetry.

    Parameters
    ----------
    numbers_r, numbers_p : (N,) int arrays, atomic numbers
    positions_r, positions_p : (N, 3) arrays, angstrom

    Raises
    ------
    MapError
        if the atoms differ, if nothing changes but the numbering, if several reactions
        change as few bonds, if the search is too long, or if each map inverts a centre.
    """
    from .shortest import inverted, shortest_pair

    numbers_r, numbers_p = np.asarray(numbers_r), np.asarray(numbers_p)
    found = best_maps(
        numbers_r, bonds(numbers_r, positions_r), numbers_p, bonds(numbers_p, positions_p)
    )
    if len(found) > 1:
        raise MapError(
            f"the atom map is ambiguous: {len(found)} different reactions change as few bonds "
            f"({'; '.join(describe(numbers_r, one) for one in found[:3])}): give the map"
        )
    if not found[0].broken and not found[0].formed:
        raise MapError(
            "both ends are the same molecules, so that the fewest bonds change where none does: "
            "give the map"
        )
    product = positions_p[found[0].permutation]
    q, p, _ = shortest_pair(numbers_r, positions_r, product, starts=STARTS)
    inverse = np.argsort(q)
    permutation = found[0].permutation[p][inverse]
    if marks := inverted(numbers_r, positions_r, positions_p[permutation]):
        names = ", ".join(mark.name(numbers_r) for mark in marks[:4])
        raise MapError(
            f"every atom map inverts {names} (atoms of the reactant), where no bond changes: is "
            "the product the mirror image of what it should be?"
        )
    return _atom_map(bonds(numbers_r, positions_r), bonds(numbers_p, positions_p), permutation)


def orders_differ(numbers_r, positions_r, numbers_p, positions_p) -> str:
    """Say why the atoms of two ends seem to be numbered differently; empty if they do not.

    They are if the elements are in another order, or if more bonds change than atoms could in
    one step while a renumbering changes far fewer.
    """
    numbers_r, numbers_p = np.asarray(numbers_r), np.asarray(numbers_p)
    if sorted(numbers_r) != sorted(numbers_p):
        return ""
    if not np.array_equal(numbers_r, numbers_p):
        at = int(np.flatnonzero(numbers_r != numbers_p)[0])
        symbols = chemical_symbols[numbers_r[at]], chemical_symbols[numbers_p[at]]
        return (
            f"the atoms are ordered differently: atom {at + 1} is {symbols[0]} in the reactant "
            f"and {symbols[1]} in the product"
        )
    one, other = bonds(numbers_r, positions_r), bonds(numbers_p, positions_p)
    changed = len(one ^ other)
    if changed <= max(8, len(one) / 2):
        return ""
    try:
        best = best_maps(numbers_r, one, numbers_p, other)[0]
    except MapError:
        return ""
    fewest = len(best.broken) + len(best.formed)
    if 2 * fewest > changed:
        return ""
    return (
        f"the atoms are ordered differently: {changed} bonds change from one end to the other, "
        f"with another numbering {fewest} would"
    )


def describe(numbers: np.ndarray, found: AtomMap) -> str:
    """Name the bonds that a map breaks and forms, in the reactant's numbering from 1."""

    def names(pairs):
        return ", ".join(
            "-".join(f"{chemical_symbols[numbers[k]]}{k + 1}" for k in pair) for pair in pairs
        )

    parts = [
        f"{w} {names(pairs)}"
        for w, pairs in (("breaks", found.broken), ("forms", found.formed))
        if pairs
    ]
    return " and ".join(parts) or "nothing changes"


def best_maps(numbers_r, bonds_r, numbers_p, bonds_p) -> list[AtomMap]:
    """Return the maps of fewest changed bonds, one for each reaction that they may mean.

    Parameters
    ----------
    numbers_r, numbers_p : (N,) int arrays, atomic numbers
    bonds_r, bonds_p : sets of pairs (i, j), i < j
    """
    numbers_r, numbers_p = np.asarray(numbers_r), np.asarray(numbers_p)
    if sorted(numbers_r) != sorted(numbers_p):
        formulas = [Atoms(numbers).get_chemical_formula() for numbers in (numbers_r, numbers_p)]
        raise MapError(
            f"the reactant is {formulas[0]} and the product {formulas[1]}: both ends must have "
            "the same atoms"
        )
    graphs = _Graph(numbers_r, bonds_r), _Graph(numbers_p, bonds_p)
    fewest, classes = None, {}
    for heavy in _heavy_maps(*graphs):
        for permutation in _with_hydrogens(*graphs, heavy):
            found = _atom_map(bonds_r, bonds_p, permutation)
            changes = len(found.broken) + len(found.formed)
            if fewest is None or changes < fewest:
                fewest, classes = changes, {}
            if changes == fewest:
                key = _condensed_graph(numbers_r, bonds_r, found)
                classes.setdefault(key, found)
    return list(classes.values())


class _Graph:
    """Heavy atoms with bit masks of their heavy neighbours, and the hydrogens on them."""

    def __init__(self, numbers, pairs):
        self.numbers = numbers
        n = len(numbers)
        neighbours = [set() for _ in range(n)]
        for i, j in pairs:
            neighbours[i].add(j)
            neighbours[j].add(i)
        self.hydrogens = [i for i in range(n) if numbers[i] == 1]
        self.heavy = [i for i in range(n) if numbers[i] != 1]
        self.mask = {i: sum(1 << j for j in neighbours[i] if numbers[j] != 1) for i in self.heavy}
        self.count = {i: sum(numbers[j] == 1 for j in neighbours[i]) for i in self.heavy}
        self.parents = {
            h: frozenset(j for j in neighbours[h] if numbers[j] != 1) for h in self.hydrogens
        }
        self.partners = {h: sum(numbers[j] == 1 for j in neighbours[h]) for h in self.hydrogens}
        self.order = self._search_order()

    def _search_order(self) -> list[int]:
        """Heavy atoms along the bonds, from those of many neighbours and rare elements."""
        rare = Counter(int(z) for z in self.numbers)
        first = sorted(
            self.heavy, key=lambda i: (rare[int(self.numbers[i])], -self.mask[i].bit_count())
        )
        order: list[int] = []
        for start in first:
            queue = [start]
            while queue:
                i = queue.pop(0)
                if i not in order:
                    order.append(i)
                    queue += [j for j in first if self.mask[i] >> j & 1]
        return order

    def twins(self) -> dict[int, int]:
        """For each heavy atom an earlier one that differs from it by its number only."""
        if any(len(parents) != 1 for parents in self.parents.values()):
            return {}
        last, found = {}, {}
        for i in self.order:
            key = self.numbers[i], self.mask[i], self.count[i]
            if key in last:
                found[i] = last[key]
            last[key] = i
        return found


def _heavy_maps(r: _Graph, p: _Graph) -> list[dict[int, int]]:
    """All maps of the heavy atoms that change the fewest bonds, hydrogens counted by number."""
    twins = r.twins()
    candidates = {i: [j for j in p.heavy if p.numbers[j] == r.numbers[i]] for i in r.heavy}
    edges = [
        _bond_kinds(r),
        _bond_kinds(p),
    ]
    least = sum(((edges[0] - edges[1]) + (edges[1] - edges[0])).values())
    placements = 0
    found: list[dict[int, int]] = []
    placed: dict[int, int] = {}

    def place(depth: int, used: int, cost: int, bound: int) -> None:
        nonlocal placements
        if depth == len(r.order):
            if len(found) >= MOST_MAPS:
                raise MapError("the molecules are too symmetric to find the atom map: give it")
            found.append(dict(placed))
            return
        i = r.order[depth]
        image = 0
        for k, at in placed.items():
            if r.mask[i] >> k & 1:
                image |= 1 << at
        for j in candidates[i]:
            if used >> j & 1 or (i in twins and placed[twins[i]] > j):
                continue
            more = (image ^ (p.mask[j] & used)).bit_count() + abs(r.count[i] - p.count[j])
            if cost + more > bound:
                continue
            placements += 1
            if placements > MOST_PLACEMENTS:
                raise MapError(
                    "too many ways to number the atoms were tried to find the atom map: give it"
                )
            placed[i] = j
            place(depth + 1, used | 1 << j, cost + more, bound)
            del placed[i]

    for bound in range(least, MOST_CHANGES + 1):
        place(0, 0, 0, bound)
        if found:
            return found
    raise MapError(
        f"no atom map changes fewer than {MOST_CHANGES + 1} bonds: are these the two ends of "
        "one step?"
    )


def _bond_kinds(graph: _Graph) -> Counter:
    kinds = Counter()
    for i in graph.heavy:
        kinds[1, int(graph.numbers[i])] += graph.count[i]
        for j in graph.heavy:
            if j > i and graph.mask[i] >> j & 1:
                kinds[tuple(sorted((int(graph.numbers[i]), int(graph.numbers[j]))))] += 1
    return kinds


def _with_hydrogens(r: _Graph, p: _Graph, heavy: dict[int, int]) -> list[np.ndarray]:
    """Add the hydrogens to a map of heavy atoms, in every way that changes fewest bonds."""
    kinds_r = {h: (frozenset(heavy[i] for i in r.parents[h]), r.partners[h]) for h in r.hydrogens}
    kinds_p = {h: (p.parents[h], p.partners[h]) for h in p.hydrogens}
    found = []
    for match in match_hydrogens(kinds_r, kinds_p):
        permutation = np.full(len(r.numbers), -1)
        for i, j in (heavy | match).items():
            permutation[i] = j
        found.append(permutation)
    return found


def match_hydrogens(kinds_r: dict, kinds_p: dict) -> list[dict[int, int]]:
    """Match hydrogens that have no number of their own, in every way that changes fewest bonds.

    One that has the same neighbours on both sides stays; among those left, ways that differ
    by hydrogens of one kind only count once.

    Parameters
    ----------
    kinds_r, kinds_p : for each hydrogen its heavy neighbours, a frozenset of what names them
        on both sides, and the number of its neighbours that are hydrogens

    Returns
    -------
    list of dicts, from the hydrogens of the reactant to those of the product
    """
    stay, free, moving = {}, list(kinds_p), []
    for h, kind in kinds_r.items():
        same = next((k for k in free if kinds_p[k] == kind), None)
        if same is None:
            moving.append(h)
        else:
            stay[h] = same
            free.remove(same)
    if len(moving) > MOST_MOVING_HYDROGENS:
        raise MapError(f"{len(moving)} hydrogens would move at once: give the atom map")

    def cost(h, k) -> float:
        (one, pairs), (other, pairs_k) = kinds_r[h], kinds_p[k]
        return len(one ^ other) + abs(pairs - pairs_k) / 2

    ways: dict[str, tuple[float, dict]] = {}
    for image in permutations(free):
        match = dict(zip(moving, image, strict=True))
        kinds = tuple(
            sorted((sorted(kinds_r[h][0]), sorted(kinds_p[k][0])) for h, k in match.items())
        )
        ways.setdefault(repr(kinds), (sum(cost(h, k) for h, k in match.items()), stay | match))
    least = min(price for price, _ in ways.values())
    return [match for price, match in ways.values() if price <= least + 1e-9]


def _atom_map(bonds_r, bonds_p, permutation: np.ndarray) -> AtomMap:
    back = np.argsort(permutation)
    product = {tuple(sorted((int(back[i]), int(back[j])))) for i, j in bonds_p}
    return AtomMap(
        permutation,
        tuple(sorted(set(bonds_r) - product)),
        tuple(sorted(product - set(bonds_r))),
    )


def _condensed_graph(numbers, bonds_r, found: AtomMap) -> str:
    """Hash of atoms and bonds with what becomes of them: equal for one and the same reaction."""
    import networkx as nx

    graph = nx.Graph()
    graph.add_nodes_from((i, {"element": str(z)}) for i, z in enumerate(numbers))
    graph.add_edges_from((*pair, {"fate": "stays"}) for pair in bonds_r)
    graph.add_edges_from((*pair, {"fate": "breaks"}) for pair in found.broken)
    graph.add_edges_from((*pair, {"fate": "forms"}) for pair in found.formed)
    return nx.weisfeiler_lehman_graph_hash(
        graph, edge_attr="fate", node_attr="element", iterations=min(len(numbers), 12)
    )
