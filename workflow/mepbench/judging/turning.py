"""What it costs to turn a bond of a reaction's end, measured on the potential.

One side of the bond is turned by 90 degrees, both ways, and relaxed a little while springs
between the neighbours of both atoms hold the dihedral; their energy is part of the cost. Of that
three quarters are left when all is relaxed: formamide's 0.96 eV are 0.75 at the saddle.
"""

from dataclasses import dataclass, field

import numpy as np
from ase import Atoms

from ..landscape.minima import Restraints, relax
from ..molecule.conjugation import Bond, estimated_cost, refusal
from ..molecule.stereo import BOND, beyond_bond, relative_distances
from ..reaction import Reaction

RELAXED = 0.75
STEPS, FMAX = 30, 0.05  # of the relaxation; eV/angstrom
CERTAIN = 3.0  # an estimate so many times off the barrier, up or down, need not be measured


@dataclass
class Turning:
    """The rule by which bonds of a reaction's ends turn, or not: a `conjugation.Turns`.

    Attributes
    ----------
    barrier : eV, of the saddle above the lower end
    oracle : pays for what is measured, at most 62 evaluations a bond
    """

    reaction: Reaction
    oracle: object
    barrier: float
    _costs: dict = field(default_factory=dict, init=False)

    def __call__(self, numbers: np.ndarray, a: np.ndarray, b: np.ndarray, bond: Bond) -> str:
        """Say why a bond about which `a` and the end `b` differ does not turn, "" if it does."""
        cost = estimated_cost(numbers, a, b, bond)
        if self.barrier / CERTAIN < cost < self.barrier * CERTAIN:
            key = b.tobytes(), bond[1:3]
            if key not in self._costs:
                self._costs[key] = turning_cost(self.oracle, numbers, b, bond) or cost
            cost = self._costs[key]
        return refusal(numbers, bond, cost, self.barrier)


def turning_cost(oracle, numbers: np.ndarray, end: np.ndarray, bond: Bond) -> float | None:
    """Barrier, eV, to turning a bond of a minimum; None where it is part of a ring.

    Parameters
    ----------
    oracle : `Oracle`
    numbers : (N,) int array
    end : (N, 3) array, angstrom
    """
    bonded = relative_distances(numbers, end) < BOND
    k, i, j, l = bond  # noqa: E741
    side = beyond_bond(bonded, i, j)
    if i in side:
        return None
    pairs = np.array([(a, b) for a in np.flatnonzero(bonded[i]) if a != j
                      for b in np.flatnonzero(bonded[j]) if b != i])  # fmt: skip
    (energy,), _ = oracle(end[None])
    costs = []
    for angle in (90.0, -90.0):
        turned = Atoms(numbers, end)
        turned.rotate_dihedral(k, i, j, l, angle, indices=side)
        lengths = np.linalg.norm(np.diff(turned.positions[pairs], axis=1)[:, 0], axis=1)
        held = Restraints(pairs, lengths)
        relaxed = relax(oracle, numbers, turned.positions, FMAX, STEPS, restraints=held)
        costs.append(relaxed.energy - energy)
    return RELAXED * float(min(costs))
