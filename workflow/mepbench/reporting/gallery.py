"""A gallery of a set: each reaction drawn in 2D, what it is, and how hard it turned out to be.

HTML pages that need no network, `PER_PAGE` reactions each, and `reactions.csv`, the same as a
table for programs. Reactions are read, drawn and written a page at a time. Barriers come from
the references of a results folder, else from those that ship with the set; the share of methods
that found the intended saddle, and their median cost, from the folder's `runs.csv`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ..errors import REFUSED, InputError
from ..files.metrics import KCAL_PER_EV
from ..files.provenance import read_manifest
from ..files.tidy import write_rows
from ..reaction import SAFE_NAME, Entry, locate_set, read_set
from .depiction import depict
from .site import PAGES, page

PER_PAGE = 100
POTENTIAL = "GFN2-xTB"  # of the shipped references
COLUMNS = tuple(
    "set reaction class natoms formula charge multiplicity state_from problem barrier_eV "
    "reference_source methods_solved methods evaluations_median literature".split()
)


@dataclass(frozen=True)
class Outcomes:
    """What is known of a set's reactions beside their structures, each by name.

    Attributes
    ----------
    refused : why endpoints were refused
    barriers : (eV, where from)
    difficulty : methods that solved it, methods that tried, median evaluations to the saddle
    """

    refused: dict[str, str]
    barriers: dict[str, tuple[float, str]]
    difficulty: dict[str, tuple[int, int, float]]


def build(
    spec: str, folder: str | Path, *, results: str | Path | None = None, report: str = ""
) -> Path:
    """Write the gallery of a set into `folder`; return its first page.

    Parameters
    ----------
    spec : a shipped set's name or a path; with `results` also the name that the run gave a set
    results : folder of a run of this set; its reactions alone are shown
    report : from `folder` to that of the report which this is a part of, such as `../../`

    Raises
    ------
    InputError
        if there is no such set, or the results are of another one.
    """
    name, spec, only = _chosen(spec, Path(results) if results else None)
    entries = read_set(name, spec, only=only)
    outcomes = _of_run(Path(results), name) if results else _shipped(spec)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("page-*.html"):
        old.unlink()
    rows = []
    pages = [_page_name(i) for i in range(-(-len(entries) // PER_PAGE))]
    for number in range(len(pages)):
        part = entries[number * PER_PAGE : (number + 1) * PER_PAGE]
        drawn = list(_rows(part, outcomes))
        text = _render(name, number, pages, drawn, len(entries), report)
        (folder / pages[number]).write_text(text, encoding="utf-8")
        rows += [{key: row[key] for key in COLUMNS} for row in drawn]
    write_rows(str(folder / "reactions.csv"), COLUMNS, rows)
    return folder / pages[0]


def _chosen(spec: str, results: Path | None) -> tuple[str, str, set[str] | None]:
    """Name and spec of the set, and the names of its reactions that were run."""
    if results is None:
        stem = locate_set("gallery", spec).stem
        return (stem if SAFE_NAME.fullmatch(stem) else "set"), spec, None
    sets = read_manifest(results)["sets"]
    names = [name for name, given in sets.items() if spec in (name, given)]
    if not names:
        raise InputError(f"{results}: no run of the set {spec!r}, only of {', '.join(sets)}.")
    rows = _text(results / "sets" / names[0] / "endpoints.csv")
    return names[0], sets[names[0]], set(rows.reaction)


def _shipped(spec: str) -> Outcomes:
    from ..files.frames import read_frames
    from ..scoring.reference import reference_file

    file = reference_file(spec, POTENTIAL)
    frames = read_frames(file) if file is not None and file.exists() else []
    saddles = [atoms.info for atoms in frames if atoms.info["role"] == "ts"]
    barriers = {i["reaction"]: (float(i["barrier_eV"]), f"shipped, {POTENTIAL}") for i in saddles}
    return Outcomes({}, barriers, {})


def _of_run(results: Path, name: str) -> Outcomes:
    from ..scoring.score import read_runs

    ends = _text(results / "sets" / name / "endpoints.csv")
    refused = ends[ends.verdict != "ok"]
    reference = _text(results / "reference.csv")
    reference = reference[(reference["set"] == name) & (reference.barrier_eV != "")]
    sources = zip(reference.barrier_eV.astype(float), reference.reference_source, strict=True)
    runs = read_runs(results / "runs.csv")
    runs = runs[(runs["set"] == name) & ~runs.verdict.isin(REFUSED)]
    difficulty = {}
    for reaction, group in runs.groupby("reaction", sort=False):
        solved = group[group.verdict == "intended"]
        cost = float("nan")
        if len(solved):
            cost = float((solved.gradients_path + solved.gradients_refine).median())
        difficulty[reaction] = solved.method.nunique(), group.method.nunique(), cost
    return Outcomes(
        dict(zip(refused.reaction, refused.reason, strict=True)),
        dict(zip(reference.reaction, sources, strict=True)),
        difficulty,
    )


def _rows(entries: list[Entry], outcomes: Outcomes) -> Iterator[dict]:
    """Draw reactions; yield what a page and the table show of each."""
    from ase.formula import Formula
    from ase.symbols import Symbols

    for entry in entries:
        drawing = depict(entry)
        numbers = drawing.numbers
        barrier, source = outcomes.barriers.get(entry.name, (float("nan"), ""))
        solved, methods, cost = outcomes.difficulty.get(entry.name, ("", "", float("nan")))
        yield {
            "set": entry.set,
            "reaction": entry.name,
            "class": entry.reaction_class,
            "natoms": drawing.natoms or "",
            "formula": ""
            if numbers is None
            else str(Formula(str(Symbols(numbers))).format("hill")),
            "charge": entry.charge,
            "multiplicity": entry.multiplicity,
            "state_from": entry.state_from,
            "problem": drawing.problem or outcomes.refused.get(entry.name, ""),
            "barrier_eV": barrier,
            "reference_source": source,
            "methods_solved": solved,
            "methods": methods,
            "evaluations_median": cost,
            "literature": entry.literature,
            "drawing": drawing,
            "barrier": "" if pd.isna(barrier) else f"{barrier:.3f} ({barrier * KCAL_PER_EV:.1f})",
            "cost": "" if pd.isna(cost) else f"{cost:.0f}",
        }


def _render(
    name: str, number: int, pages: list[str], rows: list[dict], count: int, report: str
) -> str:
    return page(
        "gallery.html",
        inline=True,
        root=report,
        here="reactions",
        pages=PAGES if report else (),
        title=f"mepbench gallery: {name}",
        set=name,
        number=number,
        parts=pages,
        rows=rows,
        count=count,
        first=number * PER_PAGE + 1,
        has_barriers=any(row["barrier"] for row in rows),
        has_runs=any(row["methods"] for row in rows),
    )


def _page_name(number: int) -> str:
    return "index.html" if number == 0 else f"page-{number + 1}.html"


def _text(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, dtype=str, keep_default_na=False)
