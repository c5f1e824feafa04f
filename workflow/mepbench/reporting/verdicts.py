"""How the runs of each method ended, and why a reaction was not solved by any.

Both count all runs, refused endpoints and methods that are not installed included.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the page of a pair needs the words alone
    import pandas as pd

# From the best to what says least about the reaction; a table has those that occur.
ORDER = (
    "intended multistep half-intended other higher-order minimum unconverged budget timeout "
    "scf-failure error not-installed bad-endpoints not-supported"
).split()
# In words, for a reader who has seen none of this.
MEANING = {
    "intended": "a verified saddle of this reaction",
    "multistep": "a verified saddle of one step: the path visits an intermediate",
    "half-intended": "a verified saddle, but only one of its sides leads to an intended end",
    "other": "a verified saddle of another reaction",
    "higher-order": "no saddle of first order: the energy falls along two or more directions",
    "minimum": "no saddle: the energy falls in no direction",
    "unconverged": "the forces did not vanish at what was found",
    "budget": "nothing was found within the allowed number of evaluations",
    "timeout": "stopped after the allowed time",
    "scf-failure": "the electronic structure did not converge",
    "error": "the program failed",
    "not-installed": "the method needs a program that was missing",
    "bad-endpoints": "reactant or product are not what was asked for; no method was asked",
    "not-supported": "the potential has no parameters for an element; no method was asked",
}
UNSOLVED_COLUMNS = "set reaction formula natoms charge multiplicity runs verdicts reason".split()
MOST_REASONS = 2


def verdicts_table(runs: "pd.DataFrame") -> "pd.DataFrame":
    """Return a row per set and method: its runs, and how many ended with each verdict."""
    import pandas as pd

    found = set(runs["verdict"])
    columns = [v for v in ORDER if v in found or v == "intended"] + sorted(found - set(ORDER))
    rows = []
    for (name, method), group in runs.groupby(["set", "method"], sort=False):
        counts = group["verdict"].value_counts()
        row = {"set": name, "method": method, "runs": len(group)}
        rows.append(row | {verdict: int(counts.get(verdict, 0)) for verdict in columns})
    return pd.DataFrame(rows, columns=["set", "method", "runs", *columns])


def unsolved(runs: "pd.DataFrame") -> "pd.DataFrame":
    """Return a row per reaction for which no method found a verified saddle.

    `verdicts` counts what was found instead. `reason` is what the most runs say, of the most
    frequent verdict first; every run's own is in the table of failures.
    """
    import pandas as pd

    rows = []
    for (name, reaction), group in runs.groupby(["set", "reaction"], sort=False):
        if group["verdict"].eq("intended").any():
            continue
        counts = group["verdict"].value_counts()
        order = sorted(counts.index, key=lambda v: (-counts[v], _place(v)))
        first = group.iloc[0]
        rows.append(
            {
                "set": name,
                "reaction": reaction,
                "formula": first["formula"],
                **first[["natoms", "charge", "multiplicity"]],
                "runs": len(group),
                "verdicts": ", ".join(f"{counts[v]} {v}" for v in order),
                "reason": _reason(group, order),
            }
        )
    return pd.DataFrame(rows, columns=UNSOLVED_COLUMNS)


def _place(verdict: str) -> int:
    return ORDER.index(verdict) if verdict in ORDER else len(ORDER)


def _reason(group: "pd.DataFrame", order: list[str]) -> str:
    """The most frequent reasons, each with the number of runs that give it."""
    if group["reason"].nunique() == 1:
        return group["reason"].iloc[0]
    said = []
    for verdict in order:
        reasons = group.loc[group["verdict"].eq(verdict), "reason"].value_counts(sort=False)
        reasons = reasons.sort_values(ascending=False, kind="stable")
        said += [f"{count} {verdict}: {reason}" for reason, count in reasons.items()]
    return " | ".join(said[:MOST_REASONS])
