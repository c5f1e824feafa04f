"""What two results folders say differently, for a terminal: of two versions, or two settings."""

import json
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from ..files.metrics import formatted
from ..files.provenance import differences
from ..statistics.versions import (
    FEWEST,
    MOVED,
    changed_verdicts,
    compared_costs,
    moved_barriers,
    only_in,
)
from .lines import WIDTH, aligned, escaped, painted, short, verdict_colour, wrapped

MOST = 20  # lines of one kind, but of what was lost, which has them all
NAME, VALUE = 40, 40
RULE = (
    f"Beyond noise: of the reactions that both solve, at least {FEWEST}, the 95% bootstrap "
    "interval of the mean cost ratio excludes 1. p: of so unequal numbers of reactions that one "
    "run alone solves (McNemar, exact)."
)


def two_runs_text(
    folders: tuple[Path, Path], runs: tuple[pd.DataFrame, pd.DataFrame], colour=False
) -> str:
    """Return the comparison of an old and a new results folder.

    Parameters
    ----------
    runs : of each, as read by `score.read_runs`
    """
    old, new = runs
    manifests = tuple(_manifest(folder) for folder in folders)
    changes, costs = changed_verdicts(old, new), compared_costs(old, new)
    same_potential = _said(old, "potential") == _said(new, "potential")
    moved = moved_barriers(old if same_potential else old[:0], new)
    head = [
        f"{name}: {escaped(folder)}: {_what(manifest, mine)}"
        for name, folder, manifest, mine in zip(
            ("old", "new"), folders, manifests, runs, strict=True
        )
    ]
    if not same_potential:
        head.append("Different potentials: their barriers and verdicts are of different surfaces.")
    elif _options(manifests[0]) != _options(manifests[1]):
        head.append("The potential's options differ, see below.")
    if _said(old, "backend") != _said(new, "backend"):
        backends = " -> ".join(_said(mine, "backend") or "nothing" for mine in runs)
        head.append(f"Different backends of the potential: {escaped(backends)}")
    parts = [
        "\n".join(head),
        "\n".join(_answer(changes, costs, moved, old, new)),
        _costs_text(costs, colour),
        *(_changes_text(changes, kind, colour) for kind in ("lost", "gained", "other")),
        _moved_text(moved),
        _only_text(old, new),
        _provenance_text(*manifests),
    ]
    return "\n\n".join(part for part in parts if part)


def _manifest(folder: Path) -> dict:
    file = folder / "provenance.json"
    try:
        read = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return read if isinstance(read, dict) else {}


def _said(runs: pd.DataFrame, column: str) -> str:
    return ", ".join(sorted({*runs[column]} - {""}))


def _options(manifest: dict) -> object:
    config = manifest.get("config")
    return config.get("potential") if isinstance(config, dict) else None


def _what(manifest: dict, runs: pd.DataFrame) -> str:
    commit = str(manifest.get("commit") or "")[:10]
    version = f"mepbench {manifest['mepbench']}" if "mepbench" in manifest else "no provenance"
    version += f" ({commit})" if commit else ""
    reactions = len(runs.drop_duplicates(["set", "reaction"]))
    counts = f"{_many(reactions, 'reaction')}, {_many(runs['method'].nunique(), 'method')}"
    return f"{escaped(version)}, {escaped(_said(runs, 'potential') or 'no potential')}, {counts}"


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _answer(changes, costs, moved, old, new) -> list[str]:
    """The comparison in a few sentences."""
    if costs.empty:
        return ["Nothing to compare: the two have no run of one method on one reaction in common."]
    count = changes["kind"].value_counts()
    pairs = len(old.merge(new, on=["set", "reaction", "method", "seed"]))
    lines = [
        f"Of {_many(pairs, 'run')} that both have: solved no longer {count.get('lost', 0)}, "
        f"solved now {count.get('gained', 0)}, failed otherwise {count.get('other', 0)}."
    ]
    far = costs[costs["beyond"]]
    dearer, cheaper = far[far["ratio"] > 1], far[far["ratio"] < 1]
    for which, word in ((dearer, "dearer"), (cheaper, "cheaper")):
        if len(which):
            lines.append(f"Beyond noise {word}: {', '.join(map(escaped, which['method']))}.")
    if far.empty:
        lines.append("No method's cost changed beyond noise.")
    if len(moved):
        lines.append(f"{_many(len(moved), 'barrier')} moved by more than {1000 * MOVED:g} meV.")
    return lines


