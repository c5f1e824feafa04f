"""Scores: every run against the best saddle known of its reaction.

The reference of a reaction is its verified `intended` saddle of lowest barrier: the shipped
one, or one of this run that is lower by more than 1 meV (nearer, the two are one saddle
converged twice). A run whose own saddle became the reference has no error by construction:
such rows are marked `self_reference`, and `statistics.summary` has medians without them as well.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from ase import Atoms

from ..files.columns import (
    COLUMNS,
    EXTRA_COLUMNS,
    FLAGS,
    JUDGED_COLUMNS,
    REFERENCE_COLUMNS,
    TEXT,
    WHOLE,
)
from ..files.frames import as_read, frame
from ..molecule.structure import RIGID, saddle_rmsd
from ..reaction import Reaction

BETTER = 1e-3  # eV: a saddle lower by less than this is the shipped one again
AT_ONCE = 100_000  # rows in memory, of which some are looked for
BELOW = 5e-3  # eV: an energy this far below the reference is flagged

KEY = ["set", "reaction", "method", "seed"]
THERMAL = ["barrier_0K_eV", "free_energy_barrier_eV", "reaction_free_energy_eV"]


@dataclass(frozen=True)
class Scored:
    """The tidy table and the references it was scored against.

    Attributes
    ----------
    runs : `COLUMNS` and `EXTRA_COLUMNS`, in the order of the input; what `scoring.explained`
        fills is empty
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
            table[column] = _flag(table[column])
        else:
            table[column] = pd.to_numeric(table[column].replace("", np.nan)).astype(
                "Int64" if column in WHOLE else float
            )
    return table


def _flag(column: pd.Series) -> pd.Series:
    return column.astype(str).str.lower().eq("true")


def read_runs(path: str | Path, reactions: Collection[str] | None = None) -> pd.DataFrame:
    """Read a `runs.csv`, `reference.csv` or a job's rows; names stay text, whatever they are.

    Where `reactions` are named, only their rows are kept, also in memory.
    """
    columns = pd.read_csv(path, nrows=0).columns
    numbers = [column for column in columns if column not in TEXT | FLAGS]
    # Read as what they are: as text, or typed afterwards, millions of checkpoints would not fit.
    types = {c: "Int64" if c in WHOLE else float for c in numbers}
    options = {
        "dtype": {c: types.get(c, object) for c in columns},
        "keep_default_na": False,
        "na_values": {c: [""] for c in numbers},
    }
    if reactions is None:
        table = pd.read_csv(path, **options)
    else:
        parts = pd.read_csv(path, chunksize=AT_ONCE, **options)
        table = pd.concat([part[part["reaction"].isin(reactions)] for part in parts])
    return table.assign(**{c: _flag(table[c]) for c in columns if c in FLAGS})


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
    other_ends: Collection[tuple[str, str]] = (),
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
    other_ends : (set, reaction) whose shipped reference was left out, since it belongs to
        other endpoints
    invariances : the potential's, for the distance between saddles
    """
    runs = typed(runs.reindex(columns=list(JUDGED_COLUMNS)))
    keys = _keys(runs)
    proven = runs["verdict"].eq("intended") & runs["barrier_eV"].notna()
    barriers = dict(zip(_keys(runs[proven]), runs.loc[proven, "barrier_eV"], strict=True))
    frequencies = dict(zip(keys, runs["imaginary_frequency_cm"], strict=True))
    thermal = dict(zip(keys, runs[THERMAL].to_dict("records"), strict=True))
    positions, best = _read_saddles(saddles, barriers)
    known = {(str(a.info.get("set", "")), str(a.info["reaction"])): a for a in shipped}
    rows_of: dict[tuple[str, str], list[int]] = {}
    for at, key in enumerate(keys):
        rows_of.setdefault(key[:2], []).append(at)

    barrier, shipped_barrier = np.full((2, len(runs)), np.nan)
    distances = np.full((len(runs), 2), np.nan)
    source = np.full(len(runs), "", dtype=object)
    own = np.zeros(len(runs), dtype=bool)
    rows, frames = [], []
    for reaction in endpoints:
        key = (reaction.set, reaction.name)
        at = rows_of.get(key)
        if at is None:
            continue
        first = runs.iloc[at[0]]
        candidate = _usable(known.get(key), reaction, first["potential"])
        reference = _reference(reaction, best.get(key), barriers, candidate, first, frequencies)
        near = [abs(barriers.get(keys[i], np.inf) - reference.barrier) < BELOW for i in at]
        stands = "other endpoints" if key in other_ends else _standing(reference)
        row = _reference_row(reference, reaction, sum(near), len(at), first, stands)
        rows.append(row | _thermal_cells(reference, best.get(key), thermal, barriers))
        shipped_barrier[at] = reference.shipped_barrier
        if reference.frame is None:
            continue
        frames.append(reference.frame)
        barrier[at], source[at] = reference.barrier, reference.source
        for i in at:
            own[i] = keys[i] == reference.run
            for k, role in enumerate(("saddle", "peak")):
                image = positions.get((role, *keys[i]))
                if image is not None:
                    distances[i, k] = saddle_rmsd(
                        reaction.numbers,
                        image,
                        reference.frame.positions,
                        reaction.ends,
                        invariances,
                    )
    runs["barrier_error_eV"] = runs["barrier_eV"] - barrier
    runs["path_barrier_error_eV"] = runs["path_barrier_eV"] - barrier
    runs["saddle_rmsd_A"] = np.where(runs["barrier_eV"].notna(), distances[:, 0], np.nan)
    runs["path_saddle_rmsd_A"] = distances[:, 1]
    runs["reference_source"] = source
    runs["self_reference"] = own
    # A path from end to end that stays below the reference proves a lower saddle; so would
    # a proven saddle, had it not become the reference.
    runs["below_reference"] = (runs["path_barrier_error_eV"] < -BELOW) | (
        (runs["barrier_error_eV"] < -BELOW) & proven
    )
    runs["beats_shipped"] = proven & (runs["barrier_eV"] < shipped_barrier - BETTER)
    return Scored(
        typed(runs.reindex(columns=[*COLUMNS, *EXTRA_COLUMNS])),
        typed(pd.DataFrame(rows, columns=list(REFERENCE_COLUMNS))),
        frames,
    )


def lowest_saddles(
    runs: pd.DataFrame, saddles: Iterable[Atoms], endpoints: Iterable[Reaction]
) -> dict[str, Atoms]:
    """Return a run's own saddle of lowest barrier for each reaction of one set, where proven.

    Parameters as for `score`; `runs` are of one set.
    """
    proven = runs[runs["verdict"].eq("intended") & runs["barrier_eV"].notna()]
    barriers = dict(zip(_keys(proven), proven["barrier_eV"], strict=True))
    frequencies = dict(zip(_keys(proven), proven["imaginary_frequency_cm"], strict=True))
    _, best = _read_saddles(saddles, barriers)
    return {
        reaction.name: as_read(
            _reference(reaction, best[key], barriers, None, proven.iloc[0], frequencies).frame
        )
        for reaction in endpoints
        if (key := (reaction.set, reaction.name)) in best
    }


def _keys(runs: pd.DataFrame) -> list[tuple]:
    return [(*row[:3], int(row[3])) for row in runs[KEY].itertuples(index=False, name=None)]


def _read_saddles(saddles: Iterable[Atoms], barriers: dict) -> tuple[dict, dict]:
    """Positions by role and run, and the lowest proven saddle (key, frame) by reaction."""
    positions, best = {}, {}
    for atoms in saddles:
        key = (*(atoms.info[k] for k in KEY[:3]), int(atoms.info["seed"]))
        role = atoms.info["role"]
        positions[(role, *key)] = atoms.positions
        if role == "saddle" and key in barriers:
            lowest = best.get(key[:2])
            if lowest is None or barriers[key] < barriers[lowest[0]]:
                best[key[:2]] = key, atoms
    return positions, best


@dataclass(frozen=True)
class _Reference:
    """A reaction's reference saddle; without one, `frame` is None and `source` empty."""

    source: str = ""
    run: tuple | None = None
    barrier: float = np.nan
    shipped_barrier: float = np.nan
    frequency: float = np.nan
    frame: Atoms | None = None


