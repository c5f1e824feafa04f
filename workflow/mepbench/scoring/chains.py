"""Reactions of several steps: R -> I1 -> ... -> P, each step a reaction of a second pass.

After the first pass the points that paths visit on their way (`stations`) are relaxed.
Minima that are neither reactant nor product nor one another are the intermediates of the
reaction, the same for all methods; the order in which a path visits them is its chain. The
steps of all chains form a set of their own, `{set}-steps`, on which every method runs through
the same stages as on any other set. A chain is complete when each of its steps has an `intended`
saddle; its barrier is then the highest of these above the reactant. Steps are not taken
apart again: one that is `multistep` itself leaves its chain incomplete.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from ase import Atoms

from ..errors import BadEndpoints, SCFFailure
from ..files.columns import CHAIN_COLUMNS
from ..files.frames import frame, read_frames, write_frames
from ..files.tidy import number, write_rows
from ..jobs.joblog import log
from ..jobs.worker import Worker, WorkerError
from ..judging.stations import Station, is_end, read_stations
from ..landscape.minima import minima, relax_gently
from ..molecule.structure import compare
from ..oracle import Oracle, PotentialSpec
from ..reaction import STEPS, Reaction, read_endpoints

RUN = ("set", "reaction", "method", "seed")
PLAN_COLUMNS = (*RUN, *"step step_from step_to step_set step_reaction".split())
ENDS = ("R", "P")


@dataclass(frozen=True)
class Chains:
    """The intermediates of one reaction, and which of them each run's path visits.

    Attributes
    ----------
    intermediates : (N, 3) arrays, angstrom: I1, I2, ...
    orders : by (method, seed), the names from "R" to "P"; absent where nothing lies between
    """

    intermediates: list[np.ndarray] = field(default_factory=list)
    orders: dict[tuple[str, int], tuple[str, ...]] = field(default_factory=dict)

    @property
    def steps(self) -> list[tuple[str, str]]:
        """All steps, each once, in the order in which they first appear."""
        return list(dict.fromkeys(step for o in self.orders.values() for step in pairwise(o)))


def find_chains(
    reaction: Reaction, visited: dict[tuple[str, int], list[Station]], potential: PotentialSpec
) -> Chains:
    """Relax the stations of all runs of one reaction, and put them in order.

    Parameters
    ----------
    visited : stations by (method, seed), in the order of the path
    """
    oracle = Oracle(potential.of(reaction), reaction)
    chains = Chains()
    for run, stations in visited.items():
        order = ["R"]
        for station in stations:
            name = _intermediate(reaction, oracle, station, chains.intermediates)
            if name in order:
                # Back where it was: what lies between is a detour.
                del order[order.index(name) + 1 :]
            elif name is not None:
                order.append(name)
        if len(order) > 1:
            chains.orders[run] = (*order, "P")
    return chains


def _intermediate(reaction, oracle, station: Station, known: list[np.ndarray]) -> str | None:
    """Return the name of the minimum below a station, which joins `known` if it is new."""
    numbers, invariances = reaction.numbers, oracle.invariances

    def same(a, b):
        return all(compare(numbers, a, b, end, invariances).matches for end in reaction.ends)

    try:
        relaxed = relax_gently(oracle, numbers, station.position).positions
        x = minima(oracle, numbers, relaxed)[0].positions
    except (BadEndpoints, SCFFailure):
        return None
    if is_end(reaction, x, invariances):
        return None
    if station.minimum is not None:
        if not same(x, station.minimum):
            return None
        x = station.minimum
    for k, other in enumerate(known):
        if same(x, other):
            return f"I{k + 1}"
    known.append(x)
    return f"I{len(known)}"


def step_name(reaction: str, start: str, end: str) -> str:
    """Return the name of a step; names of reactions differ, so those of their steps do."""
    return f"{reaction}: {start}-{end}"


def plan_steps(
    stations: Iterable[str],
    endpoints: Iterable[str],
    potential: PotentialSpec,
    timeout: float,
    plan: str,
    step_files: dict[str, str],
) -> None:
    """Write the chains of all sets, and for each set the file of its steps, as a reaction set.

    Parameters
    ----------
    stations : files of all jobs
    endpoints : `endpoints.xyz` of all sets
    plan : file of `PLAN_COLUMNS`: a row for each step of each run's chain
    step_files : by set, the extended XYZ file to write
    """
    visited: dict[tuple[str, str], dict] = {}
    for file in stations:
        for (owner, name, *run), found in read_stations(read_frames(file)).items():
            visited.setdefault((owner, name), {})[tuple(run)] = found
    rows, frames = [], {name: [] for name in step_files}
    with Worker(timeout) as worker:
        for file in endpoints if visited else ():
            for reaction in read_endpoints(file):
                runs = visited.get((reaction.set, reaction.name))
                if runs is None:
                    continue
                log(f"steps of {reaction.name!r}")
                try:
                    chains = worker.run(find_chains, reaction, runs, potential)
                except WorkerError as error:
                    log(f"no chain: {error.verdict}: {error}")
                    continue
                rows.extend(_plan_rows(reaction, chains))
                frames[reaction.set].extend(_step_frames(reaction, chains))
    write_rows(plan, PLAN_COLUMNS, rows)
    for name, file in step_files.items():
        write_frames(file, frames[name])


def _plan_rows(reaction: Reaction, chains: Chains) -> list[dict]:
    return [
        {
            "set": reaction.set,
            "reaction": reaction.name,
            "method": method,
            "seed": seed,
            "step": at + 1,
            "step_from": order[at],
            "step_to": order[at + 1],
            "step_set": reaction.set + STEPS,
            "step_reaction": step_name(reaction.name, *order[at : at + 2]),
        }
        for (method, seed), order in chains.orders.items()
        for at in range(len(order) - 1)
    ]


def _step_frames(reaction: Reaction, chains: Chains) -> list[Atoms]:
    places = dict(zip(ENDS, reaction.ends, strict=True))
    places |= {f"I{k + 1}": x for k, x in enumerate(chains.intermediates)}
    return [
        frame(
            reaction.numbers,
            places[name],
            reaction=step_name(reaction.name, *step),
            role=role,
            **reaction.state,
        )
        for step in chains.steps
        for role, name in zip(("reactant", "product"), step, strict=True)
    ]


def chain_rows(
    plan: list[dict], runs: list[dict], reference: list[dict], energies: dict[tuple, float]
) -> list[dict]:
    """Return the rows of `chains.csv`: every step of every chain, judged.

    Parameters
    ----------
    plan : rows of `PLAN_COLUMNS`
    runs, reference : the steps' rows of the scored tables; all rows are text
    energies : of the reactant by (set, reaction), eV, of the chains and of their steps
    """
    judged = {tuple(row[column] for column in RUN): row for row in runs}
    known = {(row["set"], row["reaction"]): number(row["barrier_eV"]) for row in reference}
    chains: dict[tuple, list[dict]] = {}
    for row in plan:
        key = tuple(row[column] for column in RUN)
        step = row["step_set"], row["step_reaction"]
        offset = energies.get(step, np.nan) - energies[key[:2]]
        run = judged[(*step, *key[2:])]
        intended = run["verdict"] == "intended"
        barrier = number(run["barrier_eV"]) if intended else np.nan
        chains.setdefault(key, []).append(
            row
            | {
                "verdict": run["verdict"],
                "reason": run["reason"],
                "barrier_eV": barrier,
                "saddle_eV": barrier + offset,
                "reference_saddle_eV": known.get(step, np.nan) + offset,
            }
        )
    return [
        {key: (row | whole)[key] for key in CHAIN_COLUMNS}
        for steps in chains.values()
        for whole in [_whole(steps)]
        for row in steps
    ]


def _whole(steps: list[dict]) -> dict:
    """Return what a chain's steps come to."""
    complete = all(row["verdict"] == "intended" for row in steps)
    heights = [row["saddle_eV"] for row in steps]
    known = [row["reference_saddle_eV"] for row in steps]
    return {
        "chain": " -> ".join([steps[0]["step_from"], *(row["step_to"] for row in steps)]),
        "complete": complete,
        "highest_saddle_eV": max(heights) if complete else np.nan,
        "reference_highest_eV": np.nan if np.isnan(known).any() else max(known),
    }


