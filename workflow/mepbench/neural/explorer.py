"""The search for the saddle between two ends, most of it on the surrogate.

One evaluation at a time, where it teaches most:

1. *Path*: the curve is trained on the surrogate. Where its energy plus the surrogate's
   deviation is highest and the deviation large, the potential is called, and the fit updated.
2. *Saddle*: where the surrogate knows the path's top, the saddle is followed from there as far
   as the surrogate can be trusted (the trust radius grows and shrinks with its surprises), and
   its true forces are evaluated; this is repeated from there until they vanish.
3. *Check*: the descents from the saddle on the surrogate must end in the reactant and in the
   product. Where they do not, or a barrier higher than the saddle might hide on them, they
   are sounded: a few evaluations at the first doubtful point. A saddle that fails is rejected;
   one that holds but does not converge is left for the refinement, if nothing better is found.
4. A rejected saddle's hump is left out: the path's other humps are followed, then its least
   known places evaluated; then another guess begins, with all that has been learned.
"""

from dataclasses import dataclass, replace

import numpy as np

from ..landscape.hessian import lowest_modes
from ..path import Path, Peak, remove_rigid_motion
from ..surrogate.surrogate import NEAR as NEW
from .follow import Followed, follow_saddle
from .relaxation import Relaxation
from .soundings import Reached, ends_reached

GRID = np.linspace(0.0, 1.0, 61)
MARGIN = 3  # frames of the grid next to an end that are no peak
SAME_SADDLE = 0.05  # angstrom
LIKE_SADDLE, LIKE_ENERGY = 0.3, 0.03  # angstrom, eV: before both have converged
BESIDE = 0.06  # of s: a point of the guess so near to one evaluated is not evaluated
LONGEST, SHORTEST = 0.5, 0.1  # angstrom, of the trust radius
STALLED = 0.3  # eV/angstrom: where convergence stalls below, it is asked where that leads
RIPPLE = 0.1  # a hump lower than this share of the highest, above the ends, is not the reaction's
CONSULTED, NEWS = 5, 0.02  # times followed before an evaluation; eV/angstrom, of a prior's force
SAME_TOP, TRIES, TAUGHT = 0.1, 3, 0.02  # angstrom; attempts at one top without news (eV)


