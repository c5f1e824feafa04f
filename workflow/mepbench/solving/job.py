"""The guess and solve jobs: initial paths, and what a method makes of them."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path as File

import numpy as np

from ..config import Method
from ..files.columns import SOLVED_COLUMNS
from ..files.frames import frame, read_frames
from ..files.tidy import TRACE_COLUMNS, number, read_rows
from ..jobs.joblog import log
from ..jobs.tasks import FRAMES, do, task_key
from ..jobs.worker import WorkerError
from ..oracle import Evaluated
from ..path import Path, Peak
from ..reaction import Reaction, read_endpoints
from ..registry import module_of
from .guess import Guess, make_guess
from .solve import Solved, solve

GUESS_COLUMNS = "reaction verdict reason wall barrier".split()


def guess_job(guess_name, endpoints_file, potential, worker, outputs, journal) -> None:
    """Interpolate the initial paths of a job's reactions; `outputs` as in `prepare_job`."""

    def work(reaction) -> dict:
        log(f"guess {reaction.name!r}")
        try:
            guess = worker.run(make_guess, reaction, guess_name, potential)
        except WorkerError as error:
            guess = Guess(None, verdict=error.verdict, reason=f"guess: {error}")
        row = {key: getattr(guess, key) for key in ("wall", "barrier", "verdict", "reason")}
        identity = {"set": reaction.set, "reaction": reaction.name}
        positions = () if guess.positions is None else guess.positions
        return {
            "frames": [frame(reaction.numbers, x, **identity) for x in positions],
            "rows": [{"reaction": reaction.name, **row}],
        }

    reactions = read_endpoints(endpoints_file)
    tasks = ((reaction.name, lambda reaction=reaction: work(reaction)) for reaction in reactions)
    do(tasks, {"frames": FRAMES, "rows": GUESS_COLUMNS}, outputs, journal)


def read_guesses(frames_file: str, rows_file: str) -> dict[str, Guess]:
    """Read the initial paths that `guess_job` wrote, by reaction."""
    positions: dict[str, list] = {}
    for atoms in read_frames(frames_file):
        positions.setdefault(atoms.info["reaction"], []).append(atoms.positions)
    return {
        row["reaction"]: Guess(
            positions=np.array(positions[row["reaction"]]) if not row["verdict"] else None,
            wall=float(row["wall"]),
            barrier=number(row["barrier"]),
            verdict=row["verdict"],
            reason=row["reason"],
        )
        for row in read_rows(rows_file)
    }


def read_prepared(folder: File) -> Iterator[tuple[Reaction, Guess]]:
    """Yield the reactions of a set of a results folder that have a geodesic guess, with that."""
    for ends in sorted(folder.glob("endpoints/*.xyz")):
        guesses = folder / "guesses" / "geodesic" / ends.name
        if guesses.exists():
            known = read_guesses(str(guesses), str(guesses.with_suffix(".csv")))
            for reaction in read_endpoints(str(ends)):
                yield reaction, known[reaction.name]


def solve_job(method: Method, endpoints, guesses, potential, worker, outputs, journal) -> None:
    """Run the path stage of one method on a job's reactions and seeds.

    `endpoints` and `guesses` are (frames file, rows file) pairs; `outputs` names the files
    `rows`, `traces`, `paths` and `met`.
    """
    reactions = {reaction.name: reaction for reaction in read_endpoints(endpoints[0])}
    initial = read_guesses(*guesses)
    learns = getattr(module_of("methods", method.solver), "LEARNS", False)

    def work(prepared: dict, seed: int) -> dict:
        name = prepared["reaction"]
        row = {"reaction": name, "seed": seed}
        if name not in reactions:
            refused = {"verdict": prepared["verdict"], "reason": prepared["reason"]}
            return {"rows": [row | refused]}
        log(f"{method.name} {name!r} seed {seed}")
        reaction, guess = reactions[name], initial[name]
        try:
            solved = worker.run(
                solve,
                reaction,
                guess,
                method.solver,
                method.options,
                potential,
                method.budget["path"],
                seed,
            )
        except WorkerError as error:
            solved = Solved(None, None, error.verdict, f"path stage: {error}")
        row |= {
            "verdict": solved.verdict,
            "reason": solved.reason,
            "guess_hash": guess.digest,
            "guess_barrier_eV": guess.barrier,
            "guess_length_A": guess.length,
            "converged": solved.path is not None and solved.path.converged,
            "gradients_path": solved.evaluations,
            "rounds_path": solved.rounds,
            "wall_guess_s": guess.wall,
            "wall_path_s": solved.wall,
            "oracle_path_s": solved.oracle_seconds,
            "gradients_prior": solved.prior_evaluations,
            "wall_prior_s": solved.prior_wall,
        }
        identity = {"set": reaction.set, "reaction": name, "method": method.name, "seed": seed}
        traces = [
            {**identity, "barrier_eV": point.barrier, **asdict(point)} for point in solved.trace
        ]
        of = reaction, solved, identity
        frames = [] if solved.path is None else path_frames(*of)
        return {"rows": [row], "traces": traces, "paths": frames, "met": met_frames(*of, learns)}

    tasks = (
        (
            task_key(prepared["reaction"], seed),
            lambda prepared=prepared, seed=seed: work(prepared, seed),
        )
        for prepared in read_rows(endpoints[1])
        for seed in method.seeds
    )
    kinds = {"rows": SOLVED_COLUMNS, "traces": TRACE_COLUMNS, "paths": FRAMES, "met": FRAMES}
    do(tasks, kinds, outputs, journal)


