"""Tables for readers: the numbers of a table as short text, and its caption.

Each function takes the exact table of the same name and returns one of text.
"""

import re

import numpy as np
import pandas as pd

from ..errors import REFUSED
from ..files.metrics import KCAL_PER_EV, formatted
from ..statistics.comparison import SIGNIFICANT
from ..statistics.hardness import FEATURES, POOLED

# Headings of the readable summary, short enough for a page, and the columns behind them.
SUMMARY = {
    "path error (eV)": "path_barrier_error_eV_median",
    "error (meV)": "barrier_error_eV_median",
    "error, others (meV)": "barrier_error_eV_median_others",
    "path RMSD (Å)": "path_saddle_rmsd_A_median",
    "RMSD (Å)": "saddle_rmsd_A_median",
    "T (eV)": "tangency_defect_eV_median",
    "its floor (eV)": "tangency_floor_eV_median",
    "X (eV)": "excess_eV_median",
    "potential (s)": "oracle_path_s_median",
    "own (s)": "own_path_s_median",
    "own (ms/evaluation)": "own_ms_per_gradient_median",
}
# Errors after refinement; where all are zero as far as is shown, they say nothing.
SMALL = ("error (meV)", "error, others (meV)", "RMSD (Å)")
NOTHING = re.compile(r"-?0(\.0*)?|\N{EN DASH}")
INTERVALS = {
    "share solved": "share_intended",
    "cost": "cost_to_saddle",
    "path error (eV)": "path_barrier_error_eV",
    "T (eV)": "tangency_defect_eV",
    "rank": "rank",
}
# Of the profiles and of the accuracy, what fits on a page.
PROFILES = {
    "performance": ("{:g}x", (1, 2, 5, 10, 50)),
    "data": ("{:g}", (30, 100, 300, 1000, 3000)),
}
ACCURACY = (10, 30, 100, 300, 1000, 3000)

CAPTIONS = {
    "summary": (
        "Medians per method, in the order of the configuration, over all runs with accepted "
        "endpoints: a run without a verified saddle is beyond its budget and has failed to have an "
        "error, and one without a path has failed to have a path's error; neither is left out. "
        "Solved: runs with verdict intended. Cost: gradient evaluations of path and refinement, "
        "with quartiles. Error: of the barrier, and RMSD of the saddle, absolute, against the "
        "reference: on the path before refinement, and after it (others: without runs that are "
        f"the reference themselves; 1 eV = {KCAL_PER_EV:.2f} kcal/mol); those after it are left "
        "out where all round to zero. T: tangency defect of the "
        "finished path (its floor: what the spline through its frames adds), X: its excess. "
        "Explained: solved, or by a chain of steps whose every saddle is verified; its cost is "
        "that of all searches, refinements included. Seconds of the path stage, in the potential "
        "and in the method itself. Prior: evaluations "
        "on the cheaper level of a method's prior surface, which no cost includes."
    ),
    "intervals": (
        "How sure the numbers are: 95% intervals of a bootstrap over reactions, the same resamples "
        "for all methods, failed runs included as in the summary. Rank: by the share solved; "
        "first: how often, among the resamples, no method has a larger share."
    ),
    "verdicts": "How the runs of each method ended.",
    "unsolved": (
        "Reactions for which no method found a verified saddle: what was found instead, and the "
        "reasons that most runs give, with the number of runs."
    ),
    "reactions": (
        "Barrier in eV (kcal/mol in brackets) where a method's saddle is verified as intended, "
        "else the verdict; with several seeds the lowest barrier, and the number of seeds."
    ),
    "failures": "Every run that is not intended, with verdict and reason.",
    "pairwise": (
        "Reactions that the method of the row solves at less cost than that of the column, ties "
        "(among them those that neither solves), and at more cost; costs are medians over seeds, a "
        "failure is the most costly. *: wins and losses differ (sign test); +: the numbers of "
        "reactions that only one of the two solves differ (McNemar); both exact, two-sided, "
        "below 0.05 after Holm's correction for all pairs."
    ),
    "virtual_best": (
        "The virtual best method knows beforehand which one is cheapest on a reaction. Cheapest: "
        "share of reactions on which a method is that one, ties divided; only solver: share of "
        "reactions that no other method solves."
    ),
    "profiles": (
        "Share of reactions solved within a multiple of the cost of the cheapest method "
        "(performance profile, x), and within a number of gradient evaluations (data profile)."
    ),
    "ranks": (
        "Rank of each method by the share of runs that count as solved (share in brackets) in "
        "several ways of counting, and Kendall's tau of the order against the first way."
    ),
    "accuracy": (
        "Median absolute error in eV of the barrier of the current path after a number of "
        "gradient evaluations of the path stage; a dash where fewer than half of the runs have a "
        "path."
    ),
    "hardness": (
        "Which features go with failure: the probability that of a failed and a solved run of one "
        "method the failed one has the larger value (0.5: none; 95% interval of the bootstrap over "
        "reactions, from 5 failed and 5 solved reactions on), all methods together, then each "
        "with both kinds of runs."
    ),
}


