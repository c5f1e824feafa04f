"""The neural path on a surrogate: the potential is called only where it teaches most.

The network x(s) of `neural`, trained on a differentiable surrogate of V instead of V: a
Gaussian process on inverse distances, fitted to energies and gradients as they come in. There
every derivative is exact and free. The path's top is evaluated until the surrogate knows it;
then the saddle is followed on the surrogate and confirmed by the potential, until its true
forces vanish. A saddle counts only if the surrogate's descents from it end in the reactant
and the product, with no barrier hidden on the way (neural/explorer.py).

With a `prior`, a cheaper potential, the same pair is first searched there (neural/below.py). Its
surrogate is the mean of this one, its saddle the first point to be evaluated. It is dropped where
what is evaluated is likelier without it, and where it leads to no saddle between the ends.

Gaussian processes in saddle search: Denzel, Kaestner, J. Chem. Phys. 148, 094114 (2018),
doi:10.1063/1.5017103; on paths: Koistinen, Dagbjartsdottir, Asgeirsson, Vehtari, Jonsson,
J. Chem. Phys. 147, 152720 (2017), doi:10.1063/1.4986787.
"""

from dataclasses import replace
from typing import Literal

import numpy as np

from ..errors import InputError, NotSupported, plainly
from ..oracle import PotentialSpec
from ..path import Path

LAST_BETA = 40.0  # 1/eV, of the finished path: less tension than in the search


def solve(
    reaction,
    oracle,
    guess: Path,
    seed: int,
    *,
    curve: Literal["network", "spline", "guess"] = "network",
    loss: Literal["residual", "action", "maxflux"] = "maxflux",
    finish: int = 20,
    polish: int = 0,
    fallback: int = 30,
    limit: int = 60,
    restart: int = 35,
    first: int = 2,
    kernel: Literal["matern", "squared-exponential"] = "matern",
    length: float = 0.6,
    noise: float = 1e-5,
    relax: int = 10,
    path_trust: float = 0.15,
    points: int = 14,
    beta: float = 15.0,
    concentration: float = 0.5,
    floor: float = 0.01,
    speed_penalty: float = 1.0,
    damping: float = 0.01,
    caution: float = 1.0,
    sure: float = 0.25,
    trust: float = 0.3,
    fmax: float = 0.01,
    near: float = 0.05,
    soundings: int = 15,
    doubt: float = 0.15,
    lenience: float = 2.0,
    known: float = 0.06,
    explore: int = 8,
    width: int = 32,
    depth: int = 2,
    frequencies: int = 4,
    prior: str | dict | None = None,
) -> Path:
    """Return the path and its saddle.

    Parameters
    ----------
    curve : what is trained: the network, a cubic B-spline, or nothing (the guess as it is)
    loss, finish : what the finished path is trained on, on the surrogate, and for how many steps
    polish : evaluations spent on the path, where it is least known, after the saddle is found
    fallback : steps of the direct solver where no saddle was accepted, 0 for none
    limit : evaluations along the guess; `restart` more for each further guess
    first : points of the guess evaluated before any training
    kernel, length, noise : of the Gaussian process, see surrogate/surrogate.py
    relax : training steps after each evaluation, at most
    path_trust : angstrom, how far an atom moves in one
    points : drawn in each step
    beta : 1/eV, of maxflux
    concentration, speed_penalty, damping : as for `neural`
    floor : `weight_floor` of `neural`
    caution : a path is as high as its energy plus this times the surrogate's deviation
    sure : eV, deviation below which the saddle is followed from the path's top
    trust : angstrom, first trust radius around the points known
    fmax : eV/angstrom, largest force on an atom at the saddle
    near : eV/angstrom, force below which a saddle is asked where it leads
    soundings : evaluations on a saddle's descents, at most
    doubt : eV, deviation above which a descent that ends elsewhere is sounded, and surprise
        above which one that does reach an end is sounded again
    lenience : a descent that reaches an end is sounded above this times `doubt`
    known, explore : after a rejection, places of the path that deviate by more than `known`
        are evaluated, at most `explore` of them
    width, depth, frequencies : of the network
    prior : a cheaper potential of the same molecule, as `potential:` in a config: its name, or
        {name: ..., its options}
    """
    options = {name: value for name, value in locals().items() if name in OPTIONS}
    _import()
    import torch

    with torch.no_grad():
        search = _Search(reaction, oracle, seed, options)
        found = None if prior is None else search.from_prior(guess, prior)
        if found is None:
            found = search.from_guesses(guess)
        if found is None and fallback and search.surrogate.molecular:
            # The surrogate misleads: every saddle it led to is another reaction's.
            direct = _direct(reaction, oracle, guess, seed, fallback)
            search.start("direct", direct.positions, "guess")
            found = search.explorer.search(search.relaxation, search.affordable(restart))
            if found is None:
                return replace(direct, converged=False, message=search.notes(None))
        search.finish(polish if found is not None else 0)
        return _finished(search, found)


OPTIONS = frozenset(solve.__kwdefaults__)


def check(given: dict, where: str) -> None:
    """Check, before any job starts, that the prior is a potential and has such options."""
    if given.get("prior") is not None:
        PotentialSpec.read(given["prior"], f"{where}: prior")


