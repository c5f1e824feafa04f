"""Steps on a local quadratic model, and how the model learns from a step."""

import numpy as np

# Of the straight-line time: from a hundredth of it to far beyond, evenly in the logarithm. The
# arc length at a time is good to a thousandth.
TIMES = np.concatenate([[0.0], np.geomspace(1e-2, 1e6, 120)])


def rational_step(
    values: np.ndarray, modes: np.ndarray, gradient: np.ndarray, k: int
) -> np.ndarray:
    """Return the step of partitioned rational functions: uphill along one mode, else downhill.

    In the eigenbasis (h_i, v_i) of the Hessian, with g_i = v_i . g,

        s_i = -g_i / (h_i - lambda),    lambda_k = (h_k + sqrt(h_k^2 + 4 g_k^2)) / 2,

    where for i != k lambda is the lowest root of sum g_i^2 / (lambda - h_i) = lambda: Banerjee,
    Adams, Simons, Shepard, J. Phys. Chem. 89, 52 (1985), doi:10.1021/j100247a015.

    Parameters
    ----------
    values : (K,) array, eV/angstrom^2
    modes : (K, N, 3) array of orthonormal modes
    gradient : (N, 3) array, eV/angstrom
    k : the mode that is followed uphill

    Returns
    -------
    (N, 3) array, angstrom
    """
    g = np.einsum("kij,ij->k", modes, gradient)
    others = np.arange(len(values)) != k
    augmented = np.diag(np.append(values[others], 0.0))
    augmented[-1, :-1] = augmented[:-1, -1] = g[others]
    shift = np.full(len(values), np.linalg.eigvalsh(augmented)[0])
    shift[k] = (values[k] + np.sqrt(values[k] ** 2 + 4 * g[k] ** 2)) / 2
    gap = values - shift
    # A mode without gradient does not move, and its gap may vanish.
    steps = np.divide(-g, gap, out=np.zeros_like(g), where=np.abs(g) > 1e-12)
    return np.einsum("k,kij->ij", steps, modes)


def quadratic_step(
    gradient: np.ndarray, matrix: np.ndarray, length: float
) -> tuple[np.ndarray, float]:
    """Solve dq/dt = -g exactly on the local quadratic model, up to an arc length.

    In the eigenbasis (h_i, v_i) of the Hessian

        q(t) = q_0 + sum_i v_i (v_i . g) (exp(-h_i t) - 1) / h_i

    (Page, McIver, J. Chem. Phys. 88, 922 (1988), doi:10.1063/1.454172).

    Parameters
    ----------
    gradient : (n,) array; of a mass-weighted descent mass-weighted, as the matrix
    matrix : (n, n) symmetric array
    length : wanted arc length

    Returns
    -------
    step : (n,) array
    reached : its arc length, less than `length` if the model ends before
    """
    values, modes = np.linalg.eigh(matrix)
    g = modes.T @ gradient
    # Arc length grows as the integral of the speed sqrt(sum g_i^2 exp(-2 h_i t)).
    t = TIMES * (length / np.linalg.norm(gradient))
    speed = np.sqrt(np.exp(np.minimum(np.outer(-2 * t, values), 120.0)) @ g**2)
    arc = np.concatenate([[0.0], np.cumsum(np.diff(t) * (speed[1:] + speed[:-1]) / 2)])
    reached = min(length, arc[-1])
    time = np.interp(reached, arc, t)
    # (exp(-h t) - 1) / h, with its limit -t for small h t.
    product = np.clip(values * time, -60.0, None)
    small = np.abs(product) < 1e-8
    factor = np.where(small, -time, np.expm1(-product) / np.where(small, 1.0, values))
    return modes @ (factor * g), reached


def bent_upwards(matrix: np.ndarray, softest: float) -> np.ndarray:
    """Return a matrix (n, n) with all curvatures positive, none below `softest`.

    Rigid motions get one, too: a Hessian that a quasi-Newton relaxation can start from.
    """
    values, modes = np.linalg.eigh(matrix)
    return (modes * np.maximum(np.abs(values), softest)) @ modes.T


def bofill_update(matrix: np.ndarray, step: np.ndarray, change: np.ndarray) -> np.ndarray:
    """Update a Hessian from one step: symmetric rank one and Powell, weighted.

    With r = change - H step, the weight of the symmetric rank-one term is
    (r.step)^2 / (r.r step.step): Bofill, J. Comput. Chem. 15, 1 (1994),
    doi:10.1002/jcc.540150102. It keeps negative eigenvalues, as a saddle needs.

    Parameters
    ----------
    matrix : (n, n) array
    step, change : (n,) arrays, of the position and of the gradient
    """
    r = change - matrix @ step
    rs, ss, rr = r @ step, step @ step, r @ r
    if ss < 1e-20 or rr < 1e-20:
        return matrix
    weight = rs**2 / (rr * ss)
    rank_one = np.outer(r, r) / rs if weight > 1e-8 else 0.0
    cross = np.outer(r, step)
    powell = (cross + cross.T) / ss - rs * np.outer(step, step) / ss**2
    return matrix + weight * rank_one + (1 - weight) * powell
