"""From a judged search to the whole way: what else was met is proven, then the gaps are searched.

1. The saddle that the method has found is an edge of the network (`network`), if it is a saddle.
2. As long as reactant and product are not joined: of the other saddles that the search has met,
   the next is refined and judged; where none is left, the method searches again, between two
   minima that the network names, and where it names none, between reactant and product from
   another guess. It is told of all that was paid for before.
3. The way whose highest saddle is lowest is the mechanism.

Every evaluation of every search and refinement is its cost, those that led nowhere as well.
"""

from collections.abc import Callable
from dataclasses import InitVar, dataclass, field, replace
from itertools import chain, islice

import numpy as np

from ..config import Method
from ..judging.verify import OF_ANY_STEP, Judged, refine_and_judge
from ..oracle import Cheaper, Evaluated, Oracle, PotentialSpec
from ..path import Path, Peak, align
from ..reaction import Reaction
from ..solving.guess import Guess, make_guess
from ..solving.solve import Solved, solve
from .network import PRODUCT, REACTANT, Network, Node, nodes_of, paid
from .starts import bent_guesses, other_guesses

STAGES = ("path", "refine", "verify")
SEARCHES, GUESSES = 6, 3  # at most, after the first; of these from other guesses
TURNED = 2e-3  # eV, between conformers of one minimum
OTHERS, BESIDE = 4, 30  # saddles beside its own, of one search, that are proven; to refine one


@dataclass(frozen=True)
class Step:
    """One step of a mechanism.

    Attributes
    ----------
    start, end : names of its minima: R, I1, I2, ..., P
    saddle : its saddle, refined
    judged : its proof; the coordinate leads from `start` to `end` where `forwards`
    minimum : the `Node` that it leads to
    evaluations : of path, refine and verify, for this step alone
    """

    start: str
    end: str
    judged: Judged
    forwards: bool
    minimum: Node
    evaluations: dict[str, int]

    @property
    def saddle(self) -> Peak:
        """Its saddle, with the energy that was proven."""
        return self.judged.saddle

    @property
    def coordinate(self) -> tuple[np.ndarray, np.ndarray]:
        """Geometries (M, N, 3) and energies (M,) of its reaction coordinate, from its start."""
        found, way = self.judged.judgement, slice(None, None, 1 if self.forwards else -1)
        return found.irc[way], found.irc_energies[way]


@dataclass(frozen=True)
class Mechanism:
    """What was found of the way from reactant to product.

    Attributes
    ----------
    steps : in order; empty where reactant and product were not joined
    searches : how often the method was called after the first time
    gradients_path, gradients_refine, gradients_verify : evaluations beyond those of the first
        search, of all searches, refinements and proofs
    wall_path, wall_refine, wall_verify : seconds of these
    gradients_prior, wall_prior : on the method's prior, if it has one
    reason : one line, why there are no steps; else empty
    """

    steps: tuple[Step, ...] = ()
    searches: int = 0
    gradients_path: int = 0
    gradients_refine: int = 0
    gradients_verify: int = 0
    wall_path: float = 0.0
    wall_refine: float = 0.0
    wall_verify: float = 0.0
    gradients_prior: int = 0
    wall_prior: float = 0.0
    reason: str = ""

    @property
    def complete(self) -> bool:
        """Whether proven saddles lead all the way."""
        return bool(self.steps)

    @classmethod
    def of(cls, reaction: Reaction, solved: Solved, judged: Judged) -> "Mechanism":
        """Return that of one step, whose saddle joins reactant and product."""
        product = Node(reaction.product, float(reaction.energies[1]))
        step = Step("R", "P", judged, True, product, paid(solved.evaluations, judged))
        return cls((step,))

    @property
    def energetic_span(self) -> float:
        """The highest rise from a minimum to any later saddle, eV.

        Kozuch, Shaik, Acc. Chem. Res. 44, 101 (2011), doi:10.1021/ar1000956, for a way that is no
        cycle.
        """
        minima = [float(self.steps[0].coordinate[1][0]), *(s.minimum.energy for s in self.steps)]
        saddles = [step.saddle.energy for step in self.steps]
        return max(top - min(minima[: k + 1]) for k, top in enumerate(saddles))

    @property
    def chain(self) -> str:
        """Its minima, in order: "R -> I1 -> P"."""
        return " -> ".join(["R", *(step.end for step in self.steps)])

    def turns(self, reaction: Reaction) -> list[tuple[str, float]]:
        """Say where the way goes over to another conformer, and how much higher that is, eV.

        Reactant and product are those given; a step may start at another conformer of its minimum
        than the step before has reached.
        """
        energies = [step.coordinate[1] for step in self.steps]
        starts = [float(along[0]) for along in energies] + [float(reaction.energies[1])]
        reached = [float(reaction.energies[0])] + [float(along[-1]) for along in energies]
        names = [*(step.start for step in self.steps), "P"]
        gaps = zip(names, (b - a for a, b in zip(reached, starts, strict=True)), strict=True)
        return [(name, gap) for name, gap in gaps if abs(gap) > TURNED]

    def sentence(self, reaction: Reaction) -> str:
        """Say in a line what was found, with heights above the energy of the reactant, eV."""
        if not self.complete:
            return self.reason
        top = self.highest
        turned = ", ".join(f"{name} by {gap:+.3f} eV" for name, gap in self.turns(reaction))
        return (
            f"chain {self.chain}, its highest saddle "
            f"{top.saddle.energy - reaction.energies[0]:.3f} eV above the reactant in step "
            f"{top.start}-{top.end}" + (f"; other conformers: {turned}" if turned else "")
        )

    @property
    def highest(self) -> Step:
        """The step whose saddle is the highest."""
        return max(self.steps, key=lambda step: step.saddle.energy)


