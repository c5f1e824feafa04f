"""What one job of the workflow does: some reactions through one stage, files in, files out.

Rows are keyed by reaction and seed. Every reaction of the job has a row at the end, also
those whose endpoints were refused, and those that killed or outlasted their worker. A job is
a sequence of tasks, one for each reaction and seed, each of which gives rows and frames for
the job's files; what is finished is in the journal before the next task starts.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path as File

import numpy as np

from ..config import Method
from ..files.columns import JUDGED_COLUMNS
from ..files.frames import frame, frames_text, read_frames
from ..files.tidy import PROFILE_COLUMNS, TRACE_COLUMNS, header_text, number, read_rows, rows_text
from ..judging.stations import find_stations, station_frames
from ..judging.verify import Judged, refine_and_judge
from ..path import Path, Peak
from ..preparation.prepare import Prepared, prepare
from ..reaction import read_endpoints, read_set
from ..solving.guess import Guess, make_guess
from ..solving.solve import Solved, solve
from .joblog import log
from .journal import Journal
from .worker import WorkerError

SOLVED_COLUMNS = (
    "reaction seed verdict reason guess_hash guess_barrier_eV guess_length_A converged "
    "gradients_path rounds_path wall_guess_s wall_path_s oracle_path_s"
).split()


GUESS_COLUMNS = "reaction verdict reason wall barrier".split()
FRAMES = None  # in place of a CSV file's columns: the file is extended XYZ


def _do(tasks: Iterable[tuple[str, Callable]], kinds: dict, outputs: dict, journal: Journal):
    """Do what the journal doesn't hold yet, and write the job's files.

    `tasks` are (key, function) pairs; the function returns a list of rows or frames for each
    name in `kinds`, which says the columns of each of the files named in `outputs`.
    """
    finished = []
    with journal:
        for key, work in tasks:
            texts = journal.finished(key)
            if texts is None:
                made = work()
                texts = {name: _text(kinds[name], made.get(name, [])) for name in kinds}
                journal.add(key, texts)
            finished.append(texts)
        for name, columns in kinds.items():
            header = "" if columns is FRAMES else header_text(columns)
            File(outputs[name]).parent.mkdir(parents=True, exist_ok=True)
            with open(outputs[name], "w", newline="", encoding="utf-8") as file:
                file.write(header + "".join(texts[name] for texts in finished))


def _text(columns, made: list) -> str:
    return frames_text(made) if columns is FRAMES else rows_text(columns, made)


def prepare_job(set_name, spec, reactions, potential, worker, outputs, journal) -> None:
    """Relax, align and check the endpoints of some reactions of a set.

    `outputs` names the files `frames` and `rows`.
    """

    def work(entry) -> dict:
        log(f"prepare {entry.name!r}")
        try:
            prepared = worker.run(prepare, entry, potential.load)
        except WorkerError as error:
            prepared = Prepared(entry, error.verdict, str(error))
        ends = [] if prepared.reaction is None else endpoint_frames(prepared.reaction)
        return {"frames": ends, "rows": [prepared.row()]}

    entries = read_set(set_name, spec, only=set(reactions))
    tasks = ((entry.name, lambda entry=entry: work(entry)) for entry in entries)
    _do(tasks, {"frames": FRAMES, "rows": Prepared.COLUMNS}, outputs, journal)


def endpoint_frames(reaction) -> list:
    """Return the two frames of a prepared reaction in `endpoints.xyz`."""
    return [
        frame(
            reaction.numbers,
            reaction.ends[i],
            energy=reaction.energies[i],
            gradient=reaction.gradients[i],
            set=reaction.set,
            reaction=reaction.name,
            role=role,
            **_state(reaction),
        )
        for i, role in enumerate(("reactant", "product"))
    ]


def _state(reaction) -> dict:
    """Return what a frame says of its electrons: without, it would be another molecule."""
    return {"charge": reaction.charge, "multiplicity": reaction.multiplicity}


def guess_job(guess_name, potential, worker, endpoints_file, outputs, journal) -> None:
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
    _do(tasks, {"frames": FRAMES, "rows": GUESS_COLUMNS}, outputs, journal)


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


def solve_job(method: Method, potential, worker, endpoints, guesses, outputs, journal) -> None:
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
        }
        identity = {"set": reaction.set, "reaction": name, "method": method.name, "seed": seed}
        traces = [
            {**identity, "barrier_eV": point.barrier, **asdict(point)} for point in solved.trace
        ]
        frames = [] if solved.path is None else path_frames(reaction, solved, identity)
        return {"rows": [row], "traces": traces, "paths": frames}

    tasks = (
        (
            _key(prepared["reaction"], seed),
            lambda prepared=prepared, seed=seed: work(prepared, seed),
        )
        for prepared in read_rows(endpoints[1])
        for seed in method.seeds
    )
    kinds = {"rows": SOLVED_COLUMNS, "traces": TRACE_COLUMNS, "paths": FRAMES}
    _do(tasks, kinds, outputs, journal)


def _key(name: str, seed: int) -> str:
    return json.dumps([name, seed])


def path_frames(reaction, solved: Solved, identity: dict) -> list:
    """Return the frames of a finished path and, last, that of its peak."""
    path, peak = solved.path, solved.peak
    role = "path" if path.is_path else "trajectory"
    energies = np.full(len(path.positions), np.nan) if path.energies is None else path.energies
    identity = identity | _state(reaction)
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


def judge_job(
    set_name, method: Method, potential, worker, endpoints, solved, outputs, journal
) -> None:
    """Refine and judge what `solve_job` left: rows, saddles, IRCs and energy profiles.

    `endpoints` is a (frames file, rows file) pair, `solved` a (rows file, paths file) pair;
    `outputs` names the files `runs`, `saddles`, `irc`, `profiles` and `stations`.
    """
    reactions = {reaction.name: reaction for reaction in read_endpoints(endpoints[0])}
    ends = {row["reaction"]: row for row in read_rows(endpoints[1])}
    paths = read_paths(solved[1])

    def work(solved_row: dict) -> dict:
        name, seed = solved_row["reaction"], int(solved_row["seed"])
        identity = {"set": set_name, "reaction": name, "method": method.name, "seed": seed}
        row = {
            **{key: ends[name].get(key, "") for key in JUDGED_COLUMNS},
            **solved_row,
            **identity,
            "guess": method.guess,
            "refiner": method.refiner,
            "potential": potential.options.get("method", potential.name),
        }
        if name not in reactions:
            return {"runs": [row]}
        reaction = reactions[name]
        row["backend"] = potential.of(reaction).backend
        if (name, seed) not in paths:
            return {"runs": [row]}
        log(f"judge {method.name} {name!r} seed {seed}")
        path, peak = paths[name, seed]
        try:
            judged = worker.run(
                refine_and_judge,
                reaction,
                path,
                peak,
                method.refiner,
                potential,
                method.budget["refine"],
                seed,
            )
        except WorkerError as error:
            judged = Judged(error.verdict, f"refine or verify: {error}")
        note = solved_row["reason"]
        row |= judged_cells(reaction, judged)
        row["reason"] = "; ".join(text for text in (judged.reason, note) if text)
        return {
            "runs": [row],
            "saddles": saddle_frames(reaction, peak, judged, identity),
            "irc": irc_frames(reaction, judged, identity),
            "profiles": _profile_rows(reaction, judged.quality, identity),
            "stations": _station_frames(reaction, path, judged, identity, potential),
        }

    tasks = (
        (_key(row["reaction"], int(row["seed"])), lambda row=row: work(row))
        for row in read_rows(solved[0])
    )
    kinds = {
        "runs": JUDGED_COLUMNS,
        "saddles": FRAMES,
        "irc": FRAMES,
        "profiles": PROFILE_COLUMNS,
        "stations": FRAMES,
    }
    _do(tasks, kinds, outputs, journal)


def irc_frames(reaction, judged: Judged, identity: dict) -> list:
    """Return the frames of the IRC, none where there is no first-order saddle."""
    if judged.judgement is None or judged.judgement.irc is None:
        return []
    along = zip(judged.judgement.irc, judged.judgement.irc_energies, strict=True)
    identity = identity | _state(reaction)
    return [frame(reaction.numbers, x, energy=energy, **identity) for x, energy in along]


def _station_frames(reaction, path: Path, judged: Judged, identity: dict, potential) -> list:
    invariances = potential.of(reaction).invariances
    stations = find_stations(
        reaction, path, judged.verdict, judged.quality, judged.judgement, invariances
    )
    return station_frames(reaction.numbers, stations, identity)


def judged_cells(reaction, judged: Judged) -> dict:
    """Return what refinement and judge add to a row of `runs.csv`."""
    e_reactant, e_product = reaction.energies
    cells = {
        "verdict": judged.verdict,
        "reaction_energy_eV": e_product - e_reactant,
        "gradients_refine": judged.refine_evaluations,
        "gradients_verify": judged.verify_evaluations,
        "wall_refine_s": judged.refine_wall,
        "wall_verify_s": judged.verify_wall,
        "oracle_refine_s": judged.refine_oracle_seconds,
    }
    if judged.saddle is not None and judged.saddle.converged:
        cells["barrier_eV"] = judged.saddle.energy - e_reactant
        cells["reverse_barrier_eV"] = judged.saddle.energy - e_product
    if judged.judgement is not None:
        cells["imaginary_frequency_cm"] = judged.judgement.imaginary_frequency_cm
        cells["end_match"] = judged.judgement.end_match
        cells["reactant_gap_eV"], cells["product_gap_eV"] = judged.judgement.end_gaps
    if judged.quality is not None:
        cells["path_barrier_eV"] = judged.quality.maximum - e_reactant
        cells["tangency_defect_eV"] = judged.quality.tangency_defect
        cells["tangency_floor_eV"] = judged.quality.floor
        cells["excess_eV"] = judged.quality.excess
    return cells


def saddle_frames(reaction, peak: Peak, judged: Judged, identity: dict) -> list:
    """Return where the refinement started and, if it got anywhere, where it ended."""
    common = {**identity, **_state(reaction), "verdict": judged.verdict}
    frames = [frame(reaction.numbers, peak.position, energy=peak.energy, role="peak", **common)]
    if judged.saddle is not None:
        judgement = judged.judgement
        mode = None if judgement is None else judgement.mode
        if judgement is not None and np.isfinite(judgement.eigenvalues).all():
            common["eigenvalues"] = np.round(judgement.eigenvalues, 6)
        frames.append(
            frame(
                reaction.numbers,
                judged.saddle.position,
                energy=judged.saddle.energy,
                gradient=judged.saddle.gradient,
                arrays={} if mode is None else {"mode": mode},
                role="saddle",
                **common,
            )
        )
    return frames


def _profile_rows(reaction, quality, identity: dict) -> list[dict]:
    if quality is None:
        return []
    return [
        {
            **identity,
            "s": s,
            "arc_length_A": length,
            "energy_eV": energy - reaction.energies[0],
        }
        for s, length, energy in zip(quality.s, quality.arc_length, quality.energies, strict=True)
    ]
