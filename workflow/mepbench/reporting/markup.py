"""Tables of text as Markdown and LaTeX.

Names and reasons come from data files: here they are escaped, so that none of them is
markup.
"""

import math
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

from ..errors import one_line
from ..files.metrics import KCAL_PER_EV


def markdown(table: "pd.DataFrame") -> str:
    """Return a table of text as a Markdown table."""
    head = [_markdown_text(column) for column in table.columns]
    lines = [head, ["---"] * len(head)]
    lines += [[_markdown_text(cell) for cell in row] for row in table.itertuples(index=False)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def rst_text(text: str) -> str:
    """Return text of which reStructuredText takes nothing for markup."""
    return re.sub(r"([^\w\s])|_", lambda match: f"\\{match[0]}", " ".join(text.split()))


def latex(table: "pd.DataFrame", caption: str, label: str) -> str:
    """Return a table of text as a LaTeX longtable; it needs longtable and booktabs."""
    columns = ["p{0.4\\linewidth}" if name == "reason" else "l" for name in table.columns]
    head = _latex_line(table.columns)
    body = "".join(_latex_line(row) for row in table.itertuples(index=False))
    return (
        "% \\usepackage{longtable,booktabs}\n"
        f"\\begin{{longtable}}{{{''.join(columns)}}}\n"
        f"\\caption{{{latex_text(caption)}}}\\label{{{label}}}\\\\\n"
        f"\\toprule\n{head}\\midrule\n\\endhead\n{body}\\bottomrule\n\\end{{longtable}}\n"
    )


def _latex_line(cells: Iterable) -> str:
    return " & ".join(map(latex_text, cells)) + " \\\\\n"


def _markdown_text(text: object) -> str:
    """Escape what Markdown or HTML would read as markup."""
    escaped = "".join(f"\\{c}" if c in "\\`*_[]|~#!$" else c for c in one_line(text))
    return escaped.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


# A bracket after \\ or \midrule would be read as its option: braces hide it.
LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "[": "{[}",
    "]": "{]}",
    "*": "{*}",
    "\N{EN DASH}": "--",
    "\N{ANGSTROM SIGN}": r"\AA{}",
    "\N{LATIN CAPITAL LETTER A WITH RING ABOVE}": r"\AA{}",
    **{c: f"\\{c}" for c in "&%$#_{}"},
}


def latex_text(text: object) -> str:
    """Escape every character that means something to LaTeX."""
    return "".join(LATEX.get(c, c) for c in one_line(text))


def both(energy: float) -> str:
    """Return an energy (eV) in both units, a dash where it is unknown."""
    if math.isnan(energy):
        return "\N{EN DASH}"
    return f"{signed(energy, 3)} eV ({signed(energy * KCAL_PER_EV, 1)} kcal/mol)"


def signed(number: float, digits: int) -> str:
    """Return a number with a true minus sign, and none before a zero."""
    text = f"{number:.{digits}f}"
    return text.lstrip("-") if not text.strip("-0.") else text.replace("-", "\N{MINUS SIGN}")
