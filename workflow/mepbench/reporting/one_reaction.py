"""What became of one reaction, for a terminal: verdict, barrier, cost and reason of every run."""

import difflib
from pathlib import Path

import pandas as pd

from ..errors import InputError
from ..files.metrics import energy_text, formatted
from ..files.tidy import read_rows
from ..scoring.explained import chains, ways
from ..scoring.score import read_runs
from ..statistics.censored import derived
from .lines import aligned, escaped, painted, verdict_colour, wrapped
from .whereabouts import set_folder, whereabouts

COLUMNS = ["barrier (eV)", "kcal/mol", "error (meV)", "cost", "proof", "seconds"]
NONE = "\N{EN DASH}"
SUGGESTED = 3


def reaction_text(results: Path, runs: pd.DataFrame, name: str, colour: bool = False) -> str:
    """Return all that a results folder says of a reaction, of each set that has one of the name.

    Parameters
    ----------
    runs : as read by `score.read_runs`
    name : the reaction's, or as it is printed where it can't be typed

    Raises
    ------
    InputError
        if there is none of that name; the message has the nearest.
    """
    found = runs[runs["reaction"] == name]
    if found.empty:
        found = runs[[escaped(known) == name for known in runs["reaction"]]]
    if found.empty:
        raise InputError(f"{results}: {_unknown(name, list(dict.fromkeys(runs['reaction'])))}")
    parts = [
        _of_set(results, set_name, reaction, mine, colour)
        for (set_name, reaction), mine in found.groupby(["set", "reaction"], sort=False)
    ]
    return "\n\n".join(parts)


def _unknown(name: str, known: list[str]) -> str:
    shown = {escaped(each).lower(): escaped(each) for each in known}
    asked = escaped(name).lower()
    close = difflib.get_close_matches(asked, shown, n=SUGGESTED, cutoff=0.5)
    close += [each for each in shown if asked and asked in each and each not in close]
    if not close:
        return f"has no reaction {escaped(name)!r} among its {len(known)}"
    names = " or ".join(repr(shown[each]) for each in close[:SUGGESTED])
    return f"has no reaction {escaped(name)!r}. Did you mean {names}?"


def _of_set(results: Path, set_name: str, reaction: str, runs: pd.DataFrame, colour: bool) -> str:
    first, about = runs.iloc[0], _row(set_folder(results, set_name) / "endpoints.csv", reaction)
    natoms = formatted("natoms", first["natoms"])
    state = f"charge {formatted('charge', first['charge'])}, "
    state += f"multiplicity {formatted('multiplicity', first['multiplicity'])}"
    kind = f", {about['class']}" if about.get("class") else ""
    lines = [
        f"{escaped(reaction)}: {escaped(first['formula'])}, {natoms} atoms, {state}; "
        f"set {escaped(set_name)}{escaped(kind)}"
    ]
    if about:
        said = "; ".join(about[key] for key in ("reason", "ends_note") if about.get(key))
        accepted = "accepted" if about.get("verdict") == "ok" else about.get("verdict", "")
        lines.append(wrapped(escaped(f"{accepted}: {said}" if said else accepted), "Ends: "))
    if pd.notna(first["reaction_energy_eV"]):
        lines.append(f"Reaction energy: {energy_text(first['reaction_energy_eV'])}")
    lines += [*_reference(results, set_name, reaction), "", _table(runs, colour)]
    lines += _reasons(runs, colour)
    lines += _chains(results, set_name, reaction)
    lines += _ways(results, set_name, reaction)
    lines += _geometries(results, set_name, reaction, list(runs["method"]))
    return "\n".join(lines)


def _row(file: Path, reaction: str) -> dict[str, str]:
    rows = read_rows(str(file)) if file.exists() else []
    return next((row for row in rows if row.get("reaction") == reaction), {})


def _reference(results: Path, set_name: str, reaction: str) -> list[str]:
    file = results / "reference.csv"
    table = read_runs(file) if file.exists() else pd.DataFrame(columns=["set", "reaction"])
    mine = table[(table["set"] == set_name) & (table["reaction"] == reaction)]
    if mine.empty or pd.isna(mine.iloc[0]["barrier_eV"]):
        return ["Reference: no saddle of this reaction is known"]
    row = mine.iloc[0]
    text = f"Reference: barrier {energy_text(row['barrier_eV'])}"
    if "reference_source" in row:
        text += f", {escaped(row['reference_source'])}"
    if "found_by" in row and pd.notna(row["found_by"]):
        text += f", found by {row['found_by']} of {row['runs']} runs"
    lines = [text]
    if pd.notna(row.get("free_energy_barrier_eV")):
        thermal = energy_text(row["free_energy_barrier_eV"])
        lines.append(f"Free energy of activation, 298.15 K and 1 bar: {thermal}")
    return lines


