"""The direct neural path solver: a network x(s) trained on one reaction's own physics.

`x(s) = base(s) + 4 s (1-s) N_theta(s)` starts at the guess and follows a loss (`residual`,
`action` or `maxflux`, see neural/losses.py) by Gauss-Newton steps on points drawn anew each
step. `residual` and `action` need Hessian-vector products, one more evaluation a point,
and start with a few steps of `maxflux`.
"""

from typing import Literal

import numpy as np

from ..path import Path, Peak

FRAMES = 101


def solve(
    reaction,
    oracle,
    guess: Path,
    seed: int,
    *,
    loss: Literal["residual", "action", "maxflux"] = "maxflux",
    points: int = 14,
    steps: int = 60,
    warmup: int = 12,
    width: int = 32,
    depth: int = 2,
    frequencies: int = 4,
    beta: float = 15.0,
    weight_floor: float = 0.1,
    concentration: float = 0.5,
    trust: float = 0.15,
    damping: float = 1e-3,
    speed_penalty: float = 1.0,
    tolerance: float = 0.1,
    memory: int = 4,
    reach: float = 0.3,
) -> Path:
    """Return the trained path, densely sampled, and its peak."""
    import torch

    torch.set_num_threads(1)
    from ..neural.solver import Solver

    with torch.no_grad():
        solver = Solver(
            reaction, oracle, guess, seed, points=points, width=width, depth=depth,
            frequencies=frequencies, beta=beta, weight_floor=weight_floor,
            concentration=concentration, trust=trust, damping=damping,
            speed_penalty=speed_penalty, memory=memory, reach=reach,
        )  # fmt: skip
        return solver.run(loss, steps, warmup, tolerance)
