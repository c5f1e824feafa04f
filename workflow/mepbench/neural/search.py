"""One search for the saddle between two ends: from a guess, from others, or from a cheaper level.

The guesses, one after another, until a saddle is accepted; all that was evaluated for one is known
to the next (`explorer`). With a prior the same search is done on the prior's level before, and this
one begins where that has ended (`below`).
"""

import numpy as np

from ..errors import InputError, NotSupported, plainly
from ..oracle import PotentialSpec
from ..path import Path
from ..registry import load
from ..surrogate.surrogate import Surrogate
from .below import Below, searched_below
from .curves import curve_of
from .explorer import GRID, Candidate, Explorer
from .relaxation import Relaxation

LED = 20  # evaluations that a prior may lead: where one serves, 5 to 15 do
LAST_BETA = 40.0  # 1/eV, of the finished path: less tension than in the search


class Search:
    """One search: its surrogate, its explorer, and the curve that it is at.

    Parameters
    ----------
    reaction : between whose ends a saddle is sought
    oracle : `Oracle` of the level that is searched
    seed : of the network, and of the points that are drawn
    options : those of the method
    """

    def __init__(self, reaction, oracle, seed: int, options: dict):
        self.reaction, self.oracle, self.seed, self.options = reaction, oracle, seed, options
        self.of_prior = ""
        self._begin()

    def _begin(self) -> None:
        """Know the ends and nothing else: so a prior that leads nowhere leaves no bias behind."""
        kernel = {name: self.options[name] for name in ("kernel", "length", "noise")}
        self.rng = np.random.default_rng(self.seed)
        self.surrogate = Surrogate(self.reaction, self.oracle, **kernel)
        self.explorer = Explorer(self.reaction, self.surrogate, self.options)
        self.name, self.relaxation = "given", None

    def start(self, name: str, frames: np.ndarray, kind: str) -> None:
        """Begin with the curve through a guess's frames (M, N, 3)."""
        shape = {key: self.options[key] for key in ("width", "depth", "frequencies")}
        keys = ("points", "concentration", "floor", "speed_penalty", "damping")
        training = {key: self.options[key] for key in keys}
        curve = curve_of(kind, frames, self.oracle.invariances, seed=self.seed, **shape)
        self.name = name
        self.relaxation = Relaxation(curve, self.surrogate, self.rng, **training)

    def affordable(self, more: int) -> float:
        """Return the count of evaluations up to which a search may go."""
        return self.oracle.evaluations + min(more, self.oracle.remaining)

    def from_guesses(self, guess: Path) -> Candidate | None:
        """Return the saddle found from the given guess, or from others; None if there is none."""
        limit, restart, first = (self.options[name] for name in ("limit", "restart", "first"))
        before = self.oracle.evaluations
        if self.oracle.known is not None:
            self.surrogate.recall(self.oracle.known, guess.positions)
        for name, frames in guesses(self.reaction, guess, self.seed, self.surrogate.molecular):
            frames[0], frames[-1] = self.reaction.ends
            self.start(name, frames, self.options["curve"])
            more = min(restart, self.options["detour"]) if self.has_steps else restart
            if name == "given":
                self.explorer.sound_guess(self.relaxation.curve, first)
                more = limit - (self.oracle.evaluations - before)
            found = self.explorer.search(self.relaxation, self.affordable(more))
            if found is not None:
                return found
        return self.explorer.second_hearing(self.affordable(restart))

    @property
    def has_steps(self) -> bool:
        """Whether saddles were met that may be those of the reaction's steps, and are wanted."""
        return self.options["mechanism"] and any(one.elsewhere for one in self.explorer.rejected)

    def from_prior(self, guess: Path, prior) -> Candidate | None:
        """Search on the prior's level, then from what that leaves; None if that leads nowhere."""
        below = self._below(guess, prior)
        if below is None:
            return None
        if below.doubt:
            self.of_prior = f"the prior was switched off: {below.doubt}"
            return None
        self.surrogate.believe(below.learned)
        self.start("given", below.frames, self.options["curve"])
        limit, found = self.affordable(min(self.options["limit"], LED)), None
        if below.saddle is not None:
            found = self.explorer.confirm(self.relaxation, below.saddle, limit)
        if found is None and self.surrogate.believes:
            found = self.explorer.search(self.relaxation, limit)
        if below.learned.failure:
            self.of_prior = f"the prior failed and was asked no more: {below.learned.failure}"
        if at := self.surrogate.contradicted_at:
            self.of_prior = f"the prior was dropped: evaluation {at} contradicts it"
        elif found is None:
            paid = self.oracle.evaluations
            self.of_prior = f"the prior was dropped: it led to no saddle in {paid} evaluations"
        if found is None:
            self._begin()
        return found

    def _below(self, guess: Path, prior) -> Below | None:
        def search(reaction, cheap, guess):
            inner = Search(reaction, cheap, self.seed, self.options)
            found = inner.from_guesses(guess)
            inner.finish(0)
            return inner.surrogate, inner.relaxation.curve, found

        spec = PotentialSpec.read(prior, "prior")
        try:
            cheap = self.oracle.beside(spec, self.reaction)
            if not self.surrogate.molecular or cheap.invariances != self.oracle.invariances:
                raise NotSupported("a prior is for molecules, and no model surface")
            with cheap.clocked():
                return searched_below(self.reaction, cheap, guess, search)
        except InputError:
            raise
        except Exception as error:  # whatever a calculator raises
            self.of_prior = f"the prior failed, searched without it: {plainly(error)}"
            return None

    def finish(self, polish: int) -> None:
        """Train the finished path; pay for it where it is least known, `polish` times."""
        trust, loss = self.options["path_trust"] / 3, self.options["loss"]
        self.relaxation(self.options["finish"], trust=trust, beta=LAST_BETA, loss=loss)
        for _ in range(polish):
            if self.oracle.remaining < 1:
                break
            x, _, deviation = self.explorer.profile()
            self.explorer.observe(x[1 + int(np.argmax(deviation[1:-1]))])
            self.relaxation(self.options["relax"], trust=trust, beta=LAST_BETA, loss=loss)

    def notes(self, found: Candidate | None) -> str:
        """Say what there is to say of the prior, of rejected saddles, and of the guess."""
        said = (self.of_prior, notes(self.explorer.rejected, found, self.name))
        return "; ".join(text for text in said if text)

    def path(self, found: Candidate | None) -> Path:
        """The last curve with the accepted saddle; else with the best start for a refinement."""
        promising = self.explorer.promising()
        best = found or next(iter(promising), None)
        converged = found is not None and found.force <= self.options["fmax"]
        peak = best.peak(converged) if best is not None else self.explorer.top()
        others = tuple(one.peak(False) for one in promising if one is not best)
        frames = self.relaxation.curve(GRID)
        message = self.notes(found)
        return Path(frames, None, peak=peak, converged=converged, message=message, others=others)


def guesses(reaction, guess: Path, seed: int, molecular: bool):
    """Name and frames (M, N, 3) of the given guess, and of others for when it fails."""
    yield "given", guess.positions.copy()
    for name in ("idpp", "linear") if molecular else ():
        yield name, load("guesses", name)(reaction, seed, frames=len(guess.positions))


def notes(rejected: list, found, name: str) -> str:
    """Say how many saddles were rejected, and from which guess the accepted one was found."""
    said = []
    if rejected:
        said.append(f"{len(rejected)} saddles rejected that do not join the ends")
    if found is not None and name != "given":
        where = "the direct solver's path" if name == "direct" else f"the guess {name}"
        said.append(f"found from {where}")
    return "; ".join(said)
