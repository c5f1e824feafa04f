"""The leader board of the landing page: a row per method, for all reactions or some of them.

What stands there at first are numbers of the table `summary`, all sets together. Beside it the
page holds what they are made of, a few numbers of each run in columns, so that its script
(`standings.js`) can sum up those of a set, a class, a size or a charge by the same rules: the
quantiles of `statistics.censored`, in which a failed run is worse than any other.
"""

import math

import numpy as np
import pandas as pd

from ..files.metrics import METRICS, formatted
from ..statistics.summary import worst_if_missing
from .figures import Results
from .listing import Cell, Column, Listing
from .site import slug

# Of a number that is infinite, and of the cost where a method was not installed; what is unknown is
# null. Digits, and decimals, that numbers keep: of 160,000 runs they are 4 MB.
FAILED, MISSING = -1, -2
DIGITS, DECIMALS = 5, 4
COST = METRICS["cost_to_saddle"]
COLUMNS = (
    Column("method", "name", "contain"),
    Column("solved", "share", hint=METRICS["share_intended"].description),
    Column("share", "number", hint=METRICS["share_intended"].description),
    Column("evaluations", "number", hint=f"Median. {COST.description}"),
    Column("middle half", "text", hint="Lower and upper quartile of the evaluations."),
    Column("path error (meV)", "number", hint=METRICS["path_barrier_error_eV"].description),
    Column("potential (s)", "number", hint=METRICS["oracle_path_s"].description),
    Column("own (s)", "number", hint=METRICS["own_path_s"].description),
)


def standings(summed: pd.DataFrame, links: dict[str, str]) -> Listing:
    """Return the leader board over all reactions.

    Parameters
    ----------
    summed : a row for each method, as `statistics.summary` sums them up
    links : the pages of methods, by name
    """
    rows = []
    for row in summed.to_dict("records"):
        share = row["share_intended"]
        path_error = 1000 * row["path_barrier_error_eV_median"]
        rows.append(
            [
                Cell(row["method"], link=links.get(row["method"], "")),
                Cell(f"{row['intended']}/{row['runs']}", share),
                _number(share, formatted("share_intended", share)),
                _cost(row["cost_to_saddle_median"]),
                Cell(_middle(row["cost_to_saddle_q25"], row["cost_to_saddle_q75"])),
                _number(path_error, _text(path_error, ".1f")),
                *(
                    _number(row[f"{c}_median"], formatted(c, row[f"{c}_median"]))
                    for c in ("oracle_path_s", "own_path_s")
                ),
            ]
        )
    return Listing("standings", "Methods, and what came out", COLUMNS, rows, "methods")


def each_run(results: Results, endpoints: pd.DataFrame) -> dict:
    """Return a few numbers of every judged run, as columns, for the page's script.

    `reactions` has what they can be chosen by; `runs` has of each method the values that are summed
    up, and by how much the place of a run's reaction is beyond that of the run before.
    """
    runs = results.judged
    about = runs.drop_duplicates(["set", "reaction"])
    key = pd.MultiIndex.from_frame(about[["set", "reaction"]])
    classes = pd.Series("", index=key)
    if len(endpoints):
        known = endpoints.drop_duplicates(["set", "reaction"]).set_index(["set", "reaction"])
        classes = known["class"].reindex(key, fill_value="")
    values = {
        "cost": worst_if_missing(runs, "cost_to_saddle"),
        "error": 1000 * worst_if_missing(runs, "path_barrier_error_eV"),
        "potential": worst_if_missing(runs, "oracle_path_s"),
        "own": worst_if_missing(runs, "own_path_s"),
    }
    values = {name: [_short(value) for value in column] for name, column in values.items()}
    table = pd.DataFrame(values, index=runs.index, dtype=object)
    table.loc[runs["verdict"] == "not-installed", "cost"] = MISSING
    table["reaction"] = key.get_indexer(pd.MultiIndex.from_frame(runs[["set", "reaction"]]))
    of_methods = dict(iter(table.groupby(runs["method"], sort=False)))
    return {
        "methods": list(of_methods),
        "reactions": {
            "set": _coded(about["set"]),
            "class": _coded(classes),
            "natoms": [_whole(n) for n in about["natoms"]],
            "charge": [_whole(n) for n in about["charge"]],
        },
        "runs": [
            {
                "reaction": np.diff(mine["reaction"].to_numpy(int), prepend=0),
                **{name: mine[name].to_list() for name in values},
            }
            for mine in of_methods.values()
        ],
        "failed": FAILED,
        "missing": MISSING,
    }


def method_links(methods: list[str]) -> dict[str, str]:
    """The page of each method, from the report's folder."""
    return {method: f"methods/{slug(method)}.html" for method in methods}


def _coded(values: pd.Series) -> dict:
    codes, names = pd.factorize(values)
    return {"names": [str(name) for name in names], "codes": codes}


def _short(value: float) -> float | int | None:
    if math.isnan(value):
        return None
    if math.isinf(value):
        return FAILED
    short = round(float(f"{value:.{DIGITS}g}"), DECIMALS)
    return int(short) if short.is_integer() else short


def _whole(number: float) -> int | None:
    return None if pd.isna(number) else int(number)


def _number(value: float, text: str) -> Cell:
    return Cell(text, None if math.isnan(value) else value)


def _cost(value: float) -> Cell:
    return _number(value, formatted("cost_to_saddle", value))


def _text(value: float, form: str) -> str:
    if np.isnan(value):
        return "\N{EN DASH}"
    return "failed" if np.isinf(value) else format(value, form)


def _middle(low: float, high: float) -> str:
    if not np.isfinite(low):
        return "\N{EN DASH}"
    return f"{formatted('cost_to_saddle', low)} to {formatted('cost_to_saddle', high)}"