def plain(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table's cells as text."""
    return table.astype(str)


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """A cell for the share solved, one for the cost."""
    if table.empty:
        return pd.DataFrame(columns=["set", "method", "solved"])
    rows = table.to_dict("records")
    columns = {"set": table["set"], "method": table["method"]}
    columns["solved"] = [f"{row['intended']}/{row['runs']}" for row in rows]
    columns["share"] = [formatted("share_intended", row["share_intended"]) for row in rows]
    columns["cost"] = [_spread(row, "cost_to_saddle", "_median", ("_q25", "_q75")) for row in rows]
    if "explained" in table:
        columns["explained"] = [f"{row['explained']}/{row['runs']}" for row in rows]
        paid = table["gradients_explained_median"]
        columns["its cost"] = [formatted("gradients_explained_median", value) for value in paid]
    for heading, column in SUMMARY.items():
        cells = [summary_cell(heading, column, row) for row in rows]
        if heading not in SMALL or not all(NOTHING.fullmatch(cell) for cell in cells):
            columns[heading] = cells
    if "gradients_prior_median" in table:
        paid = table["gradients_prior_median"]
        columns["prior"] = [formatted("gradients_prior", value) for value in paid]
    return pd.DataFrame(columns)


def summary_cell(heading: str, column: str, row: dict) -> str:
    """Return a number of the summary as text, in the unit of its heading."""
    if "(meV)" in heading:
        return formatted("barrier_error_meV", 1000 * row[column])
    return formatted(column, row[column])


def _spread(row: dict, column: str, centre: str = "", ends=("_low", "_high")) -> str:
    middle = formatted(f"{column}{centre}", row[f"{column}{centre}"])
    low, high = (row[f"{column}{end}"] for end in ends)
    if pd.isna(low) or np.isinf(low):
        return middle
    return f"{middle} ({formatted(column, low)} to {formatted(column, high)})"


def intervals(table: pd.DataFrame) -> pd.DataFrame:
    """A cell for each estimate with its interval."""
    rows = table.to_dict("records")
    columns = {"set": table["set"], "method": table["method"]}
    for heading, column in INTERVALS.items():
        centre = "" if column in table else "_median"
        columns[heading] = [_spread(row, column, centre) for row in rows]
    columns["first"] = [formatted("first", row["first"]) for row in rows]
    return pd.DataFrame(columns)


STATE = ["charge", "multiplicity", "state_from"]


def reactions_table(runs: pd.DataFrame) -> pd.DataFrame:
    """Return a row per reaction: what it is, then each method's verdict and barrier (eV).

    With several seeds that is `intended` if one is, with their number, and the lowest barrier.
    """
    key = ["set", "reaction"]
    solved = runs["verdict"].eq("intended")
    runs = runs.assign(intended=solved, runs=1, low=runs["barrier_eV"].where(solved))
    about = dict.fromkeys(["formula", "natoms", *STATE], "first")
    table = runs.groupby(key, sort=False).agg({**about, "intended": "sum", "runs": "sum"})
    ended = runs.groupby([*key, "method"], sort=False).agg(
        verdict=("verdict", "first"),
        good=("intended", "sum"),
        n=("runs", "sum"),
        low=("low", "min"),
    )
    counts = " (" + ended["good"].astype(str) + "/" + ended["n"].astype(str) + ")"
    counted = "intended" + counts.where(ended["n"] > 1, "")
    ended["verdict"] = ended["verdict"].where(ended["good"] == 0, counted)
    for method in dict.fromkeys(runs["method"]):
        mine = ended.xs(method, level="method").reindex(table.index)
        table[f"{method} verdict"] = mine["verdict"].fillna("")
        table[f"{method} barrier_eV"] = mine["low"].astype(float)
    return table.reset_index()


def reactions(table: pd.DataFrame) -> pd.DataFrame:
    """A cell per method, barrier or verdict."""
    if table.empty:
        return pd.DataFrame(columns=["reaction"])
    columns = {} if table["set"].nunique() == 1 else {"set": table["set"]}
    columns |= {"reaction": table.reaction, "formula": table.formula}
    columns |= {key: [_whole(n) for n in table[key]] for key in STATE[:2]}
    for method in (c.removesuffix(" verdict") for c in table if c.endswith(" verdict")):
        cells = zip(table[f"{method} verdict"], table[f"{method} barrier_eV"], strict=True)
        columns[method] = [cell(verdict, barrier) for verdict, barrier in cells]
    return pd.DataFrame(columns)


def _whole(number: float) -> str:
    return "\N{EN DASH}" if pd.isna(number) else f"{int(number)}"


def cell(verdict: str, barrier: float) -> str:
    """Return a barrier in eV (kcal/mol in brackets), or the verdict where there is none."""
    if pd.isna(barrier):
        return verdict
    return f"{barrier:.3f} ({barrier * KCAL_PER_EV:.1f}){verdict.removeprefix('intended')}"


def failures(table: pd.DataFrame) -> pd.DataFrame:
    """Refused endpoints once, not once a method."""
    table = table.astype(str)
    refused = table.verdict.isin(REFUSED)
    table.loc[refused, ["method", "seed"]] = ["all", ""]
    return table.drop_duplicates().reset_index(drop=True)


def pairwise(table: pd.DataFrame) -> pd.DataFrame:
    """A matrix per set: wins/ties/losses of the row's method against the column's."""
    methods = list(dict.fromkeys([*table["method"], *table["other"]]))
    rows = []
    for name, group in table.groupby("set", sort=False):
        cells = {}
        for row in group.to_dict("records"):
            marks = "*" if row["sign_p_holm"] < SIGNIFICANT else ""
            marks += "+" if row["mcnemar_p_holm"] < SIGNIFICANT else ""
            won, tied, lost = row["wins"], row["ties"], row["losses"]
            cells[row["method"], row["other"]] = f"{won}/{tied}/{lost}{marks}"
            cells[row["other"], row["method"]] = f"{lost}/{tied}/{won}{marks}"
        for method in methods:
            if any(method in pair for pair in cells):
                against = {other: cells.get((method, other), "") for other in methods}
                rows.append({"set": name, "method": method, **against})
    return pd.DataFrame(rows, columns=["set", "method", *methods])


def virtual_best(table: pd.DataFrame) -> pd.DataFrame:
    """Shares in per cent."""
    headings = {
        "share solved": "share_intended",
        "cost": "cost_to_saddle_median",
        "cheapest": "best_share",
        "only solver": "only_share",
    }
    columns = {"set": table["set"], "method": table["method"]}
    columns |= {h: [formatted(c, value) for value in table[c]] for h, c in headings.items()}
    return pd.DataFrame(columns)


def profiles(table: pd.DataFrame) -> pd.DataFrame:
    """A column for some of the multiples and of the numbers of evaluations."""
    rows = []
    for (name, method), group in table.groupby(["set", "method"], sort=False):
        row = {"set": name, "method": method}
        shares = {
            (p, w): s for p, w, s in zip(group.profile, group.within, group.share, strict=True)
        }
        for profile, (heading, grid) in PROFILES.items():
            for within in grid:
                row[heading.format(within)] = formatted("share", shares[profile, within])
        rows.append(row)
    return pd.DataFrame(rows, columns=None if rows else ["set", "method"])


def ranks(table: pd.DataFrame) -> pd.DataFrame:
    """A row per way of counting, a column per method: rank and share."""
    rows = []
    for (name, scenario), group in table.groupby(["set", "scenario"], sort=False):
        row = {"set": name, "counted as solved": scenario}
        row["tau"] = formatted("kendall_tau", group["kendall_tau"].iloc[0])
        for method, share, rank in zip(group.method, group.share, group["rank"], strict=True):
            row[method] = f"{rank:g} ({formatted('share', share)})"
        rows.append(row)
    return pd.DataFrame(rows, columns=None if rows else ["set", "counted as solved"]).fillna("")


def accuracy(table: pd.DataFrame) -> pd.DataFrame:
    """A column for some numbers of evaluations."""
    rows = []
    for (name, method), group in table.groupby(["set", "method"], sort=False):
        row = {"set": name, "method": method, "runs": str(group["runs"].iloc[0])}
        for k in ACCURACY:
            known = group.loc[group["evaluations"] <= k, "error_median"]
            error = known.iloc[-1] if len(known) else np.inf
            row[f"{k}"] = formatted("path_error_now_eV", np.nan if np.isinf(error) else error)
        rows.append(row)
    return pd.DataFrame(rows, columns=None if rows else ["set", "method"])


def hardness(table: pd.DataFrame) -> pd.DataFrame:
    """A row per feature, a column per method that has both kinds of runs."""
    rows = []
    for feature, group in table.groupby("feature", sort=False):
        pooled = group[group.method == POOLED].to_dict("records")[0]
        row = {"feature": FEATURES[feature], "reactions": str(pooled["reactions"])}
        row |= {"failed": str(pooled["failed"]), "solved": str(pooled["solved"])}
        row[POOLED] = _spread(pooled, "area")
        for method, area in zip(group.method, group.area, strict=True):
            if method != POOLED and not np.isnan(area):
                row[method] = formatted("area", area)
        rows.append(row)
    return pd.DataFrame(rows, columns=None if rows else ["feature"]).fillna("\N{EN DASH}")
