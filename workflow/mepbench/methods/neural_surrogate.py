"""The neural path on a surrogate: the potential is called only where it teaches most.

The network x(s) of `neural`, trained on a differentiable surrogate of V instead of V: a
Gaussian process on inverse distances, fitted to energies and gradients as they come in. There
every derivative is exact and free. The path's top is evaluated until the surrogate knows it;
then the saddle is followed on the surrogate and confirmed by the potential, until its true
forces vanish. A saddle counts only if the surrogate's descents from it end in the reactant
and the product, with no barrier hidden on the way (neural/explorer.py).

Gaussian processes in saddle search: Denzel, Kaestner, J. Chem. Phys. 148, 094114 (2018),
doi:10.1063/1.5017103; on paths: Koistinen, Dagbjartsdottir, Asgeirsson, Vehtari, Jonsson,
J. Chem. Phys. 147, 152720 (2017), doi:10.1063/1.4986787.
"""

from dataclasses import replace
from typing import Literal

import numpy as np

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
    """
    torch, curve_of, Explorer, Surrogate, Relaxation, grid = _import()
    options = dict(
        relax=relax,
        path_trust=path_trust,
        beta=beta,
        caution=caution,
        sure=sure,
        trust=trust,
        fmax=fmax,
        near=near,
        soundings=soundings,
        doubt=doubt,
        lenience=lenience,
        known=known,
        explore=explore,
    )
    shape = dict(width=width, depth=depth, frequencies=frequencies, seed=seed)
    rng = np.random.default_rng(seed)

    def relaxation_of(way):
        return Relaxation(
            way,
            surrogate,
            rng,
            points=points,
            concentration=concentration,
            floor=floor,
            speed_penalty=speed_penalty,
            damping=damping,
        )

    def affordable(more):  # the count of evaluations up to which a search may go
        return oracle.evaluations + min(more, oracle.remaining)

    with torch.no_grad():
        surrogate = Surrogate(reaction, oracle, kernel=kernel, length=length, noise=noise)
        explorer = Explorer(reaction, surrogate, options)
        found = None
        for name, frames in guesses(reaction, guess, seed, surrogate.molecular):
            frames[0], frames[-1] = reaction.ends
            way = curve_of(curve, frames, oracle.invariances, **shape)
            if name == "given":
                explorer.sound_guess(way, first)
            more = limit - oracle.evaluations if name == "given" else restart
            found = explorer.search(relaxation_of(way), affordable(more))
            if found is not None:
                break
        if found is None:
            found = explorer.second_hearing(affordable(restart))
        if found is None and fallback and surrogate.molecular:
            # The surrogate misleads: every saddle it led to is another reaction's.
            name, direct = "direct", _direct(reaction, oracle, guess, seed, fallback)
            way = curve_of("guess", direct.positions, oracle.invariances, **shape)
            found = explorer.search(relaxation_of(way), affordable(restart))
            if found is None:
                message = notes(explorer.rejected, None, name)
                return replace(direct, converged=False, message=message)
        relaxation = relaxation_of(way)
        relaxation(finish, trust=path_trust / 3, beta=LAST_BETA, loss=loss)
        for _ in range(polish if found is not None else 0):
            if oracle.remaining < 1:
                break
            x, _, deviation = explorer.profile()
            explorer.observe(x[1 + int(np.argmax(deviation[1:-1]))])
            relaxation(relax, trust=path_trust / 3, beta=LAST_BETA, loss=loss)
        return _finished(explorer, found, name, way(grid))


def guesses(reaction, guess: Path, seed: int, molecular: bool):
    """Name and frames (M, N, 3) of the given guess, and of others for when it fails."""
    from ..registry import load

    yield "given", guess.positions.copy()
    for name in ("idpp", "linear") if molecular else ():
        yield name, load("guesses", name)(reaction, seed, frames=len(guess.positions))


def _direct(reaction, oracle, guess: Path, seed: int, steps: int) -> Path:
    from .neural import solve as solve_directly

    return solve_directly(reaction, oracle, guess, seed, steps=steps)


def _finished(explorer, found, name: str, frames: np.ndarray) -> Path:
    """The last curve with the accepted saddle; else with the best start for a refinement."""
    best = found or explorer.most_promising()
    converged = found is not None and found.force <= explorer.options["fmax"]
    peak = best.peak(converged) if best is not None else explorer.top()
    message = notes(explorer.rejected, found, name)
    return Path(frames, None, peak=peak, converged=converged, message=message)


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

    from ..neural.curves import curve_of
    from ..neural.explorer import GRID, Explorer
    from ..neural.relaxation import Relaxation
    from ..surrogate.surrogate import Surrogate

    torch.set_num_threads(1)
    return torch, curve_of, Explorer, Surrogate, Relaxation, GRID
