"""Scores: every run against the best saddle known of its reaction, and what methods sum up to.

The reference of a reaction is its verified `intended` saddle of lowest barrier: the shipped
one, or one of this run that is lower by more than 1 meV (nearer, the two are one saddle
converged twice). A run whose own saddle became the reference has no error by construction:
such rows are marked `self_reference`, and summaries give medians without them as well.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from ase import Atoms

from .frames import frame
from .reaction import Reaction
from .structure import RIGID, saddle_rmsd

BETTER = 1e-3  # eV: a saddle lower by less than this is the shipped one again
BELOW = 5e-3  # eV: an energy this far below the reference is flagged

COLUMNS = tuple(
    """set reaction method seed guess refiner guess_hash natoms formula charge multiplicity
    verdict reason barrier_eV reverse_barrier_eV reaction_energy_eV barrier_error_eV
    path_barrier_eV path_barrier_error_eV guess_barrier_eV saddle_rmsd_A path_saddle_rmsd_A
    imaginary_frequency_cm tangency_defect_eV excess_eV converged gradients_path
    gradients_refine gradients_verify rounds_path wall_guess_s wall_path_s wall_refine_s
    wall_verify_s oracle_path_s oracle_refine_s reference_source potential backend""".split()
)
EXTRA_COLUMNS = ("self_reference", "below_reference")
SCORED = (
    "barrier_error_eV path_barrier_error_eV saddle_rmsd_A path_saddle_rmsd_A reference_source "
    "self_reference below_reference"
).split()
REFERENCE_COLUMNS = tuple(
    """set reaction reference_source barrier_eV reverse_barrier_eV reaction_energy_eV energy_eV
    imaginary_frequency_cm shipped_barrier_eV lower_by_eV found_by runs potential backend""".split()
)
TEXT = frozenset(
    "set reaction method guess refiner guess_hash formula verdict reason reference_source "
    "potential backend".split()
)
WHOLE = frozenset(
    "seed natoms charge multiplicity gradients_path gradients_refine gradients_verify "
    "rounds_path found_by runs".split()
)
FLAGS = frozenset(("converged", *EXTRA_COLUMNS))
KEY = ["set", "reaction", "method", "seed"]


@dataclass(frozen=True)
class Scored:
    """The tidy table and the references it was scored against.

    Attributes
    ----------
    runs : `COLUMNS` and `EXTRA_COLUMNS`, in the order of the input
    reference : `REFERENCE_COLUMNS`, one row for every reaction with good endpoints; source
        "" and empty numbers where no saddle is known
    reference_frames : the reference saddles, with `set`, `reaction`, `source`, energy
    """

    runs: pd.DataFrame
    reference: pd.DataFrame
    reference_frames: list[Atoms]


def typed(rows: pd.DataFrame) -> pd.DataFrame:
    """Give the columns of a table of text their types; an empty cell of a number is missing."""
    table = rows.copy()
    for column in table.columns:
        if column in TEXT:
            table[column] = table[column].fillna("").astype(str).astype(object)
        elif column in FLAGS:
            table[column] = table[column].astype(str).str.lower().eq("true")
        else:
            table[column] = pd.to_numeric(table[column].replace("", np.nan)).astype(
                "Int64" if column in WHOLE else float
            )
    return table


def read_runs(path: str | Path) -> pd.DataFrame:
    """Read a `runs.csv`, `reference.csv` or a job's rows; names stay text, whatever they are."""
    return typed(pd.read_csv(path, dtype=str, keep_default_na=False))


