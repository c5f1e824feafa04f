"""The report: a folder of pages that needs no network, the one page forwarded being `index.html`.

The landing page answers which method solves most, which costs least and how sure that is;
every other page holds a part of what the tables and figures of the results folder show, with
every failure and its reason, and where the numbers come from. What few reactions can't tell is
left out, and is said to be (`enough`).
"""

import shutil
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from ..errors import InputError
from ..files.metrics import METRICS
from ..files.tidy import read_rows
from ..scoring.explained import chains
from ..scoring.reference import notices
from ..statistics.summary import summary
from . import interactive, method_pages, reaction_list, reaction_pages, wording
from .answer import sentences, standing, with_steps
from .enough import counts, lacking
from .figures import Results, caption, figure_files
from .listing import Listing, of_frame
from .reaction_list import failing, pages_for, reaction_links, reactions
from .site import PAGES, PLOTLY, copy_assets, write_page
from .standings import each_run, method_links, standings
from .tables import TABLES, exact
from .verdicts import MEANING, ORDER

# Tables of the page on statistics, in its order, and their titles.
STATISTICS = {
    "summary": "Summary",
    "verdicts": "How runs ended",
    "unsolved": "Reactions that no method solved",
    "intervals": "How sure the numbers are",
    "pairwise": "Method against method",
    "virtual_best": "The virtual best method",
    "profiles": "Profiles",
    "accuracy": "Accuracy against budget",
    "ranks": "Stability of the ranks",
    "hardness": "What goes with failure",
}
MOST_DATA = 5_000_000  # bytes of a table that comes with the report


def build(results_folder: str | Path, folder: str | Path, asked: Iterable[str] = ()) -> Path:
    """Write the report of a results folder, whose figures have been rendered; return its page.

    Parameters
    ----------
    folder : of the report; what else lies there, such as galleries, stays
    asked : names of reactions that get a page even where there are too many for each to have one

    Raises
    ------
    InputError
        if nothing was run there.
    """
    results, folder = Results(Path(results_folder)), Path(folder)
    if not (results.folder / "runs.csv").exists():
        raise InputError(f"{results.folder} has no runs.csv: nothing was run here.")
    for part in ("methods", "reactions", "images", "data"):
        shutil.rmtree(folder / part, ignore_errors=True)
    copy_assets(folder)
    endpoints = _endpoints(results.folder)
    keys = pages_for(results, list(asked))
    links = reaction_links(keys)
    methods = method_links(results.methods)
    summed = summary(results.judged) if len(results.judged) else pd.DataFrame()
    board = standings(summed, methods)
    failures = failing(results, links)
    reaction_pages.write(results, folder, keys)
    _landing(results, folder, board, with_steps(summed), endpoints)
    _reactions(results, folder, endpoints, links)
    listing = method_pages.index(results, board, methods)
    _page(folder, "methods", "Methods", listings=[listing], listing=listing)
    method_pages.write(results, folder, board, links)
    _statistics(results, folder)
    _figures(results, folder)
    verdicts = [(name, MEANING[name]) for name in ORDER if name in set(results.runs["verdict"])]
    _page(folder, "failures", "Failures", listings=[failures], listing=failures, verdicts=verdicts)
    _page(
        folder,
        "origin",
        "How it was made",
        provenance=results.provenance,
        files=_data(results, folder),
    )
    return folder / "index.html"


def _page(folder: Path, here: str, title: str, *, scripts=(), listings=(), **contents) -> None:
    """Write one of `site.PAGES`; its template has the same name."""
    file = next(file for key, _, file in PAGES if key == here)
    scripts = [*(["table.js"] if listings else []), *scripts]
    write_page(
        folder / file, file, title=f"mepbench: {title}", here=here, pages=PAGES, scripts=scripts,
        heading=title, **contents,
    )  # fmt: skip


def _landing(
    results: Results, folder: Path, board: Listing, of_steps: list[str], endpoints: pd.DataFrame
) -> None:
    runs = results.judged
    reactions = len(runs.drop_duplicates(["set", "reaction"]))
    figures, left_out = [], []
    for draw in interactive.LANDING:
        why = lacking(draw.__name__, reactions, len(results.methods))
        figure = None if why else draw(results)
        if figure:
            figures.append(figure)
        elif why:
            left_out.append((draw.__name__, why))
    scripts = ["chart.js", "standings.js"]
    if figures:
        scripts = [PLOTLY, "chart.js", "figures.js", "standings.js"]
    _page(
        folder, "result", _count(results, reactions),
        scripts=scripts,
        listings=[board],
        board=board,
        runs=each_run(results, endpoints),
        sentences=[*sentences(standing(results.runs)), *of_steps],
        sets=list(dict.fromkeys(runs["set"])),
        potentials=sorted(set(results.runs["potential"]) - {""}),
        refused=results.runs.drop_duplicates(["set", "reaction"]).shape[0] - reactions,
        budget=results.provenance.get("config", {}).get("budget", {}),
        figures=figures,
        left_out=left_out,
        charts={chart.name: chart.packed for figure in figures for chart in figure.charts},
        better=_notices(results),
        below=results.runs[results.runs["below_reference"]].to_dict("records"),
        metrics=METRICS,
    )  # fmt: skip


