"""What a search costs with real density functional theory, and what neighbouring tools need.

    python -m mepbench.pair.dft_price [--reactions NAME ...] [--output FOLDER] [--page FILE]

starts from GFN2-xTB geometries, the ends of the textbook set's references that ship, and takes each
reaction of up to eight atoms through all of `find_saddle` on a hybrid functional: without a prior,
and with GFN2-xTB as the prior. On three of them the tools that a chemist would use otherwise start
from the same relaxed ends: ASE's climbing-image NEB, and Sella from the highest point of the guess.
One row a run in `dft.csv`. Evaluations are kept (see `pair.evaluations`), and rows are never
computed again: after a kill the same command goes on. `make bench-dft` calls it.
"""

import argparse
import re
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path as File

import numpy as np
from ase import Atoms

from ..errors import BudgetExhausted, InputError, SCFFailure
from ..files.frames import read_frames
from ..files.tidy import read_rows, write_rows
from ..oracle import Oracle, PotentialSpec
from ..path import Path, Peak
from ..reaction import Reaction, reference_file
from ..registry import load
from ..solving.guess import make_guess
from .any_calculator import Progress
from .bill import SPIN
from .dft_page import tables, write_page
from .evaluations import FILE, Evaluations
from .saddle_search import EndsRefused, SaddleSearch, find_saddle

DFT = {"name": "pyscf", "method": "PBE0/def2-SVP", "grid": 2}
PRIOR = {"name": "xtb-python", "method": "GFN2-xTB"}
REACTIONS = tuple(
    """ammonia-inversion hcn-isomerisation isoformyl-cation formaldehyde-dissociation
    hydroxymethylene-formaldehyde formaldimine-inversion vinylidene-acetylene
    formic-acid-dehydration methoxy-hydrogen-shift formamide-rotation diimide-isomerisation
    methyl-isocyanide-rearrangement vinyl-alcohol-acetaldehyde fluoroethane-elimination""".split()
)
COMPARED = ("ammonia-inversion", "formaldimine-inversion", "formaldehyde-dissociation")
IMAGES, FMAX_BAND, STEPS = 7, 0.05, 150  # between the ends; eV/angstrom; of BFGS
BUDGET = {"path": 200, "refine": 100}
BUDGET_SELLA = 200
TABLE = "dft.csv"
STAGES = ("ends", SPIN, "path", "refine", "verify")
COLUMNS = tuple(
    """reaction natoms charge multiplicity run verdict proof ends spin path refine verify total
    prior height_eV reaction_energy_eV imaginary_frequency_cm gradient_s wall_s wall_prior_s
    reason""".split()
)


@dataclass(frozen=True)
class Given:
    """The ends of one reaction, of another level, with their state."""

    name: str
    ends: tuple[Atoms, Atoms]
    charge: int
    multiplicity: int

    @property
    def row(self) -> dict:
        """What its rows have in common."""
        state = {"charge": self.charge, "multiplicity": self.multiplicity}
        return {"reaction": self.name, "natoms": len(self.ends[0]), **state}


def shipped_ends(names: Iterable[str]) -> list[Given]:
    """Return the GFN2-xTB minima of reactions of the textbook set."""
    found: dict[str, dict[str, Atoms]] = {}
    for atoms in read_frames(reference_file("textbook", "GFN2-xTB")):
        found.setdefault(atoms.info["reaction"], {})[atoms.info["role"]] = atoms
    given = []
    for name in names:
        if name not in found:
            raise InputError(f"bench-dft: the textbook set has no reference of {name!r}")
        ends = tuple(found[name][role] for role in ("reactant", "product"))
        bare = tuple(Atoms(end.numbers, end.positions) for end in ends)
        state = (int(ends[0].info[key]) for key in ("charge", "multiplicity"))
        given.append(Given(name, bare, *state))
    return given


def searched(given: Given, folder: File, prior: dict | None) -> dict:
    """Return the row of one search; its files and evaluations are in `folder`."""
    try:
        found = find_saddle(
            *given.ends,
            DFT,
            charge=given.charge,
            multiplicity=given.multiplicity,
            budget=BUDGET,
            prior=prior,
            name=given.name,
            folder=folder,
            verbose=True,
        )
    except EndsRefused as error:
        return {"verdict": error.verdict, "reason": error.reason}
    return _search_row(found) | {"gradient_s": median_seconds(folder / FILE)}


def _search_row(found: SaddleSearch) -> dict:
    lines = [line for line in found.bill if line.stage in STAGES]
    dft = [line for line in lines if line.level == found.potential]
    spent = {line.stage: line.evaluations for line in dft}
    return {
        "verdict": found.verdict,
        "proof": "" if found.judged is None else found.judged.proof.kind,
        **spent,
        "total": sum(spent.values()),
        "prior": found.evaluations.get("prior"),
        "height_eV": found.height_eV,
        "reaction_energy_eV": found.reaction_energy_eV,
        "imaginary_frequency_cm": found.imaginary_frequency_cm,
        "wall_s": sum(line.seconds for line in dft),
        "wall_prior_s": found.seconds.get("prior"),
        "reason": found.reason,
    }