def find_mechanism(
    reaction: Reaction,
    solved: Solved,
    judged: Judged,
    method: Method,
    potential: PotentialSpec,
    seed: int,
    proof: str = "full",
    announce: Callable[..., object] = lambda *stages: None,
) -> Mechanism:
    """Search the steps between reactant and product, from what a first search has left.

    Parameters
    ----------
    reaction : with energies and gradients of its ends
    solved, judged : of the first search; `judged.verdict` is not `intended`
    method : as which the searches go on, within the budget of its path stage
    proof : of each saddle, "full" or "staged"
    announce : told the stages whose potentials are loaded next
    """
    search = _Searching(reaction, method, potential, seed, proof, announce, solved, judged)
    network = search.network
    while not network.joined:
        if (peak := search.next_peak()) is not None:
            search.prove(peak, solved.path, reaction)
        elif search.searches >= SEARCHES:
            break
        elif (pair := network.next_search()) is not None:
            search.between(*pair)
        elif (guess := search.next_guess()) is not None:
            search.again(guess)
        else:
            break
    return Mechanism(
        steps=_steps(network) if network.joined else (),
        searches=search.searches,
        **{f"gradients_{stage}": count for stage, count in search.spent.items()},
        **{f"wall_{stage}": seconds for stage, seconds in search.walls.items()},
        gradients_prior=search.gradients_prior,
        wall_prior=search.wall_prior,
        reason="" if network.joined else _why_not(network),
    )


def _steps(network: Network) -> tuple[Step, ...]:
    edges = network.mechanism()
    way = nodes_of(edges)
    names = ["R", *(f"I{k}" for k in range(1, len(edges))), "P"]
    return tuple(
        Step(
            *names[k : k + 2],
            edge.judged,
            edge.ends == (way[k], way[k + 1]),
            network.nodes[way[k + 1]],
            edge.evaluations,
        )
        for k, edge in enumerate(edges)
    )


def _why_not(network: Network) -> str:
    met = len(network.nodes) - 2
    return f"{len(network.edges)} saddles and {met} intermediates met, but no way from R to P"


