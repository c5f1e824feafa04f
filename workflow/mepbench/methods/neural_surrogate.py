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

from ..neural.search import Search
from ..oracle import PotentialSpec
from ..path import Path
from . import neural

LEARNS = True  # from `oracle.known`, what earlier searches of the molecule have paid for


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
    relax: int = 6,
    path_trust: float = 0.15,
    points: int = 10,
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
    mechanism: bool = True,
    detour: int = 16,
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
    mechanism : saddles that do not join the ends may be those of the reaction's steps. Where
        some were met, the further guesses get `detour` evaluations each, the direct solver is not
        asked, and all are handed on (`Path.others`) to the search for the steps
    width, depth, frequencies : of the network
    prior : a cheaper potential of the same molecule, as `potential:` in a config: its name, or
        {name: ..., its options}
    """
    options = {name: value for name, value in locals().items() if name in OPTIONS}
    search = Search(reaction, oracle, seed, options)
    found = None if prior is None else search.from_prior(guess, prior)
    if found is None:
        found = search.from_guesses(guess)
    # The direct solver knows nothing of earlier searches, or of steps that were met.
    better = search.has_steps or oracle.known is not None
    if found is None and fallback and search.surrogate.molecular and not better:
        # The surrogate misleads: every saddle it led to is another reaction's.
        direct = _direct(reaction, oracle, guess, seed, fallback)
        search.start("direct", direct.positions, "guess")
        found = search.explorer.search(search.relaxation, search.affordable(restart))
        if found is None:
            return replace(direct, converged=False, message=search.notes(None))
    search.finish(polish if found is not None else 0)
    return search.path(found)


OPTIONS = frozenset(solve.__kwdefaults__)


def check(given: dict, where: str) -> None:
    """Check, before any job starts, that the prior is a potential and has such options."""
    if given.get("prior") is not None:
        PotentialSpec.read(given["prior"], f"{where}: prior")


def _direct(reaction, oracle, guess: Path, seed: int, steps: int) -> Path:
    return neural.solve(reaction, oracle, guess, seed, steps=steps)
