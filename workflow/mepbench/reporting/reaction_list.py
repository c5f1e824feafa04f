"""The list of reactions: what each is, its barrier, and how every method fared with it."""

from statistics import median

import pandas as pd

from ..errors import REFUSED
from ..files.metrics import KCAL_PER_EV
from .figures import Results
from .listing import Cell, Column, Listing, trimmed
from .markup import signed
from .site import slug
from .verdicts import MEANING
from .wording import cell, failures

Key = tuple[str, str]  # set and reaction
MOST_PAGES = 300
STATE = ("natoms", "charge", "multiplicity")
OUTCOME = ["formula", *STATE, "verdict", "cost", "barrier_eV"]
_NOT_RUN = (Cell(""), Cell(""))
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


def pages_for(results: Results, asked: list[str]) -> list[Key]:
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


def reaction_links(keys: list[Key]) -> dict[Key, str]:
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
    runs = results.runs
    methods = [method for method in results.methods if method in set(runs["method"])]
    rows, barriers = [], []
    for key, mine in _outcomes(runs).items():
        every = [run for of in mine.values() for run in of]
        solved = [run for run in every if run.verdict == "intended"]
        barrier = known.get(key, {}).get("barrier_eV", float("nan"))
        if all(run.verdict in REFUSED for run in every):
            score = Cell("refused")
        else:
            score = Cell(f"{len(solved)}/{len(every)}", len(solved) / len(every))
        cells = [_cells(mine[method]) if method in mine else _NOT_RUN for method in methods]
        row = [
            Cell(key[1], link=links.get(key, "")),
            Cell(key[0]),
            Cell(about.get(key, {}).get("class", "")),
            Cell(every[0].formula),
            *(_number(getattr(every[0], name), 0) for name in STATE),
            _number(barrier, 3),
            _number(barrier * KCAL_PER_EV, 1),
            score,
            _number(min((run.cost for run in solved), default=float("nan")), 0),
        ]
        rows.append(row + [cost for cost, _ in cells])
        barriers.append([low.packed for _, low in cells])
    columns = (*ABOUT, *(Column(method, "number") for method in methods))
    label = "Reactions, and how each method fared"
    listing = Listing("reactions", label, columns, rows, "reactions")
    return trimmed(listing, "set", "class"), barriers


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


def _outcomes(runs: pd.DataFrame) -> dict[Key, dict[str, list]]:
    """The runs of each reaction by method, as named tuples: plain loops over many thousands."""
    cost = (runs["gradients_path"] + runs["gradients_refine"]).astype(float)
    table = runs.assign(cost=cost)[["set", "reaction", "method", *OUTCOME]]
    found: dict[Key, dict[str, list]] = {}
    for run in table.itertuples(index=False):
        found.setdefault((run.set, run.reaction), {}).setdefault(run.method, []).append(run)
    return found


def _cells(runs: list) -> tuple[Cell, Cell]:
    """A method's cost and barrier on a reaction; its verdict where it found no saddle of it."""
    solved = [run for run in runs if run.verdict == "intended"]
    if not solved:
        return (Cell(runs[0].verdict, look="bad"),) * 2
    several = f" ({len(solved)}/{len(runs)})" if len(runs) > 1 else ""
    cost, barrier = median(run.cost for run in solved), min(run.barrier_eV for run in solved)
    return (
        Cell(f"{cost:.0f}{several}", cost),
        Cell(cell(f"intended{several}", barrier), barrier),
    )


def _by_key(table: pd.DataFrame) -> dict[Key, dict]:
    if not len(table):
        return {}
    return {(row["set"], row["reaction"]): row for row in table.to_dict("records")}


def _number(value: float, digits: int) -> Cell:
    return Cell("\N{EN DASH}") if pd.isna(value) else Cell(signed(value, digits), float(value))
