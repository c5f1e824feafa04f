"""Direct MaxFlux by its authors' package, PyDMF: a B-spline, three points, Ipopt.

The path of least resistance at the inverse temperature beta minimises

    (1/beta) log integral exp(beta V(x)) |x'| dt,

here over the coefficients of a cubic B-spline at constant speed, by an interior-point method;
the few quadrature points wander to the top. Koda, Saito, J. Chem. Theory Comput. 20, 2798
(2024), doi:10.1021/acs.jctc.3c01246. It starts from its own guess, the same minimisation on
the correlated flat-bottom elastic network: ibid. 21, 3513 (2025), doi:10.1021/acs.jctc.4c01549.

PyDMF is an optional package. Defaults are those of its example script; the potential's calls
are the same, but that the three points are one round and the ends are free.
"""

from contextlib import suppress
from typing import Literal

import numpy as np
from ase import Atoms
from scipy.interpolate import BSpline

from ..errors import BudgetExhausted, NotInstalled, SCFFailure
from ..guesses.fb_enm import QUIET, elastic_network, pydmf
from ..oracle import Oracle, evaluate_band, hand_over
from ..path import Path, Peak, remove_rigid_motion, superposition, tangents, turn_back
from ..reaction import Reaction

FRAMES = 41
AT_END = 0.01  # nearer than that, PyDMF takes the energy of the end


def solve(
    reaction: Reaction,
    oracle: Oracle,
    guess: Path,
    seed: int,
    *,
    points: int = 3,
    segments: int = 4,
    beta: float = 10.0,
    tolerance: Literal["tight", "middle", "loose"] = "middle",
    move_points: bool = True,
    own_guess: bool = True,
) -> Path:
    """Return the B-spline at which Ipopt stopped; its peak is that of PyDMF's cubic through
    the points' energies and slopes.

    Parameters
    ----------
    points : movable quadrature points
    segments : of the B-spline
    beta : 1/eV
    tolerance : of the dual infeasibility, in PyDMF's words
    move_points : let the points wander to the top
    own_guess : start from the elastic network's path, else from `guess`. Without rotational
        invariance there is no network, and `guess` is what it starts from.
    """
    cyipopt, dmf = pydmf()
    rigid = "rotation" in oracle.invariances
    ends = [Atoms(reaction.numbers, x) for x in reaction.ends]
    options = {"nsegs": segments, "remove_rotation_and_translation": rigid}
    if own_guess and rigid:
        network = elastic_network(ends, nsegs=segments)
        start = {"ref_images": ends, "coefs": network.coefs.copy()}
    else:
        start = {"ref_images": [Atoms(reaction.numbers, x) for x in guess.positions]}

    class Booked(dmf.DirectMaxFlux):
        """PyDMF's problem, evaluated by the oracle and recorded after each iteration."""

        fatal: BudgetExhausted | None = None
        failure: SCFFailure | None = None

        def get_forces(self):
            if self.fatal is not None:
                raise self.fatal
            inner = [
                image
                for image, t in zip(self.images, self.t_eval, strict=True)
                if AT_END <= t <= 1 - AT_END
            ]
            try:
                evaluate_band(inner, oracle)
            except SCFFailure as error:
                # Ipopt then tries a shorter step; where it can't, this is the reason.
                self.failure = error
                raise cyipopt.CyIpoptEvaluationError from error
            except BudgetExhausted as error:
                self.fatal = error  # Ipopt would go on until the end of its iteration
                raise
            return super().get_forces()

        def intermediate(self, *arguments):
            try:
                super().intermediate(*arguments)
            except ValueError:
                # Too few places at the energies where PyDMF wants its points: they stay.
                if not move_points or len(self.history.t_eval) < len(self.history.tmax):
                    raise
            oracle.checkpoint(_path(self, reaction, oracle), residual=arguments[3])

    problem = Booked(**start, **options, nmove=points, beta=beta, update_teval=move_points)
    for image in problem.images:
        image.calc = oracle.calculator()
    _know_the_ends(problem, reaction, oracle)
    problem.add_ipopt_options(QUIET)
    _, info = problem.solve(tol=tolerance)
    if info["status"] == -13 and problem.failure is not None:
        raise problem.failure
    if not problem.history.tmax:
        raise RuntimeError(f"Ipopt: {info['status_msg'].decode()}")
    message = "" if info["status"] == 0 else f"Ipopt: {info['status_msg'].decode()}"
    return _path(problem, reaction, oracle, converged=info["status"] == 0, message=message)


def _know_the_ends(problem, reaction: Reaction, oracle: Oracle) -> None:
    """Hand PyDMF the ends' energies and forces, turned as it has turned the ends."""
    images = problem.images[0], problem.images[-1]
    problem.end_energies, gradients = oracle(reaction.ends)
    for end, energy, gradient, image in zip(
        reaction.ends, problem.end_energies, gradients, images, strict=True
    ):
        if "rotation" in oracle.invariances:
            gradient = gradient @ _rotation(end, image.positions)
        hand_over(image, energy, gradient)
    _ = problem.e0  # PyDMF keeps what it has once asked for


def _rotation(mobile: np.ndarray, fixed: np.ndarray) -> np.ndarray:
    return superposition(mobile - mobile.mean(axis=0), fixed - fixed.mean(axis=0))


def _path(problem, reaction: Reaction, oracle: Oracle, **outcome) -> Path:
    """Return the B-spline of the last iteration in the reaction's frame of reference."""
    history = problem.history
    evaluated = np.clip(history.t_eval[-1] if history.t_eval else problem.t_eval, 0.0, 1.0)
    top = history.tmax[-1]
    if not 0.0 < top < 1.0:  # no barrier, or no root of the cubic: the highest point
        top = evaluated[1 + np.argmax(history.energies[-1][1:-1])]
    marked = np.append(evaluated, top)
    grid = np.linspace(0, 1, FRAMES)
    grid = grid[np.abs(grid[:, None] - marked).min(axis=1) > 0.2 / FRAMES]
    t = np.unique(np.concatenate([marked, grid]))
    degree = problem.dspl
    knots = np.concatenate([[0.0] * degree, np.linspace(0, 1, problem.nsegs + 1), [1.0] * degree])
    frames = BSpline(knots, history.coefs[-1], degree)(t)
    if "rotation" in oracle.invariances:
        frames = turn_back(frames, reaction.ends)
    frames[0], frames[-1] = reaction.ends
    energies = np.full(len(t), np.nan)
    energies[np.searchsorted(t, evaluated)] = history.energies[-1] + problem.e0
    energies[(t > 0) & (t < 1) & ((t < AT_END) | (t > 1 - AT_END))] = np.nan
    energies[[0, -1]] = problem.end_energies
    at = int(np.searchsorted(t, top))
    tangent = remove_rigid_motion(tangents(frames)[at], frames[at], oracle.invariances)
    energy = None if np.isnan(energies[at]) else float(energies[at])
    peak = Peak(frames[at], energy=energy, tangent=tangent / np.linalg.norm(tangent))
    return Path(frames, energies, peak=peak, **outcome)


def warm_up() -> None:
    """Import PyDMF if it is there: no cost of the first reaction."""
    with suppress(NotInstalled):
        pydmf()
