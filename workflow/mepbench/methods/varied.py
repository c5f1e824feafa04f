"""Another method from another start: backwards, or from a guess that is bent at random.

A search for the lowest saddle tries what a benchmark does not: the way from product to
reactant, which differs for all that start at one end, and paths beside the guess,

    x(s) = guess(s) + sin(pi s) a,        a normally distributed, `bend` angstrom per coordinate,

one for each seed, without its rigid motion: random moves, each followed by a local search, as
in basin hopping (Wales, Doye, J. Phys. Chem. A 101, 5111 (1997), doi:10.1021/jp970984n).
"""

from dataclasses import replace

import numpy as np

from ..errors import BudgetExhausted, InputError
from ..oracle import Oracle
from ..path import Path, remove_rigid_motion
from ..reaction import Reaction
from ..registry import check_options, load, source_file

OF = "string"


def check(given: dict, where: str) -> None:
    """Check, before any job starts, that there is such a method and has such options."""
    of = given.get("of", OF)
    source_file("methods", of, where)
    if of == "varied":
        raise InputError(f"{where}: `varied` varies another method, it cannot vary itself")
    check_options("methods", of, given.get("options") or {}, f"{where}: options")


def solve(
    reaction: Reaction,
    oracle: Oracle,
    guess: Path,
    seed: int,
    *,
    of: str = OF,
    options: dict | None = None,
    backwards: bool = True,
    bend: float = 0.0,
) -> Path:
    """Return what the method `of` finds from the other start, from reactant to product.

    Parameters
    ----------
    of : another method
    options : its options
    backwards : whether it is told to go from the product to the reactant
    bend : standard deviation of the bend, angstrom
    """
    options = options or {}
    frames = bent(guess.positions, bend, seed, oracle.invariances)
    if not backwards:
        return load("methods", of)(reaction, oracle, Path(frames), seed, **options)
    turned = replace(
        reaction,
        reactant=reaction.product,
        product=reaction.reactant,
        energies=None if reaction.energies is None else reaction.energies[::-1],
        gradients=None if reaction.gradients is None else reaction.gradients[::-1],
    )
    try:
        return _reversed(load("methods", of)(turned, oracle, Path(frames[::-1]), seed, **options))
    except BudgetExhausted:
        if oracle.path is not None:
            oracle.path = _reversed(oracle.path)
        raise


def bent(frames: np.ndarray, bend: float, seed: int, invariances) -> np.ndarray:
    """Return a path (M, N, 3) bent by `bend` angstrom per coordinate, its ends as they are."""
    middle = frames[len(frames) // 2]
    a = np.random.default_rng(seed).normal(scale=bend, size=middle.shape)
    a = remove_rigid_motion(a, middle, invariances)
    s = np.linspace(0, 1, len(frames))[:, None, None]
    moved = frames + np.sin(np.pi * s) * a
    moved[0], moved[-1] = frames[0], frames[-1]
    return moved


def _reversed(path: Path) -> Path:
    energies = None if path.energies is None else path.energies[::-1]
    return replace(path, positions=path.positions[::-1], energies=energies)
