"""Proof or refutation of a saddle: is it a transition state of the intended reaction?

In this order: the forces vanish (0.01 eV/A); the Hessian, rigid motion projected out, has
exactly one eigenvalue below -0.05 eV/A^2; the intrinsic reaction coordinate leads to the
intended reactant on one side and to the intended product on the other. The verdict is the
first of these that fails, or how the last one fails; every verdict has a one-line reason.

`multistep` is the verdict where the IRC leads to an intermediate that lies on the path
itself: the path's wells (`tangency`) are relaxed, and where at least one end of the IRC is
the reactant, the product or such a well, and no end is anything else, the saddle is one step
of the path.
"""

from dataclasses import dataclass, field

import numpy as np
from ase.data import atomic_masses

from .errors import BadEndpoints
from .hessian import frequencies, hessian, lowest_modes
from .irc import STEP, Branch, irc, relax_gently
from .path import Path, Peak
from .reaction import Reaction
from .relax import lowest_mode, minima
from .structure import EndMatch, compare, compare_both

FMAX = 0.01  # eV/angstrom
FMAX_NOISE = 2e-4  # eV/angstrom: two SCFs of one geometry differ by this at most
NEGATIVE = -0.05  # eV/angstrom^2
WELL = 0.02  # eV: a shallower dip of the path is no intermediate
OTHER_CONFORMER = 0.1  # eV: an end whose energy differs by more is worth a remark
IRC_FRAMES = 61
ROLES = ("reactant", "product")


@dataclass(frozen=True)
class Judgement:
    """What is proven about one geometry.

    Attributes
    ----------
    verdict, reason : see the module; the reason is one line
    energy : eV
    eigenvalues : the three lowest of the Hessian, eV/angstrom^2
    imaginary_frequency_cm : of the lowest mode, 1/cm, positive; NaN where there is none
    mode : (N, 3) unit vector, the lowest mode; towards the product where the IRC says so
    irc : (M, N, 3) array, angstrom, from the reactant's side over the saddle to the other,
        the first and last relaxed; None where there is no first-order saddle
    irc_energies : (M,) array, eV
    end_gaps : (2,) array, eV: energy of the IRC's first and last frame above the intended ends
    """

    verdict: str
    reason: str
    energy: float
    eigenvalues: np.ndarray = field(default_factory=lambda: np.full(3, np.nan))
    imaginary_frequency_cm: float = np.nan
    mode: np.ndarray | None = None
    irc: np.ndarray | None = None
    irc_energies: np.ndarray | None = None
    end_gaps: np.ndarray = field(default_factory=lambda: np.full(2, np.nan))


def judge(
    reaction: Reaction,
    oracle,
    saddle: Peak,
    quality=None,
    path: Path | None = None,
    *,
    step: float = STEP,
) -> Judgement:
    """Judge one geometry.

    Parameters
    ----------
    oracle : `Oracle`; pays for the Hessian (6N) and the IRC (60 to 300 evaluations)
    saddle : only its position is believed
    quality : `PathQuality` of the finished path, for its wells; None where there is no path
    path : the finished path; a trajectory (GAD) has no wells that mean anything
    step : longest step of the IRC, angstrom sqrt(u)

    Raises
    ------
    SCFFailure
        from the oracle.
    """
    x = saddle.position
    energies, gradients = oracle(x[None])
    energy, force = float(energies[0]), float(np.linalg.norm(gradients[0], axis=1).max())
    if not force <= FMAX + FMAX_NOISE:
        reason = f"largest force {force:.3f} eV/A, above {FMAX}"
        return Judgement("unconverged", reason, energy)

    matrix = hessian(oracle, x)
    values, modes = lowest_modes(matrix, x, oracle.invariances, count=3)
    wavenumber = frequencies(matrix, atomic_masses[reaction.numbers])[0]
    proof = {
        "energy": energy,
        "eigenvalues": values,
        "imaginary_frequency_cm": float(-wavenumber) if values[0] < NEGATIVE else np.nan,
        "mode": modes[0],
    }
    negative = int((values < NEGATIVE).sum())
    listed = ", ".join(f"{value:.2f}" for value in values)
    if negative == 0:
        return Judgement("minimum", f"no negative mode (lowest {listed} eV/A^2)", **proof)
    if negative > 1:
        reason = f"{negative} or more negative modes (lowest {listed} eV/A^2)"
        return Judgement("higher-order", reason, **proof)

    branches = irc(oracle, reaction.numbers, x, matrix, step=step)
    ends = [_settled(reaction, oracle, branch) for branch in branches]
    wells = ()
    if quality is not None and path is not None and path.is_path:
        wells = tuple(well for well in quality.wells if well.depth > WELL)
    verdict, reason, forwards = _connection(reaction, oracle, ends, wells)
    if verdict != "intended" and not all(branch.converged for branch in branches):
        reason = f"{reason}; a side of the IRC did not relax"
    if not forwards:
        branches, ends = branches[::-1], ends[::-1]
    towards = branches[1].positions[0] - x
    proof["mode"] = modes[0] * (np.sign((modes[0] * towards).sum()) or 1.0)
    gaps = np.full(2, np.nan)
    if reaction.energies is not None:
        gaps = np.array([end.energy for end in ends]) - reaction.energies
    if verdict == "intended" and np.abs(gaps).max() > OTHER_CONFORMER:
        remark = f"the IRC's ends lie {gaps[0]:+.2f} and {gaps[1]:+.2f} eV from those given"
        reason = f"{reason}; {remark}" if reason else remark
    frames, heights = _whole_path(x, energy, branches, ends)
    return Judgement(verdict, reason, **proof, irc=frames, irc_energies=heights, end_gaps=gaps)


