"""The mechanism job: search the steps of what the judge job has left without a direct saddle.

Where several ways are asked for, further ones of every run follow.
"""

from pathlib import Path as File

import numpy as np

from ..config import Method
from ..files.columns import CHAIN_COLUMNS, MECHANISM_COLUMNS, WAY_COLUMNS
from ..files.frames import frame, read_frames
from ..files.tidy import read_rows
from ..jobs.joblog import log
from ..jobs.tasks import FRAMES, do, task_key
from ..jobs.worker import WorkerError
from ..judging.connection import UNKNOWN, End
from ..judging.job import MINIMUM
from ..judging.judge import FIRST_ORDER, Judgement
from ..judging.verify import Judged
from ..path import Path, Peak
from ..reaction import read_endpoints
from ..solving.job import read_met, read_paths
from ..solving.solve import Solved
from .search import Mechanism, find_mechanism
from .ways import Explored, Start, explore_further, told_apart

INTENDED = "intended"


def mechanism_job(
    set_name,
    method: Method,
    ways: int,
    endpoints,
    solved,
    judged,
    potential,
    worker,
    outputs,
    journal,
) -> None:
    """Search the steps of each run that has a path and is not `intended`; then further ways.

    `ways` is how many searches each run makes, the first one included; with 0 the first one is all
    and steps are not searched. `endpoints` is a file of
    frames; `solved` names the files `paths` and `met`, `judged` the files `runs`, `saddles` and
    `irc`; `outputs` the files `rows`, `steps`, `frames` and `ways`.
    """
    reactions = {reaction.name: reaction for reaction in read_endpoints(endpoints)}
    paths, met = read_paths(solved.paths), read_met(solved.met)
    known = read_judged(judged.saddles, judged.irc)

    def work(row: dict) -> dict:
        name, seed = row["reaction"], int(row["seed"])
        reaction, (path, peak) = reactions[name], paths[name, seed]
        others, evaluated = met.get((name, seed), ((), None))
        first = Solved(
            Path(path.positions, path.energies, peak, is_path=path.is_path, others=others),
            peak,
            evaluations=int(row["gradients_path"]),
            evaluated=evaluated,
        )
        proven = known.get((name, seed), Judged(row["verdict"], row["reason"]))
        identity = {"set": set_name, "reaction": name, "method": method.name, "seed": seed}
        made, asked = {}, (method, potential, seed)
        if row["verdict"] == INTENDED:
            found = Mechanism.of(reaction, first, proven)
        else:
            log(f"mechanism {method.name} {name!r} seed {seed}")
            try:
                found = worker.run(find_mechanism, reaction, first, proven, *asked)
            except WorkerError as error:
                found = Mechanism(reason=f"mechanism: {error.verdict}: {error}")
            made = {
                "rows": [mechanism_row(found, reaction) | identity],
                "steps": [row | identity for row in step_rows(found, reaction)],
                "frames": step_frames(found, reaction, identity),
            }
        if ways > 1:
            log(f"{ways} ways {method.name} {name!r} seed {seed}")
            own = Explored(method.guess, reaction, first, proven, found)
            searches, starts = [own], []
            try:
                of = (own, method.guess, *asked, ways, "full")
                searches, starts = worker.run(explore_further, *of)
            except WorkerError as error:
                log(f"ways: {error.verdict}: {error}")
            made["ways"] = [row | identity for row in way_rows(searches, starts)]
        return made

    tasks = (
        (task_key(row["reaction"], int(row["seed"])), lambda row=row: work(row))
        for row in read_rows(judged.runs)
        if (row["reaction"], int(row["seed"])) in paths
        and (ways > 1 or (ways and row["verdict"] != INTENDED))
    )
    kinds = {"rows": MECHANISM_COLUMNS, "steps": CHAIN_COLUMNS, "frames": FRAMES}
    kinds["ways"] = WAY_COLUMNS
    do(tasks, kinds, outputs, journal)


