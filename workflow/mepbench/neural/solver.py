"""Training a path network on one reaction, in three stages.

1. *descend*: the gradient of maxflux at nearly its own weights brings the barrier down.
   A curvature estimate that is positive definite never stops at a saddle of higher order.
2. *follow*: maxflux's equation g_perp = curvature/beta is solved all along the path, with
   transport and with the last rounds' points remembered. (Remembered points would hold
   back the first stage: they do not know in which direction V is concave.) Here beta is
   larger: the tension 1/beta keeps the path from the floor where that bends, but a large
   beta from the start would let go of all but the very top.
3. *finish*, with points spread evenly: for the other losses their own gradient; for maxflux
   the same equation, its residual now measured as the tangency defect does: what is left are
   ripples of stiff bonds, 0.005 angstrom high, which the measure of the second stage
   forgives. Only the output layer still learns, in which the path is linear; each step is
   solved directly. With maxflux the path becomes, every few steps, the base of a network with
   new hidden layers, which can bend where the old ones could not.
"""

from dataclasses import dataclass, replace

import numpy as np

from ..path import Path, Peak, arc_length
from . import descent
from .losses import internal_velocity
from .memory import Memory
from .network import PathNetwork, PathPoints
from .quadrature import draw, even, hermite_peak, widths
from .training import (
    SPEED_POINTS,
    Adam,
    SpeedPenalty,
    bend,
    gauss_newton_step,
    output_layer_step,
    shortened,
    within_trust,
)

FRAMES = 101  # of the finished path
SNAPSHOT = even(40)  # where a checkpoint shows the path, beside its last round
SETTLED = 0.3  # eV/angstrom across the path at its top: the barrier has been found
WORSE = 4.0  # a misfit that grows by this factor over the best sends the path back


@dataclass(frozen=True)
class Stage:
    """How a part of the training is done; see the module's docstring.

    `redraw` counts the steps after which the hidden layers are drawn anew, 0 for never.
    """

    loss: str
    transport: bool
    weight_floor: float
    memory: int
    speed_penalty: float
    beta: float
    concentration: float
    damping: float
    relative_damping: float = 0.0
    redraw: int = 0
    squared: bool = False
    direct: bool = False

    @property
    def cost(self) -> int:
        """Evaluations of a point: with a Hessian-vector product, two."""
        return 1 if self.loss == "maxflux" else 2


@dataclass(frozen=True)
class Round:
    """One round of evaluations.

    `misfit` is what should vanish, its mean over the path, `top` the same at the path's top.

    `defect` is the path's tangency defect, eV, as far as these points tell, tension taken off.
    `path` holds the points of `descent`, followed by those of the speed penalty; `known` are s,
    energy and dV/ds of the evaluated points, ends included.
    """

    theta: np.ndarray
    path: PathPoints
    descent: descent.Descent
    peak_s: float
    misfit: float
    top: float
    defect: float
    known: tuple[np.ndarray, np.ndarray, np.ndarray]


