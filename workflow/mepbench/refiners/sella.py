"""Saddle optimisation by Sella: partitioned RFO in redundant internal coordinates.

The Hessian starts from a model with the curvature along the handed-over tangent measured
(Rayleigh-Ritz, finite differences of gradients), is updated by TS-BFGS, and the step is
restricted: Hermes, Sargsyan, Najm, Zador, J. Chem. Theory Comput. 15, 6536 (2019),
doi:10.1021/acs.jctc.9b00869; ibid. 18, 6974 (2022), doi:10.1021/acs.jctc.2c00395.

Where internal coordinates break down (atoms in line, fragments apart) or get nowhere, the
optimisation goes on in Cartesians, within the same budget. Where they lead down into a minimum,
it starts again from the path's top, in Cartesians. A potential without rotational invariance
has no internal coordinates: `prfo` refines it.
"""

import time
import warnings

import numpy as np
from ase import Atoms

from ..errors import BudgetExhausted, SCFFailure
from ..landscape.index import hessian_products
from ..landscape.minima import SAME_MINIMUM
from ..oracle import hand_over
from ..path import Peak
from ..seeding import seeded
from . import prfo
from ._recorded import largest_force, recorded, started

SURELY_NEGATIVE = -0.1  # eV/angstrom^2: Sella's estimate of a curvature errs by less

_compiled = {"seconds": 0.0, "listening": False}


def compilation_seconds() -> float:
    """Seconds this process has spent importing Sella and compiling its JAX functions so far.

    Sella compiles for every new size of molecule; the difference over a call of `refine` is
    no part of the method's own time.
    """
    return _compiled["seconds"]


def refine(
    reaction,
    oracle,
    peak: Peak,
    seed: int,
    *,
    fmax: float = 0.01,
    steps: int = 500,
    trust_radius: float = 0.1,
    displacement: float = 1e-3,
    residual: float = 0.4,
    patience: int = 40,
) -> Peak:
    """Optimise a first-order saddle from `peak`.

    Parameters
    ----------
    fmax : converged when no atom feels a force above this, eV/angstrom
    steps : most steps of the optimiser
    trust_radius : of the first step, angstrom or radian
    displacement : of the finite differences along a mode, angstrom
    residual : relative residual at which Sella accepts the lowest mode (its `gamma`)
    patience : evaluations in which the largest force must fall by a third, or the internal
        coordinates are given up

    Raises
    ------
    BudgetExhausted, SCFFailure
        from the oracle; the last geometry has been checkpointed.
    """
    start = started(oracle, peak, fmax)
    if start.converged:
        return start
    if "rotation" not in oracle.invariances or reaction.natoms < 3:
        return prfo.refine(reaction, oracle, start, seed, fmax=fmax, steps=steps)
    options = {"delta0": trust_radius, "eta": displacement, "gamma": residual}
    # Sella draws from numpy's global state where its eigensolver finds no new direction.
    with seeded(seed):
        best, lowest, left = _optimise(reaction, oracle, start, fmax, steps, patience, **options)
        if best.converged and not _is_minimum(best, lowest, reaction, oracle):
            return best
        again = start if best.converged else best
        best, _, _ = _optimise(reaction, oracle, again, fmax, left, None, **options)
    return best


def _is_minimum(peak: Peak, lowest, reaction, oracle) -> bool:
    """Whether a converged geometry is not above both ends, or its lowest mode bends upwards.

    That is Sella's estimate; where it is in doubt the curvature along that mode is measured,
    for four evaluations: if negative it proves that this is no minimum.
    """
    ends, (_, gap) = reaction.energies, SAME_MINIMUM
    if ends is not None and peak.energy < ends.max() + gap:
        return True
    curvature, mode = lowest
    if curvature < SURELY_NEGATIVE:
        return False
    products, near = hessian_products(oracle, peak.position, mode[None])
    measured, coarse = ((product @ mode.ravel()).item() for product in (products, near))
    return measured > -abs(measured - coarse)


def _optimise(reaction, oracle, start, fmax, steps, patience, **options):
    """Step until converged; return the last geometry and the steps left, on breakdown too.

    Between them, the lowest curvature by Sella's estimate of the Hessian, in eV/angstrom^2 or
    eV/radian^2, and its Cartesian unit mode, if it converged. In internal
    coordinates, which may be given up, if there is a `patience`; else Cartesian.
    """
    Sella, internal = _import_sella(), patience is not None
    best, since = largest_force(start.gradient), oracle.evaluations
    atoms = Atoms(reaction.numbers, start.position)
    atoms.calc = oracle.calculator()
    hand_over(atoms, start.energy, start.gradient)
    last, lowest = start, (-np.inf, None)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            optimiser = Sella(
                atoms, internal=internal, allow_fragments=internal, logfile=None, **options
            )
            if start.tangent is not None:
                optimiser.pes.v0 = _initial_mode(optimiser.pes, start.tangent, internal)
            while steps > 0:
                optimiser.step()
                steps -= 1
                energy, gradient = float(atoms.get_potential_energy()), -atoms.get_forces()
                last = recorded(oracle, atoms.positions.copy(), energy, gradient, fmax)
                if last.converged:
                    lowest = _lowest_mode(optimiser.pes, internal, reaction.natoms)
                    break
                if largest_force(last.gradient) < best * 2 / 3:
                    best, since = largest_force(last.gradient), oracle.evaluations
                elif internal and oracle.evaluations - since > patience:
                    break
    except BudgetExhausted:
        raise
    except Exception as error:
        # Sella reports a breakdown of its coordinates in many ways; in Cartesians the
        # optimisation can go on. What fails there has no remedy.
        if not internal:
            raise
        if isinstance(error, SCFFailure):
            last = start
    return last, lowest, steps


def _lowest_mode(pes, internal, natoms) -> tuple[float, np.ndarray]:
    """Return the lowest curvature by Sella's Hessian, and its mode as a Cartesian unit vector."""
    free = pes.get_Ufree()
    projected = pes.get_HL_projected(free)
    mode = free @ projected.evecs[:, 0]
    if internal:
        mode = np.linalg.lstsq(pes.int.jacobian(), mode, rcond=None)[0]
    mode = mode[: 3 * natoms].reshape(natoms, 3)
    return float(projected.evals[0]), mode / np.linalg.norm(mode)


def _initial_mode(pes, tangent, internal):
    """Express a Cartesian tangent in the coordinates in which Sella seeks its first mode."""
    mode = tangent.ravel()
    if internal:
        mode = pes.int.jacobian() @ np.concatenate([mode, np.zeros(3 * len(pes.dummies))])
    return mode @ pes.get_Ufree()


def _import_sella():
    start = time.perf_counter()
    from jax import monitoring
    from sella import Sella

    if not _compiled["listening"]:
        _compiled["listening"] = True
        _compiled["seconds"] += time.perf_counter() - start
        monitoring.register_event_duration_secs_listener(_book_compilation)
    return Sella


def _book_compilation(event: str, seconds: float, **_) -> None:
    if event.startswith("/jax/core/compile/"):
        _compiled["seconds"] += seconds
