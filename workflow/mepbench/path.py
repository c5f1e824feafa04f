"""Discrete and continuous paths in Cartesian coordinates, with rigid motion taken out.

A path is a sequence of frames; between them it is the cubic spline through the frames in
arc length. Lengths and tangents are those of the whole configuration, sqrt(sum |dx_i|^2).
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.spatial.distance import pdist
from scipy.spatial.transform import Rotation

AT_END = 1e-6  # angstrom: a frame this near to an endpoint is the endpoint
NEARLY_LINEAR = 0.1  # shortest distances: a radius of gyration about the axis that is a bend's


@dataclass(frozen=True)
class Peak:
    """A method's estimate of the saddle: where refinement starts.

    Attributes
    ----------
    position : (N, 3) array, angstrom
    energy : eV, None where it was not evaluated
    gradient : (N, 3) array, eV/angstrom, None where it was not evaluated
    tangent : (N, 3) unit vector along which the energy is a maximum; None if unknown
    converged : whether the one who returned it met its own stop rule
    """

    position: np.ndarray
    energy: float | None = None
    gradient: np.ndarray | None = None
    tangent: np.ndarray | None = None
    converged: bool = False


@dataclass(frozen=True)
class Path:
    """What a method returns.

    Attributes
    ----------
    positions : (M, N, 3) array, angstrom. First and last are the endpoints, exactly. A
        continuous path (a network's) returns at least 41 frames, dense enough that the
        spline through them is the path.
    energies : (M,) array, eV; NaN where a frame was never evaluated. Only what was paid for.
    peak : the highest point, as the method knows it; the highest evaluated frame if None
    converged : whether the method met its own stop rule; not converging is a result
    is_path : False for a trajectory (GAD), which has no tangency defect nor excess
    message : one line for the table's `reason`, where there is something to say
    others : further saddles that the search met and did not take for the reaction's own, with their
        energies, the most promising first: they may be those of its steps
    """

    positions: np.ndarray
    energies: np.ndarray | None = None
    peak: Peak | None = None
    converged: bool = False
    is_path: bool = True
    message: str = ""
    others: tuple[Peak, ...] = ()

    def highest(self) -> Peak | None:
        """Return `peak`, or the highest evaluated inner frame with the path's tangent there."""
        if self.peak is not None or self.energies is None or len(self.positions) < 3:
            return self.peak
        inner = self.energies[1:-1]
        if np.all(np.isnan(inner)):
            return None
        at = 1 + int(np.nanargmax(inner))
        return Peak(
            self.positions[at],
            energy=float(self.energies[at]),
            tangent=tangents(self.positions)[at],
        )


def superposition(mobile: np.ndarray, fixed: np.ndarray) -> np.ndarray:
    """Best proper rotation R, (3, 3), with mobile @ R near fixed, both centred (Kabsch 1976)."""
    u, _, vt = np.linalg.svd(mobile.T @ fixed)
    sign = np.sign(np.linalg.det(u @ vt)) or 1.0
    return u @ np.diag([1.0, 1.0, sign]) @ vt


def align(mobile: np.ndarray, fixed: np.ndarray) -> np.ndarray:
    """Superimpose `mobile` on `fixed` by the best proper rotation.

    Parameters
    ----------
    mobile, fixed : (N, 3) arrays, angstrom

    Returns
    -------
    (N, 3) array; its centroid is that of `fixed`.
    """
    centre_m, centre_f = mobile.mean(axis=0), fixed.mean(axis=0)
    mobile = mobile - centre_m
    return mobile @ superposition(mobile, fixed - centre_f) + centre_f


def turn_back(path: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Move frames rigidly so that the first and the last are the given ends.

    Each frame turns in proportion to its arc length, which is as slow as turning can be.

    Parameters
    ----------
    path : (M, N, 3) array, angstrom; its ends are the given ones, but for a rigid motion
    ends : (2, N, 3) array, angstrom
    """
    centres = ends.mean(axis=1)
    path = path - path.mean(axis=1, keepdims=True)
    path = path @ superposition(path[0], ends[0] - centres[0])
    turn = Rotation.from_matrix(superposition(path[-1], ends[1] - centres[1]).T).as_rotvec()
    s = arc_length(path) / arc_length(path)[-1]
    turned = np.einsum("mij,mnj->mni", Rotation.from_rotvec(s[:, None] * turn).as_matrix(), path)
    turned += ((1 - s)[:, None] * centres[0] + s[:, None] * centres[1])[:, None]
    turned[0], turned[-1] = ends
    return turned


def rmsd(a: np.ndarray, b: np.ndarray, invariances: tuple[str, ...] = ("rotation",)) -> float:
    """Root mean square deviation in angstrom, after the best rigid alignment."""
    moved = align(a, b) if "rotation" in invariances else a
    return float(np.sqrt(((moved - b) ** 2).sum() / len(a)))


def rigid_motions(positions: np.ndarray, invariances: tuple[str, ...]) -> np.ndarray:
    """Orthonormal basis of the infinitesimal rigid motions of one geometry.

    The rotation about the axis of a nearly linear molecule moves its atoms as a bend does, and
    is left to the vibrations: its curvature vanishes at most, while the bend's would be lost.

    Parameters
    ----------
    positions : (N, 3) array, angstrom
    invariances : the potential's, out of "translation" and "rotation"

    Returns
    -------
    (K, 3N) array; K is 6, 5 for a linear or nearly linear molecule, 3 for one atom, 0 without
    invariances.
    """
    n = len(positions)
    along, about = np.zeros((2, 3, n, 3))  # unit axes; unit axes times the positions
    centred = positions - positions.mean(axis=0)
    for i, j, k in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
        along[i, :, i] = n**-0.5
        about[i, :, k], about[i, :, j] = centred[:, j], -centred[:, k]
    motions = [along.reshape(3, -1)[: 3 * ("translation" in invariances)]]
    if "rotation" in invariances and n > 1:
        # The square of a singular value is the moment of inertia of unit masses.
        _, radii, basis = np.linalg.svd(about.reshape(3, -1), full_matrices=False)
        linear = radii[-1] < 0.2 * radii[0] and radii[-1] < NEARLY_LINEAR * pdist(positions).min()
        motions.append(basis[: 2 if linear else 3])
    return np.concatenate(motions)


def remove_rigid_motion(
    vectors: np.ndarray, positions: np.ndarray, invariances: tuple[str, ...]
) -> np.ndarray:
    """Project infinitesimal rigid motion at `positions` out of `vectors`, both (..., N, 3)."""
    if not invariances:
        return vectors
    flat_v = vectors.reshape(-1, vectors.shape[-2] * 3)
    flat_x = positions.reshape(-1, *positions.shape[-2:])
    projected = np.empty_like(flat_v)
    for i, (v, x) in enumerate(zip(flat_v, flat_x, strict=True)):
        basis = rigid_motions(x, invariances)
        projected[i] = v - basis.T @ (basis @ v)
    return projected.reshape(vectors.shape)


def arc_length(positions: np.ndarray) -> np.ndarray:
    """Cumulative chord length at each frame: (M, N, 3) -> (M,), angstrom, from 0."""
    steps = np.linalg.norm(np.diff(positions, axis=0).reshape(len(positions) - 1, -1), axis=1)
    return np.concatenate([[0.0], np.cumsum(steps)])


def spline(positions: np.ndarray) -> CubicSpline:
    """Cubic spline through (M, N, 3) frames, s in [0, 1] proportional to chord length."""
    s = arc_length(positions)
    keep = np.concatenate([[True], np.diff(s) > 1e-10])
    s, positions = s[keep], positions[keep]
    if len(s) < 2:
        raise ValueError("a path needs at least two different frames")
    return CubicSpline(s / s[-1], positions)


def resample(positions: np.ndarray, frames: int) -> np.ndarray:
    """Return (frames, N, 3) geometries at equal arc length along the path; ends exact."""
    fine = spline(positions)(np.linspace(0, 1, max(20 * len(positions), 200)))
    s = arc_length(fine)
    at = np.interp(np.linspace(0, s[-1], frames), s, np.linspace(0, 1, len(s)))
    new = spline(positions)(at)
    new[0], new[-1] = positions[0], positions[-1]
    return new


def tangents(positions: np.ndarray) -> np.ndarray:
    """Unit tangents of the spline through the frames, (M, N, 3)."""
    s = arc_length(positions)
    derivative = spline(positions)(s / s[-1], 1)
    return derivative / np.linalg.norm(derivative.reshape(len(s), -1), axis=1)[:, None, None]


def check_frames(positions: np.ndarray, ends: np.ndarray, *, is_path: bool = True) -> None:
    """Raise ValueError unless the frames are finite and fit `ends`.

    Parameters
    ----------
    positions : (M, N, 3) array, angstrom
    ends : (2, N, 3) array, angstrom: the first and the last frame, except of a trajectory
    is_path : False for a trajectory
    """
    if positions.ndim != 3 or positions.shape[1:] != ends.shape[1:] or not len(positions):
        expected = f"(frames, {ends.shape[1]}, 3)"
        raise ValueError(f"the path must be of shape {expected}, it is {positions.shape}")
    if not np.isfinite(positions).all():
        raise ValueError("the path has coordinates that are not finite")
    if is_path and np.abs(positions[[0, -1]] - ends).max() > AT_END:
        raise ValueError("the path's first or last frame is not the given endpoint")


def checked(path: Path, ends: np.ndarray) -> Path:
    """Return what a method returned, as `Path` and `Peak` describe it, or say what is not so.

    Parameters
    ----------
    path : its arrays may be anything that NumPy makes such arrays of
    ends : (2, N, 3) array, angstrom

    Raises
    ------
    TypeError, ValueError
        naming the attribute, what it must be and what it is.
    """
    if not isinstance(path, Path):
        raise TypeError(f"solve() must return a Path, it returned {type(path).__name__}")
    positions = np.asarray(path.positions, dtype=float)
    check_frames(positions, ends, is_path=path.is_path)
    energies, peak = path.energies, path.peak
    if energies is not None:
        energies = _floats("Path.energies", energies, positions.shape[:1])
        if np.isinf(energies).any():
            raise ValueError("Path.energies must be finite, or NaN where nothing was paid for")
    if peak is not None:
        if not isinstance(peak, Peak):
            raise TypeError(f"Path.peak must be a Peak or None, it is {type(peak).__name__}")
        shapes = {key: ends.shape[1:] for key in ("position", "gradient", "tangent")}
        shapes["energy"] = ()
        given = {key: getattr(peak, key) for key in shapes}
        for key, value in given.items():
            if value is not None or key == "position":
                given[key] = _floats(f"Peak.{key}", value, shapes[key])
                if not np.isfinite(given[key]).all():
                    raise ValueError(f"Peak.{key} must be finite")
        if given["tangent"] is not None and not given["tangent"].any():
            raise ValueError("Peak.tangent must be a unit vector or None, it is zero")
        peak = replace(peak, **given, converged=bool(peak.converged))
    return replace(
        path,
        positions=positions,
        energies=energies,
        peak=peak,
        converged=bool(path.converged),
        is_path=bool(path.is_path),
        message=str(path.message or ""),
    )


def _floats(name: str, values, shape: tuple[int, ...]) -> np.ndarray:
    array = np.asarray(values, dtype=float)
    if array.shape != shape:
        raise ValueError(f"{name} must be of shape {shape}, it is {array.shape}")
    return array[()]
