"""Whether a point is a minimum, from a few gradients: its softest curvature, and a bound.

1. A model of the Hessian, a surrogate's, gets true products P = H V in place of its own. In blocks
   of V and the rest,

       H = [[W, C], [C', R]],    R = S + C' W^-1 C,

   W and C are known then; of the model stays S, how stiff the rest is when V follows (Schur's
   complement). To keep R instead would leave the model's coupling in it: negative curvatures
   appear that are none. The update is that of BFGS for many vectors at once: Schnabel, Report
   CU-CS-247-83, University of Colorado (1983).
2. The model's softest mode is added to V until the answer is certain. The least eigenvalue of W is
   an upper bound of the softest curvature (Ritz). The lower bound is what it would be if the model
   were wrong by a factor: S/8 in place of S.
3. Two products at least, and five where a curvature below 0.1 eV/A^2 was seen: between loosely
   bound molecules the model is too stiff by more than any factor, and the negative mode appears
   after the third to the fifth product only.
4. Negative is only what exceeds all by which W is not symmetric: stiff modes bend in forward
   differences, and grids do not turn with the molecule. What is positive need not: between ends
   that are minima a seeming saddle sends the search astray, and its price is many evaluations.

Of 117 different ends of published reactions, relaxed on the surrogate, seven are saddles by their
full Hessian; with its products six are recognised, and one (-0.012 eV/A^2, beside six modes below
0.1) is missed.
"""

from dataclasses import dataclass, replace

import numpy as np

from ..path import remove_rigid_motion
from .hessian import lowest_modes, without_rigid_motion
from .index import STEP, forward_product
from .minima import turns_freely
from .scale import ORDINARY

SOFTER = 8.0  # by which factor the model may be too stiff
FEWEST, FEWEST_SOFT, MOST = 2, 5, 10  # products
FLOPPY = 0.1  # eV/angstrom^2: a curvature below asks for `FEWEST_SOFT` products
INSIDE = 0.5  # of the model's softest mode, the most that may lie outside V
ERROR = 0.002  # eV/angstrom^2, of a curvature by central differences
FORWARD_ERROR = 0.004  # likewise, by forward ones
FLATTEST = 0.02  # eV/angstrom^2, of W where it is inverted


@dataclass(frozen=True)
class Softest:
    """The softest curvature of a Hessian.

    Attributes
    ----------
    curvature, least : eV/angstrom^2, between which it lies
    mode : (N, 3) array, unit vector
    matrix : (3N, 3N) array, eV/angstrom^2: the model with all products that were measured
    evaluations : gradients paid for
    sign : 1 where the curvature is not negative, or so little that next to nothing is gained
        down its mode (`minima.turns_freely`); -1 where it is negative; 0 where that is open
    """

    curvature: float
    least: float
    mode: np.ndarray
    matrix: np.ndarray
    evaluations: int
    sign: int


def softest_curvature(
    oracle, x: np.ndarray, model: np.ndarray, gradient: np.ndarray | None = None
) -> Softest:
    """Measure the softest curvature at a point without forces until its sign is certain.

    Parameters
    ----------
    oracle : `Oracle`; pays one evaluation a product where the gradient is known, else two
    x : (N, 3) array, angstrom, of at least three atoms
    model : (3N, 3N) array, eV/angstrom^2, near the Hessian
    gradient : (N, 3) array, eV/angstrom, at x

    Raises
    ------
    SCFFailure, BudgetExhausted
        from the oracle.
    """
    invariances = oracle.invariances
    model = without_rigid_motion(model, x, invariances)
    error, price = (ERROR, 2) if gradient is None else (FORWARD_ERROR, 1)
    V = P = np.empty((0, x.size))
    most = min(MOST, len(lowest_modes(model, x, invariances, count=MOST)[0]))
    while True:
        matrix = completed(model, V, P)
        _, modes = lowest_modes(matrix, x, invariances, count=1)
        v = modes.reshape(-1) - modes.reshape(-1) @ V.T @ V
        outside = np.linalg.norm(v)
        if len(V) >= min(FEWEST, most):
            softer = completed(model, V, P, SOFTER)
            found = _softest(x, V, P, matrix, softer, invariances, error, price * len(V))
            enough = outside < INSIDE and (found.curvature > FLOPPY or len(V) >= FEWEST_SOFT)
            if len(V) == most or found.sign < 0 or (found.sign > 0 and enough):
                return found
        v = v / outside
        v = v - v @ V.T @ V
        v = v / np.linalg.norm(v)
        if gradient is None:
            product = _central_product(oracle, x, v)
        else:
            product = forward_product(oracle, x, gradient, v)
        V, P = np.vstack([V, v]), np.vstack([P, product])


def softest_decided(oracle, x: np.ndarray, model: np.ndarray, gradient: np.ndarray) -> Softest:
    """Do the same by forward differences, and by central ones where these leave the sign open."""
    found = softest_curvature(oracle, x, model, gradient)
    if found.sign:
        return found
    again = softest_curvature(oracle, x, found.matrix)
    return replace(again, evaluations=found.evaluations + again.evaluations)


def _central_product(oracle, x: np.ndarray, v: np.ndarray) -> np.ndarray:
    shifts = STEP * np.array([1, -1])[:, None, None] * v.reshape(x.shape)
    ahead, behind = remove_rigid_motion(oracle(x + shifts)[1], np.stack([x, x]), oracle.invariances)
    return (ahead - behind).ravel() / (2 * STEP)


def completed(model: np.ndarray, V: np.ndarray, P: np.ndarray, softer: float = 1.0) -> np.ndarray:
    """Return the Hessian whose products with V are P, and whose S is that of the model.

    Parameters
    ----------
    model : (n, n) array
    V, P : (K, n) arrays, orthonormal vectors and their products
    softer : what S is divided by
    """
    (W, C), (model_W, model_C) = _blocks(V, P), _blocks(V, V @ model)
    rest = model - V.T @ (V @ model)
    rest -= rest @ V.T @ V
    S = rest - model_C.T @ _inverse(model_W) @ model_C
    cross = V.T @ C
    return V.T @ W @ V + cross + cross.T + S / softer + C.T @ _inverse(W) @ C


def _blocks(V: np.ndarray, P: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    within = V @ P.T
    return (within + within.T) / 2, P - P @ V.T @ V


def _inverse(matrix: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(matrix)
    return (
        vectors / np.where(values < 0, -1, 1) / np.maximum(np.abs(values), FLATTEST)
    ) @ vectors.T


def _softest(x, V, P, matrix, softer, invariances, error, paid) -> Softest:
    theta, y = np.linalg.eigh(_blocks(V, P)[0])
    mode = (y[:, 0] @ V).reshape(x.shape)
    curvature = float(theta[0])
    least = min(float(lowest_modes(softer, x, invariances, count=1)[0][0]), curvature) - error
    sign = 0
    if turns_freely(np.array([least]), mode[None], ORDINARY):
        sign = 1
    else:
        W = V @ P.T
        unclear = max(error, float(np.linalg.norm(W - W.T, 2)))
        if not turns_freely(np.array([curvature + unclear]), mode[None], ORDINARY):
            sign = -1
    return Softest(curvature, least, mode, matrix, paid, sign)
