"""What is wrong with an entry of a set, found before anything is computed."""

from collections.abc import Callable

import numpy as np

from ..errors import BadEndpoints, NotSupported
from ..reaction import Entry
from .checks import check_electrons, given_geometries
from .smiles import is_identity, read_mappings

SAME_GEOMETRY = 1e-4  # angstrom; less than the digits of most files


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
            numbers, starts = given_geometries(entry)
            same = np.abs(np.subtract(*starts)).max() < SAME_GEOMETRY
        else:
            mappings = read_mappings(entry.smiles, entry.charge)
            numbers, same = mappings[0].numbers, all(map(is_identity, mappings))
        check_electrons(numbers, entry.charge, entry.multiplicity)
        check_elements(numbers)
    except (BadEndpoints, NotSupported) as error:
        return str(error)
    if same:
        return "both ends are the same, atom by atom: give what it becomes, or number the atoms"
    return ""
