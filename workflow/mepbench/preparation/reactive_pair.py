"""From a mapped reaction to the pair of minima between which it can best run.

Both sides are embedded, and so are crossings (see `embedding`). From each geometry the other side
is made too, by pulling its distances into the other side's bounds, which keeps every atom
near its place. Of all that relaxes to the bonds and the stereochemistry as written, with
equivalent atoms numbered for the shortest way and no centre inverted (see `shortest`), the pair
of least

    E_R + E_P + 1 eV/A * RMSD(R, P)

is taken whose ends are minima by their Hessians: low in energy, and near to each other. A
reaction starts from conformers that can react, which need not be the lowest ones.

Where a SMILES leaves open which hydrogen goes where (straight, or by a relay), that map is
taken whose crossing costs least: its bonds held stretched, all else relaxed.
"""

import itertools
from dataclasses import dataclass, replace

import numpy as np

from ..errors import BadEndpoints, SCFFailure
from ..landscape.minima import Minimum, Restraints, minima, relax
from ..molecule.shortest import shortest_pair
from ..path import rmsd
from .embedding import changing_bonds, crossings, drive, starting_geometries
from .smiles import MappedReaction, Side, unlike, written_marks, wrong_stereo

COARSE_FMAX, FINE_FMAX, STEPS = 0.1, 0.05, 200  # eV/angstrom
CROSSING_FMAX, CROSSING_STEPS = 0.3, 40
TRIED_PAIRS = 6
GAIN, MOST_PROOFS = 0.02, 6  # eV that another pair must promise to be proven as well; pairs
LARGEST_POOL = 18
STRAIN_PER_LENGTH = 1.0  # eV/angstrom
SAME_ENERGY, SAME_RMSD = 2e-3, 0.1  # eV, angstrom


@dataclass(frozen=True)
class Pair:
    """Two geometries in a numbering by which they are near.

    Attributes
    ----------
    ends : reactant and product, in this numbering
    rough : the two as they were relaxed
    inverted : how many centres and double bonds do not keep their sign
    score : E_R + E_P + 1 eV/A * RMSD, eV
    """

    ends: tuple[Minimum, Minimum]
    rough: tuple[Minimum, Minimum]
    inverted: int
    score: float


def reactive_pair(mappings: list[MappedReaction], oracle) -> tuple[Minimum, Minimum]:
    """Return the two proven minima.

    Parameters
    ----------
    mappings : from `smiles.read_mappings`
    oracle : `Oracle`; pays every evaluation

    Raises
    ------
    BadEndpoints
        if no geometry with the bonds and the stereochemistry as written is a minimum.
    SCFFailure
        if none has an energy.
    """
    reaction, crossed = cheapest_crossing(mappings, oracle)
    pools = conformers(reaction, oracle, crossed)
    refined = _Once(lambda at, end: _refined(reaction, at, end, oracle))
    proven = _Once(lambda at, end: _proven(reaction, at, end, oracle))
    best, pairs = None, _varied(_pairs(reaction, *pools))
    while best is None and pairs:
        finer = refined.of(pairs[:TRIED_PAIRS])
        best, pairs = _best_proven(reaction, finer, proven), pairs[TRIED_PAIRS:]
    if best is None:
        raise [*refined.failures, *proven.failures][-1]
    if best.inverted:
        raise BadEndpoints(
            "every pair of geometries inverts a centre or turns a double bond whose bonds stay: "
            "write its stereochemistry on both sides"
        )
    return best.ends


def _best_proven(reaction: MappedReaction, finer, proven: "_Once") -> Pair | None:
    """Return the best pair of minima, proving no more ends than promise to be better."""
    best = None
    for proofs, pair in enumerate(_pairs(reaction, *finer)):
        if best is not None:
            promised = best.inverted, best.score - GAIN
            if promised <= _rank(pair) or (proofs >= MOST_PROOFS and not best.inverted):
                break
        ends = proven.of([pair])
        best = min((*_pairs(reaction, *ends), *([best] if best else [])), key=_rank, default=None)
    return best


