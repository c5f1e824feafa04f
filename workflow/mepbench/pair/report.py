"""The page of one saddle search: one file that needs nothing beside it, to be forwarded as it is.

It shows what `summary.json` and the geometries beside it hold: verdict, barriers, free energies and
frequencies where they were computed, the bill, notes on the ends, and the profile with the
molecule.
"""

import csv
import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..errors import described, one_line, sentence
from ..files.columns import JUDGED_COLUMNS
from ..files.tidy import rows_text
from ..judging.activation import WHERE
from ..molecule.state import state_text
from ..path import rmsd
from ..reaction import Entry
from ..reporting.depiction import depict
from ..reporting.markup import both, signed
from ..reporting.reaction_scene import comment, turned_with
from ..reporting.scene import Saddle, Scene, Shown, Track, as_values, facing, joined, track
from ..reporting.scene import measured_track as measured
from ..reporting.site import PLOTLY, TEMPLATES, page
from ..reporting.verdicts import MEANING
from . import free_energies
from .saddle_files import irc_profile, proof_text, refined_point, row

SCRIPTS = (PLOTLY, "vendor/3Dmol-min.js", "chart.js", "scene.js", "viewer.js")
LICENCES = ("3Dmol.LICENSE", "plotly-basic.LICENSE")  # of what the file holds
LOOK = {"color": "#000000", "dash": "solid", "symbol": "circle"}
TITLES = ("level", "stage", "evaluations", "seconds", "reused", "reused s")


def write(search, file: Path, steps: Sequence = ()) -> None:
    """Write the page of a search; what goes wrong is a line of the log, and no file is lost.

    Parameters
    ----------
    search : `SaddleSearch`
    steps : of a mechanism, in order: each has `start` and `end`, the names of its minima, and
        `coordinate`, geometries (M, N, 3) and energies (M,), eV, of its reaction coordinate
    """
    try:
        text = html(search, steps)
        file.write_text(text, encoding="utf-8")
    except OSError:  # a full disk: that is for the one who wrote the other files
        raise
    except Exception as error:
        file.unlink(missing_ok=True)
        logging.getLogger("mepbench").warning("no %s: %s", file.name, described(error))


def html(search, steps: Sequence = ()) -> str:
    """Return the page of a search."""
    scene = _scene(search, steps)
    solver, level = search.method.solver, search.potential
    return page(
        "pair.html",
        inline=True,
        scripts=SCRIPTS if scene else (),
        title=f"{one_line(search.reaction.name)}: {search.verdict}",
        name=search.reaction.name,
        verdict=search.verdict,
        meaning=_meaning(search),
        reason=sentence(search.reason),
        solved=search.mechanism is not None,
        state=state_text(search.charge, search.multiplicity, search.state_from),
        formula=search.reactant.get_chemical_formula("hill"),
        inputs=[Path(name).name for name in search.inputs if name],
        drawing=depict(_entry(search)),
        facts=_facts(search),
        thermochemistry=_thermochemistry(search),
        frequencies=_frequencies(search),
        thermo_note=search.thermo_note,
        notes=_notes(search),
        bill=_bill(search),
        titles=TITLES,
        scene=None if scene is None else as_values(scene),
        method=solver,
        level=level,
        prior=search.prior,
        backend=search.backend,
        guess=search.method.guess,
        refiner=search.method.refiner,
        used=[solver, search.method.guess, search.method.refiner, level, search.prior, "irc"],
        licences=[(TEMPLATES / "vendor" / name).read_text(encoding="utf-8") for name in LICENCES],
    )


def _entry(search) -> Entry:
    roles, reaction = ("reactant", "product"), search.reaction
    return Entry(
        set="",
        name=reaction.name,
        origin="",
        charge=search.charge,
        multiplicity=search.multiplicity,
        numbers=dict.fromkeys(roles, reaction.numbers),
        positions=dict(zip(roles, reaction.ends, strict=True)),
    )


def _facts(search) -> list[tuple[str, str]]:
    """Labels and values of the electronic energies."""
    wave = search.imaginary_frequency_cm
    found = {
        "Barrier": search.barrier_eV,
        "Reverse barrier": search.reverse_barrier_eV,
        "Reaction energy": search.reaction_energy_eV,
    }
    if search.mechanism is not None and len(search.mechanism.steps) > 1:
        found["Energetic span"] = search.mechanism.energetic_span
    lines = [(label, both(value)) for label, value in found.items() if np.isfinite(value)]
    if np.isfinite(wave):
        lines.append(("Imaginary frequency", f"{wave:.0f}i / cm"))
    if search.mechanism is None and (point := refined_point(search)):
        lines.insert(0, ("Refined point", point))
    return lines


def _meaning(search) -> str:
    """Say in words what the verdict means for this reaction."""
    if search.mechanism is None or search.verdict == "intended":
        return MEANING.get(search.verdict, "")
    count = len(search.mechanism.steps)
    return f"no single saddle joins the ends; {count} steps do, each over a proven saddle"