def write_runs(path: str | Path, table: pd.DataFrame) -> None:
    """Write a table that `read_runs` reads back as it is."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(path, index=False, lineterminator="\n")


def score(
    runs: pd.DataFrame,
    saddles: Iterable[Atoms],
    endpoints: Iterable[Reaction],
    shipped: Iterable[Atoms] = (),
    *,
    invariances: tuple[str, ...] = RIGID,
) -> Scored:
    """Score all runs of a results folder.

    Parameters
    ----------
    runs : judged rows, with the columns of `runs.csv` that are not errors
    saddles : frames with energy, `set`, `reaction`, `method`, `seed` and `role`: "saddle"
        after refinement, "peak" where it started
    endpoints : the prepared reactions
    shipped : reference saddles with `set`, `reaction`, an energy; one whose elements or
        `potential` are not this run's is passed over
    invariances : the potential's, for the distance between saddles
    """
    runs = typed(runs.drop(columns=[c for c in SCORED if c in runs.columns]))
    runs = runs.reindex(columns=[c for c in COLUMNS if c not in SCORED])
    reactions = {(reaction.set, reaction.name): reaction for reaction in endpoints}
    frames = {
        (
            a.info["role"],
            a.info["set"],
            a.info["reaction"],
            a.info["method"],
            int(a.info["seed"]),
        ): a
        for a in saddles
    }
    known = {(str(a.info.get("set", "")), str(a.info["reaction"])): a for a in shipped}
    groups, references, reference_frames = [], [], []
    for key, group in runs.groupby(["set", "reaction"], sort=False):
        reference = None
        if key in reactions and not (group["verdict"] == "bad-endpoints").all():
            reaction = reactions[key]
            candidate = _usable(known.get(key), reaction, group)
            reference = _reference(group, frames, candidate, reaction)
            references.append(_reference_row(reference, group, reaction, key))
            if reference is not None:
                reference_frames.append(reference.frame)
            group = _with_errors(group, reference, frames, reaction, invariances)
        groups.append(group)
    scored = pd.concat(groups) if groups else runs
    scored = scored.reindex(runs.index).reindex(columns=[*COLUMNS, *EXTRA_COLUMNS])
    return Scored(
        typed(scored),
        typed(pd.DataFrame(references, columns=list(REFERENCE_COLUMNS))),
        reference_frames,
    )


def _keys(runs: pd.DataFrame) -> list[tuple]:
    return [(*row[:3], int(row[3])) for row in runs[KEY].itertuples(index=False, name=None)]


@dataclass(frozen=True)
class _Reference:
    source: str
    row: object  # label of the run whose saddle it is, None if shipped
    barrier: float
    shipped_barrier: float
    frequency: float
    frame: Atoms


def _usable(shipped: Atoms | None, reaction: Reaction, group: pd.DataFrame) -> Atoms | None:
    if shipped is None or shipped.calc is None:
        return None
    same = np.array_equal(shipped.numbers, reaction.numbers)
    potential = shipped.info.get("potential")
    if potential is not None and potential not in set(group["potential"]):
        same = False
    return shipped if same else None


def _reference(group, frames, shipped, reaction) -> _Reference | None:
    reactant = reaction.energies[0]
    shipped_barrier = np.nan if shipped is None else shipped.get_potential_energy() - reactant
    intended = group[(group["verdict"] == "intended") & group["barrier_eV"].notna()]
    present = [("saddle", *row) in frames for row in _keys(intended)]
    intended = intended[np.array(present, dtype=bool)]
    own = None
    if len(intended):
        own = intended.loc[intended["barrier_eV"].idxmin()]
        if not np.isnan(shipped_barrier) and own["barrier_eV"] > shipped_barrier - BETTER:
            own = None
    if own is None and shipped is None:
        return None
    if own is None:
        frequency = float(shipped.info.get("imaginary_frequency_cm", np.nan))
        image = _saddle_frame(shipped, **{**shipped.info, "source": "shipped"})
        return _Reference("shipped", None, shipped_barrier, shipped_barrier, frequency, image)
    source = f"run:{own['method']}:{own['seed']}"
    barrier, frequency = float(own["barrier_eV"]), float(own["imaginary_frequency_cm"])
    image = _saddle_frame(
        frames["saddle", own["set"], own["reaction"], own["method"], int(own["seed"])],
        set=own["set"],
        reaction=own["reaction"],
        role="ts",
        source=source,
        charge=int(reaction.charge),
        multiplicity=int(reaction.multiplicity),
        barrier_eV=barrier,
        imaginary_frequency_cm=frequency,
        potential=own["potential"],
        backend=own["backend"],
    )
    return _Reference(source, own.name, barrier, shipped_barrier, frequency, image)


def _saddle_frame(saddle: Atoms, **info: object) -> Atoms:
    results = saddle.calc.results
    return frame(
        saddle.numbers,
        saddle.positions,
        energy=results["energy"],
        gradient=-results["forces"] if "forces" in results else None,
        arrays={"mode": saddle.arrays["mode"]} if "mode" in saddle.arrays else None,
        **info,
    )


def _reference_row(reference: _Reference | None, group, reaction, key) -> dict:
    e_reactant, e_product = reaction.energies
    row = {
        "set": key[0],
        "reaction": key[1],
        "reference_source": "",
        "reaction_energy_eV": e_product - e_reactant,
        "found_by": 0,
        "runs": len(group),
        "potential": group["potential"].iloc[0],
        "backend": group["backend"].iloc[0],
    }
    if reference is None:
        return row
    near = (group["barrier_eV"] - reference.barrier).abs() < BELOW
    row |= {
        "reference_source": reference.source,
        "barrier_eV": reference.barrier,
        "reverse_barrier_eV": reference.barrier - (e_product - e_reactant),
        "energy_eV": e_reactant + reference.barrier,
        "imaginary_frequency_cm": reference.frequency,
        "shipped_barrier_eV": reference.shipped_barrier,
        "lower_by_eV": reference.shipped_barrier - reference.barrier,
        "found_by": int((near & (group["verdict"] == "intended")).sum()),
    }
    return row


def _with_errors(group, reference, frames, reaction, invariances) -> pd.DataFrame:
    group = group.copy()
    if reference is None:
        return group
    saddle = reference.frame.positions

    def distance(role: str, row) -> float:
        image = frames.get((role, *row))
        if image is None:
            return np.nan
        return saddle_rmsd(reaction.numbers, image.positions, saddle, reaction.ends, invariances)

    rows = _keys(group)
    converged = group["barrier_eV"].notna()
    group["barrier_error_eV"] = group["barrier_eV"] - reference.barrier
    group["path_barrier_error_eV"] = group["path_barrier_eV"] - reference.barrier
    group["saddle_rmsd_A"] = [
        distance("saddle", row) if ok else np.nan for row, ok in zip(rows, converged, strict=True)
    ]
    group["path_saddle_rmsd_A"] = [distance("peak", row) for row in rows]
    group["reference_source"] = reference.source
    group["self_reference"] = group.index == reference.row
    # A path from end to end that stays below the reference proves a lower saddle; so would
    # a proven saddle, had it not become the reference.
    group["below_reference"] = (group["path_barrier_error_eV"] < -BELOW) | (
        (group["barrier_error_eV"] < -BELOW) & (group["verdict"] == "intended")
    )
    return group


def derived(runs: pd.DataFrame) -> pd.DataFrame:
    """Add what follows from the columns of `runs.csv`: cost to saddle, a method's own seconds."""
    runs = runs.copy()
    path, refine = runs["gradients_path"].astype(float), runs["gradients_refine"].astype(float)
    runs["cost_to_saddle"] = path + refine
    runs["own_path_s"] = (runs["wall_path_s"] - runs["oracle_path_s"]).clip(lower=0)
    runs["own_refine_s"] = (runs["wall_refine_s"] - runs["oracle_refine_s"]).clip(lower=0)
    runs["own_ms_per_gradient"] = 1000 * runs["own_path_s"] / path.where(path > 0)
    return runs


