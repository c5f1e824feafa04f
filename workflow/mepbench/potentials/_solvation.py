"""An implicit solvent, written `MODEL(solvent)`: `ALPB(water)`, `CPCM(78.4)`.

GBSA and ALPB, with parameters for these solvents: Ehlert, Stahn, Spicher, Grimme, J. Chem. Theory
Comput. 17, 4250 (2021), doi:10.1021/acs.jctc.1c00471. CPCM, COSMO and PCM, which need a dielectric
constant alone, by domain decomposition: Nottoli, Herbst, Mikhalev, Jha, Lipparini, Stamm, WIREs
Comput. Mol. Sci. 14, e1726 (2024), doi:10.1002/wcms.1726.

Where atoms' cavities meet they are cut on grids that do not turn with the molecule. The gradient is
that of the energy as it is integrated, but the energy changes by up to 1e-3 eV as a molecule turns.
"""

import re

from ..errors import InputError
from ..registry import nearest

WRITTEN = re.compile(r"(\w+)\(([\w.]+)\)")
PARAMETRISED = ("ALPB", "GBSA")
DIELECTRIC = ("CPCM", "COSMO", "PCM")
SOLVENTS = tuple(
    """acetone acetonitrile aniline benzaldehyde benzene ch2cl2 chcl3 cs2 dioxane dmf dmso ethanol
    ether ethylacetate furan hexadecane hexane methanol nitromethane octanol phenol thf toluene
    water woctanol""".split()
)


def read(text: str, backend: str, models: tuple[str, ...]) -> tuple[str, str | float]:
    """Return the model and the solvent, or its dielectric constant.

    Parameters
    ----------
    text : such as `ALPB(water)`
    backend, models : who is asked, and which models it has

    Raises
    ------
    InputError
        if it is written otherwise, or names a model or solvent that there is not.
    """
    written = WRITTEN.fullmatch(text)
    if written is None:
        raise InputError(f"solvation {text!r} is not MODEL(solvent), such as {models[0]}(water)")
    model, solvent = written.groups()
    if model not in models:
        others = ", ".join(models) + "; tblite has it" * (model in PARAMETRISED + DIELECTRIC)
        raise InputError(f"solvation {text!r}: {backend} has no model {model}, only {others}")
    if model in DIELECTRIC and (constant := _number(solvent)) is not None:
        if not 1 < constant < float("inf"):
            raise InputError(f"solvation {text!r}: a dielectric constant is above 1")
        return model, constant
    if solvent not in SOLVENTS:
        hint = nearest(solvent, SOLVENTS)
        hint += " A dielectric constant will do, too." if model in DIELECTRIC else ""
        raise InputError(f"solvation {text!r}: there is no solvent {solvent}. {hint}")
    return model, solvent


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def lacks(backend: str, text: str, method: str) -> InputError:
    """Return the error of a backend that has no parameters for a model, solvent and method."""
    return InputError(f"solvation {text!r}: {backend} has no parameters of it for {method}")
