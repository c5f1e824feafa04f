"""What is paid for: geometries of a reaction, with energies and gradients of the oracle.

**Along paths.** Frames of the geodesic path between the ends, and what becomes of them in a few
steps down across the path (`landscape.across`), in the metric of the model Hessian H. Then beside
that and beside the ends, displaced as heat would at an effective temperature, so that stiff
bonds hardly stretch and soft torsions do: x + sqrt(kT) H^(-1/2) xi, xi ~ N(0, 1).

**Where the ensemble leads.** An ensemble leads the path down (`guesses.operator`), to where it
wrongly believes it to be low, too. There lessons are paid for, as one is taught on what one does
oneself (S. Ross, G. Gordon, D. Bagnell, AISTATS 15, 627 (2011), doi:10.48550/arXiv.1011.0686), and
where its members differ most (query by committee: Seung, Opper, Sompolinsky, COLT 5, 287 (1992),
doi:10.1145/130385.130417).

A reaction's lesson is a file; one that is there is never paid for again.
"""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..errors import SCFFailure
from ..files.whole import whole
from ..landscape.across import steps_across
from ..landscape.model_hessian import model_hessian
from ..oracle import Evaluated, Oracle, PotentialSpec
from ..path import align, resample, spline
from ..reaction import Entry, Reaction
from ..registry import load, module_of

NODES, TOLERANCE = 7, 2e-2  # of a geodesic that is no more than a beginning
HOTTEST = 0.04  # eV, of kT; each displaced geometry has its own
HIGHEST, STEEPEST = 15.0, 25.0  # eV above the lowest, eV/angstrom: beyond, no path ever is
OF_EACH = 3  # displaced geometries, of each that is paid for where members differ most


@dataclass(frozen=True)
class Lesson:
    """One reaction: (N,) numbers, and what M geometries have.

    Attributes
    ----------
    positions, gradients : (M, N, 3) arrays, angstrom, eV/angstrom
    energies : (M,) array, eV
    paid : evaluations, those that were of no use included
    charge : e
    """

    name: str
    numbers: np.ndarray
    positions: np.ndarray
    energies: np.ndarray
    gradients: np.ndarray
    paid: int
    charge: int = 0

    def __len__(self) -> int:
        return len(self.energies)

    def of(self, which: np.ndarray) -> "Lesson":
        """Return these of its geometries."""
        columns = {c: getattr(self, c)[which] for c in ("positions", "energies", "gradients")}
        return replace(self, **columns)

    def save(self, file: Path) -> None:
        """Write it whole, or not at all."""
        file.parent.mkdir(parents=True, exist_ok=True)
        with whole(file) as unfinished:
            arrays = {key: value for key, value in vars(self).items() if key != "name"}
            np.savez(unfinished, **arrays)

    @classmethod
    def read(cls, file: Path) -> "Lesson":
        """Return a reaction's lesson; arrays only, nothing is unpickled."""
        with np.load(file, allow_pickle=False) as found:
            arrays = {key: found[key] for key in found.files}
        return cls(file.stem, **{**arrays, **{key: int(arrays[key]) for key in ("paid", "charge")}})


def reaction_of(entry: Entry) -> Reaction:
    """Return a reaction between the ends as they are given; they need be minima of no level."""
    reactant, product = (entry.positions[role] for role in ("reactant", "product"))
    return Reaction(
        entry.name,
        entry.numbers["reactant"],
        reactant,
        align(product, reactant),
        entry.charge,
        entry.multiplicity,
        entry.set,
    )


def along_paths(
    reaction: Reaction, potential: PotentialSpec, frames: int, turns: int, rng: np.random.Generator
) -> Lesson:
    """Pay along the geodesic and as it comes down: 2 + (2 + frames) + frames (1 + turns) times."""
    oracle = Oracle(potential.of(reaction))
    path = spline(_geodesic(reaction))((np.arange(frames) + rng.random(frames)) / frames)
    asked(oracle, reaction.ends)
    for turn in range(turns + 1):
        gradients = asked(oracle, path)
        if turn < turns:
            path = path + steps_across(reaction.numbers, reaction.ends, path, gradients)
    near = np.concatenate([path, reaction.ends])
    asked(oracle, np.array([displaced(reaction.numbers, x, rng) for x in near]))
    return lesson_of(reaction, oracle)


