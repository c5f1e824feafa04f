"""A page for each reaction: what it is, what every method found, to be seen and taken along.

Both sides in 2D, the barrier, a table of all runs with verdict and reason in words, the energy
profiles of all methods, and a viewer of path, saddle, IRC and chain that moves with them.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd

from ..errors import InputError, one_line
from ..files.metrics import formatted, metric
from ..files.tidy import read_rows
from ..reaction import Entry, read_set
from ..scoring.explained import chains, ways
from ..scoring.score import read_runs
from .depiction import depict
from .figures import Results
from .geometries import Geometries, geometries
from .looks import look
from .markup import both, signed
from .reaction_scene import reaction_scene
from .scene import as_values
from .site import PAGES, PLOTLY, slug, write_page
from .verdicts import MEANING

Key = tuple[str, str]  # set and reaction
SCRIPTS = (PLOTLY, "vendor/3Dmol-min.js", "chart.js", "scene.js", "viewer.js")
# Columns of the table of runs, and of what they are.
MEASURED = "imaginary_frequency_cm saddle_rmsd_A tangency_defect_eV excess_eV wall_path_s".split()
STAGES = ("gradients_path", "gradients_refine", "gradients_verify")
FACTS = (
    "barrier_eV reverse_barrier_eV reaction_energy_eV imaginary_frequency_cm barrier_0K_eV "
    "free_energy_barrier_eV reaction_free_energy_eV"
).split()


def write(results: Results, folder: Path, which: Sequence[Key]) -> None:
    """Write `reactions/{slug(set, reaction)}.html` into a report's folder for each of `which`.

    Parameters
    ----------
    results : tables of a results folder, beside which its geometries lie
    folder : of the report, whose `assets` the pages link to
    which : (set, reaction), each with a row in `runs.csv`, in the order of `previous` and `next`
    """
    tables = _Tables(results, which)
    pages = {key: f"{slug(*key)}.html" for key in which}
    for name in dict.fromkeys(owner for owner, _ in which):
        wanted = [reaction for owner, reaction in which if owner == name]
        found = geometries(results.folder, name, wanted)
        entries = _entries(results, name, wanted)
        for reaction in wanted:
            key = name, reaction
            at = which.index(key)
            contents = _contents(tables, key, found[reaction], entries.get(reaction))
            write_page(
                folder / "reactions" / pages[key],
                "reaction.html",
                root="../",
                here="reactions",
                pages=PAGES,
                scripts=SCRIPTS if contents["scene"] else (),
                title=f"{one_line(reaction)}, set {name}",
                previous=_link(which, pages, at - 1),
                following=_link(which, pages, at + 1),
                **contents,
            )


def _link(which: Sequence[Key], pages: dict[Key, str], at: int) -> tuple[str, str] | None:
    return (pages[which[at]], which[at][1]) if 0 <= at < len(which) else None


class _Tables:
    """Rows of the results' tables by reaction, so that each page finds its own at once."""

    def __init__(self, results: Results, which: Sequence[Key]):
        self.looks = {name: look(results.style(name)) for name in results.methods}
        self.runs = _by_reaction(results.runs, which)
        file, names = results.folder / "profiles.csv", {reaction for _, reaction in which}
        profiles = read_runs(file, names) if file.exists() else pd.DataFrame()
        self.profiles = _by_reaction(profiles, which)
        self.reference = _by_reaction(results.reference, which)
        self.ends = self._endpoints(results.folder, which)
        rows = [
            row
            for row in read_rows(str(results.folder / "runs.csv"), names)
            if (row["set"], row["reaction"]) in self.runs
        ]
        self.columns = tuple(rows[0]) if rows else ()
        self.cells: dict[Key, dict[tuple[str, int], tuple[str, ...]]] = {}
        for row in rows:
            key, run = (row["set"], row["reaction"]), (row["method"], int(row["seed"]))
            self.cells.setdefault(key, {})[run] = tuple(row.values())
        self.chains = _grouped(chains, results.folder / "chains.csv", set(which))
        self.ways = _grouped(ways, results.folder / "ways.csv", set(which))

    @staticmethod
    def _endpoints(folder: Path, which: Sequence[Key]) -> dict[Key, dict]:
        found = {}
        for name in dict.fromkeys(owner for owner, _ in which):
            file = folder / "sets" / name / "endpoints.csv"
            wanted = {reaction for owner, reaction in which if owner == name}
            for row in read_rows(str(file), wanted) if file.exists() else ():
                found[name, row["reaction"]] = row
        return found


def _by_reaction(table: pd.DataFrame, which: Sequence[Key]) -> dict[Key, pd.DataFrame]:
    if table.empty:
        return {}
    wanted = table["reaction"].isin({reaction for _, reaction in which})
    groups = dict(iter(table[wanted].groupby(["set", "reaction"], sort=False)))
    return {key: groups[key] for key in which if key in groups}


def _grouped(read: Callable, file: Path, which: set[Key]) -> dict[Key, list[dict]]:
    """Return by reaction what a function makes of the rows of a file, if there is one."""
    found: dict[Key, list[dict]] = {}
    for one in read(read_rows(str(file))) if file.exists() else ():
        if (key := (one["set"], one["reaction"])) in which:
            found.setdefault(key, []).append(one)
    return found


