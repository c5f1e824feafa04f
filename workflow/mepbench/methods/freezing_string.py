"""The freezing string in internal coordinates, by its authors' package, ML-FSM.

Two strings grow from the ends towards each other. Each new node lies a step along an
interpolation in redundant internal coordinates between the two that grew last, is relaxed across
it for two steps of L-BFGS-B, and is frozen; the highest node is the guess of the saddle. Behn,
Zimmerman, Bell, Head-Gordon, J. Chem. Phys. 135, 224108 (2011), doi:10.1063/1.3664901; Marks,
Gomes, J. Chem. Theory Comput. (2025), doi:10.1021/acs.jctc.5c01492.

ML-FSM is an optional package. Defaults are those of its example script; the potential's calls are
the same, but that the ends are free. Where a potential has no rotational invariance there are no
internal coordinates, and all is done in Cartesians.
"""

import logging
from contextlib import suppress
from typing import Literal

import numpy as np
from ase import Atoms

from ..errors import NotInstalled
from ..oracle import Oracle
from ..path import Path, align, turn_back
from ..reaction import Reaction

ADVICE = "ML-FSM is not installed: `pip install 'mepbench[fsm]'`"


def solve(
    reaction: Reaction,
    oracle: Oracle,
    guess: Path,
    seed: int,
    *,
    nodes: int = 18,
    interpolation: Literal["ric", "lst", "cart"] = "ric",
    interpolated: int = 50,
    iterations: int = 2,
    line_search: int = 3,
    largest_step: float = 0.05,
) -> Path:
    """Grow the string until its halves meet; return it, its highest node the peak.

    Parameters
    ----------
    nodes : that the first interpolation is divided into; the string itself may have more
    interpolation : in redundant internal coordinates, by linear synchronous transit, Cartesian;
        it makes its own path, `guess` is not used
    interpolated : geometries of each interpolation
    iterations, line_search : of L-BFGS-B for each node
    largest_step : angstrom, of a node's coordinates while it is relaxed
    """
    strings, optimisers = _import()
    rigid = "rotation" in oracle.invariances
    ends = [Atoms(reaction.numbers, x) for x in reaction.ends]
    interpolation = interpolation if rigid else "cart"
    string = strings.FreezingString(*ends, nodes, interpolation, interpolated)

    class AcrossTheString(optimisers.CartesianOptimizer):
        """ML-FSM's, which takes rigid motion out where the potential does not know it."""

        def obj(self, xyz, tangent, atoms):
            energy, across = super().obj(xyz, tangent, atoms)
            if not rigid:
                gradient = -atoms.get_forces().ravel()
                across = gradient - (gradient @ tangent) * tangent
            self.energies[xyz.tobytes()] = energy
            return energy, across

        def optimize(self, atoms, tangent):
            # Where its line search fails, L-BFGS-B returns one geometry and another's energy.
            self.energies = {}
            node, _, evaluations = super().optimize(atoms, tangent)
            return node, self.energies[node.positions.tobytes()], evaluations

    optimiser = AcrossTheString(
        oracle.calculator(), maxiter=iterations, maxls=line_search, dmax=largest_step
    )
    while string.growing:
        string.grow()
        string.optimize(optimiser)
        oracle.checkpoint(_path(string, reaction, rigid), residual=string.dist)
    return _path(string, reaction, rigid, converged=True)


def _path(string, reaction: Reaction, rigid: bool, **outcome) -> Path:
    """Return both halves as one path in the reaction's frame of reference."""
    nodes = [*string.r_string, *reversed(string.p_string)]
    frames = np.array([atoms.positions for atoms in nodes])
    if rigid:
        for i in range(1, len(frames)):
            frames[i] = align(frames[i], frames[i - 1])
        frames = turn_back(frames, reaction.ends)
    frames[0], frames[-1] = reaction.ends
    energies = np.array([*string.r_energy, *reversed(string.p_energy)], dtype=float)
    return Path(frames, energies, **outcome)


def _import():
    """Return ML-FSM's modules `cos` and `opt`; importing them sets up a log, which is undone."""
    root, logs = logging.getLogger(), logging.getLogger("mlfsm")
    handlers, level = list(root.handlers), root.level
    try:
        from mlfsm import cos, opt
    except ImportError as error:
        raise NotInstalled(f"{ADVICE} ({error.__class__.__name__})") from None
    finally:
        root.handlers, root.level = handlers, level
        logs.setLevel(logging.WARNING)
    return cos, opt


def warm_up() -> None:
    """Import ML-FSM if it is there: no cost of the first reaction."""
    with suppress(NotInstalled):
        _import()
