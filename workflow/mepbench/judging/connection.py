"""Which reaction a first-order saddle belongs to: where the two sides of its IRC lead.

Each side ends at a minimum: relaxed, and proven by its Hessian unless it is the given
reactant or product itself, which the preparation has proven. An IRC that ended on a symmetry
element, at a stationary point that is no minimum, goes on to the minima below it; where these
are different ends of the reaction it forks, which is said.

Both ends of a saddle together say what it is (`structure`): reactant and product, as they are
or after one relabelling or reflection of both; exactly one of them; none. The saddle of a step
leads to an intermediate that the path visits: the path has a well that relaxes to it, or passes
it so closely that the well is lost in how the path is drawn.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ..errors import BadEndpoints
from ..landscape.index import stationary_point
from ..landscape.minima import SAME_MINIMUM, minima, relax_gently, scaled_hessian
from ..landscape.scale import ORDINARY, Scale
from ..landscape.tangency import Well
from ..molecule.relabelling import rmsds
from ..molecule.structure import EndMatch, compare, compare_both
from ..path import Path, rmsd, spline
from ..reaction import Reaction
from .irc import Branch

VISIT = 0.1  # angstrom RMSD: a path so near to a minimum visits it
# The deepest are relaxed. There is no thermal threshold: only a well that relaxes to the very
# minimum of the IRC counts, however deep.
MOST_WELLS = 8
ROLES = ("reactant", "product")


@dataclass(frozen=True)
class End:
    """A place to which one side of an IRC leads.

    Attributes
    ----------
    position : (N, 3) array, angstrom
    energy : eV
    fmax : largest atomic force there, eV/angstrom
    minimum : whether it is relaxed and of index 0 (`index`)
    forked : whether the IRC ended at a stationary point below which lie different ends
    matches : how it compares to the reactant and to the product
    """

    position: np.ndarray
    energy: float
    fmax: float
    minimum: bool
    forked: bool
    matches: tuple[EndMatch, EndMatch]

    @property
    def known(self) -> bool:
        """Whether it is a given end of the reaction."""
        return self.minimum and any(match.matches for match in self.matches)


@dataclass(frozen=True)
class Connection:
    """What the two ends of an IRC say.

    Attributes
    ----------
    verdict : "intended", "multistep", "half-intended" or "other"
    reason : one line, empty where there is nothing to say
    how : see `structure.ReactionMatch`; of `intended` only
    ends : the two ends, that on the reactant's side first
    swapped : whether the first side of the IRC is the second of `ends`
    """

    verdict: str
    reason: str
    how: str
    ends: tuple[End, End]
    swapped: bool


@dataclass
class VisitedMinima:
    """The minima that a finished path visits, relaxed when first asked for."""

    reaction: Reaction
    oracle: object
    wells: Sequence[Well] = ()
    points: np.ndarray | None = None
    s: np.ndarray | None = None
    scale: Scale = ORDINARY
    _minima: list | None = field(default=None, init=False)

    @classmethod
    def of(
        cls, reaction: Reaction, oracle, quality, path: Path | None, scale: Scale = ORDINARY
    ) -> "VisitedMinima":
        """Return those of a measured path; none of a trajectory (GAD), whose dips mean nothing."""
        if quality is None or path is None or not path.is_path:
            return cls(reaction, oracle, scale=scale)
        deepest = sorted(quality.wells, key=lambda well: -well.depth)[:MOST_WELLS]
        return cls(reaction, oracle, deepest, spline(path.positions)(quality.s), quality.s, scale)

    def place(self, end: End) -> float | None:
        """Return s in (0, 1) at which the path visits a minimum, None if it does not."""
        if self.points is None or not end.minimum:
            return None
        numbers, invariances = self.reaction.numbers, self.oracle.invariances
        for s, minimum in self._below_wells():
            if all(
                compare(numbers, end.position, minimum, other, invariances).matches
                for other in self.reaction.ends
            ):
                return s
        away = rmsds(self.points, end.position, invariances)[1:-1]
        nearest = int(np.argmin(away))
        return float(self.s[1 + nearest]) if away[nearest] < VISIT else None

    def _below_wells(self) -> list:
        if self._minima is None:
            numbers = self.reaction.numbers
            self._minima = [
                (well.s, relax_gently(self.oracle, numbers, well.position, self.scale).positions)
                for well in self.wells
            ]
        return self._minima


def connection(
    reaction: Reaction, oracle, branches: tuple[Branch, Branch], visited: VisitedMinima
) -> Connection:
    """Say which reaction's saddle it is of which these are the two sides of the IRC.

    Parameters
    ----------
    oracle : pays for the Hessians of ends that are not the given ones, some 3N + 20 each
    """
    rank = ("intended", "multistep", "half-intended", "other")
    ends = [_ends_of(reaction, oracle, branch, visited.scale) for branch in branches]
    found = [_connection(reaction, oracle, pair, visited) for pair in itertools.product(*ends)]
    best = min(found, key=lambda one: (rank.index(one.verdict), one.how != "exact"))
    if any(end.forked for end in best.ends):
        reason = f"{best.reason}; " if best.reason else ""
        reason += "the IRC ends at a stationary point that is no minimum, and forks there"
        return Connection(best.verdict, reason, best.how, best.ends, best.swapped)
    return best


def _ends_of(reaction, oracle, branch: Branch, scale: Scale) -> list[End]:
    """Return the minimum below a side of the IRC; two or more where it forks."""

    def end(position, energy, fmax, minimum) -> End:
        matches = tuple(
            compare(reaction.numbers, position, one, other, oracle.invariances)
            for one, other in (reaction.ends, reaction.ends[::-1])
        )
        return End(position, energy, fmax, minimum, False, matches)

    fmax = float(np.linalg.norm(branch.gradient, axis=1).max())
    reached = end(branch.end, float(branch.energies[-1]), fmax, branch.converged)
    if branch.converged and (
        _is_given(reaction, oracle, reached, scale) or _is_minimum(oracle, reached.position)
    ):
        return [reached]
    try:
        below = minima(oracle, reaction.numbers, reached.position)
    except BadEndpoints:
        return [end(reached.position, reached.energy, fmax, False)]
    forks = [end(m.positions, m.energy, m.fmax, True) for m in below]
    if len({tuple(match.matches for match in fork.matches) for fork in forks}) > 1:
        return [replace(fork, forked=True) for fork in forks]
    return forks


def _is_minimum(oracle, positions: np.ndarray) -> bool:
    return stationary_point(oracle, positions, *scaled_hessian(oracle, positions)).index == 0


def _is_given(reaction, oracle, end: End, scale: Scale) -> bool:
    if reaction.energies is None:
        return False
    length, height = SAME_MINIMUM[0] * scale.length, SAME_MINIMUM[1] * scale.energy
    return any(
        match.matches
        and abs(end.energy - energy) < height
        and rmsd(end.position, given, oracle.invariances) < length
        for match, energy, given in zip(end.matches, reaction.energies, reaction.ends, strict=True)
    )


def _connection(reaction, oracle, ends: tuple[End, End], visited: VisitedMinima) -> Connection:
    a, b = ends

    def found(verdict, reason, forwards, how="") -> Connection:
        return Connection(verdict, reason, how, (a, b) if forwards else (b, a), not forwards)

    both = compare_both(
        reaction.numbers,
        np.array([a.position, b.position]),
        reaction.ends,
        oracle.invariances,
    )
    if both.how and a.minimum and b.minimum:
        reason = "" if both.how == "exact" else f"both ends match only when {both.how}"
        return found("intended", reason, not both.swapped, both.how)
    places = [_place(end, visited) for end in ends]
    if None not in places and places[0] != places[1]:
        first, second = (_station_name(s) for s in sorted(places))
        reason = f"the saddle joins {first} and {second} of the path"
        return found("multistep", reason, places[0] < places[1])
    if a.known and b.known:
        return found("other", f"both sides lead to the {ROLES[_side(a)]}", True)
    if a.known or b.known:
        one, lost = (a, b) if a.known else (b, a)
        side = _side(one)
        reason = (
            f"leads to the {ROLES[side]} only; against the {ROLES[1 - side]}: "
            f"{_missed(lost, 1 - side)}"
        )
        return found("half-intended", reason, (one is a) == (side == 0))
    first, second = (b, a) if both.swapped else (a, b)
    reason = (
        f"leads to neither end; against the reactant: {_missed(first, 0)}; "
        f"against the product: {_missed(second, 1)}"
    )
    return found("other", reason, not both.swapped)


def _side(end: End) -> int:
    return 0 if end.matches[0].matches else 1


def _place(end: End, visited: VisitedMinima) -> float | None:
    return float(_side(end)) if end.known else visited.place(end)


def _station_name(s: float) -> str:
    return {0.0: "reactant", 1.0: "product"}.get(s, f"intermediate at s = {s:.2f}")


def _missed(end: End, side: int) -> str:
    if not end.minimum:
        return f"the IRC's end did not relax to a minimum (largest force {end.fmax:.3f} eV/A)"
    return end.matches[side].reason
