"""A results folder made up from random numbers, for the tests of what only renders."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from mepbench.potentials.mueller_brown import KNOWN, load
from mepbench.scoring.score import COLUMNS, EXTRA_COLUMNS, write_runs

METHODS = (
    "geodesic idpp neb string gad gad-reactant neural-residual neural-action neural-maxflux"
).split()
NAMES = ["hcn-isomerisation", "cope", "claisen", "diels-alder", "vinyl-alcohol", "ene-retro"]
HOSTILE = [
    "../../evil",
    "a/b",
    'comma, "quote"',
    "<script>alert(1)</script>",
    "001",
    "NA",
    "$\\frac{x_$ 100% & #1 {y}^2~\\",
    "[0] | a*b_c_ `code` ![i](http://x)",
    "=1+1",
    "</svg></title>]]>--><!--",
    "line\nbreak\tand \x1b[31mcolour",
    "日本語 é ∂ " + "long " * 40,
]
FAILURES = ["half-intended", "other", "budget", "scf-failure", "unconverged", "error"]


def runs(names=NAMES, methods=METHODS, seeds=(0,)) -> pd.DataFrame:
    """A table of `COLUMNS` with every method on every reaction; a fifth of them fails."""
    chance = np.random.default_rng(1)
    rows = []
    for i, name in enumerate(names):
        barrier = chance.uniform(0.5, 3)
        for j, method in enumerate(methods):
            for seed in seeds:
                cost = int(chance.lognormal(2 + 0.4 * j, 0.6)) + 8
                solved = chance.uniform() < 0.8
                error = 0.0 if j == i % len(methods) else chance.exponential(1e-4)
                defect = 10 ** chance.uniform(-2.5, -0.5 if j > 1 else 0.5)
                trajectory = method.startswith("gad")
                path_error = None if trajectory else chance.normal(0.05, 0.1)
                rows.append(
                    {
                        "set": "made-up",
                        "reaction": name,
                        "method": method,
                        "seed": seed,
                        "guess": "idpp" if method == "idpp" else "geodesic",
                        "refiner": "sella",
                        "natoms": 3 + 2 * i,
                        "formula": f"C{i + 1}H{2 * i}",
                        "charge": 0,
                        "multiplicity": 1,
                        "verdict": "intended" if solved else FAILURES[(i + j) % len(FAILURES)],
                        "reason": "" if solved else f"it failed on {name}",
                        "barrier_eV": barrier + error,
                        "barrier_error_eV": error,
                        "path_barrier_eV": None if trajectory else barrier + error + path_error,
                        "path_barrier_error_eV": path_error,
                        "guess_barrier_eV": barrier + 0.1 * (i % 4),
                        "reaction_energy_eV": 0.3 * (i % 5) - 0.6,
                        "saddle_rmsd_A": chance.exponential(0.003),
                        "path_saddle_rmsd_A": chance.exponential(0.1),
                        "tangency_defect_eV": None if trajectory else defect,
                        "tangency_floor_eV": None if trajectory else 1e-3,
                        "gradients_path": cost,
                        "gradients_refine": int(chance.integers(5, 60)),
                        "wall_guess_s": 0.1,
                        "wall_path_s": cost * 0.004 + chance.uniform(0, 0.5),
                        "wall_refine_s": chance.uniform(0.1, 0.4),
                        "wall_verify_s": chance.uniform(0.5, 2),
                        "oracle_path_s": cost * 0.003,
                        "oracle_refine_s": 0.08,
                        "reference_source": "run:neb:0",
                        "potential": "GFN2-xTB",
                        "self_reference": error == 0 and solved,
                        "below_reference": False,
                        "bonds_changed": i % 3,
                        "guess_length_A": 1.5 + 0.2 * i,
                    }
                )
    columns = [*COLUMNS, *EXTRA_COLUMNS]
    return pd.DataFrame(rows, columns=columns)


def bad_endpoints(names=("merged",), methods=METHODS) -> pd.DataFrame:
    """Rows of reactions whose endpoints were refused."""
    rows = runs(names, methods)
    empty = rows.columns[rows.columns.get_loc("barrier_eV") :].difference(EXTRA_COLUMNS)
    rows[empty] = None
    reason = "both ends relax into one minimum"
    return rows.assign(verdict="bad-endpoints", reason=reason, self_reference=False)


def write_results(folder: Path, table: pd.DataFrame) -> Path:
    """Write a results folder around a table of runs; return it."""
    write_runs(folder / "runs.csv", table)
    key = ["set", "reaction", "method", "seed"]
    s, profiles = np.linspace(0, 1, 41), []
    good = table[(table.verdict != "bad-endpoints") & ~table.method.str.startswith("gad")]
    for row in good.itertuples():
        energy = row.barrier_eV * np.sin(np.pi * s) ** 2 - 0.4 * s
        identity = {"set": row.set, "reaction": row.reaction, "method": row.method}
        profiles.append(
            pd.DataFrame(
                {**identity, "seed": row.seed, "s": s, "arc_length_A": 4 * s, "energy_eV": energy}
            )
        )
    if profiles:
        profiles.append(profiles[0].assign(method="reference", seed=0))
    empty = pd.DataFrame(columns=[*key, "s", "arc_length_A", "energy_eV"])
    write_runs(folder / "profiles.csv", pd.concat([empty, *profiles]) if profiles else empty)
    columns = [*key, "evaluations", "rounds", "seconds", "barrier_eV", "residual"]
    write_runs(folder / "traces.csv", _traces(good, columns))
    write_runs(folder / "surfaces.csv", _surfaces(list(dict.fromkeys(table.method))))
    write_runs(folder / "reference.csv", pd.DataFrame(columns=["set", "reaction", "barrier_eV"]))
    entries = {name: {"solver": name} for name in dict.fromkeys(table.method)}
    guesses = [name for name in entries if name in ("geodesic", "idpp")]
    entries |= {name: {"solver": "guess-only", "guess": name} for name in guesses}
    manifest = {"mepbench": "0.1.0", "commit": "0" * 40, "host": "<host>"}
    manifest["config"] = {"methods": entries}
    manifest |= {"packages": {"torch": "2.13.0", "jax": None}, "inputs": {"a.xyz": "0" * 64}}
    (folder / "provenance.json").write_text(json.dumps(manifest), encoding="utf-8")
    for name in dict.fromkeys(table.set):
        write_runs(
            folder / "sets" / name / "endpoints.csv",
            table[table.set == name]
            .drop_duplicates("reaction")[["set", "reaction", "natoms", "formula", "charge"]]
            .assign(
                verdict="ok",
                reason="relaxation breaks H1-O2",
                **{"class": "made up", "literature": "A <b>book</b>"},
            ),
        )
    return folder


def _traces(runs: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Four checkpoints of each run, whose barriers fall towards the last one's."""
    rows = []
    for row in runs.itertuples():
        for k in range(1, 5):
            rows.append(
                {
                    **{key: getattr(row, key) for key in ("set", "reaction", "method", "seed")},
                    "evaluations": max(1, row.gradients_path * k // 4),
                    "rounds": k,
                    "seconds": 0.1 * k,
                    "barrier_eV": row.barrier_eV + 0.5 / k,
                    "residual": 1.0 / k,
                }
            )
    return pd.DataFrame(rows, columns=columns)


def _surfaces(methods: list[str]) -> pd.DataFrame:
    columns = "surface method s x y energy_eV is_path peak".split()
    reaction, rows, s = KNOWN[0].reaction, [], np.linspace(0, 1, 11)
    for i, method in enumerate(methods):
        line = reaction.reactant[0] + s[:, None] * (reaction.product[0] - reaction.reactant[0])
        line[:, 0] -= 0.06 * i * np.sin(np.pi * s)
        energies, _ = load(None, 0, 1).evaluate(line[:, None, :])
        top = int(energies.argmax())
        for k in [*range(len(s)), top]:
            rows.append(
                {
                    "surface": "mueller-brown",
                    "method": method,
                    "s": s[k],
                    "x": line[k, 0],
                    "y": line[k, 1],
                    "energy_eV": energies[k],
                    "is_path": not method.startswith("gad"),
                    "peak": False,
                }
            )
        rows[-1] |= {"peak": True, "s": None}
    return pd.DataFrame(rows, columns=columns)
