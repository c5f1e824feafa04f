"""The geodesic path, led down on the network that other reactions have taught: a path operator.

    x_0 the geodesic,     x_(k+1) = x_k - a_k P H^(-1) P grad E_theta(x_k),     P = 1 - tau tau^T,

E_theta the shipped ensemble (docs/operator.md), H the model Hessian, tau the tangent
(`landscape.across`), a_k falling from a half to a tenth, and frames spread evenly anew after each
step, as a string's. Its depth is fixed, so it is one function of the two ends, a network unrolled
in depth whose layers share their weights (Monga, Li, Eldar, IEEE Signal Process. Mag. 38, 18
(2021), doi:10.1109/MSP.2020.3016905): the ends stay, it turns with the molecule, and it knows
neither the order of atoms nor, but for what the geodesic does, which end is the reactant. No
evaluation.

Where the ensemble was not taught (elements, charges, open shells), where its members differ along
the path, or atoms would coincide, the path is that of `geodesic`, and the log says so.
"""

import logging

import numpy as np

from ..errors import NotSupported, SCFFailure
from ..landscape.across import steps_across
from ..path import resample
from ..reaction import Reaction
from ..registry import load, module_of, plugin_files
from . import geodesic

NODES, TURNS = 21, 30  # frames that are led, and their steps down
SHARES = np.linspace(0.5, 0.1, TURNS)  # of the step that the model Hessian asks for


def interpolate(reaction: Reaction, seed: int, *, frames: int = 21) -> np.ndarray:
    """Return (frames, N, 3) geometries in angstrom from reactant to product.

    A single particle has no distances: it gets the straight line.
    """
    path = geodesic.interpolate(reaction, seed, frames=frames)
    if reaction.natoms < 2:
        return path
    try:
        surface = load("potentials", "learned")(
            reaction.numbers, reaction.charge, reaction.multiplicity
        )
        start = path if frames == NODES else resample(path, NODES)
        led = down(reaction, start, surface)
        led = led if frames == NODES else resample(led, frames)
        problem = surface.doubt(led) or ("atoms coincide" if geodesic.collides(led) else "")
        if not problem:
            return led
    except (NotSupported, SCFFailure) as error:
        problem = str(error)
    except (ValueError, ArithmeticError, np.linalg.LinAlgError) as error:
        problem = f"{type(error).__name__}: {error}"
    logging.getLogger(__name__).warning("%s: operator -> geodesic (%s)", reaction.name, problem)
    return path


def down(reaction: Reaction, path: np.ndarray, surface) -> np.ndarray:
    """Return a path (M, N, 3) led down on a surface (a potential) by `TURNS` steps."""
    for share in SHARES:
        _, gradients = surface.evaluate(path[1:-1])
        steps = steps_across(reaction.numbers, reaction.ends, path[1:-1], gradients)
        path = np.concatenate([path[:1], path[1:-1] + share * steps, path[-1:]])
        path = resample(path, len(path))
    return path


def check() -> None:
    """Raise `InputError`, before any job starts, for weights that are not what was released."""
    module_of("potentials", "learned").check({})


def files(**options) -> tuple:
    """Return what it reads beside its code: with that changes what it computes."""
    return plugin_files("potentials", "learned")
