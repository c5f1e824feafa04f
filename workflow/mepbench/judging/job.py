"""The judge job: refine and judge what the solve job left, in rows and frames."""

import numpy as np

from ..config import Method
from ..files.columns import JUDGED_COLUMNS
from ..files.frames import frame
from ..files.tidy import PROFILE_COLUMNS, read_rows
from ..jobs.joblog import log
from ..jobs.tasks import FRAMES, do, task_key
from ..jobs.worker import WorkerError
from ..path import Peak
from ..reaction import read_endpoints
from ..solving.job import read_paths
from .activation import activation_cells
from .judge import FIRST_ORDER
from .verify import Judged, refine_and_judge

MINIMUM = "minimum"  # role of a frame


def judge_job(
    set_name, method: Method, endpoints, solved, potential, worker, outputs, journal
) -> None:
    """Refine and judge what `solve_job` left: rows, saddles, IRCs and energy profiles.

    `endpoints` is a (frames file, rows file) pair, `solved` a (rows file, paths file) pair;
    `outputs` names the files `runs`, `saddles`, `irc` and `profiles`.
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
            "potential": potential.level,
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
        row |= activation_cells(ends[name], reaction, judged.judgement)
        row["reason"] = "; ".join(text for text in (judged.reason, note) if text)
        return {
            "runs": [row],
            "saddles": saddle_frames(reaction, peak, judged, identity),
            "irc": irc_frames(reaction, judged, identity),
            "profiles": _profile_rows(reaction, judged.quality, identity),
        }

    tasks = (
        (task_key(row["reaction"], int(row["seed"])), lambda row=row: work(row))
        for row in read_rows(solved[0])
    )
    kinds = {
        "runs": JUDGED_COLUMNS,
        "saddles": FRAMES,
        "irc": FRAMES,
        "profiles": PROFILE_COLUMNS,
    }
    do(tasks, kinds, outputs, journal)


def irc_frames(reaction, judged: Judged, identity: dict) -> list:
    """Return the frames of the IRC, none where there is no first-order saddle.

    The first and the last say their role where they are proven minima.
    """
    if judged.judgement is None or judged.judgement.irc is None:
        return []
    along = zip(judged.judgement.irc, judged.judgement.irc_energies, strict=True)
    identity = identity | reaction.state
    frames = [frame(reaction.numbers, x, energy=energy, **identity) for x, energy in along]
    for at, end in zip((0, -1), judged.judgement.ends, strict=True):
        if end.minimum:
            frames[at].info["role"] = MINIMUM
    return frames


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
    if judged.verdict in FIRST_ORDER:
        cells["barrier_eV"] = judged.saddle.energy - e_reactant
        cells["reverse_barrier_eV"] = judged.saddle.energy - e_product
    if judged.judgement is not None:
        cells["imaginary_frequency_cm"] = judged.judgement.imaginary_frequency_cm
        cells["end_match"] = judged.judgement.end_match
        cells["end_conformer"] = judged.judgement.end_conformer
        for k, curvature in enumerate(judged.judgement.eigenvalues[:2], start=1):
            cells[f"curvature_{k}_eV_A2"] = curvature
        cells["reactant_gap_eV"], cells["product_gap_eV"] = judged.judgement.end_gaps
    if judged.quality is not None:
        cells["path_barrier_eV"] = judged.quality.maximum - e_reactant
        cells["tangency_defect_eV"] = judged.quality.tangency_defect
        cells["tangency_floor_eV"] = judged.quality.floor
        cells["excess_eV"] = judged.quality.excess
    return cells


def saddle_frames(reaction, peak: Peak, judged: Judged, identity: dict) -> list:
    """Return where the refinement started and, if it got anywhere, where it ended."""
    common = {**identity, **reaction.state, "verdict": judged.verdict}
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
