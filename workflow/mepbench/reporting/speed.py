"""Seconds of a search, as `judging.search_speed` writes them: tables by stage and size, a figure.

    python -m mepbench.reporting.speed FILE

prints both tables, and draws `speed.png` and `speed.pdf` beside the file.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

from ..judging.search_speed import COLUMNS, GROWING, SELLA_IRC, STAGES, WAYS
from .markup import markdown
from .plotting import SMALLEST, house_style, legend_below, new_figure
from .styles import styles

DAY, NODE = 86_400, 64  # seconds; cores
LARGE = 15  # atoms, from which growth is told
LIKE = {"geodesic + Sella": "geodesic", "NEB": "neb"}  # drawn as in all figures
SECONDS = [f"{stage}_s" for stage in STAGES]


def read_speed(file: Path) -> pd.DataFrame:
    """Read the rows, with `saddle_s` and `all_s`: seconds to the saddle, and with its proof."""
    rows = pd.read_csv(file, usecols=list(COLUMNS))
    rows["saddle_s"] = rows[SECONDS[:-1]].sum(axis=1)
    rows["all_s"] = rows[SECONDS].sum(axis=1)
    rows["gradients_saddle"] = rows.gradients_path + rows.gradients_refine
    return rows


def by_stage(rows: pd.DataFrame) -> pd.DataFrame:
    """Return medians of each way over the reactions of sets, with ratios to the first way.

    `verified a day` is of one core, as measured: the solved over the seconds of all, in vain or
    not; `a node` that of 64 cores.
    """
    found = []
    for way, mine in rows[rows.set != GROWING].groupby("way", sort=False):
        solved = int((mine.verdict == "intended").sum())
        day = DAY * solved / mine.all_s.sum()
        proves = WAYS[way][1] != SELLA_IRC
        medians = {f"{stage} (s)": mine[f"{stage}_s"].median() for stage in STAGES}
        found.append(
            {
                "way": way,
                "solved": f"{solved}/{len(mine)}",
                "evaluations": f"{mine.gradients_saddle.median():.0f}",
                "of the proof": f"{mine.gradients_verify.median():.0f}",
                **{name: f"{value:.2f}" for name, value in medians.items()},
                "to the saddle (s)": mine.saddle_s.median(),
                "all (s)": mine.all_s.median(),
                "verified a day": f"{day:,.0f}" if proves else "",
                "a node": f"{NODE * day / 1e6:.2f} million" if proves else "",
            }
        )
    table = pd.DataFrame(found)
    for column in ("to the saddle (s)", "all (s)"):
        values = table[column]
        said = [f"{value:.2f} ({value / values.iloc[0]:.2f})" for value in values]
        table[column] = said
    return table


def by_size(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the seconds of each way on the reaction that grows, and the power that they grow by.

    A search that does not end at the intended saddle has its verdict beside its seconds. The power
    is that of a line through the logarithms of the others, from `LARGE` atoms on.
    """
    grown = rows[rows.set == GROWING]
    found = []
    for way, mine in grown.groupby("way", sort=False):
        mine = mine.sort_values("natoms")
        said = {"way": way}
        for one in mine.itertuples():
            verdict = "" if one.verdict == "intended" else f" ({one.verdict})"
            said[f"{one.natoms} atoms"] = f"{one.all_s:.1f}{verdict}"
        large = mine[(mine.natoms >= LARGE) & (mine.verdict == "intended")]
        fitted = len(large) > 1
        power = np.polyfit(np.log(large.natoms), np.log(large.all_s), 1)[0] if fitted else np.nan
        found.append(said | {"power": f"{power:.1f}" if fitted else ""})
    return pd.DataFrame(found).fillna("")


def draw(rows: pd.DataFrame, file: Path) -> None:
    """Draw seconds against atoms: points of sets, lines of what grows where it is intended."""
    with house_style():
        figure = new_figure()
        axes = figure.subplots()
        looks = styles(LIKE.get(way, way) for way in WAYS)
        for way in WAYS:
            look, mine = looks[LIKE.get(way, way)], rows[rows.way == way]
            of_sets, grown = mine[mine.set != GROWING], mine[mine.set == GROWING]
            faint = {"linestyle": "", "alpha": 0.25, "markeredgewidth": 0}
            axes.plot(of_sets.natoms, of_sets.all_s, **{**look.point, "markersize": 2}, **faint)
            grown = grown[grown.verdict == "intended"].sort_values("natoms")
            axes.plot(grown.natoms, grown.all_s, label=way, **look.line)
        axes.set(xscale="log", yscale="log", xlabel="atoms", ylabel="seconds of one core")
        ticks = [6, 10, 20, 30, 60]
        axes.set_xticks(ticks, [str(tick) for tick in ticks])
        axes.set_xticks([], minor=True)
        axes.yaxis.set_major_formatter("{x:g}")
        axes.tick_params(labelsize=SMALLEST)
        legend_below(figure)
        for suffix in (".png", ".pdf"):
            figure.savefig(file.with_suffix(suffix))


def main(arguments: list[str] | None = None) -> None:
    """Print both tables, and draw."""
    (given,) = sys.argv[1:] if arguments is None else arguments
    rows = read_speed(Path(given))
    if (rows.set != GROWING).any():
        print(markdown(by_stage(rows)))
    if (rows.set == GROWING).any():
        print(markdown(by_size(rows)))
    draw(rows, Path(given))


if __name__ == "__main__":
    main()
