"""Proof or refutation of a saddle: is it a transition state of the intended reaction?

In this order: the forces vanish (0.01 eV/A, on a soft surface less); the index is one, by the
Hessian without rigid motion (`landscape.index`); the intrinsic reaction coordinate leads to the
intended reactant on one side and to the intended product on the other (`connection`). The
verdict is the first of these that fails, or how the last one fails; every verdict has a
one-line reason. docs/judge.md says how the judge itself was tested.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from ase.data import atomic_masses

from ..landscape.hessian import reaction_mode
from ..landscape.index import FMAX, FMAX_NOISE, Stationary
from ..landscape.scale import ORDINARY, Scale
from ..path import Path, Peak
from ..reaction import Reaction
from .connection import End, VisitedMinima, connection
from .irc import Branch
from .measured import IN_FULL

__all__ = ["FIRST_ORDER", "FMAX", "Judgement", "judge"]

FIRST_ORDER = ("intended", "multistep", "half-intended", "other")  # verdicts on proven saddles

IRC_FRAMES = 61


@dataclass(frozen=True)
class Judgement:
    """What is proven about one geometry.

    Attributes
    ----------
    verdict, reason : see the module; the reason is one line
    energy : eV, of the geometry as it was given
    gradient : (N, 3) array, eV/angstrom, there
    point : the stationary point beside it, with all that is said of its curvatures; None where
        it was not sought
    scale : the surface's own units
    imaginary_frequency_cm : of the reaction's mode, 1/cm, positive; NaN where there is none
    mode : (N, 3) unit vector, the lowest mode; towards the product where the IRC says so
    irc : (M, N, 3) array, angstrom, from the reactant's side over the saddle to the other,
        the first and last relaxed; None where there is no first-order saddle
    irc_energies : (M,) array, eV
    end_gaps : (2,) array, eV: energy of the IRC's first and last frame above the intended ends
    end_match : of `intended`: "exact", "permuted", "mirror" or "permuted-mirror"; else ""
    end_conformer : of `intended`: of which end another conformer was reached, "reactant",
        "product" or "both"; else ""
    ends : where the IRC's first and last frame lead; None where there is no IRC
    """

    verdict: str
    reason: str
    energy: float
    gradient: np.ndarray | None = None
    point: Stationary | None = None
    scale: Scale = ORDINARY
    imaginary_frequency_cm: float = np.nan
    mode: np.ndarray | None = None
    irc: np.ndarray | None = None
    irc_energies: np.ndarray | None = None
    end_gaps: np.ndarray = field(default_factory=lambda: np.full(2, np.nan))
    end_match: str = ""
    end_conformer: str = ""
    ends: tuple[End, End] | None = None

    @property
    def eigenvalues(self) -> np.ndarray:
        """The three lowest curvatures, (3,) or fewer, eV/angstrom^2; NaN where not measured."""
        return np.full(3, np.nan) if self.point is None else self.point.curvatures[:3]


def judge(
    reaction: Reaction,
    oracle,
    saddle: Peak,
    quality=None,
    path: Path | None = None,
    *,
    beside: Sequence[np.ndarray] = (),
    means=IN_FULL,
) -> Judgement:
    """Judge one geometry.

    Parameters
    ----------
    oracle : `Oracle`; pays for the Hessian (6N), the IRC (60 to 300 evaluations), and for
        the Hessians of ends that are not those given
    saddle : only its position is believed
    quality : `PathQuality` of the finished path, for its wells; None where there is no path
    path : the finished path; a trajectory (GAD) has no wells that mean anything
    beside : (N, 3) arrays, in the valleys beside a saddle of higher order at the path's top: the
        minima below are visited as well, since the path could as well lead through them
    means : how Hessians, IRC and minima are come by: `Measured`, or `staged.Staged`

    Raises
    ------
    SCFFailure
        from the oracle.
    Doubt
        from `staged.Staged`.
    """
    x = saddle.position
    if not np.isfinite(x).all():
        return Judgement("unconverged", "the saddle has coordinates that are not finite", np.nan)
    energy, gradient = means.at(oracle, x)
    proof = {"energy": energy, "gradient": gradient}
    force = float(np.linalg.norm(gradient, axis=1).max())
    if not force <= FMAX + FMAX_NOISE:
        return Judgement("unconverged", f"largest force {force:.3f} eV/A, above {FMAX}", **proof)

    matrix, scale = means.hessian(oracle, x, reaction.ends)
    proof["scale"] = scale
    wanted = FMAX * min(1.0, scale.force)
    if not force <= wanted + FMAX_NOISE * min(1.0, scale.force):
        reason = f"largest force {force:.2g} eV/A, above {wanted:.2g} on so soft a surface"
        return Judgement("unconverged", reason, **proof)

    point = means.stationary_point(oracle, x, energy, gradient, matrix, scale)
    proof |= {"point": point, "mode": point.modes[0] if point.index else None}
    if point.index != 1:
        return Judgement(*_of_wrong_index(point), **proof)
    x, matrix = point.position, point.hessian
    wavenumber, way = reaction_mode(matrix, atomic_masses[reaction.numbers])
    proof["imaginary_frequency_cm"] = -wavenumber
    branches = means.branches(oracle, reaction.numbers, point, way, scale)
    visited = VisitedMinima.of(reaction, oracle, quality, path, scale, beside)
    found = connection(reaction, oracle, branches, visited, means)
    if found.swapped:
        branches = branches[::-1]
    towards = branches[1].positions[0] - x
    proof["mode"] = point.modes[0] * (np.sign((point.modes[0] * towards).sum()) or 1.0)
    frames, heights = _whole_path(x, point.energy, branches, found.ends)
    return Judgement(
        found.verdict,
        found.reason,
        **proof,
        irc=frames,
        irc_energies=heights,
        end_gaps=found.gaps,
        end_match=found.how,
        end_conformer=found.conformer,
        ends=found.ends,
    )


def _of_wrong_index(point: Stationary) -> tuple[str, str]:
    """Verdict and reason of a stationary point that is no first-order saddle."""
    lowest = ", ".join(f"{value:.3g}" for value in point.curvatures[:3])
    errors = ", ".join(f"{error:.1g}" for error in point.errors[:3])
    about = f"(lowest {lowest} eV/A^2, errors {errors})"
    if point.doubtful:
        about += "; a curvature within its error, decided by the energy along it"
    if point.index == 0:
        return "minimum", f"no negative mode {about}"
    return "higher-order", f"{point.index} or more negative modes {about}"


def _whole_path(
    saddle: np.ndarray,
    energy: float,
    branches: tuple[Branch, Branch],
    ends: tuple[End, End],
) -> tuple[np.ndarray, np.ndarray]:
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
