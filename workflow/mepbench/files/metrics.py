"""What every measured column means: its label, unit, sense and format, stated once.

Tables take their headings and number formats from here, figures their axis labels and
limits. Columns are those of `runs.csv`, `reference.csv` and of the summary in `score`.
"""

import math
from dataclasses import dataclass
from typing import Literal

from ase.units import kcal, mol

KCAL_PER_EV = mol / kcal


@dataclass(frozen=True)
class Metric:
    """One measured quantity.

    Attributes
    ----------
    label : for a heading or an axis, without unit
    description : one sentence for a caption
    unit : "" where it is a count or a share
    better : "lower", "higher", or "" where neither is
    limits : of an axis; None for what the data decide
    format : of a number in a table (`format(value, metric.format)`)
    log : whether an axis is best logarithmic
    beyond : what a table says in place of infinity, the value of a failed run
    """

    label: str
    description: str
    unit: str = ""
    better: Literal["lower", "higher", ""] = ""
    limits: tuple[float | None, float | None] = (0, None)
    format: str = ".3f"
    log: bool = False
    beyond: str = "failed"

    @property
    def axis(self) -> str:
        """Label with unit, as it stands at an axis or over a column."""
        return f"{self.label} ({self.unit})" if self.unit else self.label


def _energy(label: str, description: str, better: str = "", low: float | None = 0) -> Metric:
    return Metric(label, description, "eV", better, (low, None))


def _seconds(label: str, description: str) -> Metric:
    return Metric(label, description, "s", "lower", (0, None), ".2f", log=True)


def _count(label: str, description: str, better: str = "lower") -> Metric:
    return Metric(label, description, "", better, (0, None), ".0f", log=True)


def _error(quantity: str, when: str, unit: str) -> Metric:
    description = f"{quantity} {when}, against the reference saddle of the reaction."
    return Metric(quantity, description, unit, "lower", (0, None), ".4f" if unit == "eV" else ".3f")


