"""Simplified and improved string method with a climbing image.

E, Ren, Vanden-Eijnden, J. Chem. Phys. 126, 164103 (2007), doi:10.1063/1.2720838; Ren,
Vanden-Eijnden, J. Chem. Phys. 138, 134105 (2013), doi:10.1063/1.4798344. Images move by the
force across the string, then slide back to equal arc length on the spline through them:

    F_i = -(g - (g . t) t),        x_i <- x_i + step(F_i),        reparametrise.

Once the string is nearly relaxed its highest image climbs, F = -g + 2 (g . t) t, and the parts on
either side of it are reparametrised apart, so that it stays an image. With tangents of
the spline the string zigzags and stalls; upwind ones (Henkelman, Jonsson, J. Chem. Phys.
113, 9978 (2000), doi:10.1063/1.1323224) cure that.
"""

import numpy as np

from ..landscape.lbfgs import LBFGS, largest_force
from ..oracle import Oracle
from ..path import Path, Peak, arc_length, remove_rigid_motion, resample, spline
from ..reaction import Reaction


def solve(
    reaction: Reaction,
    oracle: Oracle,
    guess: Path,
    seed: int,
    *,
    images: int = 11,
    fmax: float = 0.05,
    fmax_string: float = 0.2,
    climb_below: float = 1.0,
    max_step: float = 0.1,
) -> Path:
    """Relax a string between the ends; return it with its climbing image as the peak.

    Parameters
    ----------
    images : frames of the string, the fixed ends included
    fmax : eV/angstrom, largest force on an atom of the climbing image when it has converged
    fmax_string : the same, across the string, of the other images
    climb_below : eV/angstrom, force below which the highest image starts to climb
    max_step : angstrom, largest displacement of an atom in one iteration
    """
    frames = resample(guess.positions, images)
    optimizer = LBFGS(reaction.numbers, max_step)
    climber = None
    while True:
        energies, gradients = oracle(frames)
        top = climber or 1 + int(np.argmax(energies[1:-1]))
        tangent = upwind_tangents(frames, energies)
        tangent = remove_rigid_motion(tangent, frames, oracle.invariances)
        tangent /= np.linalg.norm(tangent.reshape(images, -1), axis=1)[:, None, None]
        along = (gradients * tangent).sum(axis=(1, 2), keepdims=True) * tangent
        forces = along - gradients
        if climber is None and largest_force(forces[1:-1]).max() < climb_below:
            climber = top
            optimizer.reset()
        if climber is not None:
            forces[climber] += along[climber]
        sizes = largest_force(forces[1:-1])
        done = climber is not None and sizes[climber - 1] < fmax and sizes.max() < fmax_string
        peak = Peak(frames[top], float(energies[top]), gradients[top], tangent[top], done)
        path = Path(frames, energies, peak=peak, converged=done)
        oracle.checkpoint(path, sizes.max())
        if done:
            return path
        moved = frames.copy()
        moved[1:-1] += optimizer.step(frames[1:-1], forces[1:-1])
        frames = reparametrise(moved, climber)


def upwind_tangents(frames: np.ndarray, energies: np.ndarray) -> np.ndarray:
    """Chords towards the higher neighbour, weighted by energy at extrema: (M, N, 3)."""
    chords, rise = np.diff(frames, axis=0), np.diff(energies)
    tangent = np.concatenate([chords[:1], chords[1:], chords[-1:]])
    for i in range(1, len(frames) - 1):
        before, after = rise[i - 1], rise[i]
        if before < 0 and after < 0:
            tangent[i] = chords[i - 1]
        elif not (before > 0 and after > 0):
            large, small = sorted((abs(before), abs(after)), reverse=True)
            if energies[i + 1] < energies[i - 1]:
                large, small = small, large
            if large == small:
                large = small = 1.0
            tangent[i] = large * chords[i] + small * chords[i - 1]
    return tangent


def reparametrise(frames: np.ndarray, climber: int | None) -> np.ndarray:
    """Put the images back to equal arc length; the ends and the climbing image stay."""
    curve = spline(frames)
    s = arc_length(frames)
    s /= s[-1]
    fine = np.linspace(0, 1, 20 * len(frames))
    length = arc_length(curve(fine))
    fixed = [0, *([climber] if climber else []), len(frames) - 1]
    at = np.interp(s[fixed], fine, length)
    targets = np.interp(np.arange(len(frames)), fixed, at)
    new = curve(np.interp(targets, length, fine))
    new[fixed] = frames[fixed]
    return new
