"""A submission judged anew: verdicts and barriers from its geometries alone.

Every saddle that a row claims is judged as a run's would be, between ends that are proven to be
the set's (`ends`); nothing of the row is used. A row that claims no saddle claims no success, and
stays as it is. Numbers of evaluations can't be told from geometries: they are *claimed*, unless
the run is made again (`repeat`).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..config import selected
from ..errors import REFUSED
from ..jobs.worker import Worker, WorkerError
from ..judging.judge import FIRST_ORDER, Judgement, judge
from ..landscape.tangency import path_quality
from ..oracle import Oracle, PotentialSpec
from ..path import Path, Peak
from ..reaction import Entry, Reaction
from ..solving.solve import PEAK_SEARCH
from .ends import SAME, proven_ends
from .official import entries_digest, official_entries
from .repeat import Repeated, chosen, differences, run_again
from .submission import Key, Submission, claimed_number

JUDGED = (*FIRST_ORDER, "higher-order", "minimum")  # verdicts on a geometry that was proven at rest
LEVELS = ("GFN2-xTB", "GFN1-xTB")
FREQUENCY = (5.0, 0.01)  # 1/cm, and a share of it
COLUMNS = tuple(
    """set reaction method seed claimed_verdict verdict reason claimed_barrier_eV barrier_eV
    imaginary_frequency_cm gradients_path gradients_refine counts differs archive""".split()
)


@dataclass(frozen=True)
class Sample:
    """How many runs are made again, and which."""

    size: int = 0
    seed: int = 0


def potential_of(submission: Submission) -> PotentialSpec:
    """Return the potential that judges, with options of our own.

    Raises
    ------
    ValueError
        if the submission's is none that everyone has.
    """
    options = dict(submission.config["potential"])
    name = options.pop("name")
    known = name in ("xtb-python", "tblite")
    if not known or (level := PotentialSpec(name, options).level) not in LEVELS:
        raise ValueError(f"its potential is none of {', '.join(LEVELS)} by xtb-python or tblite")
    return PotentialSpec.at(level)


def budget_of(submission: Submission, method: str) -> dict[str, int]:
    """Return how many evaluations a method had for each stage."""
    config = submission.config
    budget = config["budget"] | config["methods"][method].get("budget", {})
    return {stage: int(budget[stage]) for stage in ("path", "refine")}


def rejudge(submission: Submission, worker: Worker, sample: Sample) -> Iterator[dict]:
    """Yield a row of `COLUMNS` for each run, first those that should be there and are not.

    Raises
    ------
    ValueError
        if the submission as a whole can't be judged: the sentence says why.
    """
    potential = potential_of(submission)
    if submission.config["accept_relaxed"] or submission.config["keep_order"]:
        raise ValueError("it was run with accept_relaxed or keep_order, which give other ends")
    entries = _entries(submission)
    asked = _asked(submission, entries)
    for key in sorted(asked - set(submission.rows)):
        yield _row(submission, key, differs="the row is missing")
    again = set(chosen(submission, sample.size, sample.seed))
    places: dict[tuple[str, str], list[Key]] = {}
    for key in submission.rows:
        places.setdefault(key[:2], []).append(key)
    for place, keys in places.items():
        ends, wrong = None, ""
        if known := [key for key in keys if key in asked]:
            claimed = submission.ends.get(place)
            try:
                ends, wrong = worker.run(proven_ends, entries[place], claimed, potential)
            except WorkerError as error:
                wrong = f"its ends can't be judged: {error}"
        for key in keys:
            if key in known:
                yield _judged(submission, key, ends, wrong, worker, potential, key in again)
            else:
                yield _row(submission, key, differs="no set, method and seed asked for it")


def _entries(submission: Submission) -> dict[tuple[str, str], Entry]:
    """Return the reactions that should have been run, by set and name."""
    select, found = submission.config.get("select"), {}
    for name, (official, digest) in submission.sets.items():
        entries = official_entries(official)
        if entries_digest(entries) != digest:
            raise ValueError(f"its set {official} is not the one that is known here")
        wanted = selected(select, name)
        for entry in entries:
            if wanted is None or entry.name in wanted:
                found[name, entry.name] = entry
    return found


def _asked(submission: Submission, entries: dict) -> set[Key]:
    """Return the runs that the configuration asks for."""
    config = submission.config
    return {
        (*place, method, int(seed))
        for place in entries
        for method, entry in config["methods"].items()
        for seed in entry.get("seeds", config["seeds"])
    }


def _row(submission: Submission, key: Key, **cells: object) -> dict:
    claimed = submission.rows.get(key, {})
    row = dict(zip(("set", "reaction", "method", "seed"), key, strict=True))
    row |= {"verdict": claimed.get("verdict", ""), "counts": "claimed", "differs": ""}
    row |= {f"claimed_{k}": claimed.get(k, "") for k in ("verdict", "barrier_eV")}
    row |= {k: claimed.get(k, "") for k in ("gradients_path", "gradients_refine")}
    return row | {"archive": submission.digest} | cells


def _judged(submission, key, ends, wrong, worker, potential, repeat) -> dict:
    claimed, saddle = submission.rows[key], submission.saddles.get(key)
    if wrong:
        return _row(submission, key, verdict="bad-endpoints", differs=wrong)
    if (ends is None) != (claimed["verdict"] in REFUSED):
        what = "are refused" if ends is None else "are good"
        return _row(submission, key, differs=f"its ends {what} here, claimed {claimed['verdict']}")
    cells, differs = {}, _over_budget(submission, key)
    if claimed["verdict"] in JUDGED:
        try:
            found = worker.run(judged_saddle, ends, saddle, submission.paths.get(key), potential)
        except WorkerError as error:
            found = Judgement("error", str(error), np.nan)
        cells = _cells(found, ends)
        differs += _differences(claimed, saddle, found, ends)
    if repeat:
        repeated = _again(submission, key, ends, worker, potential)
        wrongs = differences(claimed, repeated)
        cells["counts"] = "refuted" if wrongs else "confirmed"
        differs += wrongs
    return _row(submission, key, **cells, differs="; ".join(differs))


def _again(submission, key, ends, worker, potential) -> Repeated:
    try:
        return worker.run(run_again, ends, submission.config, key[2], key[3], potential)
    except WorkerError as error:
        return Repeated(error.verdict, str(error))


def judged_saddle(
    reaction: Reaction, saddle, path: np.ndarray | None, potential: PotentialSpec
) -> Judgement:
    """Judge one submitted saddle; of its frame only the positions are used."""
    if saddle is None:
        return Judgement("error", "it has no saddle", np.nan)
    if not np.array_equal(saddle.numbers, reaction.numbers):
        return Judgement("error", "its saddle has other atoms than its ends", np.nan)
    oracle, peak = Oracle(potential.of(reaction), reaction), Peak(saddle.positions)
    if path is None:
        return judge(reaction, oracle, peak)
    if path.ndim != 3 or path.shape[1:] != saddle.positions.shape:
        return Judgement("error", "its path has other atoms than its ends", np.nan)
    return judge(reaction, oracle, peak, path_quality(path, oracle), Path(path))


def _cells(found: Judgement, ends: Reaction) -> dict:
    cells = {"verdict": found.verdict, "reason": found.reason}
    cells["imaginary_frequency_cm"] = found.imaginary_frequency_cm
    if found.verdict in FIRST_ORDER:
        cells["barrier_eV"] = _height(found) - ends.energies[0]
    return cells


def _height(found: Judgement) -> float:
    return found.energy if found.point is None else found.point.energy


def _differences(claimed: dict[str, str], saddle, found: Judgement, ends: Reaction) -> list[str]:
    """Say in what a row, or the energy of its frame, is not what was judged."""
    if found.verdict != claimed["verdict"]:
        return [f"verdict {found.verdict} ({found.reason}), claimed {claimed['verdict']}"]
    energy = (saddle.calc.results if saddle.calc else {}).get("energy", np.nan)
    pairs = {"the saddle's energy": (float(energy), _height(found), SAME)}
    if found.verdict in FIRST_ORDER:
        for column, end in (("barrier_eV", 0), ("reverse_barrier_eV", 1)):
            height = _height(found) - ends.energies[end]
            pairs[column] = (claimed_number(claimed[column]), height, SAME)
        wavenumber = found.imaginary_frequency_cm
        limit = FREQUENCY[0] + FREQUENCY[1] * wavenumber
        said = claimed_number(claimed["imaginary_frequency_cm"])
        pairs["imaginary_frequency_cm"] = (said, wavenumber, limit)
    across = float(ends.energies[1] - ends.energies[0])
    pairs["reaction_energy_eV"] = (claimed_number(claimed["reaction_energy_eV"]), across, SAME)
    return [
        f"{what} {here:.4f}, claimed {said:.4f}"
        for what, (said, here, limit) in pairs.items()
        if not abs(said - here) <= limit
    ]


def _over_budget(submission: Submission, key: Key) -> list[str]:
    """Say where a run claims more evaluations than it had, or a number that is none."""
    budget, wrong = budget_of(submission, key[2]), []
    for stage, beyond in (("path", PEAK_SEARCH), ("refine", 0)):
        count = claimed_number(submission.rows[key][f"gradients_{stage}"] or "0")
        if not (count >= 0 and count == int(count)):
            wrong.append(f"gradients_{stage} is no number of evaluations")
        elif count > budget[stage] + beyond:
            wrong.append(f"gradients_{stage} is above the budget of {budget[stage]}")
    return wrong
