"""The tables of `dft.csv` in Markdown, and a page that has them between two marks."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..files.tidy import number

BEGIN, END = "<!-- made by `make bench-dft`: -->", "<!-- :made by `make bench-dft` -->"
SAME = 0.01  # eV: heights that differ by more are those of two saddles
RUNS = {"plain": "without", "prior": "with"}
TOOLS = {"ci-neb": "CI-NEB", "sella": "Sella"}

Row = dict[str, str]


def tables(rows: Iterable[dict]) -> str:
    """Return what the rows of `dft.csv` come to."""
    rows = [
        {key: "" if value is None else str(value) for key, value in row.items()} for row in rows
    ]
    by_run: dict[tuple[str, str], Row] = {(row["reaction"], row["run"]): row for row in rows}
    names = list(dict.fromkeys(row["reaction"] for row in rows))
    parts = [_searches(names, by_run), *_medians(names, by_run)]
    if any(row["run"] in TOOLS for row in rows):
        parts.append(_tools(names, by_run))
    return "\n\n".join(parts)


def write_page(file: Path, rows: Iterable[dict]) -> None:
    """Put the tables between the marks of a page.

    Raises
    ------
    InputError
        if the page lacks them.
    """
    text = file.read_text(encoding="utf-8")
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not (begin and end):
        raise InputError(f"{file}: has no lines {BEGIN} and {END} for the tables between them")
    file.write_text(f"{head}{BEGIN}\n\n{tables(rows)}\n\n{END}{tail}", encoding="utf-8")


def _searches(names: list[str], by_run: dict) -> str:
    lines = [
        "| reaction | atoms | ends, search, proof | all | with prior: ends, search, proof | all | "
        "GFN2 | barrier (eV) | cm-1 |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name in names:
        plain, helped = (by_run.get((name, run), {}) for run in RUNS)
        if not plain:
            continue
        cells = [
            _named(name, plain),
            plain["natoms"],
            _stages(plain),
            plain.get("total", ""),
            _stages(helped),
            helped.get("total", ""),
            helped.get("prior", ""),
            _heights(plain, helped),
            _rounded(plain, "imaginary_frequency_cm", 0),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _named(name: str, row: Row) -> str:
    state = []
    if row["charge"] != "0":
        state.append(f"charge {row['charge']}")
    if row["multiplicity"] != "1":
        state.append({"2": "doublet", "3": "triplet"}.get(row["multiplicity"], "open shell"))
    return f"{name}, {', '.join(state)}" if state else name


def _stages(row: Row) -> str:
    """Evaluations of ends, search and proof."""
    if not row:
        return ""
    if row["verdict"] != "intended":
        return f"**{row['verdict']}**"
    search = int(row["path"]) + int(row["refine"])
    full = " (full)" if row["proof"] == "full" else ""
    return f"{row['ends']}, {search}, {row['verify']}{full}"


def _heights(plain: Row, helped: Row) -> str:
    text = _rounded(plain, "height_eV", 3)
    if text and helped and not _same(plain, helped):
        text += f"; with prior {_rounded(helped, 'height_eV', 3)}"
    return text


def _same(one: Row, other: Row) -> bool:
    return abs(_height(one) - _height(other)) < SAME


def _height(row: Row) -> float:
    return number(row.get("height_eV", ""))


def _rounded(row: Row, column: str, decimals: int) -> str:
    value = number(row.get(column, ""))
    return "" if np.isnan(value) else f"{value:.{decimals}f}"


def _medians(names: list[str], by_run: dict) -> list[str]:
    """Say what all searches took in the median, of those that are intended both ways."""
    both = [[by_run.get((name, run), {}) for run in RUNS] for name in names]
    pairs = [pair for pair in both if all(row.get("verdict") == "intended" for row in pair)]
    if not pairs:
        return []
    texts = []
    for at, word in enumerate(RUNS.values()):
        rows = [pair[at] for pair in pairs]
        search = np.median([number(row["path"]) + number(row["refine"]) for row in rows])
        ends, proof, total = (
            np.median([number(row[column]) for row in rows])
            for column in ("ends", "verify", "total")
        )
        beside = np.median([number(row["wall_s"]) / number(row["gradient_s"]) for row in rows])
        texts.append(
            f"{word} the prior {ends:g} for the ends, {search:g} for the search, {proof:g} for the "
            f"proof, {total:g} in all, in the time of {beside:.0f} gradients"
        )
    same = sum(_same(*pair) for pair in pairs)
    return [
        f"Of {len(names)} reaction{'s' * (len(names) > 1)} {len(pairs)} are `intended` both ways, "
        f"{same} of them over the same saddle. Medians of these: {'; '.join(texts)}."
    ]


def _tools(names: list[str], by_run: dict) -> str:
    lines = [
        "| reaction | ends, search, proof without; with the prior | CI-NEB | its top, eV off | "
        "Sella from the guess | its saddle, eV off |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name in names:
        plain, helped = (by_run.get((name, run), {}) for run in RUNS)
        others = [by_run.get((name, tool)) for tool in TOOLS]
        if not any(others):
            continue
        cells = [name, f"{_stages(plain)}; {_stages(helped)}"]
        for row in others:
            row = row or {}
            off = _height(row) - _height(plain)
            open_ = "" if row.get("verdict") != "unconverged" else ", not converged"
            cells += [row.get("total", "") + open_, "" if np.isnan(off) else f"{off:+.3f}"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)
