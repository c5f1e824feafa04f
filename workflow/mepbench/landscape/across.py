"""Steps of a path's frames down and across it, as a string method's, in the model Hessian's metric.

    x <- x - P H^(-1) P g,     P = 1 - tau tau^T,

E, Ren, Vanden-Eijnden, J. Chem. Phys. 126, 164103 (2007), doi:10.1063/1.2720838. They lead from an
interpolated path, some electronvolts too high, towards the minimum energy path.
"""

import numpy as np

from ..path import tangents
from .model_hessian import model_hessian

LONGEST = 0.15  # angstrom, of an atom in one step


def steps_across(
    numbers: np.ndarray, ends: np.ndarray, path: np.ndarray, gradients: np.ndarray
) -> np.ndarray:
    """Return one step of each inner frame.

    Parameters
    ----------
    numbers : (N,) int array, atomic numbers
    ends : (2, N, 3) array, angstrom
    path, gradients : (M, N, 3) arrays of the inner frames, angstrom, eV/angstrom

    Returns
    -------
    (M, N, 3) array, angstrom
    """
    tau = tangents(np.stack([ends[0], *path, ends[1]]))[1:-1]

    def projected(v: np.ndarray) -> np.ndarray:
        return v - tau * (tau * v).sum((1, 2), keepdims=True)

    wanted = projected(gradients).reshape(len(path), -1, 1)
    down = np.linalg.solve(model_hessian(numbers, path), wanted)
    steps = -projected(down.reshape(path.shape))
    longest = np.linalg.norm(steps, axis=2).max(axis=1)
    return steps * np.minimum(1, LONGEST / np.maximum(longest, 1e-9))[:, None, None]
