"""The result files of one saddle search: geometries, a summary, and the energy profile."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryFile

import numpy as np
from ase import Atoms

from .. import __version__
from ..errors import InputError, described, sentence
from ..files.columns import JUDGED_COLUMNS
from ..files.frames import frame, write_frames
from ..files.metrics import KCAL_PER_EV, energy_text
from ..files.tidy import write_rows
from ..judging.activation import activation_cells
from ..judging.job import judged_cells
from ..mechanism.job import step_frames, step_rows
from ..molecule.state import state_text
from ..path import align, arc_length, rmsd, spline
from . import free_energies
from .bill import as_values, bill_lines

# What a point at rest is called, by its verdict: it has a barrier only where that is `intended`.
POINTS = {
    "intended": "saddle",
    "multistep": "saddle of a step",
    "half-intended": "saddle of another reaction",
    "other": "saddle of another reaction",
    "higher-order": "no saddle (two or more negative modes)",
    "minimum": "no saddle (no negative mode)",
}
FULL_PROOF = 36  # evaluations an atom, the median of 102 reactions of 3 to 24 atoms
FILES = (
    "ends.xyz saddle.xyz path.xyz irc.xyz mechanism.xyz summary.json summary.csv profile.png "
    "profile.pdf report.html".split()
)


def make_folder(folder: Path) -> None:
    """Make a folder for the files of a search, or raise `InputError` if it can't have any."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise InputError(
            f"{folder}: results can't be written there ({described(error)}): choose another folder"
        ) from None


@contextmanager
def folder_made(folder: Path | None) -> Iterator[None]:
    """Make a folder, if there is to be one; if nothing comes into it, leave none behind.

    Raises
    ------
    InputError
        if it can't be made, or what comes into it can't be written.
    """
    made = [] if folder is None else [at for at in (folder, *folder.parents) if not at.exists()]
    if folder is not None:
        make_folder(folder)
    try:
        yield
    except OSError as error:
        if folder is None:
            raise
        raise InputError(
            f"{folder}: results can't be written there ({described(error)}): make room and give "
            "the same command again, no evaluation is asked for again"
        ) from None
    finally:
        with suppress(OSError):  # the first that has something in it stays, and those above
            for at in made:
                at.rmdir()


def relaxed_frames(prepared) -> list[Atoms]:
    """Return what was relaxed of ends that were refused, as frames of `ends.xyz`."""
    entry = prepared.entry
    return [
        frame(
            entry.numbers["reactant"],
            end.positions,
            energy=end.energy,
            set=entry.set,
            reaction=entry.name,
            role=role,
            charge=entry.charge,
            multiplicity=entry.multiplicity,
        )
        for role, end in prepared.relaxed.items()
    ]


def write_refused(prepared, inputs, ends: list[Atoms], bill, folder: Path) -> None:
    """Write the files of a search that ended with its ends: what was relaxed, and why."""
    begin(folder, ends)
    known = {
        "inputs": inputs,
        "verdict": prepared.verdict,
        "reason": sentence(prepared.reason),
        "evaluations": {"ends": prepared.evaluations},
        "bill": as_values(bill),
        "charge": prepared.entry.charge,
        "multiplicity": prepared.entry.multiplicity,
        "state_from": prepared.entry.state_from,
        "mepbench": __version__,
    }
    _write_summary(known, folder)


def _write_summary(known: dict, folder: Path) -> None:
    text = json.dumps(known, indent=2)
    (folder / "summary.json").write_text(text + "\n", encoding="utf-8")


def begin(folder: Path, ends: list[Atoms]) -> None:
    """Write the ends, and remove an earlier search's files: an interrupt leaves no mixture."""
    for name in FILES:
        (folder / name).unlink(missing_ok=True)
    write_frames(folder / "ends.xyz", ends)


