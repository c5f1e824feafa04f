"""A page for each method: what it is, its options, how its runs ended, its profile."""

from pathlib import Path

from ..errors import one_line
from . import interactive
from .described import Described, described
from .enough import lacking
from .figures import Results
from .listing import Cell, Column, Listing
from .reaction_list import failing
from .site import PAGES, PLOTLY, slug, write_page
from .verdicts import MEANING, ORDER


def of_method(results: Results, method: str) -> dict[str, Described | None]:
    """Return what a method consists of, in its files' own words: solver, guess, refiner, prior."""
    config = results.provenance.get("config", {})
    entry = results.configured.get(method, {})
    if "solver" not in entry:
        return {"solver": None}
    found: dict[str, Described | None] = {"solver": described("methods", entry["solver"], entry)}
    for kind, word in (("guesses", "guess"), ("refiners", "refiner")):
        name = entry.get(word, config.get(word))
        found[word] = described(kind, name) if name else None
    return found


def index(results: Results, standings: Listing, links: dict[str, str]) -> Listing:
    """Return a line for each method: what it is, and what it solved at what cost."""
    numbers = {row[0].text: row for row in standings.rows}
    rows = []
    for method in results.methods:
        solver = of_method(results, method)["solver"]
        solved, cost = (numbers[method][at] if method in numbers else Cell("") for at in (1, 3))
        summary = solver.summary if solver else ""
        rows.append([Cell(method, link=links[method]), Cell(summary), solved, cost])
    columns = (
        Column("method", "name", "contain"),
        Column("what it is", "words"),
        Column("solved", "share"),
        Column("evaluations", "number", hint="Median to the saddle."),
    )
    return Listing("methods", "Methods, and what each is", columns, rows, "methods")


def write(results: Results, folder: Path, standings: Listing, links: dict) -> None:
    """Write `methods/{slug(method)}.html` for each method into the report's folder."""
    numbers = {row[0].text: row[1:] for row in standings.rows}
    reactions = len(results.judged.drop_duplicates(["set", "reaction"]))
    inner = {key: f"../{link}" for key, link in links.items()}
    drawn = set()
    if not lacking("solved", reactions, len(results.methods)):
        drawn = set(results.compared["method"])
    for method in results.methods:
        runs = results.runs[results.runs["method"] == method]
        ended = runs["verdict"].value_counts()
        figure = interactive.solved(results, method) if method in drawn else None
        of = of_method(results, method)
        write_page(
            folder / "methods" / f"{slug(method)}.html",
            "method.html",
            title=f"{one_line(method)}: a method",
            root="../",
            here="methods",
            pages=PAGES,
            scripts=[*([PLOTLY, "chart.js", "figures.js"] if figure else []), "table.js"],
            method=method,
            of=of,
            entry=results.configured.get(method, {}),
            numbers=list(zip(standings.columns[1:], numbers.get(method, []), strict=False)),
            ended=[(v, int(ended[v]), MEANING.get(v, "")) for v in ORDER if v in ended],
            total=len(runs),
            figure=figure,
            failures=failing(results, inner, method),
        )
