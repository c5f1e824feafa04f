"""Other guesses between the same ends, for a search that is to find something else."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import count

from ..methods.varied import bent
from ..molecule.structure import RIGID
from ..reaction import Reaction
from ..solving.guess import Guess, make_guess

GUESSES = ("geodesic", "idpp", "linear")
BEND = 0.15  # angstrom, standard deviation of each coordinate of a bent guess


def other_guesses(reaction: Reaction, first: str) -> Iterator[tuple[str, Guess]]:
    """Yield the plain guesses but the one that was tried, with their names."""
    for name in GUESSES:
        if name != first:
            yield name, make_guess(reaction, name, None)


def bent_guesses(reaction: Reaction, first: str, seed: int) -> Iterator[tuple[str, Guess]]:
    """Yield the first guess bent at random (as `methods/varied`), without end."""
    plain = make_guess(reaction, first, None)
    for number in count(1):
        frames = bent(plain.positions, BEND, seed + number, RIGID)
        yield f"{first}, bent ({number})", replace(plain, positions=frames)