class Solver:
    """State of one training: the network, the memory of evaluations, the trust radius."""

    def __init__(self, reaction, oracle, network: PathNetwork, seed: int, options: dict):
        self.oracle, self.network, self.options = oracle, network, options
        self.memory = Memory(oracle, reaction.numbers)
        self.rng = np.random.default_rng(seed)
        energies = reaction.energies
        self.end_energies = oracle(reaction.ends)[0] if energies is None else energies
        self.known = (np.array([0.0, 1.0]), np.asarray(self.end_energies), np.zeros(2))
        self.trust = options["trust"]
        self.adam = Adam(options["rate"])
        self.last: Round | None = None

    def train(self, loss: str, steps: int, settle: int, handover: int) -> Path:
        """Run all stages and return the path."""
        o = self.options
        descend = Stage(
            loss="maxflux",
            transport=False,
            weight_floor=0.01,
            memory=0,
            speed_penalty=o["speed_penalty"] / 3,
            beta=o["first_beta"],
            concentration=o["concentration"],
            damping=o["damping"],
        )
        follow = Stage(
            loss="maxflux",
            transport=True,
            weight_floor=o["weight_floor"],
            memory=o["memory"],
            speed_penalty=o["speed_penalty"],
            beta=o["beta"],
            concentration=o["concentration"],
            damping=o["damping"],
        )
        finish = replace(follow, loss=loss, direct=True, concentration=0.0)
        if loss == "maxflux":
            finish = replace(
                finish,
                squared=True,
                weight_floor=1.0,
                beta=o["finish_beta"],
                speed_penalty=o["finish_speed_penalty"],
                damping=o["finish_damping"],
                relative_damping=o["relative_damping"],
                redraw=o["redraw"],
            )
        stage, calm, begun, best, converged = descend, 0, 0, None, False
        spent = 0
        while self.last is None or spent + stage.cost <= steps:
            if self.last is not None and self.oracle.remaining < stage.cost * o["points"] + 2:
                break
            if stage.redraw and (spent - begun) % stage.redraw == 0:
                self.network = self.network.redrawn()
            self.last = this = self.round(stage)
            spent += stage.cost
            self.checkpoint(this)
            if stage is descend:
                calm = calm + 1 if this.top < SETTLED else 0
                if calm == 2 or spent >= settle:
                    stage, begun = follow, spent
            elif stage is follow and spent - begun >= handover:
                stage, begun, best = finish, spent, None
            else:
                at_rest = this.defect < o["defect"] and this.top < o["tolerance"]
                converged = stage.loss == loss and at_rest
                if best is None or this.misfit < best.misfit:
                    best = this
                elif this.misfit > WORSE * best.misfit:
                    self._return_to(best)
                    self.trust /= 2
                    # Measured anew: the points of one step may flatter.
                    best, converged = None, False
                    continue
                self.trust = min(1.2 * self.trust, o["trust"])
            if converged:
                break
            # The first step of a stage is taken on the model of the round before. Taken on its
            # own, T of maxflux on 21 reactions was the same, and residual and action were
            # farther from the flat top of LEPS + oscillator.
            self.step(this, stage, 1 - spent / steps)
        if best is not None and this.misfit > WORSE * best.misfit:
            self.last = best
        self._return_to(self.last)
        return self.finished(converged)

    def _return_to(self, past: Round) -> None:
        """Take the path of a past round again, with what was known of it."""
        self.last, self.known, self.network = past, past.known, past.path.network
        self.network.theta = past.theta

    def round(self, stage: Stage) -> Round:
        """Draw points, evaluate the path there, and ask the stage's loss for its descent."""
        network, invariances = self.network, self.oracle.invariances
        s, energies, _ = self.known
        if self.options["sampling"] == "fixed":
            s = even(self.options["points"])
        elif self.last is None:
            s = draw(self.options["points"], self.rng, s, energies, 0.0)
        else:
            s = draw(self.options["points"] - 1, self.rng, s, energies, stage.concentration)
            s = np.sort(np.append(s, inside(self.last.peak_s)))
        self.memory.renew(network, s, stage.memory)
        at_s = self.memory.s
        path, count = network.at(np.concatenate([at_s, SPEED_POINTS])), len(at_s)
        points = self.memory.carried(path.x[:count], path.dx[:count])
        if stage.loss == "maxflux":
            found = descent.maxflux(
                points,
                beta=stage.beta,
                floor=stage.weight_floor,
                bend=bend(network, at_s, invariances),
                invariances=invariances,
                transport=stage.transport,
                squared=stage.squared,
            )
        else:
            found = getattr(descent, stage.loss)(
                points, product=self.memory.hessian_product, invariances=invariances
            )
        fresh = self.memory.age == 0
        speed = found.speed[fresh]
        slopes = speed * (points.gradient[fresh] * found.tangent[fresh]).sum(axis=1)
        reactant, product = self.end_energies
        self.known = (
            np.concatenate([[0.0], s, [1.0]]),
            np.concatenate([[reactant], self.memory.energy[fresh], [product]]),
            np.concatenate([[0.0], slopes, [0.0]]),
        )
        misfit = found.misfit[fresh]
        mean, top = float(misfit @ widths(s)), float(misfit[self.known[1][1:-1].argmax()])
        across = misfit * speed
        defect = float((np.hypot(across, slopes) - np.abs(slopes)) @ widths(s)) / 2
        peak_s, _ = hermite_peak(*self.known)
        return Round(network.theta, path, found, peak_s, mean, top, defect, self.known)

    def step(self, this: Round, stage: Stage, left: float) -> None:
        """Move the path by one step within the trust radius, `left` of the training to come."""
        network, points, found = self.network, this.path, this.descent
        count = len(found.weight)
        penalty = SpeedPenalty(
            points.x[count:], points.dx[count:], stage.speed_penalty, self.oracle.invariances
        )
        if self.options["optimiser"] == "adam":
            move = self.adam.step(points, found, penalty, left)
        elif stage.direct:
            held = within_trust(found, self.trust)
            move = output_layer_step(points, held, penalty, stage.damping, stage.relative_damping)
        else:
            held, iterations = within_trust(found, self.trust), self.options["conjugate_gradients"]
            move = gauss_newton_step(points, held, penalty, stage.damping, iterations)
        move, _ = shortened(points, move, self.trust)
        network.theta = network.theta + move

    def checkpoint(self, this: Round) -> None:
        """Record the path with the energies of its last round."""
        s, energies, _ = this.known
        self.oracle.checkpoint(sample(self.network, s, energies, SNAPSHOT), this.misfit)

    def finished(self, converged: bool) -> Path:
        """Evaluate the peak, look again with that, and return the path."""
        s, energies, slopes = self.known
        at, peak = inside(self.last.peak_s), None
        for _ in range(2):
            if self.oracle.remaining < 1:
                break
            points = self.network.at(np.array([at]))
            energy, gradient = self.memory.evaluate(points.x)
            velocity, _ = internal_velocity(points.x, points.dx, self.oracle.invariances)
            slope = float(velocity[0] @ gradient[0])
            tangent = (velocity / np.linalg.norm(velocity)).reshape(-1, 3)
            found = Peak(
                points.x.reshape(-1, 3), float(energy[0]), gradient.reshape(-1, 3), tangent
            )
            if peak is None or found.energy > peak.energy:
                peak = found
            where = np.searchsorted(s, at)
            if np.abs(s - at).min() > 1e-6:
                s, energies = np.insert(s, where, at), np.insert(energies, where, energy[0])
                slopes = np.insert(slopes, where, slope)
            again = inside(hermite_peak(s, energies, slopes)[0])
            if abs(again - at) < 2e-3:
                break
            at = again
        path = sample(self.network, s, energies, at_equal_length(self.network, FRAMES))
        return replace(path, peak=peak, converged=converged)


def inside(s: float) -> float:
    """Keep a path's peak off its ends, which are none."""
    return float(np.clip(s, 1e-3, 1 - 1e-3))


def at_equal_length(network: PathNetwork, frames: int) -> np.ndarray:
    """s of `frames` points at equal arc length, ends left out, (frames - 2,)."""
    fine = np.linspace(0.0, 1.0, frames)
    length = arc_length(network(fine))
    return np.interp(np.linspace(0.0, length[-1], frames), length, fine)[1:-1]


def sample(network: PathNetwork, s: np.ndarray, energies: np.ndarray, between: np.ndarray) -> Path:
    """Return the frames at `s`, whose energies are known, and those at `between`."""
    between = between[np.abs(between[:, None] - s[None]).min(axis=1) > 1e-3]
    every = np.concatenate([s, between])
    order = np.argsort(every, kind="stable")
    known = np.concatenate([energies, np.full(len(between), np.nan)])
    return Path(positions=network(every[order]), energies=known[order])
