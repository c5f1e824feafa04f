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
from .styles import style

DAY, NODE = 86_400, 64  # seconds; cores
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

    The power is that of a line through the logarithms of all sizes from 15 atoms on.
    """
    grown = rows[rows.set == GROWING]
    table = grown.pivot(index="way", columns="natoms", values="all_s").reindex(
        [way for way in WAYS if way in set(grown.way)]
    )
    powers = []
    for _, values in table.iterrows():
        known = values[values.index >= 15].dropna()
        enough = len(known) > 1
        power = np.polyfit(np.log(known.index), np.log(known), 1)[0] if enough else np.nan
        powers.append(f"{power:.1f}" if enough else "")
    said = table.map(lambda value: "" if np.isnan(value) else f"{value:.1f}")
    said.columns = [f"{natoms} atoms" for natoms in said.columns]
    return said.assign(power=powers).reset_index()


def draw(rows: pd.DataFrame, file: Path) -> None:
    """Draw seconds of the processor against atoms: points of sets, lines of what grows."""
    with house_style():
        figure = new_figure()
        axes = figure.subplots()
        for place, way in enumerate(WAYS):
            look, mine = style(place), rows[rows.way == way]
            of_sets, grown = mine[mine.set != GROWING], mine[mine.set == GROWING]
            faint = {"linestyle": "", "alpha": 0.25, "markeredgewidth": 0}
            axes.plot(of_sets.natoms, of_sets.all_s, **{**look.point, "markersize": 2}, **faint)
            grown = grown.sort_values("natoms")
            axes.plot(grown.natoms, grown.all_s, label=way, **look.line)
        axes.set(xscale="log", yscale="log", xlabel="atoms", ylabel="seconds of one core")
        ticks = [6, 10, 20, 30, 60]
        axes.set_xticks(ticks, [str(tick) for tick in ticks])
        axes.set_xticks([], minor=True)
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
