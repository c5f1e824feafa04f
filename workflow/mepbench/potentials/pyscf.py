"""Density functional theory, or Hartree-Fock, in Gaussian basis functions by PySCF.

Sun et al., J. Chem. Phys. 153, 024109 (2020), doi:10.1063/5.0006074. Closed shells are restricted,
all others unrestricted. Each self-consistent field starts afresh, from atomic densities, so that
what is computed depends on the geometry alone and not on what was asked before; where DIIS does
not converge, the second-order method of Sun, Chem. Phys. Lett. 683, 291 (2017),
doi:10.1016/j.cplett.2017.03.004, goes on.

The gradient is that of the energy as it is integrated: the grid moves with the atoms, and the
derivatives of its weights are in. What is left of it is that the energy changes by some
1e-6 eV when the molecule turns: a grid that turned with it would jump where axes are equal.

PySCF is an optional package.
"""

import warnings

import numpy as np
from ase.data import chemical_symbols
from ase.units import Bohr, Hartree

from ..errors import InputError, NotInstalled, NotSupported, SCFFailure
from ..oracle import counted
from ._scf import apart

ADVICE = "is not installed: `pip install 'mepbench[dft]'`"
CYCLES = 100
# Hartree, and hartree; with these the gradient is converged to 5e-5 eV/angstrom.
ENERGY_CHANGE, ORBITAL_GRADIENT = 1e-9, 1e-5
FINEST_GRID = 9


class PySCF:
    """One molecule's mean field; see `load`."""

    invariances = ("translation", "rotation")

    def __init__(self, molecule, functional: str, density_fitting: bool, grid: int, threads: int):
        from pyscf import __version__, dft, lib

        self.backend = f"PySCF {__version__}"
        self._molecule, self._functional = molecule, functional
        self._kind = dft.RKS if molecule.spin == 0 else dft.UKS
        self._has_grid = dft.numint.NumInt()._xc_type(functional) != "HF"
        self._density_fitting, self._grid = density_fitting, grid
        self._on_threads, self._threads = lib.with_omp_threads, threads

    @counted
    def evaluate(self, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Energies (B,) in eV and gradients (B, N, 3) in eV/angstrom at (B, N, 3) angstrom."""
        energies, gradients = np.empty(len(positions)), np.empty_like(positions)
        for i, x in enumerate(positions):
            if not np.isfinite(x).all():
                raise SCFFailure("a coordinate is not finite")
            with self._on_threads(self._threads), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                energy, gradient = self._singlepoint(x / Bohr)
            if not (np.isfinite(energy) and np.isfinite(gradient).all()):
                raise SCFFailure("the energy or gradient is not finite")
            energies[i], gradients[i] = energy * Hartree, gradient * (Hartree / Bohr)
        return energies, gradients

    def _singlepoint(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        """Return energy (hartree) and gradient (hartree/bohr) at (N, 3) bohr."""
        try:
            field = self._converged(self._molecule.set_geom_(x, unit="Bohr", inplace=False))
            slope = field.nuc_grad_method()
            slope.grid_response = self._has_grid
            return float(field.e_tot), slope.kernel()
        except np.linalg.LinAlgError as error:  # functions of coinciding atoms
            raise SCFFailure(f"PySCF: {error}") from None

    def _converged(self, molecule):
        field = self._kind(molecule, xc=self._functional)
        if self._density_fitting:
            field = field.density_fit()
        field.chkfile, field.max_cycle = None, CYCLES
        field.grids.level = self._grid
        field.conv_tol, field.conv_tol_grad = ENERGY_CHANGE, ORBITAL_GRADIENT
        field.kernel()
        if not field.converged:
            field = field.newton()
            field.kernel(field.mo_coeff, field.mo_occ)
        if not field.converged:
            raise SCFFailure(
                f"PySCF: the field converged neither by DIIS in {CYCLES} cycles nor to second order"
            )
        return field


def load(
    numbers: np.ndarray,
    charge: int,
    multiplicity: int,
    *,
    method: str = "PBE0/def2-SVP",
    density_fitting: bool = False,
    grid: int = 4,
    threads: int = 1,
) -> PySCF:
    """Return the potential of one molecule.

    Parameters
    ----------
    numbers : (N,) int array, atomic numbers
    charge, multiplicity : int
    method : functional/basis in PySCF's words, such as "B3LYP-D3BJ/def2-TZVP" or "HF/6-31G*";
        d functions are spherical, effective core potentials those of the basis
    density_fitting : of Coulomb and exchange energies, in PySCF's auxiliary basis
    grid : PySCF's level of the grid of integration, 0 to 9; at 3 the energy changes by some 3e-5
        eV as a molecule turns, at 4 by 3e-6 eV, for 1.8 times the time
    threads : of PySCF

    Raises
    ------
    NotInstalled
        without PySCF, or a package that the functional needs.
    InputError
        for a method or grid that there is not.
    NotSupported
        for elements that have no functions in the basis.
    """
    functional, _, basis = (part.strip() for part in method.rpartition("/"))
    if not (functional and basis):
        raise InputError(f"potential pyscf: method {method!r} is not functional/basis")
    if not 0 <= grid <= FINEST_GRID:
        raise InputError(f"potential pyscf: grid must be 0 to {FINEST_GRID}, it is {grid}")
    gto = _import()
    _check_functional(functional)
    symbols = [chemical_symbols[z] for z in numbers]
    molecule = gto.Mole(
        atom=list(zip(symbols, apart(len(symbols)), strict=True)),
        charge=int(charge),
        spin=int(multiplicity) - 1,
        verbose=0,
        **_basis(gto, basis, sorted(set(symbols))),
    )
    try:
        molecule.build(dump_input=False, parse_arg=False)
    except RuntimeError as error:
        raise InputError(f"potential pyscf: {' '.join(str(error).split())}") from None
    return PySCF(molecule, functional, density_fitting, grid, threads)


def _import():
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from pyscf import dft, gto  # noqa: F401 - whichever of them is missing
    except ImportError:
        raise NotInstalled(f"PySCF {ADVICE}") from None
    return gto


def _check_functional(functional: str) -> None:
    from pyscf.dft import libxc
    from pyscf.scf.dispersion import parse_disp

    try:
        libxc.parse_xc(functional)
        dispersion = parse_disp(functional)[1]
    except (KeyError, ValueError, NotImplementedError):
        raise InputError(
            f"potential pyscf: PySCF has no functional {functional!r}; its names are those of "
            "libxc, and common ones such as PBE0 or B3LYP"
        ) from None
    if dispersion is not None:
        try:
            import pyscf.dispersion  # noqa: F401
        except ImportError:
            raise NotInstalled(f"{functional}: pyscf-dispersion {ADVICE}") from None


def _basis(gto, basis: str, symbols: list[str]) -> dict:
    """Return functions and effective core potentials of each element.

    Raises
    ------
    NotSupported
        naming the elements that there are none for, all of them where there is no such basis.
    """
    functions, cores, missing = {}, {}, []
    for symbol in symbols:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                functions[symbol] = gto.basis.load(basis, symbol)
                cores[symbol] = gto.basis.load_ecp(basis, symbol)
            except (RuntimeError, KeyError, ValueError):
                missing.append(symbol)
    if missing:
        raise NotSupported(f"PySCF has no basis {basis} for {', '.join(missing)}")
    return {"basis": functions, "ecp": {s: core for s, core in cores.items() if core}}