def _run_name(row: dict, several: bool) -> str:
    return escaped(row["method"]) + (f" (seed {row['seed']})" if several else "")


def _table(runs: pd.DataFrame, colour: bool) -> str:
    rows = [["method", "verdict", *COLUMNS]]
    several = runs.duplicated("method").any()
    for row in derived(runs).to_dict("records"):
        seconds = [row[f"wall_{stage}_s"] for stage in ("guess", "path", "refine", "verify")]
        error = row["barrier_error_eV"]
        numbers = [
            formatted("barrier_eV", row["barrier_eV"]),
            energy_text(row["barrier_eV"]).partition("(")[2].partition(" ")[0] or NONE,
            formatted("barrier_error_meV", 1000 * error),
            formatted("cost_to_saddle", row["cost_to_saddle"]),
            formatted("gradients_verify", row["gradients_verify"]),
            formatted("seconds", pd.Series(seconds, dtype=float).sum()),
        ]
        verdict = painted(escaped(row["verdict"]), verdict_colour(row["verdict"]))
        rows.append([_run_name(row, several), verdict, *numbers])
    note = (
        "Cost: gradient evaluations of path and refinement; proof: of the verification; error:\n"
        "against the reference; seconds: of all stages."
    )
    return aligned(rows, left=(0, 1), colour=colour) + f"\n{note}"


def _reasons(runs: pd.DataFrame, colour: bool) -> list[str]:
    """Return why, each reason once with the runs that give it."""
    said: dict[tuple[str, str], list[str]] = {}
    several = runs.duplicated("method").any()
    for row in runs.to_dict("records"):
        if row["reason"]:
            verdict = escaped(row["verdict"]), escaped(row["reason"])
            said.setdefault(verdict, []).append(_run_name(row, several))
    if not said:
        return []
    lines = ["", "Reasons and remarks:"]
    for (verdict, reason), methods in said.items():
        lines.append(wrapped(f"{verdict}: {reason} [{', '.join(methods)}]", "  "))
    return lines


def _rows_of(file: Path, set_name: str, reaction: str) -> list[dict]:
    rows = read_rows(str(file)) if file.exists() else []
    return [row for row in rows if (row["set"], row["reaction"]) == (set_name, reaction)]


def _ways(results: Path, set_name: str, reaction: str) -> list[str]:
    found = ways(_rows_of(results / "ways.csv", set_name, reaction))
    lines = ["", "Ways that several searches have found, highest saddle (eV):"] if found else []
    for way in found:
        highest = formatted("barrier_eV", way["highest_saddle_eV"])
        text = f"{highest}, {way['chain']}, met {way['met']} of {way['searches']} times: "
        lines.append(wrapped(escaped(text + way["starts"]), f"  {escaped(way['method'])}: "))
    return lines


def _chains(results: Path, set_name: str, reaction: str) -> list[str]:
    mine = _rows_of(results / "chains.csv", set_name, reaction)
    lines = ["", "Chains of steps, highest saddle above the reactant (eV):"] if mine else []
    for chain in chains(mine):
        whole = "complete" if chain["complete"] else "incomplete"
        highest = formatted("barrier_eV", chain["highest_saddle_eV"])
        steps = "; ".join(map(_step, chain["steps"]))
        text = f"{chain['chain']}, {whole}, {highest}: {steps}"
        lines.append(wrapped(escaped(text), f"  {escaped(chain['method'])}: "))
    return lines


def _step(step: dict) -> str:
    barrier = formatted("barrier_eV", step["barrier_eV"])
    return f"{step['step_from']}-{step['step_to']} {barrier} eV"


def _geometries(results: Path, set_name: str, reaction: str, methods: list[str]) -> list[str]:
    shared, runs = whereabouts(results, set_name, reaction)
    names = dict.fromkeys(run for of in runs.values() for run in of if run[0] in methods)
    if not shared and not names:
        return []
    lines = ["", f"Geometries in {escaped(results)}, FILE@FRAMES as ASE reads them:"]
    lines += [f"  {escaped(name)}" for name in shared]
    several = len({method for method, _ in names}) < len(names)
    rows = [
        [
            "  " + _run_name({"method": method, "seed": seed}, several),
            *(escaped(frames.get((method, seed), NONE)) for frames in runs.values()),
        ]
        for method, seed in sorted(names, key=lambda run: methods.index(run[0]))
    ]
    if rows:
        lines.append(aligned([["  method", *runs], *rows], left=(0, 1, 2, 3)))
    return lines