class _Search:
    """One search on one level: its surrogate, explorer, and the curve that it is at."""

    def __init__(self, reaction, oracle, seed: int, options: dict):
        from ..neural.explorer import Explorer
        from ..surrogate.surrogate import Surrogate

        self.reaction, self.oracle, self.seed, self.options = reaction, oracle, seed, options
        kernel = {name: options[name] for name in ("kernel", "length", "noise")}
        self.rng = np.random.default_rng(seed)
        self.surrogate = Surrogate(reaction, oracle, **kernel)
        self.explorer = Explorer(reaction, self.surrogate, options)
        self.name, self.relaxation, self.of_prior = "given", None, ""

    def start(self, name: str, frames: np.ndarray, kind: str) -> None:
        """Begin with the curve through a guess's frames (M, N, 3)."""
        from ..neural.curves import curve_of
        from ..neural.relaxation import Relaxation

        shape = {key: self.options[key] for key in ("width", "depth", "frequencies")}
        keys = ("points", "concentration", "floor", "speed_penalty", "damping")
        training = {key: self.options[key] for key in keys}
        curve = curve_of(kind, frames, self.oracle.invariances, seed=self.seed, **shape)
        self.name = name
        self.relaxation = Relaxation(curve, self.surrogate, self.rng, **training)

    def affordable(self, more: int) -> float:
        """Return the count of evaluations up to which a search may go."""
        return self.oracle.evaluations + min(more, self.oracle.remaining)

    def from_guesses(self, guess: Path):
        """Return the saddle found from the given guess, or from others; None if there is none."""
        limit, restart, first = (self.options[name] for name in ("limit", "restart", "first"))
        before = self.oracle.evaluations
        for name, frames in guesses(self.reaction, guess, self.seed, self.surrogate.molecular):
            frames[0], frames[-1] = self.reaction.ends
            self.start(name, frames, self.options["curve"])
            more = restart
            if name == "given":
                self.explorer.sound_guess(self.relaxation.curve, first)
                more = limit - (self.oracle.evaluations - before)
            found = self.explorer.search(self.relaxation, self.affordable(more))
            if found is not None:
                return found
        return self.explorer.second_hearing(self.affordable(restart))

    def from_prior(self, guess: Path, prior):
        """Search on the prior's level, then from what that leaves; None if that leads nowhere."""
        below = self._below(guess, prior)
        if below is None:
            return None
        self.surrogate.believe(below.learned)
        self.start("given", below.frames, self.options["curve"])
        limit, found = self.affordable(self.options["limit"]), None
        if below.saddle is not None:
            found = self.explorer.confirm(self.relaxation, below.saddle, limit)
        if found is None and self.surrogate.believes:
            found = self.explorer.search(self.relaxation, limit)
        if below.learned.failure:
            self.of_prior = f"the prior failed and was asked no more: {below.learned.failure}"
        if at := self.surrogate.contradicted_at:
            self.of_prior = f"the prior was dropped: evaluation {at} contradicts it"
        elif found is None:
            self.surrogate.disbelieve()
            paid = self.oracle.evaluations
            self.of_prior = f"the prior was dropped: it led to no saddle in {paid} evaluations"
        return found

    def _below(self, guess: Path, prior):
        from ..neural.below import searched_below

        def search(reaction, cheap, guess):
            inner = _Search(reaction, cheap, self.seed, self.options)
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

    def notes(self, found) -> str:
        """Say what there is to say of the prior, of rejected saddles, and of the guess."""
        said = (self.of_prior, notes(self.explorer.rejected, found, self.name))
        return "; ".join(text for text in said if text)


def guesses(reaction, guess: Path, seed: int, molecular: bool):
    """Name and frames (M, N, 3) of the given guess, and of others for when it fails."""
    from ..registry import load

    yield "given", guess.positions.copy()
    for name in ("idpp", "linear") if molecular else ():
        yield name, load("guesses", name)(reaction, seed, frames=len(guess.positions))


def _direct(reaction, oracle, guess: Path, seed: int, steps: int) -> Path:
    from .neural import solve as solve_directly

    return solve_directly(reaction, oracle, guess, seed, steps=steps)


def _finished(search: _Search, found) -> Path:
    """The last curve with the accepted saddle; else with the best start for a refinement."""
    from ..neural.explorer import GRID

    explorer = search.explorer
    best = found or explorer.most_promising()
    converged = found is not None and found.force <= explorer.options["fmax"]
    peak = best.peak(converged) if best is not None else explorer.top()
    frames = search.relaxation.curve(GRID)
    return Path(frames, None, peak=peak, converged=converged, message=search.notes(found))


def notes(rejected: list, found, name: str) -> str:
    """Say how many saddles were rejected, and from which guess the accepted one was found."""
    said = []
    if rejected:
        said.append(f"{len(rejected)} saddles rejected that do not join the ends")
    if found is not None and name != "given":
        where = "the direct solver's path" if name == "direct" else f"the guess {name}"
        said.append(f"found from {where}")
    return "; ".join(said)


def warm_up() -> None:
    """Import what the solver needs: over a second that is no cost of the first reaction."""
    _import()


def _import():
    import torch

    from ..neural import below, curves, explorer, relaxation  # noqa: F401
    from ..surrogate import surrogate  # noqa: F401

    torch.set_num_threads(1)