def cheapest_crossing(
    mappings: list[MappedReaction], oracle
) -> tuple[MappedReaction, list[np.ndarray]]:
    """Return the map whose crossing costs least, and its crossings; unrelaxed if there is one."""
    if len(mappings) == 1:
        return mappings[0], _as_written(mappings[0], crossings(mappings[0]))
    cost, relaxed = [], []
    for reaction in mappings:
        pairs, lengths = zip(*changing_bonds(reaction), strict=True)
        held = []
        for start in _as_written(reaction, crossings(reaction)):
            try:
                end = relax(
                    oracle,
                    reaction.numbers,
                    start,
                    CROSSING_FMAX,
                    CROSSING_STEPS,
                    restraints=Restraints(np.array(pairs), np.array(lengths)),
                )
            except SCFFailure:
                continue
            if _as_written(reaction, [end.positions]):
                held.append(end)
        held.sort(key=lambda end: end.energy)
        cost.append(held[0].energy if held else np.inf)
        relaxed.append([end.positions for end in held])
    at = int(np.argmin(cost))
    return mappings[at], relaxed[at]


def _as_written(reaction: MappedReaction, geometries: list[np.ndarray]) -> list[np.ndarray]:
    """Keep, mirrored where need be, the crossings that no mark contradicts.

    Marks about bonds that change say nothing there.
    """
    changing = {pair for pair, _ in changing_bonds(reaction)}
    marks = [
        mark
        for side in reaction.sides
        for mark in written_marks(side)
        if not changing & {tuple(sorted(p)) for p in itertools.combinations(mark.atoms, 2)}
    ]
    images = ((x, x * [-1.0, 1.0, 1.0]) for x in geometries)
    fitting = ([x for x in pair if all(mark.holds(x) for mark in marks)] for pair in images)
    return [found[0] for found in fitting if found]


def pair_score(reactant: Minimum, product: Minimum, invariances: tuple[str, ...]) -> float:
    """Return E_R + E_P + 1 eV/A * RMSD(R, P), in eV."""
    distance = rmsd(product.positions, reactant.positions, invariances)
    return reactant.energy + product.energy + STRAIN_PER_LENGTH * distance


def conformers(
    reaction: MappedReaction, oracle, crossed: list[np.ndarray]
) -> tuple[list[Minimum], list[Minimum]]:
    """Coarsely relaxed geometries of both sides that are as written, different from each other.

    Raises
    ------
    BadEndpoints, SCFFailure
        if one side has none; the reason says what became of the last one tried.
    """
    starts = [starting_geometries(reaction, at) for at in (0, 1)]
    pools: tuple[list[Minimum], list[Minimum]] = ([], [])
    failures: list[Exception] = [
        _no_minimum(side, "RDKit finds no geometry that has its bonds and stereochemistry")
        for side in reaction.sides
    ]

    def collect(at: int, geometries: list[np.ndarray]) -> None:
        side = reaction.sides[at]
        for start in geometries:
            # A whole molecule may be mirrored freely where that brings it in line.
            images = [x for x in (start, start * [-1.0, 1.0, 1.0]) if not wrong_stereo(side, x)]
            if not images:
                continue
            try:
                end = relax(oracle, reaction.numbers, images[0], COARSE_FMAX, STEPS)
            except SCFFailure as error:
                failures[at] = error
                continue
            change = unlike(side, reaction.numbers, end.positions)
            if change:
                failures[at] = _no_minimum(side, change)
            elif not any(_same(end, known) for known in pools[at]):
                pools[at].append(end)

    for at in (0, 1):
        collect(at, starts[at][0])
    embedded = [list(pool) for pool in pools]
    for at in (0, 1):
        others = [other.positions for other in embedded[1 - at]]
        collect(at, [drive(x, starts[at][1]) for x in (*crossed, *others)])
    for pool, failure in zip(pools, failures, strict=True):
        if not pool:
            raise failure
    return pools


