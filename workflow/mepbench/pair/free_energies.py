"""Free energies and rate constants of a search, from the Hessians it paid for or is told to pay.

A full proof has the saddle's Hessian, the preparation those of ends that it proved. A saddle that
was proven in stages, and ends that were taken as given, have theirs only where it is asked for: 3N
evaluations each, some more by which they settle at the stationary point beside them and their
softest modes are measured again.
"""

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from ase.units import kJ, mol

from ..errors import reported
from ..files.metrics import energy_text
from ..judging.activation import WHERE, activation, reduced
from ..landscape.index import Stationary, stationary_point
from ..landscape.minima import scaled_hessian
from ..landscape.thermochemistry import CUTOFF, Conditions, Thermochemistry
from ..oracle import Oracle
from .any_calculator import Progress, log
from .bill import bill_line

RULE = f"ideal gas, rigid rotor, harmonic; entropies below {CUTOFF:g} / cm by Grimme (2012)"
J_PER_MOL_EV = 1 / (kJ / mol) * 1000
FALLEN = 1e-3  # eV: a given end so far above the minimum beside it is said to be
WIGNER_HOLDS = 2 * np.pi  # of h nu / kT


def with_free_energies(
    search, progress: Progress, at: Conditions, ask: bool, folder: Path | None = None
):
    """Return a search with its `thermochemistry`, or with the reason why there is none.

    Parameters
    ----------
    search : `SaddleSearch`; only a proven saddle of its reaction has free energies of activation
    progress : the potential
    at : temperature and pressure
    ask : compute the Hessians that are missing
    folder : written to before that: an interrupt then loses nothing that was found
    """
    if search.verdict != "intended":
        return replace(search, thermo_note="of an intended saddle only") if ask else search
    points, note = _complete(search), ""
    if None in points and ask:
        if folder is not None:
            search.write(folder)
        search, points, note = _settled(search, points, progress)
    if None in points:
        return replace(search, thermo_note=note)
    reactant, saddle, product = points
    try:
        found = activation(search.reaction, (reactant, product), saddle, at)
    except ValueError as error:
        return replace(search, thermo_note=str(error))
    remarks = [note] if note else []
    for where in WHERE:
        if len(others := getattr(found, where).counted_as_real_cm):
            waves = ", ".join(f"{-wave:.0f}i" for wave in others)
            remarks.append(f"{waves} / cm of the {where} counted as real")
    return replace(search, thermochemistry=found, thermo_note="; ".join(remarks))


def _complete(search) -> list[Stationary | None]:
    """Return the stationary points of reactant, saddle and product whose Hessians are known."""
    reactant, product = search.prepared.points or (None, None)
    points = reactant, search.judged.judgement.point, product
    return [point if point is not None and point.complete else None for point in points]


def _settled(search, known: list[Stationary | None], progress: Progress) -> tuple:
    """Return the search with what it cost, all three stationary points, and a remark."""
    reaction, notes, points = search.reaction, [], []
    saddle = search.judged.judgement.point
    places = reaction.reactant, saddle.position, reaction.product
    energies = reaction.energies[0], saddle.energy, reaction.energies[1]
    start, oracle = time.perf_counter(), Oracle(progress.announce("thermo").of(reaction), reaction)
    try:
        for where, point, x, energy in zip(WHERE, known, places, energies, strict=True):
            if point is None:
                matrix, scale = scaled_hessian(oracle, x)
                point = stationary_point(oracle, x, matrix, scale)
            points.append(point)
            if where != "saddle" and (fall := energy - point.energy) > FALLEN:
                notes.append(f"the {where} as given lies {fall:.2g} eV above its minimum")
    except Exception as error:
        points, notes = [None], [f"a Hessian failed: {reported(error)}"]
    seconds = time.perf_counter() - start
    log.info("thermo: %d evaluations, %.1f s", oracle.evaluations, seconds)
    search = replace(
        search,
        evaluations={**search.evaluations, "thermo": oracle.evaluations},
        seconds={**search.seconds, "thermo": seconds},
        bill=(*search.bill, bill_line(progress, "thermo", oracle.evaluations, seconds)),
    )
    return search, points, "; ".join(notes)


def lines(search) -> dict[str, str]:
    """Return what the summary for a terminal says, by label; empty where there is nothing."""
    found = search.thermochemistry
    if found is None:
        return {"free energies": f"none: {search.thermo_note}"} if search.thermo_note else {}
    forward, back = found.rates
    ratio = reduced(found.saddle.imaginary_cm, found.at.temperature)
    tunnelling = f"Wigner's correction {found.wigner:.2f} included"
    if ratio > WIGNER_HOLDS:
        tunnelling += f", though h nu / kT is {ratio:.1f}"
    numbers = ", ".join(f"{where} {getattr(found, where).symmetry_number}" for where in WHERE)
    return {
        "at 0 K": _heights(found.energies_0K),
        "free energies": _heights(found.free_energies),
        "": f"{found.at.temperature:g} K, {found.at.pressure:g} bar; {RULE}",
        "rate constant": f"{forward:.2e} / s, back {back:.2e} / s; {tunnelling}",
        "symmetry numbers": "; ".join(filter(None, [numbers, search.thermo_note])),
    }


def _heights(energies: np.ndarray) -> str:
    reactant, saddle, product = energies
    return (
        f"barrier {energy_text(saddle - reactant)}, back {energy_text(saddle - product)}, "
        f"reaction {energy_text(product - reactant)}"
    )


def values(search) -> dict | None:
    """Return the thermochemistry as plain values for `summary.json`; None where there is none."""
    found = search.thermochemistry
    if found is None:
        return None
    known = {
        "temperature_K": found.at.temperature,
        "pressure_bar": found.at.pressure,
        "rule": RULE,
    }
    for name, (reactant, saddle, product) in (
        ("energy_0K", found.energies_0K),
        ("enthalpy", found.enthalpies),
        ("free_energy", found.free_energies),
    ):
        known[f"barrier_{name}_eV"] = float(saddle - reactant)
        known[f"reverse_barrier_{name}_eV"] = float(saddle - product)
        known[f"reaction_{name}_eV"] = float(product - reactant)
    known["rate_per_s"], known["reverse_rate_per_s"] = found.rates
    known["wigner"] = found.wigner
    return known | {where: _point_values(getattr(found, where)) for where in WHERE}


def _point_values(point: Thermochemistry) -> dict:
    return {
        "zero_point_eV": point.zero_point,
        "enthalpy_eV": point.enthalpy,
        "entropy_J_mol_K": point.entropy * J_PER_MOL_EV,
        "free_energy_eV": point.free_energy,
        "symmetry_number": point.symmetry_number,
        "geometry": point.geometry,
        "frequencies_cm": np.round(point.frequencies_cm, 2).tolist(),
    }