@dataclass(frozen=True)
class Candidate:
    """A point with its true energy and gradient, and the surrogate's mode and curvature there.

    Attributes
    ----------
    position, gradient, mode : (N, 3) arrays; `force` is the largest on an atom, eV/angstrom
    ends : how many ends of the reaction it leads to; 2 if it joins them
    elsewhere : whether it leads to another minimum than these
    """

    position: np.ndarray
    energy: float
    gradient: np.ndarray
    mode: np.ndarray
    force: float
    curvature: float
    ends: int = 0
    elsewhere: bool = False

    def accepted(self, fmax: float) -> bool:
        """Whether it is the saddle: at rest, bent downwards (no minimum), and joins the ends."""
        return self.force <= fmax and self.curvature < 0 and self.ends == 2

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
        self.vain: list[np.ndarray] = []  # tops from which following taught nothing
        self.hopeful: Candidate | None = None
        self.taught = False  # whether following the last saddle was any news
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
        The accepted saddle, or one that joins the ends but whose convergence stalled, which is
        left for the refinement to finish; None if there is none.
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
            start = self.untried(x, energy, humps)
            if start is None:
                known = np.where(np.arange(len(x)) % (len(x) - 1) == 0, 0.0, deviation)
                least = int(np.argmax(known))
                explored += 1
                if known[least] < self.options["known"] or explored > self.options["explore"]:
                    break
                self.observe(x[least])
                continue
            found = self.converge(*start)
            if found is None:
                if not self.taught:
                    self.vain.append(start[0])
                continue
            if found.ends == 2:
                return found
            self.rejected.append(found)
        one = self.hopeful
        return None if one is None or self.is_rejected(one.position, one.energy) else one

    def confirm(self, relaxation: Relaxation, saddle: Candidate, limit: int) -> Candidate | None:
        """Evaluate the saddle of a cheaper level, and follow it to that of this one.

        Returns
        -------
        The accepted saddle; None if there is none, or it does not join the ends.
        """
        self.curve, self.relaxation, self.limit = relaxation.curve, relaxation, limit
        self.observe(saddle.position)
        found = self.converge(saddle.position, saddle.mode)
        if found is not None and found.ends < 2:
            self.rejected.append(found)
        return found if found is not None and found.ends == 2 else None

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

    def untried(self, x, energy, humps):
        """The highest hump that does not lead to a rejected saddle: its top and tangent.

        Nor one from which following goes astray and teaches nothing, nor a ripple at an end.
        """
        top = energy[humps[0]]
        low = top - (1 - RIPPLE) * abs(top - max(self.surrogate.ends))
        for k in humps:
            vain = sum(_apart(x[k], known) < SAME_TOP for known in self.vain)
            if energy[k] < low or vain >= TRIES:
                continue
            tangent = self.tangent(k, x[k])
            if self.rejected:
                end = follow_saddle(
                    self.surrogate.surface, x[k], tangent, reach=lambda y: True
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
        """Ask again where the rejected saddles lead, with all that was learned since.

        And, for the first time perhaps, what came nearest to a saddle of all points seen. What
        they are followed to is believed as readily as the first of all saddles: there is no
        other left.
        """
        self.limit, accused, self.rejected = limit, self.rejected, []
        heard = self._heard(accused)
        self.rejected = accused
        return heard

    def _heard(self, accused: list[Candidate]) -> Candidate | None:
        for saddle in [*accused, *([self.best] if self.best is not None else [])]:
            if self.ends_reached(saddle, lambda x: None).ends < 2:
                continue
            found = self.converge(saddle.position, saddle.mode)
            if found is not None and found.ends == 2:
                return found
            if saddle.force <= STALLED and self.lowest(saddle.position)[0] < 0:
                return replace(saddle, ends=2)
        return None

    def promising(self) -> list[Candidate]:
        """Of what was not accepted, what a refinement on the potential may start from, best first.

        Only what the surrogate, as it is now, bends downwards; first what lies above both ends,
        then what leads to one of them, then the smallest force.
        """
        above = max(self.surrogate.ends)
        known = [*self.rejected, *([self.best] if self.best is not None else [])]
        saddles = [one for one in known if self.lowest(one.position)[0] < 0]
        return sorted(saddles, key=lambda one: (one.energy <= above, -one.ends, one.force))

    def lowest(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        """Lowest curvature of the surrogate at a geometry (eV/angstrom^2), and its mode."""
        values, modes = lowest_modes(
            self.surrogate.surface.hessian(x), x, self.invariances, count=1
        )
        return float(values[0]), modes[0]

    def top(self) -> Peak:
        """The highest point of the curve, by the surrogate, and its tangent."""
        x, energy, _ = self.profile()
        k = self.humps(x, energy)[0]
        return Peak(x[k], tangent=self.tangent(k, x[k]))

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

    def converge(self, x: np.ndarray, mode: np.ndarray) -> Candidate | None:
        """Follow the saddle from the path's top, until its true forces vanish.

        Where it leads is asked once it is near, so that nothing is spent on converging a
        saddle of another reaction; and again at the end, if it has moved since.

        Returns
        -------
        The saddle, and with it how many ends it leads to; None where the search goes astray
        (then the path is trained again with what was learned).
        """
        options, best, bad, top, joined = self.options, np.inf, 0, x, None
        self.taught = False
        while self.oracle.evaluations < self.limit:
            found = self.followed(x, mode)
            y = found.position
            if x is top and not found.converged and self.surrogate.away(top) > NEW:
                y = top
            fresh = self.surrogate.away(y) > NEW
            energy, gradient, surprise = self.observe(y)
            force = float(np.linalg.norm(gradient, axis=1).max())
            here = Candidate(y, energy, gradient, found.mode, force, found.curvature)
            if self.best is None or force < self.best.force:
                self.best = here
            if surprise < 0.05:
                self.trust = min(LONGEST, 1.4 * self.trust)
            elif surprise > 0.3:
                self.trust = max(SHORTEST, 0.6 * self.trust)
            bad = bad + 1 if force > 0.8 * best else 0
            best, stalled = min(best, force), bad >= 3
            self.taught |= fresh or surprise > TAUGHT
            bends = found.converged and found.curvature < 0
            if bends and force <= (STALLED if stalled else options["near"]):
                if self.is_rejected(y, energy):
                    return here
                moved = joined is not None and _apart(y, joined) > SAME_SADDLE
                if joined is None or (moved and force <= options["fmax"]):
                    reached = self.ends_reached(here, self.afford)
                    if reached.ends < 2:
                        return replace(here, **reached._asdict())
                    joined = y
                if force <= options["fmax"]:
                    joining = replace(here, ends=2)
                    return joining if joining.accepted(options["fmax"]) else here
                better = self.hopeful is None or force < self.hopeful.force
                if better:
                    self.hopeful = replace(here, ends=2)
            if stalled or not bends:
                break
            x, mode = y, found.mode
        return None

    def followed(self, x: np.ndarray, mode: np.ndarray) -> Followed:
        """Follow the saddle on the surrogate, again where its prior has learned on the way."""
        for _ in range(CONSULTED):
            found = follow_saddle(
                self.surrogate.surface,
                x,
                mode,
                reach=lambda y: self.surrogate.away(y) < self.trust,
            )
            if self.surrogate.consult(found.position) < NEWS:
                break
        return found

    def asked(self, peak: Peak) -> Candidate:
        """Ask where a saddle leads that another has found, unless it was rejected before."""
        x, force = peak.position, float(np.linalg.norm(peak.gradient, axis=1).max())
        curvature, mode = self.lowest(x)
        here = Candidate(x, peak.energy, peak.gradient, mode, force, curvature)
        if not peak.converged or self.is_rejected(x, peak.energy):
            return here
        return replace(here, **self.ends_reached(here, self.afford)._asdict())

    def afford(self, x: np.ndarray) -> tuple[float, np.ndarray, float] | None:
        """Pay for one geometry, within the limit."""
        return self.observe(x) if self.oracle.evaluations < self.limit else None

    def ends_reached(self, saddle: Candidate, observe) -> Reached:
        """Ask where a saddle leads, see `soundings`; with less faith once one misled."""
        options = self.sounding_options
        if self.rejected:
            options = options | {"lenience": 1.0}
        return ends_reached(self.reaction, self.surrogate, saddle, observe, **options)


def _apart(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.linalg.norm(a - b, axis=1).max())