METRICS: dict[str, Metric] = {
    "barrier_eV": _energy(
        "Barrier",
        "Energy of the refined saddle above the reactant; empty where it is none of first order. "
        "The verdict says whether it is this reaction's.",
        "",
        None,
    ),
    "reverse_barrier_eV": _energy("Reverse barrier", "The same above the product.", "", None),
    "reaction_energy_eV": _energy(
        "Reaction energy", "Energy of the product above the reactant.", "", None
    ),
    "barrier_0K_eV": _energy(
        "Barrier at 0 K", "The barrier with the zero-point energies.", "", None
    ),
    "free_energy_barrier_eV": _energy(
        "Free energy of activation",
        "At 298.15 K and 1 bar: ideal gas, rigid rotor, harmonic oscillators, entropies of soft "
        "modes by Grimme's rule.",
        "",
        None,
    ),
    "reaction_free_energy_eV": _energy(
        "Reaction free energy", "Likewise, of the product above the reactant.", "", None
    ),
    "path_barrier_eV": _energy(
        "Path barrier", "Maximum of the energy along the finished path above the reactant."
    ),
    "guess_barrier_eV": _energy(
        "Guess barrier", "Maximum of the energy along the initial path above the reactant."
    ),
    "barrier_error_eV": _error("Barrier error", "after refinement", "eV"),
    "barrier_error_meV": Metric(
        "Barrier error",
        "after refinement, against the reference saddle of the reaction.",
        "meV",
        "lower",
        format=".1f",
    ),
    "path_barrier_error_eV": _error("Path barrier error", "before refinement", "eV"),
    "saddle_rmsd_A": _error("Saddle error", "after refinement (RMSD)", "\N{ANGSTROM SIGN}"),
    "path_saddle_rmsd_A": _error(
        "Path saddle error", "before refinement (RMSD)", "\N{ANGSTROM SIGN}"
    ),
    "imaginary_frequency_cm": Metric(
        "Imaginary frequency",
        "Of the reaction mode at the refined saddle, as a positive number.",
        "1/cm",
        format=".0f",
    ),
    "curvature_1_eV_A2": Metric(
        "Lowest curvature",
        "Lowest eigenvalue of the Cartesian Hessian at the refined saddle.",
        "eV/\N{ANGSTROM SIGN}\N{SUPERSCRIPT TWO}",
        limits=(None, None),
    ),
    "curvature_2_eV_A2": Metric(
        "Second curvature",
        "Second eigenvalue of the Hessian there: of a saddle of first order it is positive.",
        "eV/\N{ANGSTROM SIGN}\N{SUPERSCRIPT TWO}",
        limits=(None, None),
    ),
    "reactant_gap_eV": _energy(
        "Gap to the reactant",
        "Energy of the IRC's end on the reactant's side above the given reactant.",
        low=None,
    ),
    "product_gap_eV": _energy(
        "Gap to the product",
        "Energy of the IRC's end on the product's side above the given product.",
        low=None,
    ),
    "tangency_defect_eV": _energy(
        "Tangency defect T",
        "Half of the path's length in the metric |g| beyond its total variation of energy.",
        "lower",
    ),
    "tangency_floor_eV": _energy(
        "Floor of T",
        "T of the spline through a discrete path's frames, were the force across it zero at them.",
        "lower",
    ),
    "defect_cut": Metric(
        "T of the guess over T of the path",
        "Factor by which a method cut the tangency defect of its guess.",
        "",
        "higher",
        log=True,
    ),
    "excess_eV": _energy(
        "Excess X", "Summed depth of the wells and detours of the finished path.", "lower"
    ),
    "cost_to_saddle": Metric(
        "Gradient evaluations to saddle",
        "Evaluations of the path and refine stages together.",
        "",
        "lower",
        format=".0f",
        log=True,
        beyond="> budget",
    ),
    "gradients_path": _count("Evaluations, path", "Gradient evaluations of the path stage."),
    "gradients_refine": _count(
        "Evaluations, refinement", "Gradient evaluations of the saddle optimisation."
    ),
    "gradients_verify": _count(
        "Evaluations, verification", "Gradient evaluations of Hessian, IRC and path quality."
    ),
    "gradients_prior": _count(
        "Evaluations, prior", "Gradient evaluations of a cheaper level, a method's prior."
    ),
    "rounds_path": _count("Rounds", "Batches of evaluations that could run in parallel."),
    "wall_guess_s": _seconds("Guess", "Wall clock of the initial path."),
    "wall_path_s": _seconds("Path", "Wall clock of the path stage."),
    "wall_refine_s": _seconds("Refinement", "Wall clock of the saddle optimisation."),
    "wall_verify_s": _seconds("Verification", "Wall clock of the verify stage."),
    "oracle_path_s": _seconds("Path, potential", "Path stage: seconds inside the potential."),
    "wall_prior_s": _seconds("Prior", "Wall clock of a method's prior, no part of the path's."),
    "own_path_s": _seconds("Path, method", "Path stage: seconds outside the potential."),
    "oracle_refine_s": _seconds("Refinement, potential", "Refinement: inside the potential."),
    "own_refine_s": _seconds("Refinement, method", "Refinement: outside the potential."),
    "own_ms_per_gradient": Metric(
        "Own time per evaluation",
        "Milliseconds of the path stage outside the potential, per gradient evaluation.",
        "ms",
        "lower",
        format=".2f",
        log=True,
    ),
    "runs": Metric(
        "Runs", "Reactions times seeds, those with bad endpoints left out.", format=".0f"
    ),
    "intended": Metric(
        "Intended", "Runs that end at a verified saddle.", "", "higher", format=".0f"
    ),
    "share_intended": Metric(
        "Share solved",
        "Share of the runs that end at a verified saddle of the intended reaction.",
        "",
        "higher",
        (0, 1),
        ".0%",
    ),
    "share_explained": Metric(
        "Share explained",
        "Share of the runs that end at a verified saddle of the intended reaction, or at a "
        "chain of steps whose every saddle is verified.",
        "",
        "higher",
        (0, 1),
        ".0%",
    ),
    "gradients_explained": Metric(
        "Gradient evaluations to the mechanism",
        "Evaluations of path and refinement, those of all searches for steps included.",
        "",
        "lower",
        format=".0f",
        log=True,
        beyond="> budget",
    ),
    "steps": Metric("Steps", "Steps from reactant to product.", format=".0f"),
    "evaluations": _count("Gradient evaluations", "Evaluations spent so far.", ""),
    "x": Metric("x", "On a model surface.", "\N{ANGSTROM SIGN}", "", (None, None)),
    "y": Metric("y", "On a model surface.", "\N{ANGSTROM SIGN}", "", (None, None)),
    "arc_length_A": Metric(
        "Arc length", "Length of the path from the reactant.", "\N{ANGSTROM SIGN}", format=".2f"
    ),
    "energy_eV": _energy("Energy", "Energy along the path above the reactant.", "", None),
    "residual": Metric("Residual", "The method's own measure of convergence.", log=True),
    "seconds": _seconds("Wall clock", "Seconds since the method started."),
    "wall_s": _seconds("Wall clock per run", "Seconds of all stages."),
    "saddle_energy_eV": _energy("Saddle energy", "Absolute energy of the saddle.", "", None),
    "shipped_barrier_eV": _energy(
        "Shipped barrier", "Barrier of the reference that ships with the set.", "", None
    ),
    "lower_by_eV": _energy(
        "Lower by", "How far the reference lies below the shipped one.", "", None
    ),
    "found_by": Metric(
        "Found by", "Runs that are intended and within 5 meV of the reference.", format=".0f"
    ),
    "natoms": Metric("Atoms", "Number of atoms.", format=".0f"),
    "charge": Metric("Charge", "Total charge.", limits=(None, None), format=".0f"),
    "multiplicity": Metric("Multiplicity", "Spin multiplicity.", limits=(1, None), format=".0f"),
    "bonds_changed": Metric("Bonds changed", "Bonds broken and formed.", format=".0f"),
    "guess_length_A": Metric(
        "Guess length",
        "Length of the initial path, of all atoms together.",
        "\N{ANGSTROM SIGN}",
        format=".2f",
    ),
    "reactions": Metric("Reactions", "Reactions with accepted endpoints.", format=".0f"),
    "rank": Metric("Rank", "By the share solved; 1 is the best.", "", "lower", (1, None), ".1f"),
    "first": Metric(
        "First",
        "Share of the resamples with the largest share solved.",
        "",
        "higher",
        (0, 1),
        ".0%",
    ),
    "best_share": Metric(
        "Cheapest",
        "Share of the reactions that it solves at the least cost.",
        "",
        "higher",
        (0, 1),
        ".0%",
    ),
    "only_share": Metric(
        "Only solver", "Share of the reactions that no other method solves.", "", "", (0, 1), ".0%"
    ),
    "share": Metric("Share", "Share of the runs.", "", "higher", (0, 1), ".0%"),
    "ratio_to_best": Metric(
        "Cost over that of the cheapest method",
        "Evaluations to the saddle over those of the cheapest method.",
        "",
        "lower",
        (1, None),
        ".1f",
        log=True,
        beyond="> budget",
    ),
    "path_error_now_eV": _error("Error of the current path's barrier", "at that moment", "eV"),
    "area": Metric(
        "P(larger where failed)",
        "Probability that of a failed and a solved run the failed one has the larger value.",
        limits=(0, 1),
        format=".2f",
    ),
    "kendall_tau": Metric(
        "Kendall's tau", "Of the order of methods.", limits=(-1, 1), format=".2f"
    ),
}

