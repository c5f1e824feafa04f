"""What is known of a reaction's surface, as a network: minima, and the saddles that join them.

Nodes are minima, told apart by the judge's own rule (`molecule.structure.compare`): another
conformer of the reactant is the reactant where the reaction changes bonds, and is not where it
changes none. Edges are first-order saddles whose descents end in both nodes.

As long as reactant and product are not joined, the next two minima to search a saddle between are
the first without one on the shortest way, where joined minima are no distance apart, others the
square of their distance, and those searched in vain cannot be joined: Carr, Trygubenko, Wales,
J. Chem. Phys. 122, 234903 (2005), doi:10.1063/1.1931587. Once they are joined, the mechanism is the
way whose highest saddle is lowest (its height is that in the minimum spanning tree), and of such
the one with the fewest steps; so it has no loop.
"""

from dataclasses import dataclass, field
from itertools import combinations, pairwise

import numpy as np

from ..judging.connection import End
from ..judging.verify import Judged
from ..molecule.structure import compare
from ..path import Peak, rmsd
from ..reaction import Reaction

REACTANT, PRODUCT = 0, 1
SAME_ENERGY = 1e-3  # eV, of two saddles between the same minima
LIKE_SADDLE, LIKE_HEIGHT = 0.1, 0.03  # angstrom, RMSD; eV: before it is refined
NEARBY = 1e-6  # weight of two minima that are joined; Dijkstra's must not be negative


@dataclass(frozen=True)
class Node:
    """A minimum.

    Attributes
    ----------
    position : (N, 3) array, angstrom
    energy : eV
    """

    position: np.ndarray
    energy: float


@dataclass(frozen=True)
class Edge:
    """A proven saddle, and the two minima that it joins.

    Attributes
    ----------
    ends : numbers of the nodes, that on the side of `judged.judgement.irc[0]` first
    judged : the proof
    evaluations : of the search that led to it and to no edge before, of its refinement, its proof
    """

    ends: tuple[int, int]
    judged: Judged
    evaluations: dict[str, int]

    @property
    def energy(self) -> float:
        """Of the saddle, eV."""
        return self.judged.saddle.energy


@dataclass
class Network:
    """Minima and saddles of one reaction.

    Parameters
    ----------
    reaction : with energies of its ends, the first two nodes
    invariances : the potential's
    """

    reaction: Reaction
    invariances: tuple[str, ...]
    nodes: list[Node] = field(init=False)
    edges: list[Edge] = field(default_factory=list)
    vain: set[frozenset[int]] = field(default_factory=set)

    def __post_init__(self):
        ends = zip(self.reaction.ends, self.reaction.energies, strict=True)
        self.nodes = [Node(x, float(energy)) for x, energy in ends]

    def add(self, judged: Judged, path: int = 0) -> Edge | None:
        """Take in a judged saddle, for whose search `path` evaluations were paid.

        Returns
        -------
        None where it is no proven saddle, known, or leads to one minimum on both sides.
        """
        judgement = judged.judgement
        if judgement is None or judgement.ends is None or judged.saddle is None:
            return None
        if not judged.saddle.converged or not all(end.minimum for end in judgement.ends):
            return None
        ends = tuple(self.place(end) for end in judgement.ends)
        energy = judged.saddle.energy
        if set(ends) == {REACTANT, PRODUCT} and judged.verdict != "intended":
            return None  # the judge has looked at just that
        if ends[0] == ends[1] or any(
            set(edge.ends) == set(ends) and abs(edge.energy - energy) < SAME_ENERGY
            for edge in self.edges
        ):
            return None
        self.edges.append(Edge(ends, judged, paid(path, judged)))
        return self.edges[-1]

    def place(self, end: End) -> int:
        """Return the number of a minimum, which joins the nodes if it is new."""
        for number, node in enumerate(self.nodes):
            if self._same(end.position, node.position, number):
                return number
        self.nodes.append(Node(end.position, end.energy))
        return len(self.nodes) - 1

    def _same(self, x: np.ndarray, node: np.ndarray, number: int) -> bool:
        ends, numbers = self.reaction.ends, self.reaction.numbers
        others = ends if number > PRODUCT else ends[1 - number : 2 - number]
        return all(compare(numbers, x, node, end, self.invariances).matches for end in others)

    def knows(self, peak: Peak) -> bool:
        """Whether a point that is not refined is near one of the saddles."""
        for edge in self.edges:
            known = edge.judged.saddle
            same = peak.energy is None or abs(peak.energy - known.energy) < LIKE_HEIGHT
            if same and rmsd(peak.position, known.position, self.invariances) < LIKE_SADDLE:
                return True
        return False

    @property
    def joined(self) -> bool:
        """Whether saddles lead all the way from reactant to product."""
        nx = _networkx()
        return nx.has_path(self._saddles(), REACTANT, PRODUCT)

    def mechanism(self) -> list[Edge]:
        """Return the saddles of the way whose highest is lowest, from reactant to product.

        Of several with the same highest saddle, that of the fewest steps.
        """
        nx = _networkx()
        saddles = self._saddles()
        tree = nx.minimum_spanning_tree(saddles, weight="energy")
        way = nx.shortest_path(tree, REACTANT, PRODUCT)
        highest = max(tree.edges[pair]["energy"] for pair in pairwise(way)) + SAME_ENERGY
        low = [pair for pair in saddles.edges if saddles.edges[pair]["energy"] <= highest]
        way = nx.shortest_path(saddles.edge_subgraph(low), REACTANT, PRODUCT)
        return [saddles.edges[pair]["edge"] for pair in pairwise(way)]

    def _saddles(self):
        graph = _networkx().Graph()
        graph.add_nodes_from(range(len(self.nodes)))
        for edge in sorted(self.edges, key=lambda one: -one.energy):  # the lowest of two stays
            graph.add_edge(*edge.ends, energy=edge.energy, edge=edge)
        return graph

    def next_search(self) -> tuple[int, int] | None:
        """Return between which two minima a saddle is sought next; None if none is left."""
        nx = _networkx()
        graph, known = nx.Graph(), self._saddles()
        for a, b in combinations(range(len(self.nodes)), 2):
            if known.has_edge(a, b):
                graph.add_edge(a, b, weight=NEARBY)
            elif frozenset((a, b)) not in self.vain:
                graph.add_edge(a, b, weight=self._distance(a, b) ** 2)
        if not all(graph.has_node(end) for end in (REACTANT, PRODUCT)):
            return None
        if not nx.has_path(graph, REACTANT, PRODUCT):
            return None
        way = nx.dijkstra_path(graph, REACTANT, PRODUCT)
        open_still = [pair for pair in pairwise(way) if not known.has_edge(*pair)]
        return min(open_still, key=lambda pair: graph.edges[pair]["weight"], default=None)

    def _distance(self, a: int, b: int) -> float:
        return rmsd(self.nodes[a].position, self.nodes[b].position, self.invariances)


def _networkx():
    import networkx  # a quarter of a second, which only reactions of several steps need

    return networkx


def paid(path: int, judged: Judged) -> dict[str, int]:
    """Return the evaluations of a search, and of refinement and proof of what it found."""
    return {
        "path": path,
        "refine": judged.refine_evaluations,
        "verify": judged.verify_evaluations,
    }


def nodes_of(edges: list[Edge]) -> list[int]:
    """Return the nodes that a way of edges visits, from the reactant on."""
    way = [REACTANT]
    for edge in edges:
        first, second = edge.ends
        way.append(second if first == way[-1] else first)
    return way
