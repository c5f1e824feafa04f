"""Every configured method on the Mueller-Brown surface, for the figure of their paths."""

import numpy as np

from ..config import Method
from ..files.tidy import write_rows
from ..jobs.joblog import log
from ..jobs.worker import Worker, WorkerError
from ..oracle import PotentialSpec
from ..potentials.mueller_brown import KNOWN
from ..reaction import Reaction
from .guess import make_guess
from .solve import solve

SURFACE = PotentialSpec("mueller-brown")
COLUMNS = "surface method s x y energy_eV is_path peak".split()


def surface_job(methods: dict[str, Method], timeout: float, output: str) -> None:
    """Run the path stage of `methods` on Mueller-Brown; write their frames and peaks."""
    reaction = KNOWN[0].reaction
    rows = []
    with Worker(timeout) as worker:
        for method in methods.values():
            log(f"surface {method.name}")
            try:
                rows += worker.run(surface_rows, reaction, method)
            except WorkerError as error:
                log(f"{method.name}: {error.verdict}: {error}")
    write_rows(output, COLUMNS, rows)


def surface_rows(reaction: Reaction, method: Method) -> list[dict]:
    """Return the frames and the peak of one method's path, none if it has no path."""
    guess = make_guess(reaction, method.guess, SURFACE)
    solved = solve(
        reaction,
        guess,
        method.solver,
        method.options,
        SURFACE,
        method.budget["path"],
        method.seeds[0],
    )
    if solved.path is None:
        log(f"{method.name}: {solved.verdict}: {solved.reason}")
        return []
    frames = np.array([*solved.path.positions, solved.peak.position])
    energies, _ = SURFACE.of(reaction).evaluate(frames)
    s = [*np.linspace(0, 1, len(frames) - 1), np.nan]
    return [
        {
            "surface": "mueller-brown",
            "method": method.name,
            "s": s[at],
            "x": x[0, 0],
            "y": x[0, 1],
            "energy_eV": energy,
            "is_path": solved.path.is_path,
            "peak": at == len(frames) - 1,
        }
        for at, (x, energy) in enumerate(zip(frames, energies, strict=True))
    ]
