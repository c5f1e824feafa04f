"""What is wrong with an entry of a set, found before anything is computed."""

from ..errors import BadEndpoints
from ..reaction import Entry
from .checks import check_electrons, given_geometries
from .smiles import read_mappings


def refusal(entry: Entry) -> str:
    """Return why an entry will be refused, by its geometries or SMILES and its state; else ""."""
    if entry.problem:
        return entry.problem
    try:
        if entry.smiles is None:
            numbers, _ = given_geometries(entry)
        else:
            numbers = read_mappings(entry.smiles, entry.charge)[0].numbers
        check_electrons(numbers, entry.charge, entry.multiplicity)
    except BadEndpoints as error:
        return str(error)
    return ""
