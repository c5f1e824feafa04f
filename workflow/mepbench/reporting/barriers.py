"""What a surface's barriers are worth: those of several results folders against better ones.

    python -m mepbench.reporting.barriers BARRIERS.csv RESULTS [RESULTS ...]

The folders are of runs of the same reactions on one surface each, of which `reference.csv` has the
barrier of the lowest saddle that was proven there, between minima of that surface, at 0 K: with
the harmonic zero-point energies of saddle and reactant. `BARRIERS.csv` (columns `reaction`,
`barrier_0K_eV`) has what they should be. `barriers.csv`, `barriers.md` and a figure are left
beside the last folder; the table is printed. `make bench-barriers` runs all of it on reactions of
RDB7, whose barriers are those of coupled clusters (Spiekermann, Pattanaik, Green, Sci. Data 9, 417
(2022), doi:10.1038/s41597-022-01529-6).
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

from ..errors import InputError
from .markup import markdown
from .plotting import WIDTH, house_style, legend_below, new_figure
from .styles import style

KEY, BARRIER = "reaction", "barrier_0K_eV"


def read_barriers(known: Path, folders: list[Path]) -> pd.DataFrame:
    """Return barriers at 0 K in eV, a row a reaction, `known` and a column a surface.

    NaN is a reaction that no method has proven a saddle for on that surface.

    Raises
    ------
    InputError
        where a file is missing or has other columns, two folders are of one surface, or a folder
        has no reaction whose barrier is known.
    """
    columns, run = {"known": _column(known, _read(known))}, set()
    for folder in folders:
        file = folder / "reference.csv"
        read = _read(file)
        barriers, surface = _column(file, read), _surface(file, read)
        if surface in columns:
            raise InputError(f"{folder}: {surface} is the surface of another folder, too.")
        if not barriers.index.isin(columns["known"].index).any():
            raise InputError(f"{folder}: of none of its reactions is the barrier in {known}.")
        columns[surface] = barriers
        run |= {*barriers.index}
    table = pd.DataFrame(columns)
    return table[table.index.isin(run) & table["known"].notna()].rename_axis(KEY)


def _read(file: Path) -> pd.DataFrame:
    try:
        read = pd.read_csv(file, dtype={KEY: str})
    except (OSError, ValueError) as error:
        raise InputError(f"{file}: cannot be read as a table ({error}).") from None
    if not {KEY, BARRIER} <= {*read.columns}:
        raise InputError(f"{file}: a table with the columns {KEY} and {BARRIER} is needed.")
    return read


def _column(file: Path, read: pd.DataFrame) -> pd.Series:
    if twice := sorted(set(read[KEY][read[KEY].duplicated()])):
        raise InputError(f"{file}: {twice[0]} is there twice; compare one set at a time.")
    return read.set_index(KEY)[BARRIER].astype(float)


def _surface(file: Path, read: pd.DataFrame) -> str:
    names = sorted(set(read["potential"].dropna()))
    if len(names) != 1:
        raise InputError(f"{file}: a run on one surface is needed, this names {len(names)}.")
    return names[0]


def compared(barriers: pd.DataFrame) -> pd.DataFrame:
    """Return how far each surface's barriers are off, in eV: a row a surface.

    Parameters
    ----------
    barriers : as `read_barriers` returns them

    Returns
    -------
    How many it has proven, and of these the mean error, the mean, median and largest absolute
    error, the correlation by rank (Spearman; of three reactions and more). `common`: how many all
    surfaces have that have proven half of them at least, and the mean absolute error of each of
    those surfaces on them.
    """
    surfaces = barriers.columns.drop("known")
    able = [surface for surface in surfaces if 2 * barriers[surface].count() >= len(barriers)]
    rows, common = [], barriers[["known", *able]].dropna() if able else barriers[:0]
    for surface in surfaces:
        mine = barriers[["known", surface]].dropna()
        error = mine[surface] - mine["known"]
        shared = common[surface] - common["known"] if surface in able else error[:0]
        rows.append(
            {
                "surface": surface,
                "reactions": len(barriers),
                "proven": len(mine),
                "mean": error.mean(),
                "mean_absolute": error.abs().mean(),
                "median_absolute": error.abs().median(),
                "largest": error.abs().max(),
                "rank_correlation": mine.rank().corr().iloc[0, 1] if len(mine) > 2 else np.nan,
                "common": len(common),
                "common_mean_absolute": shared.abs().mean(),
            }
        )
    return pd.DataFrame(rows)


def readable(table: pd.DataFrame) -> pd.DataFrame:
    """Return the numbers of `compared` as text, energies in eV."""
    common = table["common"].max()
    energies = {
        "mean error": "mean",
        "mean absolute": "mean_absolute",
        "median absolute": "median_absolute",
        "largest": "largest",
        f"of {common} in common": "common_mean_absolute",
    }
    said = {"surface": table["surface"]}
    said["proven"] = [f"{n} of {m}" for n, m in zip(table.proven, table.reactions, strict=True)]
    for heading, column in energies.items():
        said[heading] = table[column].map(f"{{:{'+' if column == 'mean' else ''}.2f}}".format)
    said["rank correlation"] = table["rank_correlation"].map("{:.2f}".format)
    return pd.DataFrame(said).replace(["nan", "+nan"], "")


def draw(barriers: pd.DataFrame, file: Path) -> None:
    """Draw each surface's barriers against the known ones, as PNG and PDF."""
    surfaces = list(barriers.columns.drop("known"))
    with house_style():
        figure = new_figure(height=WIDTH)
        axes = figure.subplots()
        limits = np.nanmin(barriers) - 0.2, np.nanmax(barriers) + 0.2
        axes.axline((0, 0), slope=1, color="0.6", linewidth=0.8, zorder=0)
        for place, surface in enumerate(surfaces):
            points = {**style(place).point, "linestyle": "", "alpha": 0.75, "markeredgewidth": 0}
            axes.plot(barriers["known"], barriers[surface], label=surface, **points)
        axes.set(xlim=limits, ylim=limits, aspect="equal")
        axes.set(xlabel="Known barrier at 0 K (eV)", ylabel="Barrier of the surface at 0 K (eV)")
        legend_below(figure)
        for suffix in (".png", ".pdf"):
            figure.savefig(file.with_suffix(suffix))


def main(arguments: list[str] | None = None) -> None:
    """Compare the folders; leave table and figure beside the last one."""
    known, *folders = map(Path, sys.argv[1:] if arguments is None else arguments)
    barriers = read_barriers(known, folders)
    text = markdown(readable(compared(barriers)))
    beside = folders[-1].parent
    barriers.to_csv(beside / "barriers.csv", lineterminator="\n")
    (beside / "barriers.md").write_text(text, encoding="utf-8")
    draw(barriers, beside / "barriers.png")
    print(text)


if __name__ == "__main__":
    main()
