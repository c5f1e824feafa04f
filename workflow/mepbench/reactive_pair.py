"""From a mapped reaction to the pair of minima between which it can best run.

Both sides are embedded and roughly relaxed. From each conformer found the other side is made
too, by pulling its distances into the other side's bounds, which keeps every atom near its
place. Of all that relaxes to the bonds and the stereochemistry as written, the pair of least

    E_R + E_P + 1 eV/A * RMSD(R, P)

is taken whose ends are minima by their Hessians: low in energy, and near to each other. A
reaction starts from conformers that can react, which need not be the lowest ones.
"""

import itertools

import numpy as np

from .embedding import drive, starting_geometries
from .errors import BadEndpoints, SCFFailure
from .path import rmsd
from .relax import Minimum, minima, relax
from .smiles import MappedReaction, Side, unlike, wrong_stereo

ROUGH_FMAX, ROUGH_STEPS = 0.05, 200  # eV/angstrom
TRIED_PAIRS = 6
STRAIN_PER_LENGTH = 1.0  # eV/angstrom
SAME_ENERGY, SAME_RMSD = 2e-3, 0.1  # eV, angstrom


def reactive_pair(reaction: MappedReaction, oracle) -> tuple[Minimum, Minimum]:
    """Return the two proven minima.

    Parameters
    ----------
    reaction : from `smiles.read_smiles`
    oracle : `Oracle`; pays every evaluation

    Raises
    ------
    BadEndpoints
        if no geometry with the bonds and the stereochemistry as written is a minimum.
    SCFFailure
        if none has an energy.
    """
    pools = conformers(reaction, oracle)

    def score(pair: tuple[Minimum, Minimum]) -> float:
        return pair_score(*pair, oracle.invariances)

    proven: dict[int, list[Minimum]] = {}
    best, failure = None, None
    for pair in sorted(itertools.product(*pools), key=score)[:TRIED_PAIRS]:
        if best is not None and score(pair) > score(best):
            break
        for side, rough in zip(reaction.sides, pair, strict=True):
            if id(rough) not in proven:
                try:
                    proven[id(rough)] = _proven(reaction, side, rough, oracle)
                except (BadEndpoints, SCFFailure) as error:
                    proven[id(rough)], failure = [], error
        ends = itertools.product(*(proven[id(rough)] for rough in pair))
        best = min((*ends, *([best] if best else [])), key=score, default=None)
    if best is None:
        raise failure
    return best


def pair_score(reactant: Minimum, product: Minimum, invariances: tuple[str, ...]) -> float:
    """Return E_R + E_P + 1 eV/A * RMSD(R, P), in eV."""
    distance = rmsd(product.positions, reactant.positions, invariances)
    return reactant.energy + product.energy + STRAIN_PER_LENGTH * distance


def conformers(reaction: MappedReaction, oracle) -> tuple[list[Minimum], list[Minimum]]:
    """Roughly relaxed geometries of both sides that are as written, different from each other.

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
                end = relax(oracle, reaction.numbers, images[0], ROUGH_FMAX, ROUGH_STEPS)
            except SCFFailure as error:
                failures[at] = error
                continue
            change = unlike(side, reaction.numbers, end.positions)
            if change:
                failures[at] = _no_minimum(side, change)
            elif not any(_same(end, known, oracle.invariances) for known in pools[at]):
                pools[at].append(end)

    for at in (0, 1):
        collect(at, starts[at][0])
    embedded = [list(pool) for pool in pools]
    for at in (0, 1):
        collect(at, [drive(other.positions, starts[at][1]) for other in embedded[1 - at]])
    for pool, failure in zip(pools, failures, strict=True):
        if not pool:
            raise failure
    return pools


def _proven(reaction: MappedReaction, side: Side, rough: Minimum, oracle) -> list[Minimum]:
    """Relax to minima that are as written; raise if there are none."""
    try:
        found = minima(oracle, reaction.numbers, rough.positions)
    except BadEndpoints as error:
        raise BadEndpoints(f"the {side.name} {error}") from None
    changes = [unlike(side, reaction.numbers, m.positions) for m in found]
    if all(changes):
        raise _no_minimum(side, changes[0])
    return [m for m, change in zip(found, changes, strict=True) if not change]


def _no_minimum(side: Side, change: str) -> BadEndpoints:
    return BadEndpoints(f"the {side.name} as written is no minimum of the potential: {change}")


def _same(a: Minimum, b: Minimum, invariances: tuple[str, ...]) -> bool:
    near = rmsd(a.positions, b.positions, invariances) < SAME_RMSD
    return near and abs(a.energy - b.energy) < SAME_ENERGY