def path_frames(reaction, solved: Solved, identity: dict) -> list:
    """Return the frames of a finished path and, last, that of its peak."""
    path, peak = solved.path, solved.peak
    role = "path" if path.is_path else "trajectory"
    energies = np.full(len(path.positions), np.nan) if path.energies is None else path.energies
    identity = identity | reaction.state
    frames = [
        frame(
            reaction.numbers,
            x,
            energy=None if np.isnan(energy) else energy,
            role=role,
            **identity,
        )
        for x, energy in zip(path.positions, energies, strict=True)
    ]
    arrays = {} if peak.tangent is None else {"tangent": peak.tangent}
    peak_frame = frame(
        reaction.numbers,
        peak.position,
        energy=peak.energy,
        gradient=peak.gradient,
        arrays=arrays,
        role="peak",
        **identity,
    )
    return [*frames, peak_frame]


def met_frames(reaction, solved: Solved, identity: dict, learns: bool) -> list:
    """Return the saddles that a search met beside its own, and what it has paid for.

    Parameters
    ----------
    learns : whether the method makes use of what was paid for before: else that is not kept
    """
    common = identity | reaction.state
    frames = [
        frame(
            reaction.numbers,
            peak.position,
            energy=peak.energy,
            gradient=peak.gradient,
            arrays={} if peak.tangent is None else {"tangent": peak.tangent},
            role="saddle",
            **common,
        )
        for peak in (() if solved.path is None else solved.path.others)
    ]
    if learns and solved.evaluated is not None:
        columns = zip(*vars(solved.evaluated).values(), strict=True)
        frames += [
            frame(reaction.numbers, x, energy=energy, gradient=g, role="evaluated", **common)
            for x, energy, g in columns
        ]
    return frames


def read_met(file: str) -> dict[tuple[str, int], tuple[tuple[Peak, ...], Evaluated | None]]:
    """Read what `met_frames` wrote, by reaction and seed."""
    groups: dict[tuple[str, int], dict[str, list]] = {}
    for atoms in read_frames(file):
        key = atoms.info["reaction"], int(atoms.info["seed"])
        groups.setdefault(key, {}).setdefault(atoms.info["role"], []).append(atoms)
    found = {}
    for key, by_role in groups.items():
        others = tuple(_peak_of(atoms) for atoms in by_role.get("saddle", ()))
        paid = by_role.get("evaluated", [])
        columns = (
            [atoms.positions for atoms in paid],
            [atoms.get_potential_energy() for atoms in paid],
            [-atoms.get_forces() for atoms in paid],
        )
        found[key] = others, Evaluated(*map(np.array, columns)) if paid else None
    return found


def _peak_of(top) -> Peak:
    results = top.calc.results if top.calc is not None else {}
    return Peak(
        position=top.positions,
        energy=results.get("energy"),
        gradient=-results["forces"] if "forces" in results else None,
        tangent=top.arrays.get("tangent"),
    )


def read_paths(paths_file: str) -> dict[tuple[str, int], tuple[Path, Peak]]:
    """Read the finished paths that `solve_job` wrote, by reaction and seed."""
    groups: dict[tuple[str, int], list] = {}
    for atoms in read_frames(paths_file):
        groups.setdefault((atoms.info["reaction"], int(atoms.info["seed"])), []).append(atoms)
    found = {}
    for key, (*frames, top) in groups.items():
        peak = _peak_of(top)
        path = Path(
            positions=np.array([atoms.positions for atoms in frames]),
            is_path=frames[0].info["role"] == "path",
            peak=peak,
        )
        found[key] = (path, peak)
    return found
