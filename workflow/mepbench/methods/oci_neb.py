"""The off-path climbing image: a band with energy-weighted springs that hands its top to a dimer.

Springs are the stiffer the higher they lie, which draws the images to the top: Asgeirsson et al.,
J. Chem. Theory Comput. 17, 4929 (2021), doi:10.1021/acs.jctc.1c00462. Once the climbing image has
stayed the same and its force has fallen, a dimer takes it from the band's tangent on, up its
softest mode; where that turns away from the band, or gets no nearer to a saddle, the band goes on,
and the next dimer waits for a smaller force: Goswami, Gunde, Jonsson, Front. Chem. (2026),
doi:10.3389/fchem.2026.1807063.

Ours, on ASE's band, L-BFGS and dimer, with the settings that eOn's tutorial recommends: the
authors' own code, eOn, has wheels for Python 3.12 and later only. A dimer's saddle ends the search
here; there the band goes on until no other image is higher.
"""

import numpy as np
from ase import Atoms
from ase.optimize import LBFGS

from ..landscape.dimer import Dimer, dimer_steps
from ..landscape.lbfgs import largest_force
from ..oracle import Oracle, hand_over
from ..path import Path, Peak, resample
from ..reaction import Reaction
from ._band import Band


def solve(
    reaction: Reaction,
    oracle: Oracle,
    guess: Path,
    seed: int,
    *,
    images: int = 19,
    softest: float = 0.972,
    stiffest: float = 9.72,
    fmax: float = 0.0514,
    climb_below: float = 0.5,
    climb_fraction: float = 0.8,
    follow_below: float = 0.1,
    follow_fraction: float = 0.8,
    stable: int = 5,
    aligned: float = 0.9,
    max_step: float = 0.1,
) -> Path:
    """Relax the band until its highest image is a saddle; return it with that as the peak.

    Parameters
    ----------
    images : frames of the band, the fixed ends included
    softest, stiffest : springs, eV/angstrom^2
    fmax : eV/angstrom, largest force on an atom of the highest image when it has converged
    climb_below, climb_fraction : eV/angstrom, and of the first force: the highest image climbs once
        the band's largest force is below either
    follow_below, follow_fraction : the same for the dimer, of the climbing image's force
    stable : iterations in which the climbing image must have been the same one
    aligned : the least overlap of the dimer's mode with the band's tangent
    max_step : angstrom, largest displacement of an atom in one iteration
    """
    band = Band(reaction, oracle, guess.positions, images, k=softest)
    relaxation = LBFGS(band, logfile=None, memory=20, maxstep=max_step)
    first, top, since, threshold = None, None, 0, np.inf
    while True:
        forces = band.get_forces()
        band.k = _springs(band, softest, stiffest)
        force = _force(band)
        if force < fmax:
            return band.path(converged=True)
        climbing = band.imax if band.climb else None
        since, top = (since + 1 if band.climb and climbing == top else 0), climbing
        if first is None:
            first, threshold = force, follow_fraction * force
        elif not band.climb:
            force = largest_force(forces.reshape(images - 2, -1, 3)).max()
        band.climb = force < max(climb_below, climb_fraction * first)
        if band.climb and since > stable and force < max(threshold, follow_below):
            peak, overlap = _follow(band, reaction, oracle, seed, fmax, aligned)
            path = band.path(converged=peak.converged)
            if peak.converged:
                return Path(path.positions, path.energies, peak=peak, converged=True)
            reached, since = np.linalg.norm(peak.gradient, axis=1).max(), 0
            if reached < force:
                threshold = min(reached * (0.5 + 0.4 * reached / force), follow_fraction * first)
                frames = path.positions
                frames[top] = peak.position
                band.set_positions(resample(frames, images)[1:-1].reshape(-1, 3))
            else:
                threshold = max(follow_fraction * first * (0.5 + 0.5 * overlap), 2 * fmax)
                threshold = min(threshold, follow_fraction * first)
            relaxation = LBFGS(band, logfile=None, memory=20, maxstep=max_step)
            continue
        relaxation.step()


def _springs(band: Band, softest: float, stiffest: float) -> list[float]:
    """Return the springs' constants: from the higher end up to the top they stiffen linearly."""
    higher = np.maximum(band.energies[1:], band.energies[:-1])
    floor = max(band.energies[0], band.energies[-1])
    height = np.clip((higher - floor) / max(band.energies.max() - floor, 1e-10), 0.0, 1.0)
    return list(softest + (stiffest - softest) * height)


def _force(band: Band) -> float:
    """Largest force on an atom of the highest image, eV/angstrom."""
    return float(np.linalg.norm(band.real_forces[band.imax], axis=1).max())


def _follow(band: Band, reaction, oracle, seed, fmax, aligned) -> tuple[Peak, float]:
    """Let a dimer take the highest image; return its best, and its mode's overlap with the band.

    It stops at a saddle, or where the mode is no longer the band's or curves upwards.
    """
    path = band.path(converged=False)
    start = path.peak
    tangent = start.tangent / np.linalg.norm(start.tangent)
    atoms = Atoms(reaction.numbers, start.position)
    atoms.calc = oracle.calculator()
    hand_over(atoms, start.energy, start.gradient)
    best, overlap = start, 1.0
    for at in dimer_steps(atoms, tangent, seed):
        overlap = abs(float((at.mode * tangent).sum()))
        if at.curvature > 0 or overlap < aligned:
            return best, overlap
        best = _nearer(best, at, fmax)
        oracle.checkpoint(Path(path.positions, path.energies, peak=best))
        if best.converged:
            return best, overlap
    raise AssertionError("the dimer has no end")


def _nearer(best: Peak, at: Dimer, fmax: float) -> Peak:
    """Return the one with the smaller largest force."""
    force, least = (np.linalg.norm(g, axis=1).max() for g in (at.gradient, best.gradient))
    if force >= least:
        return best
    return Peak(at.position, at.energy, at.gradient, at.mode, converged=bool(force < fmax))
