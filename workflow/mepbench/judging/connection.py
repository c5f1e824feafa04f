"""Which reaction a first-order saddle belongs to: where the two sides of its IRC lead.

Each side ends at a minimum: relaxed, and proven by its Hessian unless it is the given
reactant or product itself, which the preparation has proven. An IRC that ended on a symmetry
element, at a stationary point that is no minimum, goes on to the minima below it; where these
are different ends of the reaction it forks, which is said.

Where the reaction changes no bonds only the same minimum is an end: the place reached and the
given end are both relaxed until soft modes are at rest, and compared by distance and energy.
Where it does, another conformer is an end as well, and said to be one.

Both ends of a saddle together say what it is (`structure`): reactant and product, as they are
or after one relabelling or reflection of both; exactly one of them; none. The saddle of a step
leads to an intermediate that the path visits: the path has a well that relaxes to it, or passes
it so closely that the well is lost in how the path is drawn.
"""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ..errors import BadEndpoints
from ..landscape.minima import SAME_MINIMUM, relax_gently
from ..landscape.scale import ORDINARY, Scale
from ..landscape.tangency import Well
from ..molecule.relabelling import rmsds
from ..molecule.structure import EndMatch, bond_changes, compare, compare_both
from ..path import Path, rmsd, spline
from ..reaction import Reaction
from .irc import Branch
from .measured import IN_FULL
from .turning import Turning

