"""Two double wells side by side: a second-order saddle on the diagonal.

    V(x, y) = (x^2 - 1)^2 + (y^2 - 1)^2

Four minima at (+-1, +-1) with V = 0, four saddles at (+-1, 0) and (0, +-1) with V = 1, and a
maximum of V = 2 at the origin. The straight diagonal from (-1, -1) to (1, 1) runs along
the gradient over that maximum: its tangency defect vanishes, and no MEP it is. A method
that starts on it can leave only by breaking the symmetry.
"""

from ._surfaces import Surface, known, reaction_between


def surface(x, y):
    """V in eV and its derivatives."""
    return (x**2 - 1) ** 2 + (y**2 - 1) ** 2, 4 * x * (x**2 - 1), 4 * y * (y**2 - 1)


def load(numbers, charge: int, multiplicity: int) -> Surface:
    """Return the surface; the molecule is ignored."""
    return Surface(surface, "double double-well")


KNOWN = (known(load(None, 0, 1), "double-double-well", (-1, -1), (0, -1), (1, -1)),)
DIAGONAL = reaction_between(load(None, 0, 1), "diagonal", (-1, -1), (1, 1))
