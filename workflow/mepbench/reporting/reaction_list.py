"""The list of reactions: what each is, its barrier, and how every method fared with it."""

import pandas as pd

from ..errors import REFUSED
from ..files.metrics import KCAL_PER_EV
from .figures import Results
from .listing import Cell, Column, Listing, trimmed
from .site import slug
from .verdicts import MEANING
from .wording import cell, failures

MOST_PAGES = 300
FAILURE = "set reaction method seed verdict reason".split()
ABOUT = (
    Column("reaction", "name", "contain"),
    Column("set", "text", "choice"),
    Column("class", "text", "choice"),
    Column("formula", "text"),
    Column("atoms", "number", "range"),
    Column("charge", "number", "choice"),
    Column("multiplicity", "number", "choice", "Spin multiplicity, 2S + 1."),
    Column("barrier (eV)", "number", "", "Of the reference saddle, above the reactant."),
    Column("(kcal/mol)", "number", "", "The same in kcal/mol."),
    Column("solved", "share", "", "Runs that end at a verified saddle of this reaction."),
    Column("least", "number", "", "Fewest gradient evaluations to the saddle, of any run."),
)


def pages_for(results: Results, asked: list[str]) -> list[tuple[str, str]]:
    """Return the reactions that get a page of their own, in the order of the runs.

    All, where these are at most `MOST_PAGES`; else as many that the smallest share of runs
    solves, and those that were `asked` for by name.
    """
    runs = results.runs
    share = runs["verdict"].eq("intended").groupby([runs["set"], runs["reaction"]], sort=False)
    share = share.mean()
    if len(share) <= MOST_PAGES:
        return list(share.index)
    failing = share[share < 1].sort_values(kind="stable").index[:MOST_PAGES]
    wanted = {*failing, *(key for key in share.index if key[1] in set(asked))}
    return [key for key in share.index if key in wanted]


def reaction_links(keys: list[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """The page of each reaction, from the report's folder."""
    return {key: f"reactions/{slug(*key)}.html" for key in keys}


def reactions(results: Results, endpoints: pd.DataFrame, links: dict) -> tuple[Listing, list]:
    """Return the list, in which methods' cells are costs, and the same cells as barriers.

    Parameters
    ----------
    endpoints : the table of both ends of all sets, as text
    links : address of the page of each (set, reaction) that has one
    """
    known = _by_key(results.reference)
    about = _by_key(endpoints)
    runs = results.runs.assign(
        intended=results.runs["verdict"].eq("intended"),
        cost=(results.runs["gradients_path"] + results.runs["gradients_refine"]).astype(float),
    )
    rows, barriers = [], []
    methods = [method for method in results.methods if method in set(runs["method"])]
    for key, of in runs.groupby(["set", "reaction"], sort=False):
        solved, first = of[of["intended"]], of.iloc[0]
        barrier = known.get(key, {}).get("barrier_eV", float("nan"))
        cells = {method: _cells(mine) for method, mine in of.groupby("method", sort=False)}
        refused = of["verdict"].isin(REFUSED).all()
        row = [
            Cell(key[1], link=links.get(key, "")),
            Cell(key[0]),
            Cell(about.get(key, {}).get("class", "")),
            Cell(first["formula"]),
            *(_whole(first[name]) for name in ("natoms", "charge", "multiplicity")),
            _number(barrier, ".3f"),
            _number(barrier * KCAL_PER_EV, ".1f"),
            Cell("refused") if refused else Cell(f"{len(solved)}/{len(of)}", len(solved) / len(of)),
            _number(solved["cost"].min(), ".0f"),
        ]
        rows.append(row + [cells.get(method, (Cell(""),) * 2)[0] for method in methods])
        barriers.append([cells.get(method, (Cell(""),) * 2)[1].packed for method in methods])
    columns = (*ABOUT, *(Column(method, "number") for method in methods))
    label = "Reactions, and how each method fared"
    listing = Listing("reactions", label, columns, rows, "reactions")
    return trimmed(listing, "set"), barriers


def failing(results: Results, links: dict, method: str = "") -> Listing:
    """Return every run that is not solved, with verdict and reason, of all methods or of one.

    A reaction whose endpoints were refused, which is so for all methods alike, stands once, and
    not among the failures of a single one.
    """
    runs = results.runs[results.runs["verdict"] != "intended"]
    if method:
        runs = runs[(runs["method"] == method) & ~runs["verdict"].isin(REFUSED)]
    rows = [
        [
            Cell(row["reaction"], link=links.get((row["set"], row["reaction"]), "")),
            Cell(row["method"]),
            Cell(row["verdict"]),
            Cell(row["reason"] or MEANING.get(row["verdict"], "")),
            Cell(row["set"]),
            Cell(row["seed"]),
        ]
        for row in failures(runs[FAILURE]).to_dict("records")
    ]
    columns = (
        Column("reaction", "name", "contain"),
        Column("method", "text", "choice"),
        Column("verdict", "text", "choice"),
        Column("reason", "words", "contain"),
        Column("set", "text", "choice"),
        Column("seed", "text"),
    )
    label = f"Runs of {method} that are not solved" if method else "Runs that are not solved"
    listing = Listing("failures", label, columns, rows, "runs")
    return trimmed(listing, "set", "seed", *(["method"] if method else []))


def _cells(runs: pd.DataFrame) -> tuple[Cell, Cell]:
    """A method's cost and barrier on a reaction; its verdict where it found no saddle of it."""
    solved = runs[runs["intended"]]
    if solved.empty:
        verdict = runs["verdict"].iloc[0]
        return (Cell(verdict, look="bad"),) * 2
    several = f" ({len(solved)}/{len(runs)})" if len(runs) > 1 else ""
    barrier, cost = solved["barrier_eV"].min(), solved["cost"].median()
    return (
        Cell(f"{cost:.0f}{several}", cost),
        Cell(cell(f"intended{several}", barrier), barrier),
    )


def _by_key(table: pd.DataFrame) -> dict[tuple[str, str], dict]:
    if not len(table):
        return {}
    return {(row["set"], row["reaction"]): row for row in table.to_dict("records")}


def _number(value: float, form: str) -> Cell:
    return Cell("\N{EN DASH}") if pd.isna(value) else Cell(format(value, form), float(value))


def _whole(value: float) -> Cell:
    return _number(value, ".0f")
