"""Which runs explain their reaction, by a direct saddle or by a chain of steps, and at what cost.

`explained` is true where the verdict is `intended`, or where the mechanism job has joined reactant
and product by proven saddles. `gradients_explained` are all evaluations of path and refinement: of
the run's own, and of all searches for the steps, also of those that led nowhere.
"""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from ..files.tidy import number

RUN = ("set", "reaction", "method", "seed")
OF_STEP = ("barrier_eV", "saddle_eV", "minimum_eV", "conformer_eV")


def with_mechanisms(runs: pd.DataFrame, rows: Iterable[dict]) -> pd.DataFrame:
    """Return scored runs with `explained`, `steps`, `gradients_explained`, and the reason why.

    Parameters
    ----------
    runs : typed rows of `runs.csv`
    rows : of the mechanism jobs, as text
    """
    found = {(*(row[c] for c in RUN[:3]), int(row["seed"])): row for row in rows}
    table = runs.copy()
    own = table["gradients_path"].fillna(0) + table["gradients_refine"].fillna(0)
    keys = [(*key[:3], int(key[3])) for key in table[[*RUN]].itertuples(index=False, name=None)]
    mechanisms = [found.get(key) for key in keys]

    def of(column: str) -> np.ndarray:
        return np.array([0 if row is None else int(row[column] or 0) for row in mechanisms])

    direct = table["verdict"].eq("intended")
    complete = np.array([row is not None and row["complete"] == "True" for row in mechanisms])
    table["explained"] = direct | complete
    steps = pd.Series(np.where(direct, 1, of("steps")), index=table.index)
    table["steps"] = steps.astype("Int64").where(table["explained"])
    paid = own + of("gradients_path") + of("gradients_refine")
    table["gradients_explained"] = paid.astype("Int64").where(table["gradients_path"].notna())
    said = ["" if row is None else row["reason"] for row in mechanisms]
    table["reason"] = [
        "; ".join(part for part in parts if part)
        for parts in zip(table["reason"], said, strict=True)
    ]
    return table


def with_lowest(rows: Iterable[dict]) -> list[dict]:
    """Return the rows of `chains.csv`, with the lowest pass that any method has found."""
    rows, lowest = list(rows), {}
    for row in rows:
        key = row["set"], row["reaction"]
        lowest[key] = min(lowest.get(key, np.inf), number(row["highest_saddle_eV"]))
    return [row | {"reference_highest_eV": lowest[row["set"], row["reaction"]]} for row in rows]


def chains(rows: Iterable[dict]) -> list[dict]:
    """Return a chain for each run, from the rows of `chains.csv` as text.

    `set, reaction, method, seed, chain`, whether it is `complete`, `highest_saddle_eV` and
    `reference_highest_eV`, and its `steps`, each with `step_from`, `step_to` and the energies
    `OF_STEP`; what is not known is NaN.
    """
    found: dict[tuple, list[dict]] = {}
    for row in rows:
        found.setdefault(tuple(row[column] for column in RUN), []).append(row)
    return [
        {
            **{column: steps[0][column] for column in (*RUN, "chain")},
            "complete": steps[0]["complete"] == "True",
            **_energies(steps[0], "highest_saddle_eV", "reference_highest_eV"),
            "steps": [
                {"step_from": step["step_from"], "step_to": step["step_to"]}
                | _energies(step, *OF_STEP)
                for step in steps
            ],
        }
        for steps in found.values()
    ]


def ways(rows: Iterable[dict]) -> list[dict]:
    """Return the rows of `ways.csv`, as text, with `highest_saddle_eV` as a number."""
    return [row | _energies(row, "highest_saddle_eV") for row in rows]


def _energies(row: dict, *columns: str) -> dict[str, float]:
    return {column: number(row.get(column, "")) for column in columns}
