"""A table that its reader sorts and filters: the same cells for the page and for its script.

The page shows the first rows as they stand, so that nothing is hidden where scripts don't run;
`table.js` reads all of them from a JSON island, and shows what was asked for, a part at a time.
"""

import math
import re
from dataclasses import dataclass, replace
from typing import Literal

import pandas as pd

from ..errors import one_line

PER_PAGE = 100
_NUMBER = re.compile(r"[+\N{MINUS SIGN}-]?\d+(?:\.\d+)?")
_LAST = ("", "\N{EN DASH}")  # cells without a value: last, whichever way a column is sorted


@dataclass(frozen=True)
class Column:
    """A column: its heading, how its cells look, and in which way they can be chosen.

    Attributes
    ----------
    kind : `name` and `words` may be long, `share` draws a bar as long as its value
    choose : by `choice` among the column's values, by a `range` of numbers, by text they `contain`
    hint : what the heading means, one sentence
    """

    label: str
    kind: Literal["name", "text", "words", "number", "share"] = "number"
    choose: Literal["", "choice", "range", "contain"] = ""
    hint: str = ""


@dataclass(frozen=True)
class Cell:
    """One cell: its text, the value it is sorted by, `good` or `bad`, and a page's address."""

    text: str
    value: float | None = None
    look: Literal["", "good", "bad"] = ""
    link: str = ""

    @property
    def packed(self) -> list:
        """The four, as the script reads them; without those at the end that are empty."""
        value = self.value
        if value is not None and not math.isfinite(value):
            value = None if math.isnan(value) else math.copysign(1e300, value)
        parts = [one_line(self.text), value, self.look, self.link]
        while len(parts) > 1 and parts[-1] in (None, ""):
            parts.pop()
        return parts


@dataclass(frozen=True)
class Listing:
    """A table of `columns`; `name` is its own within the page, `label` says what it lists."""

    name: str
    label: str
    columns: tuple[Column, ...]
    rows: list[list[Cell]]
    noun: str = "rows"

    @property
    def first(self) -> list[list[Cell]]:
        """The rows that the page shows before its reader asks for others."""
        return self.rows[:PER_PAGE]

    @property
    def packed(self) -> dict:
        """What the script reads."""
        return {
            "columns": [
                {"label": c.label, "kind": c.kind, "choose": c.choose} for c in self.columns
            ],
            "rows": [[cell.packed for cell in row] for row in self.rows],
            "noun": self.noun,
            "page": PER_PAGE,
        }


def trimmed(listing: Listing, *labels: str) -> Listing:
    """Return a listing without those of the columns so labelled whose cells are all alike."""

    def says_something(at: int) -> bool:
        alike = len({row[at].text for row in listing.rows}) < 2
        return listing.columns[at].label not in labels or not alike

    kept = [at for at in range(len(listing.columns)) if says_something(at)]
    columns = tuple(listing.columns[at] for at in kept)
    return replace(
        listing, columns=columns, rows=[[row[at] for at in kept] for row in listing.rows]
    )


def of_frame(name: str, label: str, table: pd.DataFrame, noun: str = "rows") -> Listing:
    """Return a table of readable text as a listing: its first column names, numbers are numbers."""
    columns, rows = [], [[] for _ in range(len(table))]
    for at, heading in enumerate(table.columns):
        texts = [str(text) for text in table[heading]]
        values = [_value(text) for text in texts]
        known = [v is not None or t in _LAST for v, t in zip(values, texts, strict=True)]
        numeric = at > 0 and all(known)
        longest = max(map(len, texts), default=0)
        kind = "name" if at == 0 else "number" if numeric else "words" if longest > 40 else "text"
        columns.append(Column(str(heading), kind))
        for row, text, value in zip(rows, texts, values, strict=True):
            row.append(Cell(text, value if numeric else None))
    return Listing(name, label, tuple(columns), rows, noun)


def _value(text: str) -> float | None:
    """The number that a text begins with; a failed one is larger than any."""
    if text in ("failed", "> budget"):
        return math.inf
    found = _NUMBER.match(text)
    return float(found[0].replace("\N{MINUS SIGN}", "-")) if found else None
