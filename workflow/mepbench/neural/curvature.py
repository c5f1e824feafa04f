"""An estimate of the Hessian at each point of the path, at no evaluation.

A model of the force field (`landscape.model_hessian`) is corrected by BFGS updates with the
gradients already paid for in the neighbourhood. It only shapes the steps (which direction is
stiff, which soft), never the loss.
"""

import numpy as np

from ..landscape.model_hessian import exponential, model_hessian

FLOOR = 1.0  # eV/angstrom^2, of any displacement
SINGLE = 5.0  # eV/angstrom^2, where there are no pairs (model surfaces)
REACH = 0.5  # angstrom: gradients farther than this away say nothing
NEIGHBOURS = 8  # of which the point itself, which says nothing, is one
STIFFEST = 400.0  # eV/angstrom^2, of what an update may make stiff across the step (CO: 240)
SOFTEST = 2.0  # eV/angstrom^2, taken where V is flatter or concave


def first_estimate(numbers: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """Positive definite model Hessian, (K, N, 3) -> (K, 3N, 3N), eV/angstrom^2."""
    if len(numbers) == 1:
        return np.tile(SINGLE * np.eye(3), (len(positions), 1, 1))
    return model_hessian(numbers, positions, exponential, FLOOR)


def secant_update(
    hessian: np.ndarray,
    x: np.ndarray,
    g: np.ndarray,
    known_x: np.ndarray,
    known_g: np.ndarray,
) -> np.ndarray:
    """Correct each point's Hessian by its nearest known gradients.

    BFGS, kept positive definite. Where the gradient turns more than it
    grows (a step along the path at its top), BFGS would make everything across the step
    stiff; and where V is concave it fails. The curvature's size along the step alone is
    taken then.

    Parameters
    ----------
    hessian : (K, n, n) array, eV/angstrom^2
    x, g : (K, n) the points and their gradients
    known_x, known_g : (M, n) evaluated before
    """
    if len(known_x) == 0:
        return hessian
    distance = np.sqrt(((x[:, None] - known_x[None]) ** 2).sum(axis=-1))
    nearest = np.argsort(distance, axis=1)[:, :NEIGHBOURS][:, ::-1]
    for column in nearest.T:
        step, change = known_x[column] - x, known_g[column] - g
        length = np.take_along_axis(distance, column[:, None], axis=1)[:, 0]
        usable = (length > 2e-4) & (length < REACH)
        product = np.einsum("kij,kj->ki", hessian, step)
        shs = np.where(usable, (step * product).sum(axis=1), 1.0)
        sy = (step * change).sum(axis=1)
        square = np.where(usable, length**2, 1.0)
        turning = (change**2).sum(axis=1) > STIFFEST * sy  # true where sy < 0 as well
        along = np.maximum(np.abs(sy) / square, SOFTEST)
        change = np.where(
            (turning | (sy < SOFTEST * square))[:, None], along[:, None] * step, change
        )
        sy = np.where(usable, (step * change).sum(axis=1), 1.0)
        update = (
            change[:, :, None] * change[:, None] / sy[:, None, None]
            - product[:, :, None] * product[:, None] / shs[:, None, None]
        )
        hessian = hessian + usable[:, None, None] * update
    return hessian
