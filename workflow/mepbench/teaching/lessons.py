"""What is paid for: geometries of a reaction, with energies and gradients of the oracle.

**Along paths.** Frames of the geodesic path between the ends, and what becomes of them in a few
steps down across the path, as a string method's (E, Ren, Vanden-Eijnden, J. Chem. Phys. 126, 164103
(2007), doi:10.1063/1.2720838) in the metric of the model Hessian H,

    x <- x - P H^(-1) P g,     P = 1 - tau tau^T,

which lead from the geodesic, some electronvolts too high, towards the minimum energy path. Then
beside that and beside the ends, displaced as heat would at an effective temperature, so that stiff
bonds hardly stretch and soft torsions do: x + sqrt(kT) H^(-1/2) xi, xi ~ N(0, 1).

**Where members differ.** With an ensemble, a method searches the reaction's saddle on it; of all
the geometries that it asks for, those are paid for at which the members differ most: there a lesson
is worth most (query by committee: Seung, Opper, Sompolinsky, COLT 5, 287 (1992),
doi:10.1145/130385.130417).

A reaction's lesson is a file; one that is there is never paid for again.
"""

from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..errors import SCFFailure
from ..landscape.model_hessian import model_hessian
from ..oracle import Evaluated, Oracle, PotentialSpec
from ..path import align, spline, tangents
from ..reaction import Entry, Reaction
from ..registry import load
from ..solving.guess import make_guess
from ..solving.solve import solve

NODES, TOLERANCE = 7, 2e-2  # of a geodesic that is no more than a beginning
LONGEST = 0.15  # angstrom, of an atom in one step across the path
HOTTEST = 0.04  # eV, of kT; each displaced geometry has its own
HIGHEST, STEEPEST = 15.0, 25.0  # eV above the lowest, eV/angstrom: beyond, no path ever is
APART = 0.05  # angstrom, between geometries of a search that are both paid for
LIMIT = 40  # evaluations of a search that proposes geometries


@dataclass(frozen=True)
class Lesson:
    """One reaction: (N,) numbers, and what M geometries have.

    Attributes
    ----------
    positions, gradients : (M, N, 3) arrays, angstrom, eV/angstrom
    energies : (M,) array, eV
    paid : evaluations, those that were of no use included
    """

    name: str
    numbers: np.ndarray
    positions: np.ndarray
    energies: np.ndarray
    gradients: np.ndarray
    paid: int

    def __len__(self) -> int:
        return len(self.energies)

    def of(self, which: np.ndarray) -> "Lesson":
        """Return these of its geometries."""
        columns = (self.positions[which], self.energies[which], self.gradients[which])
        return Lesson(self.name, self.numbers, *columns, self.paid)

    def save(self, file: Path) -> None:
        """Write it whole, or not at all."""
        file.parent.mkdir(parents=True, exist_ok=True)
        torn = file.with_suffix(".part.npz")
        np.savez(torn, **{key: value for key, value in vars(self).items() if key != "name"})
        torn.replace(file)

    @classmethod
    def read(cls, file: Path) -> "Lesson":
        """Return a reaction's lesson; arrays only, nothing is unpickled."""
        with np.load(file, allow_pickle=False) as found:
            arrays = {key: found[key] for key in found.files}
        return cls(file.stem, **{**arrays, "paid": int(arrays["paid"])})


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
    interpolate = load("guesses", "geodesic")
    geodesic = interpolate(reaction, 0, nodes=NODES, tolerance=TOLERANCE)
    path = spline(geodesic)((np.arange(frames) + rng.random(frames)) / frames)
    asked(oracle, reaction.ends)
    for turn in range(turns + 1):
        gradients = asked(oracle, path)
        if turn < turns:
            path = path + across(reaction, path, gradients)
    near = np.concatenate([path, reaction.ends])
    asked(oracle, np.array([displaced(reaction.numbers, x, rng) for x in near]))
    return lesson_of(reaction, oracle)


