"""What a search has cost: evaluations and seconds by level and stage, and what of it was reused."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

SPIN = "spin"  # the ends in the neighbouring multiplicities, outside the stages' count


@dataclass(frozen=True)
class BillLine:
    """One stage on one level.

    Attributes
    ----------
    level : what computed it, as `potential` in the summary
    stage : ends, spin, guess, prior, path, refine, verify or thermo
    evaluations : booked, the reused among them
    seconds : wall clock, that of the reused when they were computed included
    reused : of the evaluations, those that an earlier search left on record
    reused_seconds : what these took then
    """

    level: str
    stage: str
    evaluations: int
    seconds: float
    reused: int = 0
    reused_seconds: float = 0.0


def bill_line(progress, stage: str, evaluations: int, seconds: float) -> BillLine:
    """Return the line of a stage of a `Progress`; `seconds` are those in this process."""
    asked = progress.asked[stage]
    seconds += asked.reused_seconds
    reused = asked.reused, asked.reused_seconds
    return BillLine(progress.spec.level, stage, evaluations, seconds, *reused)


def as_values(bill: Sequence[BillLine]) -> list[dict]:
    """Return the bill for `summary.json`."""
    return [
        asdict(line)
        | {"seconds": round(line.seconds, 3), "reused_seconds": round(line.reused_seconds, 3)}
        for line in bill
    ]


def bill_lines(bill: Sequence[BillLine]) -> list[tuple[str, str]]:
    """Return the bill for a terminal: labels and texts, a heading and the sum of each level."""
    several = len({line.level for line in bill}) > 1
    rows = [(f"{line.level}: {line.stage}" if several else line.stage, line) for line in bill]
    columns = ("evaluations", "seconds", "reused", "reused_seconds")
    for level in dict.fromkeys(line.level for line in bill):
        mine = [line for line in bill if line.level == level]
        totals = {name: sum(getattr(line, name) for line in mine) for name in columns}
        rows.append((f"{level}: total" if several else "total", BillLine(level, "", **totals)))
    heading = f"{'evaluations':>11} {'seconds':>10} {'reused':>10} {'reused s':>9}"
    return [("bill", heading)] + [
        (
            f"  {label}",
            f"{of.evaluations:>11} {of.seconds:>10.1f} {of.reused:>10} {of.reused_seconds:>9.1f}",
        )
        for label, of in rows
    ]