def summary(runs: pd.DataFrame, by: tuple[str, ...] = ("method",)) -> pd.DataFrame:
    """Sum up the runs of each method, in the order in which methods first appear.

    Runs with bad endpoints are left out; all others are in the denominator of
    `share_intended`. Costs, and errors after refinement, are over the intended runs; errors
    before refinement, T, X and seconds over all runs that have them. Errors are absolute.

    Parameters
    ----------
    runs : as read by `read_runs`
    by : ("method",) or ("set", "method")
    """
    table = derived(runs[runs["verdict"] != "bad-endpoints"])
    rows = []
    for key, group in table.groupby(list(by), sort=False):
        solved = group[group["verdict"] == "intended"]
        row = dict(zip(by, key, strict=True))
        row["runs"], row["intended"] = len(group), len(solved)
        row["share_intended"] = len(solved) / len(group)
        for suffix, q in (("median", 0.5), ("q25", 0.25), ("q75", 0.75)):
            row[f"cost_to_saddle_{suffix}"] = solved["cost_to_saddle"].quantile(q)
        for column, part in (
            ("path_barrier_error_eV", group),
            ("path_saddle_rmsd_A", group),
            ("barrier_error_eV", solved),
            ("saddle_rmsd_A", solved),
        ):
            row[f"{column}_median"] = part[column].abs().median()
            others = part.loc[~part["self_reference"], column]
            row[f"{column}_median_others"] = others.abs().median()
            row[f"{column}_count"] = int(part[column].notna().sum())
        for column in (
            "tangency_defect_eV excess_eV wall_guess_s oracle_path_s own_path_s oracle_refine_s "
            "own_refine_s own_ms_per_gradient"
        ).split():
            row[f"{column}_median"] = group[column].median()
        rows.append(row)
    return pd.DataFrame(rows, columns=None if rows else [*by, "runs", "intended", "share_intended"])


def failures(runs: pd.DataFrame) -> pd.DataFrame:
    """Return every run that is not `intended`, with its verdict and reason."""
    columns = ["set", "reaction", "method", "seed", "verdict", "reason"]
    return runs.loc[runs["verdict"] != "intended", columns].reset_index(drop=True)
