"""GFN-xTB by tblite, the successor of xtb-python.

Bannwarth, Ehlert, Grimme, J. Chem. Theory Comput. 15, 1652 (2019), doi:10.1021/acs.jctc.8b01176.
"""

from typing import Literal

import numpy as np
from ase.units import Hartree, kB

from . import _solvation
from ._scf import HYDROGEN, SCFPotential, apart
from ._scf import check_elements as check_elements  # offered to `mepbench check`

MODELS = (*_solvation.PARAMETRISED, *_solvation.DIELECTRIC)


class TBLite(SCFPotential):
    """One molecule's xTB calculator; see `load`."""

    def __init__(self, numbers, charge, multiplicity, method, accuracy, solvation):
        from tblite.exceptions import TBLiteRuntimeError
        from tblite.interface import Calculator
        from tblite.library import get_version

        super().__init__(numbers, TBLiteRuntimeError)
        self.backend = "tblite " + ".".join(map(str, get_version()))
        self._calculator = Calculator(
            method,
            np.asarray(numbers),
            apart(len(numbers)),
            charge=float(charge),
            uhf=multiplicity - 1,
        )
        self._calculator.set("verbosity", 0)
        self._calculator.set("accuracy", accuracy)
        if solvation is not None:
            model, solvent = _solvation.read(solvation, "tblite", MODELS)
            named = model in _solvation.PARAMETRISED
            what = (f"{model.lower()}-solvation",) if named else ("ddX-solvation", model.lower())
            try:
                self._calculator.add(what[0], solvent, *what[1:])
            except TBLiteRuntimeError:
                raise _solvation.lacks("tblite", solvation, method) from None

    def singlepoint(self, positions, start, temperature):
        """Run one SCF (see `SCFPotential`)."""
        self._calculator.set("temperature", temperature * kB / Hartree)
        self._calculator.update(positions)
        result = self._calculator.singlepoint(start, copy=True)
        return float(result.get("energy")), result.get("gradient"), result


def load(
    numbers: np.ndarray,
    charge: int,
    multiplicity: int,
    *,
    method: Literal["GFN2-xTB", "GFN1-xTB"] = "GFN2-xTB",
    accuracy: float = 0.05,
    solvation: str | None = None,
) -> TBLite:
    """Return the potential of one molecule.

    Parameters
    ----------
    numbers : (N,) int array, atomic numbers
    charge, multiplicity : int
    accuracy : tblite's own setting, on the scale of xTB's: smaller is tighter
    solvation : `ALPB(water)`, `GBSA(water)`, `CPCM(water)` or, for any solvent, `CPCM(78.4)`; COSMO
        and PCM are written as CPCM is. None for no solvent

    Raises
    ------
    InputError
        for a model or solvent that there is not.
    NotSupported
        for elements beyond radon.
    """
    return TBLite(numbers, charge, multiplicity, method, accuracy, solvation)


def check(options: dict) -> None:
    """Raise `InputError` for a model or solvent that there is not, before any job starts."""
    if options.get("solvation") is not None:
        load(HYDROGEN, 0, 1, **options)
