"""The guess and solve jobs: initial paths, and what a method makes of them."""

from dataclasses import asdict

import numpy as np

from ..config import Method
from ..files.columns import SOLVED_COLUMNS
from ..files.frames import frame, read_frames
from ..files.tidy import TRACE_COLUMNS, number, read_rows
from ..jobs.joblog import log
from ..jobs.tasks import FRAMES, do, task_key
from ..jobs.worker import WorkerError
from ..path import Path, Peak
from ..reaction import read_endpoints
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


def solve_job(method: Method, endpoints, guesses, potential, worker, outputs, journal) -> None:
    """Run the path stage of one method on a job's reactions and seeds.

    `endpoints` and `guesses` are (frames file, rows file) pairs; `outputs` names the files
    `rows`, `traces` and `paths`.
    """
    reactions = {reaction.name: reaction for reaction in read_endpoints(endpoints[0])}
    initial = read_guesses(*guesses)

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
        frames = [] if solved.path is None else path_frames(reaction, solved, identity)
        return {"rows": [row], "traces": traces, "paths": frames}

    tasks = (
        (
            task_key(prepared["reaction"], seed),
            lambda prepared=prepared, seed=seed: work(prepared, seed),
        )
        for prepared in read_rows(endpoints[1])
        for seed in method.seeds
    )
    kinds = {"rows": SOLVED_COLUMNS, "traces": TRACE_COLUMNS, "paths": FRAMES}
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


def read_paths(paths_file: str) -> dict[tuple[str, int], tuple[Path, Peak]]:
    """Read the finished paths that `solve_job` wrote, by reaction and seed."""
    groups: dict[tuple[str, int], list] = {}
    for atoms in read_frames(paths_file):
        groups.setdefault((atoms.info["reaction"], int(atoms.info["seed"])), []).append(atoms)
    found = {}
    for key, (*frames, top) in groups.items():
        results = top.calc.results if top.calc is not None else {}
        peak = Peak(
            position=top.positions,
            energy=results.get("energy"),
            gradient=-results["forces"] if "forces" in results else None,
            tangent=top.arrays.get("tangent"),
        )
        path = Path(
            positions=np.array([atoms.positions for atoms in frames]),
            is_path=frames[0].info["role"] == "path",
            peak=peak,
        )
        found[key] = (path, peak)
    return found
