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
from ..statistics.summary import summary, worst_if_missing
from .figures import Results
from .listing import Cell, Column, Listing
from .site import slug

FAILED = -1  # of a number that is infinite; what is unknown is null
DIGITS = 5
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


def standings(results: Results, links: dict[str, str]) -> Listing:
    """Return the leader board over all reactions; `links` are the pages of methods, by name."""
    table = summary(results.judged) if len(results.judged) else pd.DataFrame()
    rows = []
    for row in table.to_dict("records"):
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

    `reactions` has what they can be chosen by; `runs` has the place of its reaction and of its
    method, whether it is solved, and the values that are summed up.
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
    place = {method: at for at, method in enumerate(dict.fromkeys(runs["method"]))}
    return {
        "methods": list(place),
        "reactions": {
            "set": _coded(about["set"]),
            "class": _coded(classes),
            "natoms": [_whole(n) for n in about["natoms"]],
            "charge": [_whole(n) for n in about["charge"]],
        },
        "runs": {
            "reaction": key.get_indexer(pd.MultiIndex.from_frame(runs[["set", "reaction"]])),
            "method": runs["method"].map(place).to_numpy(int) if len(runs) else [],
            "solved": runs["verdict"].eq("intended").to_numpy(int),
            "installed": runs["verdict"].ne("not-installed").to_numpy(int),
            **{name: [_short(value) for value in column] for name, column in values.items()},
        },
        "failed": FAILED,
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
    short = float(f"{value:.{DIGITS}g}")
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