def _entries(results: Results, name: str, wanted: list[str]) -> dict[str, Entry]:
    """The reactions as their set asks for them; empty where the set is no longer there."""
    spec = results.provenance.get("sets", {}).get(name)
    if spec is None:
        return {}
    try:
        return {entry.name: entry for entry in read_set(name, spec, only=set(wanted))}
    except (InputError, OSError):
        return {}


def _contents(tables: _Tables, key: Key, found: Geometries, entry: Entry | None) -> dict:
    name, reaction = key
    runs = tables.runs[key].to_dict("records")
    ends = tables.ends.get(key, {})
    profiles = tables.profiles.get(key, pd.DataFrame(columns=["method", "seed"]))
    scene = reaction_scene(
        found,
        {"set": name, "reaction": reaction},
        slug(*key),
        runs,
        profiles,
        tables.looks,
        (tables.columns, tables.cells.get(key, {})),
    )
    if entry is None and found.numbers is not None:
        entry = _entry_of(key, found)
    first = runs[0]
    reference = tables.reference.get(key)
    reference = {} if reference is None else reference.to_dict("records")[0]
    return {
        "set": name,
        "reaction": reaction,
        "about": {**first, **{k: ends.get(k, "") for k in ("class", "literature", "ends_note")}},
        "answer": _answer(runs, reference, tables.chains.get(key, [])),
        "drawing": None if entry is None else depict(entry),
        "facts": _facts(reference, first),
        "source": reference.get("reference_source", ""),
        "headings": [metric(column).axis for column in MEASURED],
        "runs": [_run_words(row) for row in runs],
        "several_seeds": len({row["seed"] for row in runs}) > 1,
        "chains": tables.chains.get(key, []),
        "ways": tables.ways.get(key, []),
        "scene": None if scene is None or not scene.runs else as_values(scene),
    }


def _entry_of(key: Key, found: Geometries) -> Entry:
    roles = ("reactant", "product")
    return Entry(
        set=key[0],
        name=key[1],
        origin="endpoints.xyz",
        charge=found.charge,
        multiplicity=found.multiplicity,
        numbers=dict.fromkeys(roles, found.numbers),
        positions=dict(zip(roles, found.ends, strict=True)),
    )


def _answer(runs: list[dict], reference: dict, found: list[dict]) -> str:
    """Say in a sentence or two what came out."""
    methods = dict.fromkeys(row["method"] for row in runs)
    solved = dict.fromkeys(row["method"] for row in runs if row["verdict"] == "intended")
    many = "1 method" if len(methods) == 1 else f"{len(methods)} methods"
    complete = [chain for chain in found if chain["complete"]]
    if not solved and complete:
        lowest = min(complete, key=lambda chain: chain["highest_saddle_eV"])
        return (
            f"No single step by any of {many}. {lowest['method']} finds the chain "
            f"{lowest['chain']}, all its saddles verified, the highest "
            f"{both(lowest['highest_saddle_eV'])} above the reactant."
        )
    if not solved:
        said = dict.fromkeys(MEANING.get(row["verdict"], row["verdict"]) for row in runs)
        return f"Solved by none of {many}: {'; '.join(said)}."
    barriers = [row["barrier_eV"] for row in runs if row["verdict"] == "intended"]
    barrier = reference.get("barrier_eV", min(barriers))
    cheapest = min(
        (row for row in runs if row["verdict"] == "intended"),
        key=lambda row: row["gradients_path"] + row["gradients_refine"],
    )
    cost = cheapest["gradients_path"] + cheapest["gradients_refine"]
    return (
        f"Barrier {both(barrier)}. {len(solved)} of {many} found a verified saddle of this "
        f"reaction, {cheapest['method']} at the least cost: {cost} gradient evaluations."
    )


def _facts(reference: dict, first: dict) -> list[tuple[str, str, str]]:
    """Label, value and description of what is known of the reaction itself."""
    values = {"reaction_energy_eV": first["reaction_energy_eV"]} | reference
    found = []
    for column in FACTS:
        value = values.get(column)
        if value is None or pd.isna(value):
            continue
        known = metric(column)
        text = both(value) if known.unit == "eV" else f"{value:.0f}i / cm"
        found.append((known.label, text, known.description))
    return found


def _run_words(row: dict) -> dict:
    verdict = row["verdict"]
    solved = verdict == "intended"
    error = row.get("barrier_error_eV")
    return {
        "method": row["method"],
        "seed": row["seed"],
        "verdict": verdict,
        "meaning": MEANING.get(verdict, ""),
        "reason": row["reason"],
        "solved": solved,
        "barrier": formatted("barrier_eV", row["barrier_eV"]) if solved else "\N{EN DASH}",
        "error": "\N{EN DASH}" if not solved or pd.isna(error) else signed(1000 * error, 1),
        "evaluations": " + ".join(formatted(column, row.get(column)) for column in STAGES),
        "cells": [formatted(column, row.get(column)) for column in MEASURED],
    }
