"""What one job of the workflow does: some reactions through one stage, files in, files out.

Rows are keyed by reaction and seed. Every reaction of the job has a row at the end, also
those whose endpoints were refused, and those that killed or outlasted their worker.
"""

from dataclasses import asdict

import numpy as np

from .columns import JUDGED_COLUMNS
from .config import Method
from .frames import frame, read_frames, write_frames
from .guess import Guess, make_guess
from .joblog import log
from .path import Path, Peak
from .prepare import Prepared, prepare
from .reaction import read_endpoints, read_set
from .solve import Solved, solve
from .tidy import PROFILE_COLUMNS, TRACE_COLUMNS, read_rows, write_rows
from .verify import Judged, refine_and_judge
from .worker import Worker, WorkerError

SOLVED_COLUMNS = (
    "reaction seed verdict reason guess_hash guess_barrier_eV converged gradients_path "
    "rounds_path wall_guess_s wall_path_s oracle_path_s"
).split()


def _number(text: str) -> float:
    return float(text) if text else np.nan


def prepare_job(set_name, spec, reactions, potential, timeout, frames_file, rows_file) -> None:
    """Relax, align and check the endpoints of some reactions of a set."""
    entries = read_set(set_name, spec, only=set(reactions))
    frames, rows = [], []
    with Worker(timeout) as worker:
        for entry in entries:
            log(f"prepare {entry.name!r}")
            try:
                prepared = worker.run(prepare, entry, potential.load)
            except WorkerError as error:
                prepared = Prepared(entry, error.verdict, str(error))
            rows.append(prepared.row())
            if prepared.reaction is not None:
                frames.extend(endpoint_frames(prepared.reaction))
    write_frames(frames_file, frames)
    write_rows(rows_file, Prepared.COLUMNS, rows)


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
            charge=reaction.charge,
            multiplicity=reaction.multiplicity,
        )
        for i, role in enumerate(("reactant", "product"))
    ]


def guess_job(guess_name, potential, timeout, endpoints_file, frames_file, rows_file) -> None:
    """Interpolate the initial paths of a job's reactions."""
    frames, rows = [], []
    with Worker(timeout) as worker:
        for reaction in read_endpoints(endpoints_file):
            log(f"guess {reaction.name!r}")
            try:
                guess = worker.run(make_guess, reaction, guess_name, potential)
            except WorkerError as error:
                guess = Guess(None, verdict=error.verdict, reason=f"guess: {error}")
            row = {key: getattr(guess, key) for key in ("wall", "barrier", "verdict", "reason")}
            rows.append({"reaction": reaction.name, **row})
            if guess.positions is not None:
                frames.extend(
                    frame(reaction.numbers, x, set=reaction.set, reaction=reaction.name)
                    for x in guess.positions
                )
    write_frames(frames_file, frames)
    write_rows(rows_file, ["reaction", "verdict", "reason", "wall", "barrier"], rows)


def read_guesses(frames_file: str, rows_file: str) -> dict[str, Guess]:
    """Read the initial paths that `guess_job` wrote, by reaction."""
    positions: dict[str, list] = {}
    for atoms in read_frames(frames_file):
        positions.setdefault(atoms.info["reaction"], []).append(atoms.positions)
    return {
        row["reaction"]: Guess(
            positions=np.array(positions[row["reaction"]]) if not row["verdict"] else None,
            wall=float(row["wall"]),
            barrier=_number(row["barrier"]),
            verdict=row["verdict"],
            reason=row["reason"],
        )
        for row in read_rows(rows_file)
    }