def read_judged(saddles: str | File, irc: str | File) -> dict[tuple[str, int], Judged]:
    """Read the first-order saddles that the judge job wrote, with where they lead."""
    ways: dict[tuple[str, int], list] = {}
    for atoms in read_frames(irc):
        ways.setdefault(_key(atoms), []).append(atoms)
    found = {}
    for atoms in read_frames(saddles):
        key, verdict = _key(atoms), atoms.info["verdict"]
        if atoms.info["role"] != "saddle" or verdict not in FIRST_ORDER or key not in ways:
            continue
        way = ways[key]
        energies = np.array([image.get_potential_energy() for image in way])
        ends = tuple(
            End(
                way[at].positions,
                float(energies[at]),
                np.nan,
                way[at].info.get("role") == MINIMUM,
                False,
                (UNKNOWN, UNKNOWN),
            )
            for at in (0, -1)
        )
        energy = atoms.get_potential_energy()
        judgement = Judgement(
            verdict,
            "",
            energy,
            irc=np.array([image.positions for image in way]),
            irc_energies=energies,
            ends=ends,
        )
        saddle = Peak(atoms.positions, energy, -atoms.get_forces(), converged=True)
        found[key] = Judged(verdict, "", saddle, judgement=judgement)
    return found


def _key(atoms) -> tuple[str, int]:
    return atoms.info["reaction"], int(atoms.info["seed"])


def mechanism_row(found: Mechanism, reaction) -> dict:
    """Return the row of one search; without whose it is."""
    return {
        "complete": found.complete,
        "steps": len(found.steps) or "",
        "searches": found.searches,
        "gradients_path": found.gradients_path,
        "gradients_refine": found.gradients_refine,
        "gradients_verify": found.gradients_verify,
        "gradients_prior": found.gradients_prior,
        "wall_path_s": found.wall_path,
        "wall_refine_s": found.wall_refine,
        "wall_verify_s": found.wall_verify,
        "wall_prior_s": found.wall_prior,
        "reason": found.sentence(reaction),
    }


def step_rows(found: Mechanism, reaction) -> list[dict]:
    """Return a row for each step; without whose they are."""
    start = before = float(reaction.energies[0])
    rows = []
    for number, step in enumerate(found.steps, start=1):
        _, energies = step.coordinate
        rows.append(
            {
                "chain": found.chain,
                "complete": found.complete,
                "highest_saddle_eV": found.highest.saddle.energy - start,
                "step": number,
                "step_from": step.start,
                "step_to": step.end,
                "barrier_eV": step.saddle.energy - float(energies[0]),
                "saddle_eV": step.saddle.energy - start,
                "minimum_eV": float(energies[-1]) - start,
                "conformer_eV": float(energies[0]) - before,
            }
        )
        before = float(energies[-1])
    return rows


def way_rows(searches: list[Explored], starts: list[Start]) -> list[dict]:
    """Return a row for each way that several searches have found, the lowest first.

    `gradients_ways` is what all searches have cost, with relaxing other conformers of the ends, and
    without the proofs, which are `gradients_verify`.
    """
    level = float(searches[0].reaction.energies[0])
    paid = [one.evaluations for one in searches]
    relaxed = sum(start.evaluations for start in starts)
    spent = relaxed + sum(cost["path"] + cost["refine"] for cost in paid)
    return [
        {
            "way": number,
            "chain": way.mechanism.chain,
            "steps": len(way.mechanism.steps),
            "highest_saddle_eV": way.mechanism.highest.saddle.energy - level,
            "met": way.met,
            "starts": "; ".join(way.starts),
            "searches": len(searches),
            "gradients_ways": spent,
            "gradients_verify": sum(cost["verify"] for cost in paid),
        }
        for number, way in enumerate(told_apart(searches), start=1)
    ]


def step_frames(found: Mechanism, reaction, identity: dict) -> list:
    """Return the reaction coordinates of all steps, in order, minima and saddles marked."""
    frames = []
    for number, step in enumerate(found.steps, start=1):
        geometries, energies = step.coordinate
        roles = ["coordinate"] * len(energies)
        roles[0] = roles[-1] = MINIMUM
        roles[int(np.argmax(energies))] = "saddle"
        common = identity | reaction.state | {"step": number, "from": step.start, "to": step.end}
        frames += [
            frame(reaction.numbers, x, energy=energy, role=role, **common)
            for x, energy, role in zip(geometries, energies, roles, strict=True)
        ]
    return frames