def median_seconds(file: File) -> float:
    """Return the median seconds an evaluation on record took."""
    if not file.exists():
        return np.nan
    found = re.findall(r" seconds=(\S+) ", file.read_text(encoding="utf-8"))
    return float(np.median([float(seconds) for seconds in found])) if found else np.nan


def relaxed(given: Given, folder: File) -> Reaction:
    """Return the reaction between the ends that a search in `folder` has relaxed."""
    ends = read_frames(folder / "ends.xyz")
    return Reaction(
        given.name,
        ends[0].numbers,
        *(end.positions for end in ends),
        charge=given.charge,
        multiplicity=given.multiplicity,
        energies=np.array([end.get_potential_energy() for end in ends]),
        gradients=np.array([-end.get_forces() for end in ends]),
    )


Tool = Callable[[Reaction, Oracle], Peak]


def climbed(reaction: Reaction, oracle: Oracle) -> Peak:
    """Relax ASE's climbing-image band, IDPP between the ends, and return its highest image.

    Improved tangents and BFGS, with which ASE's band needs the fewest evaluations on these.
    """
    from ase.mep import NEB
    from ase.optimize import BFGS

    places = [reaction.reactant] * (IMAGES + 1) + [reaction.product]
    images = [Atoms(reaction.numbers, x) for x in places]
    for image in images:
        image.calc = oracle.calculator()
    band = NEB(images, climb=True, method="improvedtangent", remove_rotation_and_translation=True)
    band.interpolate("idpp")
    converged = BFGS(band, logfile=None).run(fmax=FMAX_BAND, steps=STEPS)
    energies = [image.get_potential_energy() for image in images]
    top = int(np.argmax(energies))
    return Peak(images[top].positions, energies[top], converged=bool(converged))


def refined(reaction: Reaction, oracle: Oracle) -> Peak:
    """Find the guess's highest point by eleven evaluations, and refine it by Sella."""
    guess = make_guess(reaction, "geodesic", None)
    path = load("methods", "guess-only")(reaction, oracle, Path(guess.positions), 0)
    return load("refiners", "sella")(reaction, oracle, path.highest(), 0)


TOOLS: dict[str, Tool] = {"ci-neb": climbed, "sella": refined}


def compared(given: Given, tool: str, folder: File) -> dict:
    """Return the row of another tool between the ends that the search in `folder` has relaxed."""
    reaction = relaxed(given, folder)
    budget = BUDGET_SELLA if tool == "sella" else None
    with Evaluations(folder, reaction.numbers, f"evaluations-{tool}.xyz") as kept:
        progress = Progress(PotentialSpec.read(DFT), kept).announce(tool)
        oracle = Oracle(progress.of(reaction), reaction, budget)
        start, reason, peak = time.perf_counter(), "", Peak(reaction.reactant)
        try:
            peak = TOOLS[tool](reaction, oracle)
        except (BudgetExhausted, SCFFailure) as error:
            reason = str(error)
        wall = time.perf_counter() - start + progress.asked[tool].reused_seconds
    known = peak.energy is not None
    return {
        "verdict": "converged" if peak.converged else "unconverged",
        "path": oracle.evaluations,
        "total": oracle.evaluations,
        "height_eV": peak.energy - reaction.energies[0] if known else np.nan,
        "reaction_energy_eV": reaction.energies[1] - reaction.energies[0],
        "gradient_s": median_seconds(kept.file),
        "wall_s": wall,
        "reason": reason,
    }


def rows(names: Iterable[str], output: File) -> Iterator[list[dict]]:
    """Yield all rows so far, each time after one more run."""
    table = output / TABLE
    done = read_rows(str(table)) if table.exists() else []
    known = {(row["reaction"], row["run"]) for row in done}
    given = shipped_ends(names)
    for run, one in [(run, one) for one in given for run in ("plain", "prior")] + [
        (tool, one) for one in given for tool in TOOLS if one.name in COMPARED
    ]:
        if (one.name, run) in known:
            continue
        first = output / one.name / "plain"
        if run in TOOLS:
            if not (first / "ends.xyz").exists():
                continue
            row = compared(one, run, first)
        else:
            row = searched(one, output / one.name / run, PRIOR if run == "prior" else None)
        done.append(one.row | {"run": run} | row)
        write_rows(str(table), COLUMNS, done)
        yield done


def main(arguments: list[str] | None = None) -> None:
    """Search, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--reactions", nargs="+", default=REACTIONS, help="of the textbook set")
    parser.add_argument("--output", type=File, default=File("results/dft"))
    parser.add_argument("--page", type=File, help="a page of the documentation for the tables")
    options = parser.parse_args(arguments)
    for done in rows(options.reactions, options.output):
        row = done[-1]
        print(row["reaction"], row["run"], row["verdict"], row.get("total", ""), flush=True)
    table = read_rows(str(options.output / TABLE))
    print(tables(table))
    if options.page is not None:
        write_page(options.page, table)


if __name__ == "__main__":
    main()