def _thermochemistry(search) -> dict | None:
    """Rows of energies above the reactant, and what holds for all of them."""
    found = search.thermochemistry
    if found is None:
        return None
    forward, back = found.rates
    rows = [
        (label, both(saddle - reactant), both(saddle - product), both(product - reactant))
        for label, (reactant, saddle, product) in (
            ("with zero-point energies, 0 K", found.energies_0K),
            ("enthalpy", found.enthalpies),
            ("free energy", found.free_energies),
        )
    ]
    return {
        "rows": rows,
        "rule": f"{found.at.temperature:g} K, {found.at.pressure:g} bar; {free_energies.RULE}",
        "rates": f"{forward:.2e} / s, back {back:.2e} / s, Wigner's correction "
        f"{found.wigner:.2f} included",
    }


def _frequencies(search) -> list[tuple[str, str]]:
    """Of reactant, saddle and product, in 1/cm, imaginary ones with an i."""
    if search.thermochemistry is None:
        return []
    found = []
    for where in WHERE:
        waves = getattr(search.thermochemistry, where).frequencies_cm
        found.append((where, ", ".join(f"{-w:.0f}i" if w < 0 else f"{w:.0f}" for w in waves)))
    return found


def _notes(search) -> list[str]:
    """What there is to say of the ends, and of how the saddle was proven."""
    matched = search.judged and search.judged.judgement
    notes = [search.notes]
    if matched and matched.end_match:
        gaps = " and ".join(signed(gap, 3) for gap in matched.end_gaps)
        text = f"the coordinate's ends match the given ones: {matched.end_match}; {gaps} eV above"
        if matched.end_conformer:
            text += f"; another conformer of: {matched.end_conformer}"
        notes.append(text)
    if proof := proof_text(search):
        notes.append(f"proof: {proof}")
    return [one_line(note) for note in notes if note]


def _bill(search) -> list[tuple]:
    rows = [
        (line.level, line.stage, line.evaluations, line.seconds, line.reused, line.reused_seconds)
        for line in search.bill
    ]
    for level in dict.fromkeys(line.level for line in search.bill):
        mine = [cells for cells in rows if cells[0] == level]
        rows.append((level, "total", *(sum(cells[k] for cells in mine) for k in range(2, 6))))
    return [(*cells[:3], f"{cells[3]:.1f}", cells[4], f"{cells[5]:.1f}") for cells in rows]


def _scene(search, steps: Sequence) -> Scene | None:
    reaction, zero = search.reaction, search.reaction.energies[0]
    saddle = search.saddle
    like = facing(reaction.reactant if saddle is None else saddle.positions)
    tracks = [_path(search, zero, like), _irc(search, zero, like), chain(steps, zero, like)]
    shown = Shown(
        method=search.method.solver,
        seed=None,
        verdict=search.verdict,
        tracks=tuple(one for one in tracks if one is not None),
        saddle=None if saddle is None else _saddle(search, zero, like),
        look=LOOK,
        row=tuple(next(csv.reader([rows_text(JUDGED_COLUMNS, [row(search)])]))),
    )
    if not shown.tracks and shown.saddle is None:
        return None
    info = comment(reaction.numbers, reaction=reaction.name, **reaction.state)
    return Scene(reaction.numbers, reaction.ends, reaction.name, info, (shown,), JUDGED_COLUMNS)


def _saddle(search, zero: float, like: np.ndarray) -> Saddle:
    atoms = search.saddle
    turned, mode = turned_with(atoms.positions, atoms.arrays.get("mode"), like)
    energy = atoms.get_potential_energy() - zero
    return Saddle(turned, energy, mode, search.imaginary_frequency_cm)


def _path(search, zero: float, like: np.ndarray) -> Track | None:
    path, quality = search.solved.path, search.judged and search.judged.quality
    if path is None or len(path.positions) < 2:
        return None
    if quality is not None:
        energies = quality.energies - zero
        return measured(path.positions, quality.s, quality.arc_length, energies, like)
    energies = np.full(len(path.positions), np.nan) if path.energies is None else path.energies
    kind = "path" if path.is_path else "trajectory"
    top = None
    if not np.isfinite(energies[1:-1]).any() and search.saddle is not None:
        top = int(np.argmin([rmsd(x, search.saddle.positions) for x in path.positions]))
    return track(kind, path.positions, energies - zero, like, top=top)


def _irc(search, zero: float, like: np.ndarray) -> Track | None:
    if len(search.irc) < 2:
        return None
    at, energies = irc_profile(search)
    positions = np.array([atoms.positions for atoms in search.irc])
    onwards = slice(None, None, 1 if at[-1] > at[0] else -1)
    return track("irc", positions[onwards], energies[onwards] - zero, like)


def chain(steps: Sequence, zero: float, like: np.ndarray) -> Track | None:
    """Return the coordinates of a mechanism's steps, one after another; None where it has none.

    Parameters
    ----------
    steps : as in `write`
    zero : energy of the reactant, eV
    like : (N, 3) array, the orientation in which the saddles are shown
    """
    if not steps:
        return None
    parts = [
        track("irc", positions, energies - zero, like)
        for positions, energies in (step.coordinate for step in steps)
    ]
    return joined(parts, [steps[0].start, *(step.end for step in steps)])
