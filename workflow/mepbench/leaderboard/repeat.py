"""Runs of a submission made again, to see if their numbers of evaluations are true.

Only what ships is run: an archive names methods and options, and no file of anybody's is loaded
for it. Which rows are drawn depends on the seed, which who judges chooses, and on the archive as a
whole, so that its author can't know them before.
"""

import hashlib
from dataclasses import dataclass

from ..config import Method, check_method
from ..errors import REFUSED, InputError
from ..judging.verify import refine_and_judge
from ..oracle import PotentialSpec
from ..reaction import SAFE_NAME, Reaction
from ..registry import PACKAGE
from ..solving.guess import make_guess
from ..solving.solve import solve
from .submission import Key, Submission, claimed_number

# Other machines round otherwise, and a run may take another turn.
NEAR, SHARE = 5, 0.1  # evaluations, and a share of them


@dataclass(frozen=True)
class Repeated:
    """What a run that was made again came to."""

    verdict: str
    reason: str
    path: int = -1
    refine: int = -1


def chosen(submission: Submission, size: int, seed: int) -> list[Key]:
    """Return the rows that are run again: of methods that ship, those of smallest hash."""
    ships = {
        name for name in submission.config["methods"] if shipped_method(submission.config, name)
    }
    keys = [
        key
        for key, row in submission.rows.items()
        if key[2] in ships and row["verdict"] not in REFUSED
    ]

    def draw(key: Key) -> bytes:
        text = "\0".join(map(str, (seed, submission.digest, *key)))
        return hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()

    return sorted(keys, key=draw)[:size]


def shipped_method(config: dict, name: str) -> Method | None:
    """Return a method of a submission, complete; None where not all of it ships."""
    entry = {
        "guess": config["guess"],
        "refiner": config["refiner"],
        **config["methods"][name],
    }
    entry["budget"] = config["budget"] | entry.get("budget", {})
    if not all(SAFE_NAME.fullmatch(text) for text in _texts(entry)):
        return None
    kinds = {"solver": "methods", "of": "methods", "guess": "guesses", "refiner": "refiners"}
    named = [(kind, entry[key]) for key, kind in kinds.items() if key in entry]
    if prior := entry.get("prior"):
        named.append(("potentials", prior.get("name") if isinstance(prior, dict) else prior))
    files = (PACKAGE / kind / f"{str(text).replace('-', '_')}.py" for kind, text in named)
    if not all(file.is_file() for file in files):
        return None
    try:
        return check_method(name, entry)[0]
    except InputError:
        return None


def _texts(value: object) -> list[str]:
    """Return all text in plain values: none of it may be a path."""
    if isinstance(value, dict):
        return [text for item in value.items() for part in item for text in _texts(part)]
    if isinstance(value, list):
        return [text for part in value for text in _texts(part)]
    return [value] if isinstance(value, str) else []


def run_again(
    reaction: Reaction, config: dict, name: str, seed: int, potential: PotentialSpec
) -> Repeated:
    """Run one method on one reaction as the submission says it was run."""
    method = shipped_method(config, name)
    guess = make_guess(reaction, method.guess, None)
    budget = method.budget
    solved = solve(reaction, guess, method.solver, method.options, potential, budget["path"], seed)
    if solved.path is None:
        return Repeated(solved.verdict, solved.reason, solved.evaluations)
    judged = refine_and_judge(
        reaction, solved.path, solved.peak, method.refiner, potential, budget["refine"], seed
    )
    return Repeated(judged.verdict, judged.reason, solved.evaluations, judged.refine_evaluations)


def differences(claimed: dict[str, str], found: Repeated) -> list[str]:
    """Say in what a row is not what its run comes to when made again."""
    wrong = []
    if found.verdict != claimed["verdict"]:
        wrong.append(f"run again it is {found.verdict} ({found.reason})")
    for stage, count in (("path", found.path), ("refine", found.refine)):
        said = claimed_number(claimed[f"gradients_{stage}"])
        if count >= 0 and not abs(said - count) <= max(NEAR, SHARE * count):
            wrong.append(f"gradients_{stage} {count} when run again, claimed {said:.0f}")
    return wrong