def _pairs(reaction: MappedReaction, reactants, products) -> list[Pair]:
    """All pairs in their shortest numbering, the best first."""
    marks = tuple(written_marks(side) for side in reaction.sides)
    pools = [
        sorted(pool, key=lambda end: end.energy)[:LARGEST_POOL] for pool in (reactants, products)
    ]
    return sorted(
        (_pair(reaction.numbers, *ends, marks) for ends in itertools.product(*pools)), key=_rank
    )


def _varied(pairs: list[Pair]) -> list[Pair]:
    """Leave out pairs of an end that two better ones have: loose complexes may yet slide away."""
    uses: dict[tuple[int, int], int] = {}
    kept = []
    for pair in pairs:
        ends = [(at, id(end)) for at, end in enumerate(pair.rough)]
        if all(uses.get(end, 0) < 2 for end in ends):
            kept.append(pair)
            for end in ends:
                uses[end] = uses.get(end, 0) + 1
    return kept


def _rank(pair: Pair) -> tuple[int, float]:
    return pair.inverted, pair.score


def _pair(numbers, reactant: Minimum, product: Minimum, marks) -> Pair:
    def numbered(one: Minimum, other: Minimum) -> Pair:
        q, p, wrong = shortest_pair(numbers, one.positions, other.positions, marks)
        ends = (
            replace(one, positions=one.positions[q], model=None),
            replace(other, positions=other.positions[p], model=None),
        )
        score = pair_score(*ends, ("translation", "rotation"))
        return Pair(ends, (reactant, product), wrong, score)

    pair = numbered(reactant, product)
    if pair.inverted:  # the mirror image of a molecule is as good, unless written otherwise
        mirrored = replace(product, positions=product.positions * [-1.0, 1.0, 1.0], model=None)
        pair = min(pair, numbered(reactant, mirrored), key=_rank)
    return pair


class _Once:
    """Make something better of ends, of each once; `failures` are the errors on the way."""

    def __init__(self, make):
        self.make = make
        self.made: dict[tuple[int, int], list[Minimum]] = {}
        self.failures: list[Exception] = []

    def of(self, pairs: list[Pair]) -> tuple[list[Minimum], list[Minimum]]:
        """What became of the reactants and of the products of some pairs."""
        found: tuple[dict, dict] = ({}, {})
        for pair in pairs:
            for at, end in enumerate(pair.rough):
                if (at, id(end)) not in self.made:
                    try:
                        self.made[at, id(end)] = self.make(at, end)
                    except (BadEndpoints, SCFFailure) as error:
                        self.made[at, id(end)] = []
                        self.failures.append(error)
                found[at].update((id(m), m) for m in self.made[at, id(end)])
        return tuple(list(ends.values()) for ends in found)


def _refined(reaction: MappedReaction, at: int, rough: Minimum, oracle) -> list[Minimum]:
    side = reaction.sides[at]
    end = relax(oracle, reaction.numbers, rough.positions, FINE_FMAX, STEPS, model=rough.model)
    if change := unlike(side, reaction.numbers, end.positions):
        raise _no_minimum(side, change)
    return [end]


def _proven(reaction: MappedReaction, at: int, rough: Minimum, oracle) -> list[Minimum]:
    """Relax to minima that are as written; raise if there are none."""
    side = reaction.sides[at]
    try:
        found = minima(oracle, reaction.numbers, rough.positions, rough.model)
    except BadEndpoints as error:
        raise BadEndpoints(f"the {side.name} {error}") from None
    changes = [unlike(side, reaction.numbers, m.positions) for m in found]
    if all(changes):
        raise _no_minimum(side, changes[0])
    return [m for m, change in zip(found, changes, strict=True) if not change]


def _no_minimum(side: Side, change: str) -> BadEndpoints:
    return BadEndpoints(f"the {side.name} as written is no minimum of the potential: {change}")


def _same(a: Minimum, b: Minimum) -> bool:
    return abs(a.energy - b.energy) < SAME_ENERGY and rmsd(a.positions, b.positions) < SAME_RMSD
