"""Reactions of other elements and charges, made of those that are given.

The reactions that teach are of H, C, N and O and neutral. An analogue has one or two of their atoms
replaced, the same ones in reactant and product, so that every atom keeps its bonds:

* down a group of the periodic table (isovalent): H by F, Cl or Br; C by Si, N by P, O by S;
* along a row with the charge (isoelectronic): C by N+, N by O+, O by N-, N by C-.

An atom with one neighbour is moved to the new bond's length; then both ends are relaxed. Where
that leads is not asked: they need not be what they were, nor minima. Isoelectronic replacement:
Langmuir, J. Am. Chem. Soc. 41, 1543 (1919), doi:10.1021/ja02231a009.
"""

from dataclasses import replace

import numpy as np
from ase.data import atomic_numbers, chemical_symbols, covalent_radii

from ..landscape.minima import relax
from ..molecule.stereo import bonds
from ..oracle import Oracle, PotentialSpec
from ..path import align
from ..reaction import Reaction

DOWN = {"H": ("F", "Cl", "Br"), "C": ("Si",), "N": ("P",), "O": ("S",)}
ALONG = {1: {"C": ("N",), "N": ("O",)}, -1: {"N": ("C",), "O": ("N",)}}  # by charge
CHARGED = 0.4  # of the analogues
FMAX, STEPS = 0.1, 40  # eV/angstrom: ends that no path would leave at once


def analogue(
    reaction: Reaction, potential: PotentialSpec, rng: np.random.Generator
) -> tuple[Reaction, int]:
    """Return one analogue of a neutral reaction, and what relaxing its ends has paid.

    Parameters
    ----------
    reaction : of H, C, N and O
    potential : what relaxes the ends
    rng : decides which atoms are replaced by what
    """
    numbers, charge = replaced(reaction.numbers, rng)
    ends = [longer(reaction.numbers, numbers, x) for x in reaction.ends]
    changed = replace(reaction, numbers=numbers, charge=charge, energies=None, gradients=None)
    oracle = Oracle(potential.of(changed))
    reactant, product = (relax(oracle, numbers, x, FMAX, STEPS).positions for x in ends)
    changed = replace(changed, reactant=reactant, product=align(product, reactant))
    return changed, oracle.evaluations


def replaced(numbers: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, int]:
    """Return atomic numbers with one or two atoms replaced, and the charge that they bring."""
    symbols = [chemical_symbols[z] for z in numbers]
    left, charge = set(range(len(symbols))), 0
    sign = rng.choice((-1, 1))
    charged = [symbol for symbol in ALONG[sign] if symbol in symbols]
    if charged and rng.random() < CHARGED:
        _replace(symbols, left, ALONG[sign], charged, rng)
        charge = int(sign)
    for _ in range(rng.choice((0, 1) if charge else (1, 2))):
        there = sorted({symbols[k] for k in left} & DOWN.keys())
        if there:
            _replace(symbols, left, DOWN, there, rng)
    return np.array([atomic_numbers[symbol] for symbol in symbols]), charge


def _replace(symbols: list[str], left: set[int], by: dict, which: list[str], rng) -> None:
    """Replace one of the atoms that are left, whose element is one of `which`, all as likely."""
    element = rng.choice(which)
    at = int(rng.choice([k for k in sorted(left) if symbols[k] == element]))
    symbols[at] = str(rng.choice(by[element]))
    left.remove(at)


def longer(before: np.ndarray, numbers: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Return (N, 3) positions where replaced atoms of one neighbour have the new bond's length."""
    x, pairs = x.copy(), bonds(before, x)
    for at in np.flatnonzero(before != numbers):
        neighbours = [i + j - at for i, j in pairs if at in (i, j)]
        if len(neighbours) == 1:
            (other,) = neighbours
            away = x[at] - x[other]
            length = covalent_radii[numbers[[at, other]]].sum()
            x[at] = x[other] + away * length / np.linalg.norm(away)
    return x
