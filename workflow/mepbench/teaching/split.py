"""Which reactions teach and which stay unseen: no molecule is on both sides.

A molecule is a connected species of an end, known by its graph of elements and bonds (so its
isomers E and Z, or of either hand, are one). The smallest, such as H2 and CO2, are in every set of
reactions; they do not count. A reaction that shares a molecule with an evaluation set teaches
nothing. Of the others, those that are joined by a chain of common molecules go together.
"""

from collections.abc import Iterable

import networkx as nx
import numpy as np

from ..molecule.stereo import bonds
from ..reaction import Entry

SMALLEST = 5  # atoms of a molecule that counts
ROUNDS = 4  # of refinement of a graph's hash: how many bonds around an atom it tells apart
TAUGHT, HELD_OUT, LEFT_OUT = "taught", "held-out", "left-out"


def molecules(entry: Entry) -> frozenset[str]:
    """Return the molecules of a reaction's ends, each as a hash of its graph."""
    if entry.smiles:
        return _hashes(_of_smiles(entry.smiles))
    ends = [(entry.numbers[role], entry.positions[role]) for role in ("reactant", "product")]
    return of_geometries(ends)


def of_geometries(ends: Iterable[tuple[np.ndarray, np.ndarray]]) -> frozenset[str]:
    """Return the molecules of geometries, each (N,) atomic numbers and (N, 3) positions."""
    return _hashes(_graph(numbers, bonds(numbers, x)) for numbers, x in ends)


def _hashes(graphs: Iterable[nx.Graph]) -> frozenset[str]:
    return frozenset(
        nx.weisfeiler_lehman_graph_hash(graph.subgraph(found), node_attr="z", iterations=ROUNDS)
        for graph in graphs
        for found in nx.connected_components(graph)
        if len(found) >= SMALLEST
    )


def _of_smiles(smiles: str) -> Iterable[nx.Graph]:
    from rdkit import Chem

    for side in smiles.split(">>"):
        molecule = Chem.AddHs(Chem.MolFromSmiles(side))
        pairs = [(b.GetBeginAtomIdx(), b.GetEndAtomIdx()) for b in molecule.GetBonds()]
        yield _graph([atom.GetAtomicNum() for atom in molecule.GetAtoms()], pairs)


def _graph(numbers: Iterable[int], pairs: Iterable[tuple[int, int]]) -> nx.Graph:
    graph = nx.Graph()
    graph.add_nodes_from((i, {"z": int(z)}) for i, z in enumerate(numbers))
    graph.add_edges_from(pairs)
    return graph


def split(
    entries: list[Entry], unseen: frozenset[str], share: float, seed: int
) -> dict[str, tuple[str, ...]]:
    """Return names of reactions that are taught, held out and left out, in an order of the seed.

    Parameters
    ----------
    unseen : molecules of the evaluation sets
    share : of the reactions that are held out, at the most; the largest family always teaches
    """
    of = {entry.name: molecules(entry) for entry in entries}
    left_out = {name for name, found in of.items() if found & unseen}
    kept = nx.Graph()
    for name in of.keys() - left_out:
        kept.add_node(("reaction", name))
        kept.add_edges_from((("reaction", name), ("molecule", one)) for one in of[name])
    families = [
        sorted(name for kind, name in family if kind == "reaction")
        for family in nx.connected_components(kept)
    ]
    families.sort(key=lambda family: (-len(family), family))
    rng = np.random.default_rng(seed)
    held_out: set[str] = set()
    for k in 1 + rng.permutation(len(families) - 1) if families else ():
        if len(held_out) + len(families[k]) <= share * len(entries):
            held_out |= set(families[k])
    parts = {TAUGHT: of.keys() - left_out - held_out, HELD_OUT: held_out, LEFT_OUT: left_out}
    return {part: tuple(rng.permutation(sorted(names)).tolist()) for part, names in parts.items()}