def write(search, folder: Path) -> None:
    """Write all files of a search to `folder`, which is made where it is missing."""
    make_folder(folder)
    write_frames(folder / "ends.xyz", [search.reactant, search.product])
    write_frames(folder / "saddle.xyz", [] if search.saddle is None else [search.saddle])
    write_frames(folder / "path.xyz", search.path)
    write_frames(folder / "irc.xyz", search.irc)
    if search.mechanism is not None:
        identity = {"reaction": search.reaction.name}
        frames = step_frames(search.mechanism, search.reaction, identity)
        write_frames(folder / "mechanism.xyz", frames)
    _write_summary(summary(search), folder)
    write_rows(str(folder / "summary.csv"), JUDGED_COLUMNS, [row(search)])
    _save_profile(search, folder)


def summary(search) -> dict:
    """Return what was found as plain values; what is unknown is None."""

    def known(value: float) -> float | None:
        return float(value) if np.isfinite(value) else None

    return {
        "inputs": search.inputs,
        "verdict": search.verdict,
        "reason": sentence(search.reason),
        "barrier_eV": known(search.barrier_eV),
        "reverse_barrier_eV": known(search.reverse_barrier_eV),
        "reaction_energy_eV": known(search.reaction_energy_eV),
        "height_eV": known(search.height_eV),
        "imaginary_frequency_cm": known(search.imaginary_frequency_cm),
        "mechanism": _mechanism_values(search),
        "ways": [
            {
                "chain": way.mechanism.chain,
                "highest_saddle_eV": float(
                    way.mechanism.highest.saddle.energy - search.reaction.energies[0]
                ),
                "met": way.met,
                "starts": list(way.starts),
            }
            for way in search.ways
        ],
        **_how_ends_match(search),
        "proof": _proof_values(search),
        "evaluations": search.evaluations,
        "seconds": {stage: round(seconds, 3) for stage, seconds in search.seconds.items()},
        "bill": as_values(search.bill),
        "thermochemistry": free_energies.values(search),
        "thermo_note": search.thermo_note,
        "notes": search.notes,
        "ends_note": search.prepared.changed,
        "charge": search.charge,
        "multiplicity": search.multiplicity,
        "state_from": search.state_from,
        "method": search.method.solver,
        "options": search.method.options,
        "guess": search.method.guess,
        "refiner": search.method.refiner,
        "seed": search.seed,
        "potential": search.potential,
        "backend": search.backend,
        "prior": search.prior or None,
        "mepbench": __version__,
    }


def _mechanism_values(search) -> dict | None:
    """Return the steps from reactant to product as plain values; None where they are unknown."""
    found = search.mechanism
    if found is None:
        return None
    steps = zip(step_rows(found, search.reaction), found.steps, strict=True)
    return {
        "chain": found.chain,
        "highest_saddle_eV": search.barrier_eV,
        "energetic_span_eV": found.energetic_span,
        "searches": 1 + found.searches,
        "steps": [
            {
                "from": row["step_from"],
                "to": row["step_to"],
                "barrier_eV": float(row["barrier_eV"]),
                "saddle_eV": float(row["saddle_eV"]),
                "minimum_eV": float(row["minimum_eV"]),
                "proof": step.judged.proof.kind,
                "evaluations": step.evaluations,
            }
            for row, step in steps
        ],
    }


def _ways_text(search) -> str:
    """Say in a line which ways several searches have found; empty for one search."""
    if sum(way.met for way in search.ways) < 2:
        return ""
    start = search.reaction.energies[0]
    return "; ".join(
        f"{way.mechanism.highest.saddle.energy - start:.3f} eV ({way.mechanism.chain}), met "
        f"{'once' if way.met == 1 else f'{way.met} times'} (from: {', '.join(way.starts)})"
        for way in search.ways
    )


def _mechanism_text(search) -> str:
    """Say in a line how the energy rises and falls along several steps; empty for one."""
    found = search.mechanism
    if found is None or len(found.steps) < 2:
        return ""
    rows = step_rows(found, search.reaction)
    way = [f"[{row['saddle_eV']:.3f}] {row['step_to']} {row['minimum_eV']:.3f}" for row in rows]
    return f"R 0.000 {' '.join(way)} eV, saddles in brackets; span {found.energetic_span:.3f} eV"