def _geodesic(reaction: Reaction) -> np.ndarray:
    return load("guesses", "geodesic")(reaction, 0, nodes=NODES, tolerance=TOLERANCE)


def displaced(numbers: np.ndarray, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a geometry as heat may find it, (N, 3)."""
    curvatures, modes = np.linalg.eigh(model_hessian(numbers, x))
    size = np.sqrt(HOTTEST * rng.random() / curvatures)
    return x + (modes @ (size * rng.normal(size=len(size)))).reshape(x.shape)


def where_it_leads(
    reaction: Reaction,
    teacher: PotentialSpec,
    learned: PotentialSpec,
    count: int,
    rng: np.random.Generator,
) -> Lesson:
    """Pay along the path to which the ensemble itself leads, `count` times, most at its top.

    There a search with the ensemble as its prior begins. Half are frames: the highest and those
    next to it, since what members believe alike may be wrong, and of the others that at which
    they differ most. Half are displaced from the highest, of `OF_EACH` times as many those at which
    they differ most.

    Parameters
    ----------
    learned : the potential `learned`, with its weights
    """
    oracle, ensemble = Oracle(teacher.of(reaction)), learned.of(reaction)
    guess = module_of("guesses", "operator")
    path = guess.down(reaction, resample(_geodesic(reaction), guess.NODES), ensemble)[1:-1]
    energies, _ = ensemble.evaluate(path)
    top, half = int(np.argmax(energies)), max(count // 2, 2)
    nearest = np.argsort(np.abs(np.arange(len(path)) - top), kind="stable")[: half - 1]
    others = np.delete(np.arange(len(path)), nearest)
    unsure = others[np.argmax(ensemble.spread(path)[others])]
    asked(oracle, path[[*nearest, unsure]])
    near = [displaced(reaction.numbers, path[top], rng) for _ in range(OF_EACH * (count - half))]
    spread = ensemble.spread(np.array([path[top], *near]))[1:]
    asked(oracle, np.array(near)[np.argsort(-spread, kind="stable")[: count - half]])
    return lesson_of(reaction, oracle)


def asked(oracle: Oracle, positions: np.ndarray) -> np.ndarray:
    """Pay for geometries one by one; gradients (M, N, 3), zero where there is no energy."""
    gradients = np.zeros_like(positions)
    for k, x in enumerate(positions):
        with suppress(SCFFailure):
            gradients[k] = oracle(x[None])[1][0]
    return gradients


def read_of_use(files: Iterable[Path]) -> list[Lesson]:
    """Read lessons of two geometries at least: one energy alone says nothing."""
    return [lesson for lesson in map(Lesson.read, files) if len(lesson) > 1]


def lesson_of(reaction: Reaction, oracle: Oracle) -> Lesson:
    """Return what an oracle has answered."""
    about = reaction.name, reaction.numbers, reaction.charge
    return lesson(*about, oracle.evaluated, oracle.evaluations)


def lesson(
    name: str, numbers: np.ndarray, charge: int, known: Evaluated | None, paid: int
) -> Lesson:
    """Return what was answered, but for what is far too high or too steep to be on a path."""
    if known is None:
        nothing = np.empty((0, len(numbers), 3))
        return Lesson(name, numbers, nothing, nothing[:, 0, 0], nothing, 0, charge)
    force = np.linalg.norm(known.gradients, axis=2).max(axis=1)
    usable = (known.energies - known.energies.min() < HIGHEST) & (force < STEEPEST)
    columns = (column[usable] for column in vars(known).values())
    return Lesson(name, np.asarray(numbers), *columns, paid, charge)
