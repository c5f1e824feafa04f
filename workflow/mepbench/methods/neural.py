"""The direct neural path solver: a network x(s) trained on one reaction's own physics.

`x(s) = base(s) + 4 s (1-s) N_theta(s)` starts exactly at the guess. Its loss (`residual`,
`action` or `maxflux`; equations and sources in neural/losses.py) is lowered by Gauss-Newton
steps on the weights (neural/training.py), each on points drawn anew (neural/quadrature.py).
`maxflux` needs no second derivative. `residual` and `action` need one Hessian-vector
product, one more evaluation, a point; they take over from `maxflux` once that has found the
barrier, since both are at rest on saddles of higher order as well (neural/solver.py).

maxflux: Huo, Straub, J. Chem. Phys. 107, 5000 (1997), doi:10.1063/1.474863. action: Heymann,
Vanden-Eijnden, Comm. Pure Appl. Math. 61, 1052 (2008), doi:10.1002/cpa.20238. residual: the
equation of the string, E, Ren, Vanden-Eijnden, Phys. Rev. B 66, 052301 (2002),
doi:10.1103/PhysRevB.66.052301.
"""

from typing import Literal

from ..neural.curves import curve_of
from ..neural.solver import Solver
from ..path import Path


def solve(
    reaction,
    oracle,
    guess: Path,
    seed: int,
    *,
    loss: Literal["residual", "action", "maxflux"] = "maxflux",
    curve: Literal["network", "spline"] = "network",
    sampling: Literal["drawn", "fixed"] = "drawn",
    optimiser: Literal["gauss-newton", "adam"] = "gauss-newton",
    rate: float = 3e-3,
    points: int = 14,
    steps: int = 70,
    settle: int = 20,
    handover: int = 10,
    width: int = 32,
    depth: int = 2,
    frequencies: int = 4,
    splines: int = 12,
    first_beta: float = 15.0,
    beta: float = 40.0,
    weight_floor: float = 0.1,
    concentration: float = 0.5,
    memory: int = 3,
    trust: float = 0.15,
    damping: float = 1e-2,
    conjugate_gradients: int = 6,
    finish_beta: float = 100.0,
    finish_damping: float = 4e-3,
    relative_damping: float = 0.5,
    redraw: int = 2,
    speed_penalty: float = 3.0,
    finish_speed_penalty: float = 0.5,
    defect: float = 0.03,
    tolerance: float = 0.05,
) -> Path:
    """Return the trained path and its peak.

    Parameters
    ----------
    loss : what the path is trained on in the end
    curve : what is trained: the network, or a cubic B-spline in its place
    sampling : points drawn anew in each step, or the same evenly spaced ones in all
    optimiser : second-order steps, or the gradient alone, for comparison
    rate : Adam's, at the start; it falls to zero linearly
    points : evaluated in each step
    steps : rounds of evaluations at most, but one; one with Hessian-vector products counts twice
    settle : steps after which the first stage ends, if the top is not at rest before
    handover : further steps of maxflux in the second stage, before the last begins
    width, depth : of the hidden tanh layers
    frequencies : features are s, sin and cos of pi s, 2 pi s, ... up to this multiple
    splines : of the B-spline, at least 4
    first_beta, beta, finish_beta : 1/eV, of maxflux in the first stage, the second, the last
    weight_floor : of a low point relative to the top, in maxflux
    concentration : share of the points drawn near the top, but in the last stage
    memory : earlier rounds whose points are used again
    trust : angstrom, how far an atom moves in one step
    damping : of the Gauss-Newton steps, relative to the mean curvature
    conjugate_gradients : iterations that solve for one
    speed_penalty : holds |dx/ds| constant
    finish_damping, finish_speed_penalty : the same in the last stage of maxflux
    relative_damping : there, of each motion relative to its own curvature
    redraw : steps of it after which the hidden layers are drawn anew, 0 for never
    defect : eV. Converged when the tangency defect that one step's points tell is below it,
    tolerance : eV/angstrom, and what should vanish at the top (g_perp; for maxflux
        g_perp - curvature/beta) below this
    """
    options = dict(
        sampling=sampling,
        optimiser=optimiser,
        rate=rate,
        points=points,
        first_beta=first_beta,
        beta=beta,
        weight_floor=weight_floor,
        concentration=concentration,
        memory=memory,
        trust=trust,
        damping=damping,
        conjugate_gradients=conjugate_gradients,
        finish_beta=finish_beta,
        finish_damping=finish_damping,
        relative_damping=relative_damping,
        redraw=redraw,
        speed_penalty=speed_penalty,
        finish_speed_penalty=finish_speed_penalty,
        defect=defect,
        tolerance=tolerance,
    )
    frames = guess.positions.copy()
    frames[0], frames[-1] = reaction.ends
    path = curve_of(
        curve,
        frames,
        oracle.invariances,
        width=width,
        depth=depth,
        frequencies=frequencies,
        seed=seed,
        splines=splines,
    )
    return Solver(reaction, oracle, path, seed, options).train(loss, steps, settle, handover)