def _proof_values(search) -> dict | None:
    """Return how the verdict was proven, and what a staged proof rests on; None where unproven."""
    if search.judged is None or search.judged.judgement is None:
        return None
    ends = [asdict(proof) for proof in search.prepared.proofs]
    full = FULL_PROOF * search.reaction.natoms
    return asdict(search.judged.proof) | {"reactant_and_product": ends, "in_full_some": full}


def proof_text(search) -> str:
    """Say in a line how the verdict was proven, and on what a staged proof rests."""
    if search.judged is None or search.judged.judgement is None:
        return ""
    proof = search.judged.proof
    if proof.kind == "full":
        return "full" + (f", since staged {proof.doubt}" if proof.doubt else "")
    found = proof.evidence
    lowest = ", ".join(f"{value:.3g}" for value in found.curvatures)
    return (
        f"staged; lowest curvatures {lowest} eV/A^2; walked where the surrogate deviates by at "
        f"most {found.energy_deviation:.2g} eV; evaluations: index {found.index}, walk "
        f"{found.walk}, ends {found.ends} (in full some {FULL_PROOF * search.reaction.natoms})"
    )


def _how_ends_match(search) -> dict:
    """Return what the proof says of the IRC's ends, as the columns of `runs.csv` have it."""
    names = ("end_match", "end_conformer", "reactant_gap_eV", "product_gap_eV")
    judged = search.judged
    cells = {} if judged is None else judged_cells(search.reaction, judged)
    values = {name: cells.get(name) for name in names}
    for name in names[2:]:
        gap = values[name]
        values[name] = None if gap is None or not np.isfinite(gap) else float(gap)
    return values


def refined_point(search) -> str:
    """Say what the refined point is, and how high; empty where there is none at rest."""
    if not np.isfinite(search.height_eV):
        return ""
    side = "above" if search.height_eV >= 0 else "below"
    what = POINTS.get(search.verdict, search.verdict)
    return f"{what}, {energy_text(abs(search.height_eV))} {side} the reactant"


def summary_text(search) -> str:
    """Return the summary for a terminal."""

    judgement = None if search.judged is None else search.judged.judgement
    frequency = "unknown"
    if np.isfinite(search.imaginary_frequency_cm):
        frequency = f"{search.imaginary_frequency_cm:.0f} / cm"
    elif judgement is not None and np.isfinite(judgement.eigenvalues).all():
        frequency = "none"
    lines = {
        "verdict": search.verdict + (f": {search.reason}" if search.reason else ""),
        "state": state_text(search.charge, search.multiplicity, search.state_from),
        "mechanism": _mechanism_text(search),
        "ways": _ways_text(search),
        "refined point": refined_point(search),
        "barrier": energy_text(search.barrier_eV),
        "reverse barrier": energy_text(search.reverse_barrier_eV),
        "reaction energy": energy_text(search.reaction_energy_eV),
        "imaginary frequency": frequency,
        "proof": proof_text(search),
        **free_energies.lines(search),
        "reaction": search.notes,
        "potential": f"{search.potential}, {search.backend}",
        "prior": search.prior,
        **dict(bill_lines(search.bill)),
    }
    if search.mechanism is not None:
        del lines["refined point"]
    return "\n".join(f"{label:<21} {text}" for label, text in lines.items() if text)


def row(search) -> dict:
    """Return the search's row of the benchmark's `runs.csv`."""
    reaction, solved, method = search.reaction, search.solved, search.method
    cells = {
        **search.prepared.row(),
        "reaction": reaction.name,
        "method": method.name,
        "seed": search.seed,
        "guess": method.guess,
        "refiner": method.refiner,
        "guess_hash": search.guess.digest,
        "converged": solved.path is not None and solved.path.converged,
        "gradients_path": solved.evaluations,
        "rounds_path": solved.rounds,
        "wall_guess_s": search.guess.wall,
        "wall_path_s": solved.wall,
        "oracle_path_s": solved.oracle_seconds,
        "gradients_prior": search.evaluations.get("prior", 0),
        "wall_prior_s": search.seconds.get("prior", 0.0),
        "potential": search.potential,
        "backend": search.backend,
    }
    if search.judged is not None:
        cells |= judged_cells(reaction, search.judged)
        cells |= activation_cells(cells, reaction, search.judged.judgement)
    cells |= {"verdict": search.verdict, "reason": search.reason}
    return {key: cells.get(key) for key in JUDGED_COLUMNS}


