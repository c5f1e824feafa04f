"""A stiff valley along a circle: an atom that goes around another, not through it.

    V(x, y) = a (x^2 + y^2 - 1)^2 + c y^2 - t y,    a = 5, c = 0.8, t = 0.1 eV

Two minima near (+-1, 0), a saddle at the top of either half of the ring, the lower
one (by about 2 t) where y > 0, and a peak of about 5 eV in the middle: the straight line
between the minima crosses it. A second-order saddle sits there, 1 angstrom from the
true one, and the valley is as narrow as a bond is stiff.
"""

from ._surfaces import Surface, known

A, C, T = 5.0, 0.8, 0.1


def surface(x, y):
    """V in eV and its derivatives."""
    ring = x**2 + y**2 - 1
    return A * ring**2 + C * y**2 - T * y, 4 * A * x * ring, 4 * A * y * ring + 2 * C * y - T


def load(numbers, charge: int, multiplicity: int) -> Surface:
    """Return the surface; the molecule is ignored."""
    return Surface(surface, "ring valley")


KNOWN = (known(load(None, 0, 1), "ring-valley", (-1, 0.05), (0, 0.96), (1, 0.05)),)
