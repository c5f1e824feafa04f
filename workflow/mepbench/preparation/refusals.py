"""What is wrong with an entry of a set, found before anything is computed."""

from collections.abc import Callable

from ..errors import BadEndpoints, NotSupported
from ..reaction import Entry
from .checks import check_electrons, given_geometries
from .smiles import read_mappings


def refusal(entry: Entry, check_elements: Callable = lambda numbers: None) -> str:
    """Return why an entry will be refused, by its geometries or SMILES and its state; else "".

    Parameters
    ----------
    check_elements : raises `NotSupported` if a potential can't compute such atoms
    """
    if entry.problem:
        return entry.problem
    try:
        if entry.smiles is None:
            numbers, _ = given_geometries(entry)
        else:
            numbers = read_mappings(entry.smiles, entry.charge)[0].numbers
        check_electrons(numbers, entry.charge, entry.multiplicity)
        check_elements(numbers)
    except (BadEndpoints, NotSupported) as error:
        return str(error)
    return ""