def across(reaction: Reaction, path: np.ndarray, gradients: np.ndarray) -> np.ndarray:
    """Steps (M, N, 3) of a path's inner frames, down and across it."""
    tau = tangents(np.stack([reaction.reactant, *path, reaction.product]))[1:-1]

    def projected(v: np.ndarray) -> np.ndarray:
        return v - tau * (tau * v).sum((1, 2), keepdims=True)

    wanted = projected(gradients).reshape(len(path), -1, 1)
    down = np.linalg.solve(model_hessian(reaction.numbers, path), wanted)
    steps = -projected(down.reshape(path.shape))
    longest = np.linalg.norm(steps, axis=2).max(axis=1)
    return steps * np.minimum(1, LONGEST / np.maximum(longest, 1e-9))[:, None, None]


def displaced(numbers: np.ndarray, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a geometry as heat may find it, (N, 3)."""
    curvatures, modes = np.linalg.eigh(model_hessian(numbers, x))
    size = np.sqrt(HOTTEST * rng.random() / curvatures)
    return x + (modes @ (size * rng.normal(size=len(size)))).reshape(x.shape)


def where_members_differ(
    reaction: Reaction, teacher: PotentialSpec, learned: PotentialSpec, method: str, count: int
) -> Lesson:
    """Pay where the ensemble is least sure, of all that a method asks of it between the ends.

    Parameters
    ----------
    learned : the potential `learned`, with its weights
    method : searches the reaction's saddle on it; where it says that is, is paid for anyway
    count : of evaluations
    """
    oracle = Oracle(teacher.of(reaction))
    ensemble = learned.of(reaction)
    energies, gradients = ensemble.evaluate(reaction.ends)
    believed = replace(reaction, energies=energies, gradients=gradients)
    guess = make_guess(believed, "geodesic", None)
    searched = solve(believed, guess, method, {}, learned, LIMIT, seed=0)
    chosen = [] if searched.peak is None else [searched.peak.position]
    if searched.evaluated is not None:
        visited = searched.evaluated.positions
        spread = ensemble.spread(np.concatenate([reaction.ends, visited]))[2:]
        for x in visited[np.argsort(-spread)]:
            near = min((np.linalg.norm(x - y, axis=1).max() for y in chosen), default=np.inf)
            if len(chosen) < count and near > APART:
                chosen.append(x)
    asked(oracle, np.array(chosen))
    return lesson_of(reaction, oracle)


def asked(oracle: Oracle, positions: np.ndarray) -> np.ndarray:
    """Pay for geometries one by one; gradients (M, N, 3), zero where there is no energy."""
    gradients = np.zeros_like(positions)
    for k, x in enumerate(positions):
        with suppress(SCFFailure):
            gradients[k] = oracle(x[None])[1][0]
    return gradients


def of_use(lessons: list[Lesson]) -> list[Lesson]:
    """Return those with two geometries at least: one energy alone says nothing."""
    return [lesson for lesson in lessons if len(lesson) > 1]


def lesson_of(reaction: Reaction, oracle: Oracle) -> Lesson:
    """Return what an oracle has answered."""
    return lesson(reaction.name, reaction.numbers, oracle.evaluated, oracle.evaluations)


def lesson(name: str, numbers: np.ndarray, known: Evaluated | None, paid: int) -> Lesson:
    """Return what was answered, but for what is far too high or too steep to be on a path."""
    if known is None:
        nothing = np.empty((0, len(numbers), 3))
        return Lesson(name, numbers, nothing, nothing[:, 0, 0], nothing, 0)
    force = np.linalg.norm(known.gradients, axis=2).max(axis=1)
    usable = (known.energies - known.energies.min() < HIGHEST) & (force < STEEPEST)
    columns = (column[usable] for column in vars(known).values())
    return Lesson(name, np.asarray(numbers), *columns, paid)