@dataclass
class _Searching:
    """State of one search for a mechanism."""

    reaction: Reaction
    method: Method
    potential: PotentialSpec
    seed: int
    proof: str
    announce: Callable[..., object]
    first: Solved
    judged: InitVar[Judged]
    searches: int = 0
    known: list[Evaluated | None] = field(default_factory=list)
    below: list[Cheaper | None] = field(default_factory=list)
    gradients_prior: int = 0
    wall_prior: float = 0.0
    left: list[Peak] = field(default_factory=list)
    spent: dict[str, int] = field(default_factory=lambda: dict.fromkeys(STAGES, 0))
    walls: dict[str, float] = field(default_factory=lambda: dict.fromkeys(STAGES, 0.0))

    def __post_init__(self, judged: Judged):
        """Take over what the first search has found and paid for."""
        self.announce("verify")
        self.oracle = Oracle(self.potential.of(self.reaction))
        self.network = Network(self.reaction, self.oracle.invariances)
        self.network.vain.add(frozenset((REACTANT, PRODUCT)))
        self.network.add(judged, self.first.evaluations)
        self.take(self.first)
        of = self.reaction, self.method.guess
        others = chain(other_guesses(*of), bent_guesses(*of, self.seed))
        self.guesses = islice(others, GUESSES)

    def take(self, solved: Solved) -> None:
        """Remember what a search has paid for, and the saddles that it has met beside its own."""
        self.known.append(solved.evaluated)
        self.below.append(solved.below)
        if solved.path is not None:
            self.left = [*solved.path.others[:OTHERS], *self.left]

    @property
    def evaluated(self) -> Evaluated | None:
        """All that was paid for in searches."""
        return Evaluated.joined(self.known)

    def next_peak(self) -> Peak | None:
        """Return the next saddle that was met and is not one of the network."""
        while self.left:
            peak = self.left.pop(0)
            if not self.network.knows(peak):
                return peak
        return None

    def prove(
        self, peak: Peak, path: Path, reaction: Reaction, budget: int = BESIDE, searched: int = 0
    ) -> None:
        """Refine and judge a saddle, as one of a reaction; it joins the network if it is one."""
        self.announce("refine", "verify")
        judged = refine_and_judge(
            reaction,
            path,
            peak,
            self.method.refiner,
            self.potential,
            min(budget, self.method.budget["refine"]),
            self.seed,
            self.proof,
            self.evaluated,
            Cheaper.joined(self.below),
            believed=OF_ANY_STEP,
        )
        self.spent["refine"] += judged.refine_evaluations
        self.spent["verify"] += judged.verify_evaluations
        self.walls["refine"] += judged.refine_wall
        self.walls["verify"] += judged.verify_wall
        self.gradients_prior += judged.prior_evaluations
        self.wall_prior += judged.prior_wall
        self.network.add(judged, searched)

    def next_guess(self) -> Guess | None:
        """Return the next guess between reactant and product that was not tried."""
        return next((guess for _, guess in self.guesses if guess.positions is not None), None)

    def again(self, guess: Guess) -> None:
        """Search between reactant and product once more, from another guess."""
        self._search(self.reaction, guess)

    def between(self, a: int, b: int) -> None:
        """Search a saddle between two minima of the network."""
        self.network.vain.add(frozenset((a, b)))
        step = self._step(a, b)
        self._search(step, make_guess(step, self.method.guess, None))

    def _search(self, step: Reaction, guess: Guess) -> None:
        method = self.method
        self.announce("path")
        solved = solve(
            step,
            guess,
            method.solver,
            method.options,
            self.potential,
            self._left_of(method.budget["path"]),
            self.seed,
            self.evaluated,
        )
        self.searches += 1
        self.spent["path"] += solved.evaluations
        self.walls["path"] += solved.wall
        self.gradients_prior += solved.prior_evaluations
        self.wall_prior += solved.prior_wall
        self.take(solved)
        if solved.path is not None:
            budget = method.budget["refine"]
            self.prove(solved.peak, solved.path, step, budget, solved.evaluations)

    def _left_of(self, budget: int | None) -> int | None:
        """Evaluations that are left of the path stage's budget."""
        if budget is None:
            return None
        return max(budget - self.first.evaluations - self.spent["path"], 0)

    def _step(self, a: int, b: int) -> Reaction:
        """Return the step between two minima as a reaction; its ends' gradients are proof."""
        first, second = (self.network.nodes[number].position for number in (a, b))
        if "rotation" in self.oracle.invariances:
            second = align(second, first)
        energies, gradients = self.oracle(np.stack([first, second]))
        self.spent["verify"] += 2
        return replace(
            self.reaction, reactant=first, product=second, energies=energies, gradients=gradients
        )