def _save_profile(search, folder: Path) -> None:
    from ..reporting.plotting import house_style

    with house_style():
        figure = plot_profile(search)
        figure.savefig(folder / "profile.png")
        figure.set_layout_engine("none")  # it is laid out
        figure.savefig(folder / "profile.pdf")


def plot_profile(search):
    """Draw the energy along path and IRC, over the distance from the path's point at the saddle."""
    from ..reporting.plotting import REFERENCE, new_figure, note

    figure = new_figure()
    axes = figure.subplots()
    zero = search.reaction.energies[0]
    path = _path_profile(search)
    if path is None and not search.irc:
        unknown = "there is no path to draw"
        if search.solved.path is not None and search.solved.path.is_path:
            unknown = "the energies along the path are unknown"
        note(axes, f"{search.verdict}: {unknown}")
        return figure
    refined = np.isfinite(search.height_eV)
    point = "saddle" if search.irc else "refined point" if refined else "highest point"
    if search.irc:
        at, energies = irc_profile(search)
        axes.plot(at, energies - zero, **REFERENCE, label="intrinsic reaction coordinate")
    if path is not None:
        s, length, energies = path
        top = length[np.argmax(energies)]
        if refined:
            top = np.interp(_nearest(search, search.saddle.positions), s, length)
        label = f"path ({search.method.solver})"
        axes.plot(length - top, energies - zero, color="black", label=label)
    if refined:
        full = "full" if search.verdict == "intended" else "none"
        label = point if search.irc else f"{point}, {search.verdict}"
        axes.plot(0, search.height_eV, "o", color="#D55E00", fillstyle=full, label=label)
    what = "barrier unknown"
    if refined:
        what = POINTS.get(search.verdict, point) + f" at {search.height_eV:.3f} eV"
    if search.verdict == "intended":
        what = f"barrier {search.barrier_eV:.3f} eV"
    axes.set_title(f"{search.verdict}, {what}", parse_math=False)
    axes.set_xlabel(f"arc length from the {point} (Å)")
    axes.set_ylabel("energy above the reactant (eV)")
    other = axes.secondary_yaxis(
        "right", functions=(lambda e: e * KCAL_PER_EV, lambda e: e / KCAL_PER_EV)
    )
    other.set_ylabel("kcal/mol")
    axes.legend()
    return figure


def _path_profile(search) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Parameter in [0, 1], arc length (angstrom) and energy (eV) where the path's are known."""
    path, quality = search.solved.path, search.judged and search.judged.quality
    if quality is not None:
        return quality.s, quality.arc_length, quality.energies
    if path is None or not path.is_path or path.energies is None:
        return None
    known, length = np.isfinite(path.energies), arc_length(path.positions)
    if known.sum() < 3:  # more than the ends
        return None
    return length[known] / length[-1], length[known], path.energies[known]


def _nearest(search, positions: np.ndarray) -> float:
    """Where on the path, in [0, 1], it is nearest to a geometry by aligned RMSD."""
    s = np.linspace(0, 1, 401)
    curve = spline(search.solved.path.positions)(s)
    return s[np.argmin([rmsd(x, positions) for x in curve])]


def irc_profile(search) -> tuple[np.ndarray, np.ndarray]:
    """The IRC in the path's direction: arc length from the saddle (angstrom), energies (eV)."""
    positions = np.array([atoms.positions for atoms in search.irc])
    top = np.abs(positions - search.saddle.positions).max(axis=(1, 2)).argmin()
    backwards = False
    if search.verdict != "intended" and search.solved.path.is_path:
        backwards = _nearest(search, positions[0]) > _nearest(search, positions[-1])
    for i in range(1, len(positions)):  # like a path's, the length is without rotation
        positions[i] = align(positions[i], positions[i - 1])
    length = arc_length(positions)
    energies = np.array([atoms.get_potential_energy() for atoms in search.irc])
    return (length[top] - length if backwards else length - length[top]), energies
