"""Are the ends of a submission those that the official set gives?

The set's entry is prepared anew. The submitted ends must be the same minima, at rest, with the
energies that they say: another machine relaxes to other last digits, and of two mirror images it
may take the other (`scoring.reference.belongs`). Then they are used as they are, with energies
and gradients computed here.
"""

from dataclasses import replace

import numpy as np

from ..files.frames import as_read, frame
from ..landscape.index import FMAX, FMAX_NOISE
from ..oracle import PotentialSpec
from ..preparation.prepare import prepare
from ..reaction import Entry, Reaction
from ..scoring.reference import belongs

SAME = 1e-3  # eV: energies of one geometry that differ by more are not those of one potential


def proven_ends(
    entry: Entry, claimed: Reaction | None, potential: PotentialSpec
) -> tuple[Reaction | None, str]:
    """Return the ends with the energies of today, None where there are none; and what is wrong.

    Parameters
    ----------
    entry : of the official set
    claimed : what was submitted, None where the run had refused the reaction
    """
    prepared = prepare(entry, potential.load)
    ours = prepared.reaction
    if ours is None:
        refused = f"its ends are refused here ({prepared.verdict}: {prepared.reason})"
        return None, "" if claimed is None else refused
    if claimed is None:
        return ours, "it has no ends, and the set gives good ones"
    asked = (ours.charge, ours.multiplicity)
    if not np.array_equal(claimed.numbers, ours.numbers):
        return None, "its ends have other atoms than the set's, or in another order"
    if (claimed.charge, claimed.multiplicity) != asked:
        return None, "its charge or multiplicity is not the set's"
    energies, gradients = potential.of(claimed).evaluate(claimed.ends)
    if not (np.isfinite(energies).all() and np.isfinite(gradients).all()):
        return None, "its ends have no energy"
    force = float(np.linalg.norm(gradients, axis=2).max())
    away = np.abs(energies - claimed.energies)
    if not force <= FMAX + FMAX_NOISE:
        return None, f"its ends are not at rest: {force:.3f} eV/A"
    if not (away <= SAME).all():
        return None, f"an energy of its ends is wrong by {away.max():.3f} eV"
    mine = replace(claimed, energies=energies, gradients=gradients)
    state = claimed.state
    stored = {
        role: as_read(frame(mine.numbers, x, energy=energy, reaction=entry.name, **state))
        for role, x, energy in zip(("reactant", "product"), mine.ends, energies, strict=True)
    }
    if not belongs(stored, ours):
        return None, "its ends are not those that the set gives"
    return mine, ""