def _usable(shipped: Atoms | None, reaction: Reaction, potential: str) -> Atoms | None:
    if shipped is None or shipped.calc is None or "energy" not in shipped.calc.results:
        return None
    same_molecule = np.array_equal(shipped.numbers, reaction.numbers)
    same_potential = shipped.info.get("potential", potential) == potential
    return shipped if same_molecule and same_potential else None


def _reference(reaction, best, barriers, shipped, first, frequencies) -> _Reference:
    shipped_barrier = np.nan
    if shipped is not None:
        shipped_barrier = shipped.get_potential_energy() - reaction.energies[0]
    if best is None or barriers[best[0]] > shipped_barrier - BETTER:
        if shipped is None:
            return _Reference()
        frequency = float(shipped.info.get("imaginary_frequency_cm", np.nan))
        image = _saddle_frame(shipped, **{**shipped.info, "source": "shipped"})
        return _Reference("shipped", None, shipped_barrier, shipped_barrier, frequency, image)
    key, saddle = best
    frequency = float(frequencies[key])
    source = f"run:{key[2]}:{key[3]}"
    image = _saddle_frame(
        saddle,
        set=key[0],
        reaction=key[1],
        role="ts",
        source=source,
        charge=int(reaction.charge),
        multiplicity=int(reaction.multiplicity),
        barrier_eV=barriers[key],
        imaginary_frequency_cm=frequency,
        eigenvalues=saddle.info.get("eigenvalues"),
        potential=first["potential"],
        backend=first["backend"],
    )
    return _Reference(source, key, barriers[key], shipped_barrier, frequency, image)


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


def _standing(reference: _Reference) -> str:
    """Say what became of the shipped reference."""
    if np.isnan(reference.shipped_barrier):
        return "none"
    return "stands" if reference.source == "shipped" else "beaten"


def _reference_row(
    reference: _Reference, reaction, found_by: int, runs: int, first, shipped: str
) -> dict:
    e_reactant, e_product = reaction.energies
    return {
        "set": reaction.set,
        "reaction": reaction.name,
        "reference_source": reference.source,
        "barrier_eV": reference.barrier,
        "reverse_barrier_eV": reference.barrier - (e_product - e_reactant),
        "reaction_energy_eV": e_product - e_reactant,
        "saddle_energy_eV": e_reactant + reference.barrier,
        "imaginary_frequency_cm": reference.frequency,
        "shipped_barrier_eV": reference.shipped_barrier,
        "lower_by_eV": reference.shipped_barrier - reference.barrier,
        "found_by": found_by,
        "runs": runs,
        "shipped": shipped,
        "potential": first["potential"],
        "backend": first["backend"],
    }


def _thermal_cells(reference: _Reference, best, thermal: dict, barriers: dict) -> dict:
    """Thermochemistry of the reference, by the Hessian of a run whose saddle it is."""
    if best is None or not abs(barriers[best[0]] - reference.barrier) < BETTER:
        return {}
    lower = barriers[best[0]] - reference.barrier
    zero_kelvin, free, of_reaction = (thermal[best[0]][column] for column in THERMAL)
    return dict(zip(THERMAL, (zero_kelvin - lower, free - lower, of_reaction), strict=True))