def solve_job(
    method: Method, potential, timeout, endpoints, guesses, rows_file, trace_file, paths_file
) -> None:
    """Run the path stage of one method on a job's reactions and seeds.

    `endpoints` and `guesses` are (frames file, rows file) pairs.
    """
    reactions = {reaction.name: reaction for reaction in read_endpoints(endpoints[0])}
    initial = read_guesses(*guesses)
    rows, traces, frames = [], [], []
    with Worker(timeout) as worker:
        for prepared in read_rows(endpoints[1]):
            name = prepared["reaction"]
            for seed in method.seeds:
                row = {"reaction": name, "seed": seed}
                rows.append(row)
                if name not in reactions:
                    row |= {"verdict": prepared["verdict"], "reason": prepared["reason"]}
                    continue
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
                    "converged": solved.path is not None and solved.path.converged,
                    "gradients_path": solved.evaluations,
                    "rounds_path": solved.rounds,
                    "wall_guess_s": guess.wall,
                    "wall_path_s": solved.wall,
                    "oracle_path_s": solved.oracle_seconds,
                }
                identity = {
                    "set": reaction.set,
                    "reaction": name,
                    "method": method.name,
                    "seed": seed,
                }
                traces.extend(
                    {**identity, "barrier_eV": point.barrier, **asdict(point)}
                    for point in solved.trace
                )
                if solved.path is not None:
                    frames.extend(_path_frames(reaction, solved, identity))
    write_rows(rows_file, SOLVED_COLUMNS, rows)
    write_rows(trace_file, TRACE_COLUMNS, traces)
    write_frames(paths_file, frames)


def _path_frames(reaction, solved: Solved, identity: dict) -> list:
    path, peak = solved.path, solved.peak
    role = "path" if path.is_path else "trajectory"
    energies = np.full(len(path.positions), np.nan) if path.energies is None else path.energies
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
    set_name, method: Method, potential, timeout, endpoints, solved, outputs: dict[str, str]
) -> None:
    """Refine and judge what `solve_job` left: rows, saddles, IRCs and energy profiles.

    `endpoints` is a (frames file, rows file) pair, `solved` a (rows file, paths file) pair;
    `outputs` names the files `runs`, `saddles`, `irc` and `profiles`.
    """
    reactions = {reaction.name: reaction for reaction in read_endpoints(endpoints[0])}
    ends = {row["reaction"]: row for row in read_rows(endpoints[1])}
    paths = read_paths(solved[1])
    rows, saddles, ircs, profiles = [], [], [], []
    with Worker(timeout) as worker:
        for solved_row in read_rows(solved[0]):
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
            rows.append(row)
            if name not in reactions:
                continue
            reaction = reactions[name]
            row["backend"] = potential.of(reaction).backend
            if (name, seed) not in paths:
                continue
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
            row |= _judged_cells(reaction, judged)
            row["reason"] = "; ".join(text for text in (judged.reason, note) if text)
            saddles.extend(_saddle_frames(reaction, peak, judged, identity))
            if judged.judgement is not None and judged.judgement.irc is not None:
                ircs.extend(
                    frame(reaction.numbers, x, energy=e, **identity)
                    for x, e in zip(
                        judged.judgement.irc, judged.judgement.irc_energies, strict=True
                    )
                )
            if judged.quality is not None:
                profiles.extend(_profile_rows(reaction, judged.quality, identity))
    write_rows(outputs["runs"], JUDGED_COLUMNS, rows)
    write_frames(outputs["saddles"], saddles)
    write_frames(outputs["irc"], ircs)
    write_rows(outputs["profiles"], PROFILE_COLUMNS, profiles)


def _judged_cells(reaction, judged: Judged) -> dict:
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
    if judged.quality is not None:
        cells["path_barrier_eV"] = judged.quality.maximum - e_reactant
        cells["tangency_defect_eV"] = judged.quality.tangency_defect
        cells["tangency_floor_eV"] = judged.quality.floor
        cells["excess_eV"] = judged.quality.excess
    return cells


def _saddle_frames(reaction, peak: Peak, judged: Judged, identity: dict) -> list:
    common = {**identity, "verdict": judged.verdict}
    frames = [frame(reaction.numbers, peak.position, energy=peak.energy, role="peak", **common)]
    if judged.saddle is not None:
        mode = None if judged.judgement is None else judged.judgement.mode
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
    return [
        {
            **identity,
            "s": s,
            "arc_length_A": length,
            "energy_eV": energy - reaction.energies[0],
        }
        for s, length, energy in zip(quality.s, quality.arc_length, quality.energies, strict=True)
    ]
