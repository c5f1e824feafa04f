"""GFN-xTB by the `xtb` program's own library (xtb-python).

Bannwarth, Ehlert, Grimme, J. Chem. Theory Comput. 15, 1652 (2019), doi:10.1021/acs.jctc.8b01176.
"""

from importlib.util import find_spec
from typing import Literal

import numpy as np

from . import _solvation, tblite
from ._scf import HYDROGEN, SCFPotential, apart
from ._scf import check_elements as check_elements  # offered to `mepbench check`

MODELS = ("GBSA",)  # of its interface; the program's ALPB is not among them
ITS_OWN_WORD = {"hexane": "nhexane"}


class XTBPython(SCFPotential):
    """One molecule's xTB calculator; see `load`."""

    def __init__(self, numbers, charge, multiplicity, method, accuracy, solvation):
        from xtb.interface import Calculator, XTBException
        from xtb.libxtb import VERBOSITY_MUTED, get_api_version
        from xtb.utils import get_method, get_solvent

        super().__init__(numbers, XTBException)
        self.backend = f"xtb-python (xtb API {get_api_version()})"
        self._calculator = Calculator(
            get_method(method),
            np.asarray(numbers),
            apart(len(numbers)),
            charge=float(charge),
            uhf=multiplicity - 1,
        )
        self._calculator.set_verbosity(VERBOSITY_MUTED)
        self._calculator.set_accuracy(accuracy)
        if solvation is not None:
            _, solvent = _solvation.read(solvation, "xtb-python", MODELS)
            known = get_solvent(ITS_OWN_WORD.get(solvent, solvent))
            try:
                if known is None:
                    raise XTBException
                self._calculator.set_solvent(known)
            except XTBException:
                raise _solvation.lacks("xtb-python", solvation, method) from None

    def singlepoint(self, positions, start, temperature):
        """Run one SCF (see `SCFPotential`)."""
        self._calculator.set_electronic_temperature(temperature)
        self._calculator.update(positions)
        result = self._calculator.singlepoint(start, copy=True)
        return result.get_energy(), result.get_gradient(), result


def load(
    numbers: np.ndarray,
    charge: int,
    multiplicity: int,
    *,
    method: Literal["GFN2-xTB", "GFN1-xTB"] = "GFN2-xTB",
    accuracy: float = 0.05,
    solvation: str | None = None,
) -> SCFPotential:
    """Return the potential of one molecule; tblite's where xtb-python has no wheels, see `remark`.

    Parameters
    ----------
    numbers : (N,) int array, atomic numbers
    charge, multiplicity : int
    accuracy : xTB's own setting; at its default of 1 the gradient's noise reaches
        1e-3 eV/angstrom, at 0.05 it stays below 1e-4 for 5 to 15% more time.
    solvation : `GBSA(water)`; tblite has other models. None for no solvent

    Raises
    ------
    InputError
        for a model or solvent that there is not.
    NotSupported
        for elements beyond radon.
    """
    if solvation is not None:
        _solvation.read(solvation, "xtb-python", MODELS)
    backend = XTBPython if is_installed() else tblite.TBLite
    return backend(numbers, charge, multiplicity, method, accuracy, solvation)


def check(options: dict) -> None:
    """Raise `InputError` for a model or solvent that there is not, before any job starts."""
    if options.get("solvation") is not None:
        load(HYDROGEN, 0, 1, **options)


def is_installed() -> bool:
    """Say whether this Python has xtb-python."""
    return find_spec("xtb") is not None


def remark() -> str:
    """Say who computes it where xtb-python is not installed."""
    here = "xtb-python is not installed (there are wheels for Python 3.11 alone): tblite computes "
    return "" if is_installed() else here + "the same Hamiltonian, to within 1e-5 eV"
