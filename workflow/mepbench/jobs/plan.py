"""What a run will make anew: Snakemake's plan, for whoever shows how far the run is.

A file that is there may be outdated, by a change in a method's code say, and only Snakemake knows.
Without this list it would count as done until its job starts.
"""

from collections.abc import Iterable
from pathlib import Path

from ..files.whole import whole


def plan_file(results: str | Path) -> Path:
    """Return where the list stands."""
    return Path(results) / "logs" / "planned.txt"


def write_plan(results: str | Path, outputs: Iterable[str]) -> None:
    """Write the files that are to be made, one in a line; complete as soon as it is there."""
    file = plan_file(results)
    file.parent.mkdir(parents=True, exist_ok=True)
    with whole(file) as unfinished:
        unfinished.write_text("".join(f"{output}\n" for output in outputs), encoding="utf-8")


def read_plan(results: str | Path) -> set[str] | None:
    """Return the files that are to be made, None where nothing is planned yet."""
    try:
        return set(plan_file(results).read_text(encoding="utf-8").splitlines())
    except OSError:
        return None
