"""Figures: found by file, drawn from one results folder, the same byte for byte each time.

A file `workflow/figures/NAME.py` *is* the figure NAME: its docstring is the caption, and
`plot(results)` returns a matplotlib figure. What is drawn comes from `Results` only, which
reads a table when a figure first asks for it.
"""

import ast
import importlib.util
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ..errors import InputError
from ..files.shipped import WORKFLOW

FOLDER = WORKFLOW / "figures"
KINDS = ("pdf", "png", "svg")
# No time stamps and no random identifiers: two renderings are the same file.
METADATA = {
    "pdf": {"CreationDate": None, "Producer": None, "Creator": "mepbench"},
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": "mepbench"},
}


def figure_files(further: Iterable[str] = ()) -> dict[str, Path]:
    """Return every figure's file by its name: those that ship and `further` files of a user."""
    files = [*sorted(FOLDER.glob("*.py")), *map(Path, further)]
    return {file.stem: file for file in files if not file.stem.startswith("_")}


def figure_file(name: str, further: Iterable[str] = ()) -> Path:
    """Return the file that is the figure `name`."""
    files = figure_files(further)
    if name not in files:
        raise InputError(f"there is no figure {name!r}. Known: {', '.join(files)}.")
    return files[name]


def caption(name: str, further: Iterable[str] = ()) -> str:
    """Return a figure's caption, one paragraph: its file's docstring."""
    file = figure_file(name, further)
    text = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8")))
    if not text:
        raise InputError(f"{file}: a figure's file begins with a docstring, its caption.")
    return " ".join(text.split())


@dataclass(frozen=True)
class Results:
    """The tables of one results folder, each read when first asked for.

    A table that was not written is an empty frame, so that one figure's missing input is
    a note in that figure. Text columns stay text (`001` and `NA` are names).
    """

    folder: Path

    @cached_property
    def runs(self):
        """One row per (set, reaction, method, seed), see `score.COLUMNS`."""
        from ..scoring.score import read_runs

        return read_runs(self.folder / "runs.csv")

    @cached_property
    def traces(self):
        """Checkpoints of each run: evaluations, rounds, seconds, barrier_eV, residual."""
        return self._table("traces.csv")

    @cached_property
    def profiles(self):
        """Energy along each finished path: s, arc_length_A, energy_eV above the reactant."""
        return self._table("profiles.csv")

    @cached_property
    def surfaces(self):
        """Paths on the Mueller-Brown surface: method, s, x, y, energy_eV, is_path, peak."""
        import pandas as pd

        file = self.folder / "surfaces.csv"
        if not file.exists():
            return pd.DataFrame()
        text = {"surface": str, "method": str}
        return pd.read_csv(file, dtype=text, keep_default_na=False, na_values={"s": ""})

    @cached_property
    def reference(self):
        """The reference barrier of each reaction."""
        return self._table("reference.csv")

    @cached_property
    def provenance(self) -> dict:
        """Code, versions, machine, configuration; empty where none was written."""
        file = self.folder / "provenance.json"
        return json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}

    @property
    def configured(self) -> dict[str, dict]:
        """The configuration's methods, by name, in its order; empty where none is known."""
        return self.provenance.get("config", {}).get("methods", {})

    @property
    def figures(self) -> list[str]:
        """Files of further figures, as configured."""
        return self.provenance.get("config", {}).get("figures", [])

    @cached_property
    def judged(self):
        """The runs that count, with their costs: all but those whose endpoints were refused."""
        from ..statistics.censored import counted, derived

        return derived(counted(self.runs))

    @cached_property
    def compared(self):
        """The judged runs of methods that are installed: what methods are compared on."""
        from ..statistics.censored import compared

        return compared(self.judged)

    @cached_property
    def methods(self) -> list[str]:
        """Names of the methods in the order of the configuration."""
        found = list(self.runs.method)
        if "method" in self.surfaces:
            found += list(self.surfaces.method)
        return [*(m for m in self.configured if m in set(found)),
                *(m for m in dict.fromkeys(found) if m not in self.configured)]  # fmt: skip

    def style(self, method: str):
        """Return the `styles.Style` of a method, the same in every figure of every run."""
        return self._styles[method]

    @cached_property
    def _styles(self):
        from .styles import styles

        return styles(self.methods)

    def _table(self, name: str):
        import pandas as pd

        from ..scoring.score import read_runs

        file = self.folder / name
        return read_runs(file) if file.exists() else pd.DataFrame()


def load_plot(name: str, further: Iterable[str] = ()) -> Callable:
    """Return the function `plot` of a figure's file."""
    import matplotlib

    matplotlib.use("Agg")
    file = figure_file(name, further)
    spec = importlib.util.spec_from_file_location(f"mepbench_figure_{name}", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if not callable(getattr(module, "plot", None)):
        raise InputError(f"{file}: a figure's file has a function plot(results) -> Figure.")
    return module.plot


def render(name: str, results: Results, folder: str | Path) -> list[Path]:
    """Draw a figure and write it as pdf, png and svg into `folder`; return the files."""
    from .plotting import house_style

    plot, folder = load_plot(name, results.figures), Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / f"{name}.{kind}" for kind in KINDS]
    with house_style():
        figure = plot(results)
        for file, kind in zip(files, KINDS, strict=True):
            figure.savefig(file, format=kind, metadata=METADATA[kind])
    return files