@dataclass(frozen=True)
class _End:
    """A minimum to which the IRC leads: position (N, 3), eV, how it compares to R and P."""

    position: np.ndarray
    energy: float
    matches: tuple[EndMatch, EndMatch]

    @property
    def known(self) -> bool:
        return any(match.matches for match in self.matches)


def _end(reaction, oracle, position, energy) -> _End:
    matches = tuple(
        compare(reaction.numbers, position, one, other, oracle.invariances)
        for one, other in (reaction.ends, reaction.ends[::-1])
    )
    return _End(position, energy, matches)


def _settled(reaction, oracle, branch: Branch) -> _End:
    """Return the branch's minimum; one that is neither end is proven by its Hessian first.

    Where the IRC stopped on a symmetry element, at a stationary point that is no minimum, it
    forks: the first of the minima below that is the reactant or the product is taken.
    """
    end = _end(reaction, oracle, branch.end, float(branch.energies[-1]))
    if end.known:
        return end
    if lowest_mode(oracle, end.position)[0] > NEGATIVE:
        return end
    try:
        below = minima(oracle, reaction.numbers, end.position)
    except BadEndpoints:
        return end
    below = [_end(reaction, oracle, found.positions, found.energy) for found in below]
    return next((found for found in below if found.known), below[0])


def _connection(reaction, oracle, ends, wells) -> tuple[str, str, bool]:
    """Return verdict, reason, and whether the first end is on the reactant's side."""
    a, b = ends
    both = compare_both(
        reaction.numbers,
        np.array([a.position, b.position]),
        reaction.ends,
        oracle.invariances,
    )
    if both.how == "exact":
        return "intended", "", not both.swapped
    if both.how:
        return "intended", f"both ends match only when {both.how}", not both.swapped
    step = _step_of_path(reaction, oracle, ends, wells)
    if step is not None:
        return "multistep", *step
    if a.known and b.known:
        name = "reactant" if a.matches[0].matches else "product"
        return "other", f"both sides lead to the {name}", True
    if a.known or b.known:
        found, lost = (a, b) if a.known else (b, a)
        side = 0 if found.matches[0].matches else 1
        missed = lost.matches[1 - side].reason
        reason = f"leads to the {ROLES[side]} only; against the {ROLES[1 - side]}: {missed}"
        return "half-intended", reason, (found is a) == (side == 0)
    reason = (
        f"leads to neither end; against the reactant: {both.reactant.reason}; "
        f"against the product: {both.product.reason}"
    )
    return "other", reason, not both.swapped


def _step_of_path(reaction, oracle, ends, wells) -> tuple[str, bool] | None:
    """Say which step of the path the saddle is, if both its ends are stations of the path."""
    stations = []
    for end in ends:
        if end.known:
            stations.append(0.0 if end.matches[0].matches else 1.0)
            continue
        for well in wells:
            minimum, _, _ = relax_gently(oracle, reaction.numbers, well.position)
            if all(
                compare(reaction.numbers, end.position, minimum, other, oracle.invariances).matches
                for other in reaction.ends
            ):
                stations.append(well.s)
                break
        else:
            return None
    if stations[0] == stations[1]:
        return None
    names = [
        {0.0: "reactant", 1.0: "product"}.get(s, f"intermediate at s = {s:.2f}")
        for s in sorted(stations)
    ]
    reason = f"the saddle joins {names[0]} and {names[1]} of the path"
    return reason, stations[0] < stations[1]


def _whole_path(saddle, energy, branches, ends) -> tuple[np.ndarray, np.ndarray]:
    """Join both sides, from the first's end over the saddle to the second's, thinned."""
    sides = []
    for branch, end in zip(branches, ends, strict=True):
        positions, energies = branch.positions, branch.energies
        if end.energy != energies[-1]:
            positions = np.concatenate([positions, end.position[None]])
            energies = np.append(energies, end.energy)
        keep = np.unique(np.linspace(0, len(energies) - 1, IRC_FRAMES // 2).round().astype(int))
        sides.append((positions[keep], energies[keep]))
    (left, left_e), (right, right_e) = sides
    return (
        np.concatenate([left[::-1], saddle[None], right]),
        np.concatenate([left_e[::-1], [energy], right_e]),
    )
