"""Several ways between the same ends: searched from other starts, told apart, the lowest named.

A minimum energy path is not unique, and a search finds the one that its guess leads to. Each
further search begins elsewhere: from another guess, from the product renumbered by its equivalent
atoms, between other conformers of both ends (`conformers`), or from the guess bent at random (as
`methods/varied`). What was paid for before is known to the next, and a saddle that is met again is
not proven again. Two ways are one if their highest saddles are, up to equivalent atoms and
reflection.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from ..config import Method
from ..errors import FAILED
from ..judging.verify import OF_ANY_STEP, TOLD, Judged, refine_and_judge
from ..molecule.relabelling import relabellings
from ..molecule.structure import saddle_rmsd
from ..oracle import Evaluated, PotentialSpec
from ..path import Peak, align, rmsd, superposition
from ..reaction import Reaction
from ..solving.guess import Guess, make_guess
from ..solving.solve import Solved, solve
from .conformers import conformers
from .network import paid
from .search import STAGES, Mechanism, find_mechanism
from .starts import bent_guesses, other_guesses

LOOKED_AT, ANOTHER = 200, 0.1  # orders of atoms; angstrom, RMSD of a product that is another
SAME_SADDLE, SAME_HEIGHT = 0.1, 5e-3  # angstrom, eV
MET_AGAIN = 0.05  # angstrom, RMSD in the same order of atoms

NO_COST = {
    "refine_evaluations": 0,
    "verify_evaluations": 0,
    "refine_wall": 0.0,
    "verify_wall": 0.0,
    "prior_evaluations": 0,
    "prior_wall": 0.0,
}


@dataclass(frozen=True)
class Start:
    """Where a search begins.

    Attributes
    ----------
    name : what it is
    reaction : the ends: those given, the product renumbered, or other conformers; None where these
        could not be had
    guess : between them, None without a reaction
    evaluations, seconds : of relaxing other ends
    """

    name: str
    reaction: Reaction | None
    guess: Guess | None
    evaluations: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class Explored:
    """One search, from one start.

    Attributes
    ----------
    start : the name of its `Start`
    reaction : its ends
    solved, judged, mechanism : as of `find_mechanism`; `judged` is None without a path
    """

    start: str
    reaction: Reaction
    solved: Solved
    judged: Judged | None
    mechanism: Mechanism

    @property
    def is_direct(self) -> bool:
        """Whether it has found a saddle that joins reactant and product."""
        return len(self.mechanism.steps) == 1

    @property
    def evaluations(self) -> dict[str, int]:
        """Gradient evaluations by stage, of all searches, refinements and proofs."""
        first = {"path": self.solved.evaluations}
        if self.judged is not None:
            first = paid(self.solved.evaluations, self.judged)
        return self._with_further(first, "gradients")

    @property
    def seconds(self) -> dict[str, float]:
        """Wall clock by stage."""
        first = {"path": self.solved.wall}
        if self.judged is not None:
            first |= {"refine": self.judged.refine_wall, "verify": self.judged.verify_wall}
        return self._with_further(first, "wall")

    @property
    def prior_evaluations(self) -> int:
        """Gradient evaluations on the prior."""
        proof = 0 if self.judged is None else self.judged.prior_evaluations
        return self.solved.prior_evaluations + proof + self.mechanism.gradients_prior

    @property
    def prior_seconds(self) -> float:
        """Wall clock on the prior."""
        proof = 0.0 if self.judged is None else self.judged.prior_wall
        return self.solved.prior_wall + proof + self.mechanism.wall_prior

    def _with_further(self, first: dict, kind: str) -> dict:
        """Add what the search for the steps has cost."""
        further = self.mechanism
        return {
            stage: first.get(stage, 0) + getattr(further, f"{kind}_{stage}") for stage in STAGES
        }


@dataclass(frozen=True)
class Way:
    """One way, as the searches met it.

    Attributes
    ----------
    mechanism : its steps
    starts : of the searches that met it, the first of them first
    """

    mechanism: Mechanism
    starts: tuple[str, ...]

    @property
    def met(self) -> int:
        """How often it was met."""
        return len(self.starts)


def explore(
    start: Start,
    method: Method,
    potential: PotentialSpec,
    seed: int,
    *,
    proof: str,
    steps: bool,
    before: Sequence["Explored"] = (),
    announce: Callable[..., object] = lambda *stages: None,
    told: Callable[[Solved | Judged], None] = lambda result: None,
) -> Explored:
    """Search once: path, saddle, proof, and the steps where that joins no ends.

    Parameters
    ----------
    steps : whether steps are searched
    before : searches of the same molecule: what they have paid for and proven is known
    announce : told the stages whose potentials are loaded next
    told : told of the path, and of the first proof, before the search goes on
    """
    budget, reaction = method.budget, start.reaction
    known = Evaluated.joined(one.solved.evaluated for one in before)
    announce("path")
    of = start.guess, method.solver, method.options, potential, budget["path"], seed, known
    solved = solve(reaction, *of)
    told(solved)
    if solved.path is None:
        return Explored(start.name, reaction, solved, None, Mechanism())
    for other in before:
        if other.reaction is reaction and other.is_direct and _again(solved.peak, other):
            judged = replace(other.judged, **NO_COST)
            found = Mechanism.of(reaction, solved, judged)
            return Explored(start.name, reaction, solved, judged, found)
    announce("refine", "verify")
    judged = refine_and_judge(
        reaction,
        solved.path,
        solved.peak,
        method.refiner,
        potential,
        budget["refine"],
        seed,
        proof,
        solved.evaluated,
        solved.below,
        OF_ANY_STEP if steps else TOLD,
    )
    told(judged)
    found = Mechanism()
    if judged.verdict == "intended":
        found = Mechanism.of(reaction, solved, judged)
    elif steps and judged.verdict not in FAILED:
        of = reaction, solved, judged, method, potential, seed, proof
        found = find_mechanism(*of, announce)
    return Explored(start.name, reaction, solved, judged, found)


def explore_further(
    first: Explored,
    guess: str,
    method: Method,
    potential: PotentialSpec,
    seed: int,
    ways: int,
    proof: str,
    *,
    steps: bool = True,
    announce: Callable[..., object] = lambda *stages: None,
    told: Callable[[Start | Solved | Judged], None] = lambda result: None,
) -> tuple[list[Explored], list[Start]]:
    """Search from other starts, until there are `ways` searches with the first.

    Parameters
    ----------
    first : from the ends that were given
    guess : the guess that it began with
    proof, steps, announce : as of `explore`
    told : told of each start, and as of `explore`

    Returns
    -------
    All searches, the first one first; and all starts, those that came to nothing as well.
    """
    searches, starts = [first], []
    how = {"proof": proof, "steps": steps, "announce": announce, "told": told}
    others = further_starts(first.reaction, guess, seed, potential, proof == "staged", announce)
    while len(searches) < ways:
        starts.append(start := next(others))
        told(start)
        if start.reaction is not None:
            searches.append(explore(start, method, potential, seed, before=searches, **how))
    return searches, starts


def further_starts(
    reaction: Reaction,
    first: str,
    seed: int,
    potential: PotentialSpec,
    staged: bool = False,
    announce: Callable[..., object] = lambda *stages: None,
) -> Iterator[Start]:
    """Yield other starts without end: guesses, renumbered products, conformers, bent guesses.

    Parameters
    ----------
    first : the guess that was tried
    staged : as of `conformers`
    """
    for name, guess in other_guesses(reaction, first):
        yield Start(name, reaction, guess)
    for number, other in enumerate(islice(renumbered(reaction), 2), start=1):
        yield Start(f"product renumbered ({number})", other, make_guess(other, first, None))
    announce("ends")
    for other in conformers(reaction, potential, staged):
        guess = None if other.reaction is None else make_guess(other.reaction, first, None)
        name = f"ends turned about {other.turned}"
        yield Start(name, other.reaction, guess, other.evaluations, other.seconds)
        announce("ends")
    for name, guess in bent_guesses(reaction, first, seed):
        yield Start(name, reaction, guess)


def renumbered(reaction: Reaction) -> Iterator[Reaction]:
    """Yield the reaction to its product in other orders of equivalent atoms, the nearest first."""
    reactant, found = reaction.reactant, [reaction.product]
    orders = relabellings(reaction.numbers, [(reaction.product, reaction.product)])
    other = []
    for order in islice(orders, LOOKED_AT):
        product, gradient = reaction.product[order], reaction.gradients[1][order]
        if min(rmsd(product, x) for x in found) < ANOTHER:
            continue
        turn = superposition(product - product.mean(axis=0), reactant - reactant.mean(axis=0))
        found.append(align(product, reactant))
        gradients = np.stack([reaction.gradients[0], gradient @ turn])
        other.append(replace(reaction, product=found[-1], gradients=gradients))
    yield from sorted(other, key=lambda one: rmsd(one.product, reactant))


def _again(peak: Peak, known: Explored) -> bool:
    """Whether a search has converged to a saddle that is proven."""
    saddle = known.judged.saddle
    if not peak.converged or abs(peak.energy - saddle.energy) > SAME_HEIGHT:
        return False
    return rmsd(peak.position, saddle.position) < MET_AGAIN


def told_apart(searches: list[Explored]) -> list[Way]:
    """Return the different ways that searches have found, the lowest first."""
    ways: list[tuple[Explored, list[str]]] = []
    for one in searches:
        if not one.mechanism.complete:
            continue
        for known, starts in ways:
            if _same(known, one):
                starts.append(one.start)
                break
        else:
            ways.append((one, [one.start]))
    ways.sort(key=lambda way: way[0].mechanism.highest.saddle.energy)
    return [Way(one.mechanism, tuple(starts)) for one, starts in ways]


def _same(a: Explored, b: Explored) -> bool:
    one, other = (search.mechanism.highest.saddle for search in (a, b))
    if abs(one.energy - other.energy) > SAME_HEIGHT:
        return False
    ends = a.reaction.ends
    return saddle_rmsd(a.reaction.numbers, other.position, one.position, ends) < SAME_SADDLE