SAME_ENERGY = 1e-3  # eV: two tight relaxations of one minimum differ by less
VISIT = 0.1  # angstrom RMSD: a path so near to a minimum visits it
# The deepest are relaxed. There is no thermal threshold: only a well that relaxes to the very
# minimum of the IRC counts, however deep.
MOST_WELLS = 8
ROLES = ("reactant", "product")
UNKNOWN = EndMatch(False, "", "not compared", np.nan)


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
    gaps : (2,) array, eV: energies of `ends` above the given ones; of `intended`, relaxed tightly
    conformer : "reactant", "product" or "both" where an end of `intended` is another
        conformer of that; else ""
    """

    verdict: str
    reason: str
    how: str
    ends: tuple[End, End]
    swapped: bool
    gaps: np.ndarray = field(default_factory=lambda: np.full(2, np.nan))
    conformer: str = ""


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
        cls,
        reaction: Reaction,
        oracle,
        quality,
        path: Path | None,
        scale: Scale = ORDINARY,
        beside: Sequence[np.ndarray] = (),
    ) -> "VisitedMinima":
        """Return those of a measured path; none of a trajectory (GAD), whose dips mean nothing.

        Those below `beside`, (N, 3) arrays, are visited at the path's top.
        """
        if quality is None or path is None or not path.is_path:
            return cls(reaction, oracle, scale=scale)
        deepest = sorted(quality.wells, key=lambda well: -well.depth)[:MOST_WELLS]
        top = float(quality.s[np.argmax(quality.energies)])
        wells = [*deepest, *(Well(top, np.nan, np.nan, x) for x in beside)]
        return cls(reaction, oracle, wells, spline(path.positions)(quality.s), quality.s, scale)

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

    def name(self, s: float) -> str:
        """Return what the path visits at s; of an intermediate how deep its well on the path is."""
        if s in (0.0, 1.0):
            return ROLES[int(s)]
        depths = [well.depth for well in self.wells if well.s == s and np.isfinite(well.depth)]
        deep = f", {1000 * depths[0]:.0f} meV deep" if depths else ""
        return f"intermediate at s = {s:.2f}{deep}"

    def _below_wells(self) -> list:
        if self._minima is None:
            self._minima = [(well.s, self._relaxed(well.position)) for well in self.wells]
        return self._minima

    def _relaxed(self, position: np.ndarray) -> np.ndarray:
        numbers = self.reaction.numbers
        relaxed = relax_gently(self.oracle, numbers, position, self.scale).positions
        if not only_moves(self.reaction, self.oracle):
            return relaxed
        return IN_FULL.tight(self.oracle, numbers, relaxed, self.scale).positions


def connection(
    reaction: Reaction,
    oracle,
    branches: tuple[Branch, Branch],
    visited: VisitedMinima,
    means=IN_FULL,
) -> Connection:
    """Say which reaction's saddle it is of which these are the two sides of the IRC.

    Parameters
    ----------
    oracle : pays for the Hessians of ends that are not the given ones, some 3N + 20 each
    means : as of `judge`
    """
    rank = ("intended", "multistep", "half-intended", "other")
    given, turns, scale = reaction, None, visited.scale
    if "rotation" in oracle.invariances and reaction.energies is not None:
        top = max(branch.energies.max() for branch in branches)
        turns = Turning(reaction, oracle, float(top - reaction.energies.min()))
    if only_moves(reaction, oracle):
        given = _tightened(reaction, oracle, means, scale)
    ends = [_ends_of(given, oracle, branch, turns, scale, means) for branch in branches]
    pairs = itertools.product(*ends)
    found = [_connection(given, oracle, pair, visited, turns) for pair in pairs]
    best = min(found, key=lambda one: (rank.index(one.verdict), one.how != "exact"))
    remarks = [best.reason]
    if any(end.forked for end in best.ends):
        remarks.append("the IRC ends at a stationary point that is no minimum, and forks there")
    if given.energies is None:
        return replace(best, reason=_joined(remarks))
    gaps = np.array([end.energy for end in best.ends]) - given.energies
    conformer = ""
    if best.verdict == "intended" and "rotation" in oracle.invariances:
        measured = [_gap(given, oracle, end, k, scale, means) for k, end in enumerate(best.ends)]
        gaps = np.array([gap for gap, _ in measured])
        others = [role for role, (_, another) in zip(ROLES, measured, strict=True) if another]
        conformer = "both" if len(others) == 2 else "".join(others)
        remarks += [
            f"conformer of the {role}, {gaps[ROLES.index(role)]:+.3f} eV" for role in others
        ]
    return replace(best, reason=_joined(remarks), gaps=gaps, conformer=conformer)


def _joined(parts: Iterable[str]) -> str:
    return "; ".join(part for part in parts if part)


def only_moves(reaction: Reaction, oracle) -> bool:
    """Whether a molecule changes no bond, so that only the very minima are its ends."""
    molecular = "rotation" in oracle.invariances
    return molecular and not bond_changes(reaction.numbers, *reaction.ends)


def _tightened(reaction: Reaction, oracle, means, scale: Scale) -> Reaction:
    """Return the reaction with its ends relaxed tightly, in their basins."""
    ends = [means.tight(oracle, reaction.numbers, x, scale) for x in reaction.ends]
    energies = np.array([end.energy for end in ends])
    return replace(
        reaction, reactant=ends[0].positions, product=ends[1].positions, energies=energies
    )


def _gap(
    reaction: Reaction, oracle, end: End, side: int, scale: Scale, means
) -> tuple[float, bool]:
    """Energy of an IRC's end above the given one, eV, and whether it is another conformer.

    Unless they are seen to be one, both are relaxed tightly first: on its loose end a methyl
    group or a complex may lie 0.04 eV above the very minimum that it is in. Minima of one energy
    are one, or each other's image. Complexes too loose to come to rest are given more room.
    """
    gap, same = end.energy - reaction.energies[side], SAME_ENERGY * scale.energy
    length, height = SAME_MINIMUM[0] * scale.length, SAME_MINIMUM[1] * scale.energy
    away = rmsd(end.position, reaction.ends[side], oracle.invariances)
    if abs(gap) <= same or (abs(gap) < height and away < length):
        return gap, False
    if not means.tells_conformers:
        return gap, abs(gap) > height
    places = end.position, reaction.ends[side]
    here, there = (means.tight(oracle, reaction.numbers, x, scale) for x in places)
    gap = here.energy - there.energy
    at_rest = here.converged and there.converged
    return gap, abs(gap) > (same if at_rest else height)


def _ends_of(reaction, oracle, branch: Branch, turns, scale: Scale, means) -> list[End]:
    """Return the minimum below a side of the IRC; two or more where it forks."""
    moves = reaction.energies is not None and only_moves(reaction, oracle)

    def end(position, energy, fmax, minimum) -> End:
        matches = tuple(
            _level(
                compare(reaction.numbers, position, one, other, oracle.invariances, turns),
                energy - reaction.energies[side] if moves else 0.0,
                scale,
            )
            for side, (one, other) in enumerate((reaction.ends, reaction.ends[::-1]))
        )
        return End(position, energy, fmax, minimum, False, matches)

    def at_rest(position, energy, fmax) -> End:
        if moves:
            tight = means.tight(oracle, reaction.numbers, position, scale)
            position, energy, fmax = tight.positions, tight.energy, tight.fmax
        return end(position, energy, fmax, True)

    fmax = float(np.linalg.norm(branch.gradient, axis=1).max())
    reached = end(branch.end, float(branch.energies[-1]), fmax, branch.converged)
    if branch.converged and _is_given(reaction, oracle, reached, scale):
        return [reached]
    if branch.converged and means.is_minimum(oracle, reached.position, branch.gradient):
        return [at_rest(reached.position, reached.energy, fmax)]
    try:
        below = means.minima_below(oracle, reaction.numbers, reached.position)
    except BadEndpoints:
        return [end(reached.position, reached.energy, fmax, False)]
    forks = [at_rest(m.positions, m.energy, m.fmax) for m in below]
    if len({tuple(match.matches for match in fork.matches) for fork in forks}) > 1:
        return [replace(fork, forked=True) for fork in forks]
    return forks


def _level(match: EndMatch, gap: float, scale: Scale) -> EndMatch:
    """Take back a match with a minimum of another energy, eV."""
    if not match.matches or abs(gap) <= SAME_ENERGY * scale.energy:
        return match
    return replace(match, matches=False, how="", reason=f"another minimum, {gap:+.3f} eV from it")


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


def _connection(
    reaction, oracle, ends: tuple[End, End], visited: VisitedMinima, turns
) -> Connection:
    a, b = ends

    def found(verdict, reason, forwards, how="") -> Connection:
        return Connection(verdict, reason, how, (a, b) if forwards else (b, a), not forwards)

    both = compare_both(
        reaction.numbers,
        np.array([a.position, b.position]),
        reaction.ends,
        oracle.invariances,
        turns,
    )
    if both.how and a.minimum and b.minimum and _even(reaction, oracle, ends, both.swapped):
        reason = _joined(dict.fromkeys((both.reactant.reason, both.product.reason)))
        if both.how != "exact":
            reason = f"both ends match only when {both.how}"
        return found("intended", reason, not both.swapped, both.how)
    places = [_place(end, visited) for end in ends]
    if None not in places and places[0] != places[1]:
        first, second = (visited.name(s) for s in sorted(places))
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


def _even(reaction, oracle, ends: tuple[End, End], swapped: bool) -> bool:
    """Whether both ends have the energies of the given ones, where they are these very minima."""
    if reaction.energies is None or not only_moves(reaction, oracle):
        return True
    energies = np.array([end.energy for end in ends[:: -1 if swapped else 1]])
    return bool((np.abs(energies - reaction.energies) <= SAME_ENERGY).all())


def _side(end: End) -> int:
    return 0 if end.matches[0].matches else 1


def _place(end: End, visited: VisitedMinima) -> float | None:
    return float(_side(end)) if end.known else visited.place(end)


def _missed(end: End, side: int) -> str:
    if not end.minimum:
        return f"the IRC's end did not relax to a minimum (largest force {end.fmax:.3f} eV/A)"
    return end.matches[side].reason
