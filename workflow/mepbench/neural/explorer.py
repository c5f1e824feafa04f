"""The search for the saddle between two ends, most of it on the surrogate.

One evaluation at a time, where it teaches most:

1. *Path*: the curve is trained on the surrogate. Where its energy plus the surrogate's
   deviation is highest and the deviation large, the potential is called, and the fit updated.
2. *Saddle*: where the surrogate knows the path's top, the saddle is followed from there as far
   as the surrogate can be trusted (the trust radius grows and shrinks with its surprises), and
   its true forces are evaluated; this is repeated from there until they vanish.
3. *Check*: the descents from the saddle on the surrogate must end in the reactant and in the
   product. Where they do not, or a barrier higher than the saddle might hide on them, they
   are sounded: a few evaluations at the first doubtful point. A saddle that fails is rejected.
4. A rejected saddle's hump is left out: the path's other humps are followed, then its least
   known places evaluated; then another guess begins, with all that has been learned.
"""

from dataclasses import dataclass

import numpy as np

from ..path import Path, Peak, remove_rigid_motion
from .follow import follow_saddle
from .relaxation import Relaxation
from .soundings import NEAR as NEW
from .soundings import joins_ends

GRID = np.linspace(0.0, 1.0, 61)
MARGIN = 3  # frames of the grid next to an end that are no peak
SAME_SADDLE = 0.05  # angstrom
LIKE_SADDLE, LIKE_ENERGY = 0.3, 0.03  # angstrom, eV: before both have converged
BESIDE = 0.06  # of s: a point of the guess so near to one evaluated is not evaluated
LONGEST, SHORTEST = 0.5, 0.1  # angstrom, of the trust radius


@dataclass(frozen=True)
class Candidate:
    """A point with its true energy and gradient, and the surrogate's mode and curvature there.

    Attributes
    ----------
    position, gradient, mode : (N, 3) arrays; `force` is the largest on an atom, eV/angstrom
    """

    position: np.ndarray
    energy: float
    gradient: np.ndarray
    mode: np.ndarray
    force: float
    curvature: float

    def peak(self, converged: bool) -> Peak:
        """Return it as the method's answer."""
        mode = self.mode / np.linalg.norm(self.mode)
        return Peak(self.position, self.energy, self.gradient, mode, converged)


