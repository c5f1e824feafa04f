"""The report: one HTML page that holds everything and needs no network.

It shows what the tables and figures of a results folder show, with captions, every failure
with its reason, and where the numbers come from. The page is
filled in by Jinja with escaping on, since names and reasons are text from data files.
"""

import base64
from pathlib import Path

import pandas as pd

from ..files.tidy import read_rows
from ..scoring.chains import chains_worded
from ..scoring.reference import notices
from . import wording
from .figures import Results, caption, figure_files
from .site import environment
from .tables import TABLES, exact

# Tables of the section on statistics, in its order, and their titles.
STATISTICS = {
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


def build(results_folder: str | Path, output: str | Path) -> Path:
    """Write the page of a results folder, whose figures have been rendered, to `output`."""
    results = Results(Path(results_folder))
    output = Path(output)
    contents = _contents(results) | {"galleries": _galleries(results, output.parent)}
    page = environment().get_template("page.html").render(contents)
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(page, encoding="utf-8")
    return output


def _galleries(results: Results, folder: Path) -> dict[str, str]:
    """Link to the gallery of each set that has one beside the page."""
    links = {name: f"gallery/{name}/index.html" for name in dict.fromkeys(results.runs["set"])}
    return {name: link for name, link in links.items() if (folder / link).exists()}


def _contents(results: Results) -> dict:
    runs = results.runs
    endpoints = _endpoints(results.folder)
    notes = []
    if len(endpoints):
        accepted = (endpoints.verdict == "ok") & (endpoints.reason != "")
        notes = endpoints[accepted].to_dict("records")
    return {
        "sets": list(dict.fromkeys(runs["set"])),
        "methods": results.methods,
        "potentials": sorted(set(runs.potential) - {""}),
        "count": len(runs.drop_duplicates(["set", "reaction"])),
        "summary": _worded(results, "summary"),
        "statistics": [(title, name, _worded(results, name)) for name, title in STATISTICS.items()],
        "reactions": _reactions(results, endpoints),
        "failures": wording.failures(exact("failures", runs, results.traces)).to_dict("records"),
        "below": runs[runs.below_reference].to_dict("records"),
        "better": notices(results.folder) if len(results.reference) else [],
        "chains": _chains(results.folder / "chains.csv"),
        "notes": notes,
        "captions": wording.CAPTIONS,
        "figures": _figures(results.folder / "figures", results.figures),
        "provenance": results.provenance,
    }


def _chains(file: Path) -> list[dict]:
    return chains_worded(read_rows(str(file))) if file.exists() else []


def _worded(results: Results, name: str) -> dict[str, dict]:
    """Headings and rows of a readable table, by set; by "" where sets are pooled."""
    table = TABLES[name][1](exact(name, results.runs, results.traces))
    if table.empty:
        return {}
    if "set" not in table:
        return {"": {"headings": list(table.columns), "rows": table.to_numpy().tolist()}}
    found = {}
    for name, part in table.groupby("set", sort=False):
        part = part.drop(columns="set")
        found[name] = {"headings": list(part.columns), "rows": part.to_numpy().tolist()}
    return found


def _reactions(results: Results, endpoints: pd.DataFrame) -> dict[str, list[dict]]:
    """Each set's reactions: what it is, the reference, and a cell per method."""
    table = wording.reactions_table(results.runs)
    about = {(row["set"], row["reaction"]): row for row in endpoints.to_dict("records")}
    known = {}
    if len(results.reference):
        known = {(r["set"], r["reaction"]): r for r in results.reference.to_dict("records")}
    found: dict[str, list[dict]] = {}
    for row in table.to_dict("records"):
        key = row["set"], row["reaction"]
        reference = known.get(key, {})
        cells = []
        for method in results.methods:
            verdict, barrier = row.get(f"{method} verdict", ""), row.get(f"{method} barrier_eV")
            cells.append({"verdict": verdict.split(" ")[0], "text": wording.cell(verdict, barrier)})
        found.setdefault(row["set"], []).append(
            {
                **row,
                "class": about.get(key, {}).get("class", ""),
                "literature": about.get(key, {}).get("literature", ""),
                "reference": reference.get("barrier_eV", float("nan")),
                "source": reference.get("reference_source", ""),
                "cells": cells,
            }
        )
    return found


def _endpoints(folder: Path) -> pd.DataFrame:
    files = sorted(folder.glob("sets/*/endpoints.csv"))
    read = [pd.read_csv(file, dtype=str, keep_default_na=False) for file in files]
    return pd.concat(read, ignore_index=True) if read else pd.DataFrame()


def _figures(folder: Path, further: list[str]) -> list[dict]:
    """Each figure that was rendered: name, caption, and the smaller of SVG and PNG as a URI."""
    found = []
    for name in figure_files(further):
        images = {
            "svg+xml": folder / f"{name}.svg",
            "png": folder / f"{name}.png",
        }
        sizes = {kind: f.stat().st_size for kind, f in images.items() if f.exists()}
        if not sizes:
            continue
        kind = min(sizes, key=sizes.get)
        encoded = base64.b64encode(images[kind].read_bytes()).decode("ascii")
        found.append(
            {
                "name": name,
                "caption": caption(name, further),
                "uri": f"data:image/{kind};base64,{encoded}",
            }
        )
    return sorted(found, key=lambda figure: figure["name"] != "solved")