def _notices(results: Results) -> list[str]:
    """What the run found that the shipped references don't know, without the folder's place."""
    lines = notices(results.folder) if len(results.reference) else []
    return [line.replace(str(results.folder), results.folder.name) for line in lines]


def _count(results: Results, reactions: int) -> str:
    methods = len(results.methods)
    return f"{reactions} reaction{'s' * (reactions != 1)}, {methods} method{'s' * (methods != 1)}"


def _reactions(results: Results, folder: Path, endpoints: pd.DataFrame, links: dict) -> None:
    listing, barriers = reactions(results, endpoints, links)
    notes = []
    if len(endpoints):
        accepted = (endpoints["verdict"] == "ok") & (endpoints["reason"] != "")
        notes = endpoints[accepted].to_dict("records")
    file = results.folder / "chains.csv"
    names = dict.fromkeys(results.runs["set"])
    galleries = {name: f"gallery/{name}/index.html" for name in names}
    _page(
        folder, "reactions", "Reactions",
        scripts=["chart.js", "reactions.js"],
        listings=[listing],
        listing=listing,
        barriers=barriers,
        with_page=len(links),
        most=reaction_list.MOST_PAGES,
        links=links,
        galleries={name: link for name, link in galleries.items() if (folder / link).exists()},
        notes=notes,
        chains=chains(read_rows(str(file))) if file.exists() else [],
    )  # fmt: skip


def _statistics(results: Results, folder: Path) -> None:
    """The tables, set by set; those that a set is too small for are named."""
    sizes, parts = counts(results.judged), []
    for name, title in STATISTICS.items():
        readable = TABLES[name][1](exact(name, results.runs, results.traces))
        tables, why = [], {}
        for set_name, part in _by_set(readable):
            size = sizes.get(set_name, 0) if set_name else sum(sizes.values())
            lack = lacking(name, size, len(results.methods))
            if lack:
                why[set_name] = lack
            else:
                tables.append((set_name, of_frame(f"{name}-{len(tables)}", title, part)))
        parts.append(
            {
                "name": name,
                "title": title,
                "caption": wording.CAPTIONS[name],
                "tables": tables,
                "left_out": why,
            }
        )
    found = [table for part in parts for _, table in part["tables"]]
    _page(folder, "statistics", "Statistics", listings=found, parts=parts, several=len(sizes) > 1)


def _by_set(table: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """Parts of a readable table by set; the whole of one whose sets are pooled."""
    if table.empty:
        return []
    if "set" not in table:
        return [("", table)]
    return [(name, part.drop(columns="set")) for name, part in table.groupby("set", sort=False)]


def _figures(results: Results, folder: Path) -> None:
    """Copies of the printed figures, the smaller of SVG and PNG to be seen, and the PDF."""
    size, found, left_out = sum(counts(results.judged).values()), [], []
    images = folder / "images"
    images.mkdir(parents=True, exist_ok=True)
    for name in figure_files(results.figures):
        files = [results.folder / "figures" / f"{name}.{kind}" for kind in ("svg", "png")]
        files = sorted((f for f in files if f.exists()), key=lambda f: f.stat().st_size)
        why = lacking(name, size, len(results.methods))
        if why:
            left_out.append((name, why))
        if why or not files:
            continue
        printed = (results.folder / "figures" / f"{name}.pdf",)
        copies = [shutil.copyfile(f, images / f.name) for f in (files[0], *printed) if f.exists()]
        found.append(
            {
                "name": name,
                "caption": caption(name, results.figures),
                "shown": f"images/{copies[0].name}",
                "printed": f"images/{copies[1].name}" if len(copies) > 1 else "",
            }
        )
    found.sort(key=lambda figure: figure["name"] != "solved")
    _page(folder, "figures", "Figures", figures=found, left_out=left_out)


def _data(results: Results, folder: Path) -> list[tuple[str, str]]:
    """Copies of the tables, for programs; one that is very large stays where it was written."""
    wanted = [results.folder / "runs.csv", results.folder / "reference.csv"]
    wanted += sorted((results.folder / "tables").glob("*.csv"))
    (folder / "data").mkdir(parents=True, exist_ok=True)
    found = []
    for file in wanted:
        if file.exists() and file.stat().st_size <= MOST_DATA:
            shutil.copyfile(file, folder / "data" / file.name)
            found.append((file.name, f"data/{file.name}"))
        elif file.exists():
            found.append((file.name, ""))
    return found


def _endpoints(folder: Path) -> pd.DataFrame:
    files = sorted(folder.glob("sets/*/endpoints.csv"))
    read = [pd.read_csv(file, dtype=str, keep_default_na=False) for file in files]
    return pd.concat(read, ignore_index=True) if read else pd.DataFrame()
