"""The growing string in delocalised internal coordinates, by the package pysisyphus.

Two strings grow from the ends towards each other, a node at a time, each time that the force
across the string at the last one is small; all nodes are relaxed together and spread evenly.
Peters, Heyden, Bell, Chakraborty, J. Chem. Phys. 120, 7877 (2004), doi:10.1063/1.1691018;
Zimmerman, J. Chem. Phys. 138, 184102 (2013), doi:10.1063/1.4804162; Steinmetzer, Kupfer, Graefe,
Int. J. Quantum Chem. 121, e26390 (2021), doi:10.1002/qua.26390.

pysisyphus is an optional package. Defaults are those of its example with xTB (alanine dipeptide):
nine nodes between the ends, and it stops once the string is grown. The potential's calls are the
same, but that a cycle is one round and the ends are free. Where a potential has no rotational
invariance there are no internal coordinates, and the string is Cartesian.
"""

import logging
from contextlib import suppress
from types import SimpleNamespace

import numpy as np
from ase.data import chemical_symbols
from ase.units import Bohr, Hartree

from ..errors import NotInstalled
from ..oracle import Oracle
from ..path import Path, align, turn_back
from ..reaction import Reaction
from ._aside import aside

ADVICE = "pysisyphus is not installed: `pip install 'mepbench[gsm]'`"
LOGS = "pysis", "cos", "internal_coords"  # each cycle to the last digit


def solve(
    reaction: Reaction,
    oracle: Oracle,
    guess: Path,
    seed: int,
    *,
    nodes: int = 9,
    climb: bool = False,
    cycles_when_full: int = 0,
) -> Path:
    """Grow the string; return it, its highest node the peak.

    Parameters
    ----------
    nodes : between the ends. It makes its own path, `guess` is not used.
    climb : let the highest node climb, once the string is grown and nearly relaxed
    cycles_when_full : after which the string is left as it is; -1 to converge it to 0.13 eV/A
        (pysisyphus' gau_loose)
    """
    with aside():
        package = _import()
        rigid = "rotation" in oracle.invariances
        symbols = [chemical_symbols[z] for z in reaction.numbers]

        def geometry(x, kind, **coordinates):
            return package.Geometry(
                symbols, x.ravel() / Bohr, coord_type=kind, coord_kwargs=coordinates
            )

        if rigid:
            prims = package.form_coordinate_union(*(geometry(x, "redund") for x in reaction.ends))
            ends = [geometry(x, "dlc", typed_prims=prims) for x in reaction.ends]
        else:
            ends = [geometry(x, "cart") for x in reaction.ends]

        class String(package.GrowingString):
            """pysisyphus' string, evaluated in one round a cycle and recorded after it."""

            def calculate_image_forces(self, image_indices=None):
                images, _ = self.get_images_to_calculate(image_indices)
                answers.ask([image.cart_coords for image in images])
                results = super().calculate_image_forces(image_indices)
                across = (
                    np.abs(self.perp_forces_list[-1]).max() if self.perp_forces_list else np.nan
                )
                oracle.checkpoint(_path(self, reaction, rigid), residual=across)
                return results

        answers = _Answers(oracle)
        for end in ends:
            end.set_calculator(answers)
        string = String(ends, lambda: answers, max_nodes=nodes, climb=climb)
        relaxation = package.StringOptimizer(
            string, stop_in_when_full=cycles_when_full, align=False
        )
        with suppress(package.ZeroStepLength):  # no step is left: it is where it was last evaluated
            relaxation.run()
        return _path(string, reaction, rigid, converged=bool(relaxation.is_converged))


class _Answers:
    """A calculator of pysisyphus, in atomic units, that hands out what a round has answered."""

    def __init__(self, oracle: Oracle):
        self.oracle, self.known = oracle, {}

    def ask(self, coordinates: list[np.ndarray]) -> None:
        """Evaluate flat coordinates, in bohr, in one round."""
        new = [x for x in coordinates if x.tobytes() not in self.known]
        if new:
            energies, gradients = self.oracle(np.reshape(new, (len(new), -1, 3)) * Bohr)
            for x, energy, gradient in zip(new, energies, gradients, strict=True):
                self.known[x.tobytes()] = energy / Hartree, -gradient.ravel() * Bohr / Hartree

    def get_forces(self, atoms, coords) -> dict:
        self.ask([coords])
        energy, forces = self.known[coords.tobytes()]
        return {"energy": energy, "forces": forces.copy()}

    get_energy = get_forces


def _path(string, reaction: Reaction, rigid: bool, **outcome) -> Path:
    """Return the string in the reaction's frame of reference, as it was last evaluated."""
    energies = string.all_energies[-1] * Hartree
    frames = string.all_cart_coords[-1].reshape(len(energies), -1, 3) * Bohr
    if rigid:
        for i in range(1, len(frames)):
            frames[i] = align(frames[i], frames[i - 1])
        frames = turn_back(frames, reaction.ends)
    frames[0], frames[-1] = reaction.ends
    return Path(frames, energies, **outcome)


def _import() -> SimpleNamespace:
    """Return what is used of pysisyphus, which then logs to its own folder alone."""
    try:
        from pysisyphus.cos.GrowingString import GrowingString
        from pysisyphus.Geometry import Geometry
        from pysisyphus.intcoords.helpers import form_coordinate_union
        from pysisyphus.optimizers.exceptions import ZeroStepLength
        from pysisyphus.optimizers.StringOptimizer import StringOptimizer
    except ImportError as error:
        raise NotInstalled(f"{ADVICE} ({error.__class__.__name__})") from None
    for log in map(logging.getLogger, LOGS):
        log.handlers.clear()
        log.propagate = False
    return SimpleNamespace(
        GrowingString=GrowingString,
        Geometry=Geometry,
        form_coordinate_union=form_coordinate_union,
        ZeroStepLength=ZeroStepLength,
        StringOptimizer=StringOptimizer,
    )


def warm_up() -> None:
    """Import pysisyphus if it is there: no cost of the first reaction."""
    with suppress(NotInstalled), aside():
        _import()