def chains_worded(rows: list[dict]) -> list[dict]:
    """Return a line for each chain, from the rows of `chains.csv` as text, for the report."""
    chains: dict[tuple, list[dict]] = {}
    for row in rows:
        chains.setdefault(tuple(row[column] for column in RUN), []).append(row)

    def energy(text: str) -> str:
        return f"{float(text):.3f}" if text else "\N{EN DASH}"

    return [
        {
            **steps[0],
            "steps": [
                f"{s['step_from']}-{s['step_to']} {s['verdict']}"
                + (f", {energy(s['barrier_eV'])} eV" if s["barrier_eV"] else "")
                for s in steps
            ],
            "highest": energy(steps[0]["highest_saddle_eV"]),
            "known": energy(steps[0]["reference_highest_eV"]),
        }
        for steps in chains.values()
    ]


def naming_chains(chains: list[dict], columns: list[str]) -> Callable[[list[str]], list[str]]:
    """Return what names its chain in the reason of each run that has one.

    Parameters
    ----------
    chains : rows of `chains.csv`
    columns : of the rows that are changed, lists of text
    """
    steps: dict[tuple, list[dict]] = {}
    for row in chains:
        steps.setdefault(tuple(row[column] for column in RUN), []).append(row)
    sentences = {run: _sentence(rows) for run, rows in steps.items()}
    key, reason = [columns.index(column) for column in RUN], columns.index("reason")

    def named(row: list[str]) -> list[str]:
        sentence = sentences.get(tuple(row[at] for at in key))
        if sentence is not None:
            row[reason] = "; ".join(filter(None, (row[reason], sentence)))
        return row

    return named


def _sentence(steps: list[dict]) -> str:
    """Say of one run's chain what its steps came to."""
    first = steps[0]
    if first["complete"]:
        top = max(steps, key=lambda row: row["saddle_eV"])
        return (
            f"chain {first['chain']}, its highest saddle {top['saddle_eV']:.3f} eV above the "
            f"reactant in step {top['step_from']}-{top['step_to']}"
        )
    missing = [
        f"{row['step_from']}-{row['step_to']} is {row['verdict']}"
        for row in steps
        if row["verdict"] != "intended"
    ]
    return f"chain {first['chain']}, incomplete: {', '.join(missing)}"
