"""The result files of one saddle search: geometries, a summary, and the energy profile."""

import json
from pathlib import Path
from tempfile import TemporaryFile

import numpy as np
from ase import Atoms

from .. import __version__
from ..columns import JUDGED_COLUMNS
from ..errors import InputError
from ..frames import write_frames
from ..jobs.stages import judged_cells
from ..jobs.worker import one_line
from ..metrics import KCAL_PER_EV
from ..path import align, arc_length
from ..tidy import write_rows

STAGES = ("ends", "path", "refine", "verify")


FILES = (
    "ends.xyz saddle.xyz path.xyz irc.xyz summary.json summary.csv profile.png profile.pdf".split()
)


def make_folder(folder: Path) -> None:
    """Make a folder for the files of a search, or raise `InputError` if it can't have any."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise InputError(
            f"{folder}: results can't be written there ({one_line(error)}): choose another folder"
        ) from None


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
    text = json.dumps(summary(search), indent=2)
    (folder / "summary.json").write_text(text + "\n", encoding="utf-8")
    write_rows(str(folder / "summary.csv"), JUDGED_COLUMNS, [_row(search)])
    for kind in ("png", "pdf"):
        _save_profile(search, folder / f"profile.{kind}")


def summary(search) -> dict:
    """Return what was found as plain values; what is unknown is None."""

    def known(value: float) -> float | None:
        return float(value) if np.isfinite(value) else None

    return {
        "inputs": search.inputs,
        "verdict": search.verdict,
        "reason": search.reason,
        "barrier_eV": known(search.barrier_eV),
        "reverse_barrier_eV": known(search.reverse_barrier_eV),
        "reaction_energy_eV": known(search.reaction_energy_eV),
        "imaginary_frequency_cm": known(search.imaginary_frequency_cm),
        "evaluations": search.evaluations,
        "seconds": {stage: round(seconds, 3) for stage, seconds in search.seconds.items()},
        "notes": search.notes,
        "charge": search.reaction.charge,
        "multiplicity": search.reaction.multiplicity,
        "method": search.method.solver,
        "options": search.method.options,
        "guess": search.method.guess,
        "refiner": search.method.refiner,
        "seed": search.seed,
        "potential": search.potential,
        "backend": search.backend,
        "mepbench": __version__,
    }


def summary_text(search) -> str:
    """Return the summary for a terminal."""

    def energy(value: float) -> str:
        if not np.isfinite(value):
            return "unknown"
        return f"{value:.3f} eV ({value * KCAL_PER_EV:.1f} kcal/mol)"

    frequency = search.imaginary_frequency_cm
    lines = {
        "verdict": search.verdict + (f": {search.reason}" if search.reason else ""),
        "barrier": energy(search.barrier_eV),
        "reverse barrier": energy(search.reverse_barrier_eV),
        "reaction energy": energy(search.reaction_energy_eV),
        "imaginary frequency": f"{frequency:.0f} / cm" if np.isfinite(frequency) else "none",
        "gradient evaluations": ", ".join(f"{k} {search.evaluations[k]}" for k in STAGES),
        "seconds": ", ".join(f"{stage} {t:.1f}" for stage, t in search.seconds.items()),
        "reaction": search.notes,
        "potential": f"{search.potential}, {search.backend}",
    }
    return "\n".join(f"{label:<21} {text}" for label, text in lines.items())


def _row(search) -> dict:
    """Return the search's row of the benchmark's `runs.csv`."""
    reaction, solved, method = search.reaction, search.solved, search.method
    row = {
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
        "potential": search.potential,
        "backend": search.backend,
    }
    if search.judged is not None:
        row |= judged_cells(reaction, search.judged)
    row |= {"verdict": search.verdict, "reason": search.reason}
    return {key: row.get(key) for key in JUDGED_COLUMNS}


def _save_profile(search, file: Path) -> None:
    from ..reporting.plotting import house_style

    with house_style():
        plot_profile(search).savefig(file)


def plot_profile(search):
    """Draw the energy along the path, and along the IRC, over the distance from the top."""
    from ..reporting.plotting import REFERENCE, new_figure, note

    figure = new_figure()
    axes = figure.subplots()
    zero = search.reaction.energies[0]
    quality = None if search.judged is None else search.judged.quality
    if quality is None and not search.irc:
        note(axes, f"{search.verdict}: there is no path to draw")
        return figure
    if search.irc:
        at, energies = _irc_profile(search.irc, search.saddle)
        axes.plot(at, energies - zero, **REFERENCE, label="intrinsic reaction coordinate")
    if quality is not None:
        at = quality.arc_length - quality.arc_length[np.argmax(quality.energies)]
        label = f"path ({search.method.solver})"
        axes.plot(at, quality.energies - zero, color="black", label=label)
    if np.isfinite(search.barrier_eV):
        full = "full" if search.verdict == "intended" else "none"
        axes.plot(0, search.barrier_eV, "o", color="#D55E00", fillstyle=full, label="saddle")
    axes.set_title(f"{search.verdict}, barrier {search.barrier_eV:.3f} eV", parse_math=False)
    axes.set_xlabel("arc length from the highest point (Å)")
    axes.set_ylabel("energy above the reactant (eV)")
    other = axes.secondary_yaxis(
        "right", functions=(lambda e: e * KCAL_PER_EV, lambda e: e / KCAL_PER_EV)
    )
    other.set_ylabel("kcal/mol")
    axes.legend()
    return figure


def _irc_profile(irc: list[Atoms], saddle: Atoms) -> tuple[np.ndarray, np.ndarray]:
    """Arc length from the saddle (angstrom) and energies (eV) of the IRC's frames."""
    positions = np.array([atoms.positions for atoms in irc])
    top = np.abs(positions - saddle.positions).max(axis=(1, 2)).argmin()
    for i in range(1, len(positions)):  # like a path's, the length is without rotation
        positions[i] = align(positions[i], positions[i - 1])
    length = arc_length(positions)
    energies = np.array([atoms.get_potential_energy() for atoms in irc])
    return length - length[top], energies