# Statistics of a metric that are columns of the summary, by suffix.
STATISTICS = {
    "median": "median",
    "q25": "lower quartile",
    "q75": "upper quartile",
    "median_others": "median without own references",
    "count": "runs with a value",
    "low": "lower end of its interval",
    "high": "upper end of its interval",
}


def metric(column: str) -> Metric:
    """Return the metric of a column, a summary's `NAME_median` and the like included.

    Raises
    ------
    KeyError
        if there is none.
    """
    if column in METRICS:
        return METRICS[column]
    for suffix, statistic in STATISTICS.items():
        name = column.removesuffix(f"_{suffix}")
        if name != column and name in METRICS:
            base = METRICS[name]
            counted = suffix == "count"
            return Metric(
                f"{base.label}, {statistic}",
                f"{base.description[:-1]}: {statistic}.",
                "" if counted else base.unit,
                "" if counted else base.better,
                base.limits,
                ".0f" if counted else base.format,
                base.log,
                base.beyond,
            )
    raise KeyError(f"no metric is called {column!r}")


def formatted(column: str, value: float) -> str:
    """Return a number as text for a table; a missing one as an en dash, infinity in words."""
    import pandas as pd

    if pd.isna(value):
        return "\N{EN DASH}"
    known = metric(column)
    return known.beyond if value == float("inf") else format(value, known.format)


def energy_text(value: float) -> str:
    """Return an energy (eV) in both units; "unknown" where it is."""
    if not math.isfinite(value):
        return "unknown"
    return f"{value:.3f} eV ({value * KCAL_PER_EV:.1f} kcal/mol)"
