"""The prior of `find_saddle`: a cheaper calculator, whose evaluations are kept and booked apart."""

from typing import Any

from ..errors import InputError, plainly
from ..oracle import PotentialSpec
from ..potentials.ase import is_calculator
from ..preparation.given_ends import Given, given_reaction
from ..registry import options
from .any_calculator import CalculatorSpec, potential_entry

STAGE = "prior"
FILE = "evaluations-prior.xyz"


def prior_of(prior: Any, method: str, ends: tuple, given: Given) -> tuple[PotentialSpec, str]:
    """Return what `prior=` stands for, and what there is to say of it.

    It is made once before anything is paid for, in the state of the search.

    Parameters
    ----------
    prior : as `calculator` of `find_saddle`
    method : must have an option `prior`
    ends : reactant and product as they were given
    given : the same, read

    Raises
    ------
    InputError
        if the method takes none, or if it can't be made or can't compute these atoms.
    """
    if "prior" not in options("methods", method):
        raise InputError(f"prior: the method {method!r} takes none; 'neural-surrogate' does")
    entry, state = given.entry, (given.entry.charge, given.entry.multiplicity)
    chosen, note = potential_entry(prior, "prior"), ""
    if chosen is not None:
        spec = PotentialSpec.read(chosen, "prior")
    else:
        existing = prior if is_calculator(prior) else None
        told = given_reaction(entry.name, *ends, *state, existing)
        spec, note = CalculatorSpec(prior, told.atoms), told.note
    try:
        potential = spec.load(entry.numbers["reactant"], *state)
    except Exception as error:  # whatever a user's function raises
        raise InputError(f"prior: {plainly(error)}") from error
    if "rotation" not in potential.invariances:
        raise InputError(f"prior: {spec.name!r} is a model surface, none of molecules")
    return spec, note