class Explorer:
    """State of one search.

    Parameters
    ----------
    reaction, surrogate : see `Surrogate`
    options : those of the method
    """

    def __init__(self, reaction, surrogate, options: dict):
        self.reaction, self.surrogate, self.options = reaction, surrogate, options
        self.oracle, self.invariances = surrogate.oracle, surrogate.invariances
        self.best: Candidate | None = None
        self.rejected: list[Candidate] = []
        self.trust = options["trust"]
        self.sounding_options = {key: options[key] for key in ("soundings", "doubt", "lenience")}

    def sound_guess(self, curve, points: int) -> None:
        """Evaluate the middle of a fresh curve, and where it may be highest after that."""
        self.curve, at, tried = curve, 0.5, []
        for _ in range(points):
            tried.append(at)
            self.observe(curve([at])[0])
            _, energy, deviation = self.profile()
            top = energy + self.options["caution"] * deviation
            at = float(GRID[MARGIN + int(np.argmax(top[MARGIN:-MARGIN]))])
            if min(abs(at - s) for s in tried) < BESIDE:
                break

    def search(self, relaxation: Relaxation, limit: int) -> Candidate | None:
        """Search along one curve, until the oracle has booked `limit` evaluations.

        Returns
        -------
        The accepted saddle; None if there is none.
        """
        self.curve, self.relaxation = relaxation.curve, relaxation
        self.limit = limit
        explored = 0
        while self.oracle.evaluations < limit:
            self.train(self.options["relax"])
            x, energy, deviation = self.profile()
            humps = self.humps(x, energy)
            doubtful = self.doubtful(x, energy, deviation)
            if doubtful is not None:
                self.observe(x[doubtful])
                continue
            start = self.untried(x, humps)
            if start is None:
                known = np.where(np.arange(len(x)) % (len(x) - 1) == 0, 0.0, deviation)
                least = int(np.argmax(known))
                explored += 1
                if known[least] < self.options["known"] or explored > self.options["explore"]:
                    return None
                self.observe(x[least])
                continue
            found, joined = self.converge(*start)
            if found is None:
                continue
            if joined and found.force <= self.options["fmax"]:
                return found
            self.rejected.append(found)
        return None

    def train(self, steps: int) -> None:
        """Train the curve on the surrogate; then let go of points that it has left."""
        self.relaxation(steps, trust=self.options["path_trust"], beta=self.options["beta"])
        self.surrogate.forget(self.curve(GRID))

    def profile(self):
        """The curve on a grid: geometries, energies, deviations."""
        x = self.curve(GRID)
        flat = x.reshape(len(x), -1)
        energy, _ = self.surrogate(flat)
        return x, energy, self.surrogate.deviation(flat)

    def humps(self, x, energy) -> list[int]:
        """Maxima of the profile, the highest first."""
        inner = np.arange(MARGIN, len(GRID) - MARGIN)
        tops = [k for k in inner if energy[k] >= energy[k - 1] and energy[k] > energy[k + 1]]
        if not tops:
            tops = [int(inner[np.argmax(energy[inner])])]
        return sorted(tops, key=lambda k: -energy[k])

    def doubtful(self, x, energy, deviation) -> int | None:
        """Where the path may be highest, if the surrogate is not sure there."""
        caution = self.options["caution"] * (2 if self.rejected else 1)
        sure = self.options["sure"] * (0.4 if self.rejected else 1)
        inner = slice(MARGIN, -MARGIN)
        k = MARGIN + int(np.argmax((energy + caution * deviation)[inner]))
        unsure = deviation[k] > sure and self.surrogate.away(x[k]) > NEW
        return k if unsure else None

    def untried(self, x, humps):
        """The highest hump that does not lead to a rejected saddle: its top and tangent."""
        for k in humps:
            tangent = self.tangent(k, x[k])
            if self.rejected:
                end = follow_saddle(
                    self.surrogate, x[k], tangent, self.invariances, reach=lambda y: True
                ).position
                if self.is_rejected(end, float(self.surrogate(end.reshape(1, -1))[0][0])):
                    continue
            return x[k], tangent
        return None

    def is_rejected(self, x: np.ndarray, energy: float) -> bool:
        """Whether a saddle is one that was rejected: then or now it may not have converged."""
        for known in self.rejected:
            apart = _apart(x, known.position)
            if apart < SAME_SADDLE:
                return True
            if apart < LIKE_SADDLE and abs(energy - known.energy) < LIKE_ENERGY:
                return True
        return False

    def second_hearing(self, limit: int) -> Candidate | None:
        """Ask again where the rejected saddles lead, with all that was learned since."""
        self.limit, accused, self.rejected = limit, self.rejected, []
        for saddle in accused:
            if joins_ends(
                self.reaction, self.surrogate, saddle, lambda x: None, **self.sounding_options
            ):
                found, joined = self.converge(saddle.position, saddle.mode)
                if found is not None and joined:
                    return found
        self.rejected = accused
        return None

    def tangent(self, k: int, x: np.ndarray) -> np.ndarray:
        """Unit tangent of the curve at a point of the grid, without rigid motion."""
        behind, ahead = self.curve([GRID[k] - 1e-4, GRID[k] + 1e-4])
        along = remove_rigid_motion(ahead - behind, x, self.invariances)
        return along / np.linalg.norm(along)

    def observe(self, x: np.ndarray) -> tuple[float, np.ndarray, float]:
        """Pay for one geometry and checkpoint the path."""
        energy, gradient, surprise = self.surrogate.observe(x)
        force = float(np.linalg.norm(gradient, axis=1).max())
        peak = Peak(x, energy, gradient) if self.best is None else self.best.peak(False)
        self.oracle.checkpoint(Path(self.curve(GRID), None, peak=peak), residual=force)
        return energy, gradient, surprise

    def converge(self, x: np.ndarray, mode: np.ndarray) -> tuple[Candidate | None, bool]:
        """Follow the saddle from the path's top, until its true forces vanish.

        Where it leads is asked once it is near, so that nothing is spent on converging a
        saddle of another reaction; and again at the end, if it has moved since.

        Returns
        -------
        The saddle, None where the search goes astray (then the path is trained again with
        what was learned); and whether it joins the ends.
        """
        options, best, bad, top, joined = self.options, np.inf, 0, x, None
        while self.oracle.evaluations < self.limit:
            found = follow_saddle(
                self.surrogate,
                x,
                mode,
                self.invariances,
                reach=lambda y: self.surrogate.away(y) < self.trust,
            )
            y = found.position
            if x is top and not found.converged and self.surrogate.away(top) > NEW:
                y = top
            energy, gradient, surprise = self.observe(y)
            force = float(np.linalg.norm(gradient, axis=1).max())
            here = Candidate(y, energy, gradient, found.mode, force, found.curvature)
            if self.best is None or force < self.best.force:
                self.best = here
            if surprise < 0.05:
                self.trust = min(LONGEST, 1.4 * self.trust)
            elif surprise > 0.3:
                self.trust = max(SHORTEST, 0.6 * self.trust)
            if found.converged and found.curvature < 0 and force <= options["near"]:
                if self.is_rejected(y, energy):
                    return here, False
                moved = joined is not None and _apart(y, joined) > SAME_SADDLE
                if joined is None or (moved and force <= options["fmax"]):
                    if not self.joins_ends(here):
                        return here, False
                    joined = y
                if force <= options["fmax"]:
                    return here, True
            bad = bad + 1 if force > 0.8 * best else 0
            best = min(best, force)
            if bad >= 3 or not found.converged or found.curvature >= 0:
                break
            x, mode = y, found.mode
        return None, False

    def joins_ends(self, saddle: Candidate) -> bool:
        """Ask where a saddle leads, see `soundings`."""

        def observe(x):
            return self.observe(x) if self.oracle.evaluations < self.limit else None

        return joins_ends(self.reaction, self.surrogate, saddle, observe, **self.sounding_options)


def _apart(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.linalg.norm(a - b, axis=1).max())