def _costs_text(costs: pd.DataFrame, colour: bool) -> str:
    if costs.empty:
        return ""
    rows = [
        [
            "method",
            "both solve",
            "cost old",
            "new",
            "ratio",
            "95% interval",
            "",
            "lost",
            "gained",
            "p",
        ]
    ]
    for row in costs.to_dict("records"):
        said = ""
        if row["beyond"]:
            said = "dearer" if row["ratio"] > 1 else "cheaper"
        ends = "" if pd.isna(row["ratio"]) else f"{row['low']:.3f} to {row['high']:.3f}"
        lost = painted(str(row["lost"]), "red" if row["lost"] else "")
        gained = painted(str(row["gained"]), "green" if row["gained"] else "")
        rows.append(
            [
                short(row["method"], NAME),
                str(row["reactions"]),
                *(formatted("cost_to_saddle", row[run]) for run in ("old", "new")),
                "\N{EN DASH}" if pd.isna(row["ratio"]) else f"{row['ratio']:.3f}",
                ends,
                painted(said, "red" if said == "dearer" else "green"),
                lost,
                gained,
                f"{row['p']:.2f}" if row["lost"] + row["gained"] else "",
            ]
        )
    return f"{aligned(rows, left=(0, 6), colour=colour)}\n{wrapped(RULE)}"


TITLES = {
    "lost": "Solved no longer:",
    "gained": "Solved now:",
    "other": "Failed then and now, with another verdict:",
}


def _changes_text(changes: pd.DataFrame, kind: str, colour: bool) -> str:
    mine = changes[changes["kind"] == kind]
    if mine.empty:
        return ""
    several = changes["seed"].nunique() > 1
    most = len(mine) if kind == "lost" else MOST
    rows = []
    for row in mine.head(most).to_dict("records"):
        method = escaped(row["method"]) + (f" (seed {row['seed']})" if several else "")
        verdicts = [painted(escaped(row[run]), verdict_colour(row[run])) for run in ("old", "new")]
        reason = row["reason_old"] if kind == "gained" else row["reason_new"]
        name = f"  {short(row['reaction'], NAME)} ({escaped(row['set'])})"
        rows.append([name, method, verdicts[0], "->", verdicts[1], short(reason, WIDTH)])
    more = [f"  and {len(mine) - most} more"] if len(mine) > most else []
    table = aligned(rows, left=range(6), colour=colour)
    return "\n".join([TITLES[kind], table, *more])


def _moved_text(moved: pd.DataFrame) -> str:
    if moved.empty:
        return ""
    rows = [
        [
            f"  {short(row['reaction'], NAME)} ({escaped(row['set'])})",
            escaped(row["method"]),
            *(formatted("barrier_eV", row[run]) for run in ("old", "new")),
        ]
        for row in moved.head(MOST).to_dict("records")
    ]
    more = [f"  and {len(moved) - MOST} more"] if len(moved) > MOST else []
    title = f"Barriers that moved by more than {1000 * MOVED:g} meV, old and new (eV):"
    return "\n".join([title, aligned(rows, left=(0, 1)), *more])


def _only_text(old: pd.DataFrame, new: pd.DataFrame) -> str:
    lines = []
    for name, mine, other in (("old", old, new), ("new", new, old)):
        reactions = only_in(mine, other, ["set", "reaction"])
        if reactions:
            listed = _listed(f"{short(r, NAME)} ({escaped(s)})" for s, r in reactions)
            lines.append(wrapped(listed, f"Only in {name}, {_many(len(reactions), 'reaction')}: "))
        methods = [method for (method,) in only_in(mine, other, ["method"])]
        if methods:
            lines.append(wrapped(_listed(map(escaped, methods)), f"Only in {name}, methods: "))
    return "\n".join(lines)


def _listed(names: Iterable[str]) -> str:
    names = list(names)
    more = f" and {len(names) - MOST} more" if len(names) > MOST else ""
    return ", ".join(names[:MOST]) + more


def _provenance_text(old: dict, new: dict) -> str:
    if not old or not new:
        return "What else differs is unknown: one of the two has no provenance.json."
    found = differences(old, new)
    if not found:
        return "Provenance: both name the same code, versions, configuration and inputs."
    rows = [
        [f"  {short(name, 2 * NAME)}", short(before, VALUE), "->", short(after, VALUE)]
        for name, before, after in found
    ]
    return "\n".join(["Provenance, what differs:", aligned(rows, left=range(4))])
