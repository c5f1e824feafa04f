"""The Mueller-Brown surface: three minima, two saddles, and a valley that bends.

K. Mueller, L. D. Brown, Theor. Chim. Acta 53, 75 (1979), doi:10.1007/BF00547608:

    V(x, y) = sum_k A_k exp(a_k (x - x_k)^2 + b_k (x - x_k)(y - y_k) + c_k (y - y_k)^2)
"""

import numpy as np

from ._surfaces import Surface, known, reaction_between

A = np.array([-200.0, -100.0, -170.0, 15.0])
a = np.array([-1.0, -1.0, -6.5, 0.7])
b = np.array([0.0, 0.0, 11.0, 0.6])
c = np.array([-10.0, -10.0, -6.5, 0.7])
X = np.array([1.0, 0.0, -0.5, -1.0])
Y = np.array([0.0, 0.5, 1.5, 1.0])


def load(numbers, charge: int, multiplicity: int, *, scale: float = 0.01) -> Surface:
    """Return the surface; the molecule is ignored.

    Parameters
    ----------
    scale : eV per unit of the paper; 0.01 makes the highest barrier 1.06 eV.
    """

    def surface(x, y):
        dx, dy = x[..., None] - X, y[..., None] - Y
        terms = scale * A * np.exp(a * dx**2 + b * dx * dy + c * dy**2)
        v_x = terms * (2 * a * dx + b * dy)
        v_y = terms * (b * dx + 2 * c * dy)
        return terms.sum(-1), v_x.sum(-1), v_y.sum(-1)

    return Surface(surface, "Mueller-Brown")


_SURFACE = load(None, 0, 1)
KNOWN = (known(_SURFACE, "mueller-brown", (-0.558, 1.442), (-0.822, 0.624), (-0.050, 0.467)),)
# From the first to the last minimum, over both saddles: the picture in every paper.
WHOLE = reaction_between(_SURFACE, "mueller-brown-whole", (-0.558, 1.442), (0.623, 0.028))
