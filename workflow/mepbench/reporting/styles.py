"""One look per method, the same in every figure of every run: colour, symbol and line.

Colours are from the palettes of Okabe and Ito and of Tol, which people with any colour
vision tell apart; symbol and line carry the same information on grey paper. A method's look
follows from its name alone, so that it is the same whatever else is in a run: those that ship
have places of their own, any other one has the place that a checksum of its name says, and moves
on to the next only where another method of the same run is there already.

M. Okabe, K. Ito, Color Universal Design (2008), https://jfly.uni-koeln.de/color/
P. Tol, Colour Schemes, SRON/EPS/TN/09-002 (2021), https://personal.sron.nl/~pault/
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

COLORS = (
    "#000000 #E69F00 #0072B2 #56B4E9 #882255 #009E73 #332288 #D55E00 #CC79A7 #661100 #999933"
).split()
# Numbers of colours, symbols and lines have no common factor, so that 924 looks differ, and
# any 84 neighbours without any colour.
LINE_STYLES = (
    "-",
    "--",
    "-.",
    ":",
    (0, (6, 1)),
    (0, (3, 1, 1, 1)),
    (0, (5, 1, 1, 1, 1, 1)),
)
# Symbols and the factor that gives each about the ink of the first.
MARKERS = {
    "o": 1.0,
    "s": 0.9,
    "^": 1.2,
    "D": 0.85,
    "v": 1.2,
    "P": 1.15,
    "X": 1.15,
    "<": 1.2,
    ">": 1.2,
    "*": 1.65,
    "d": 1.2,
    "p": 1.1,
}
LOOKS = len(COLORS) * len(LINE_STYLES) * len(MARKERS)
SIZE = 3.8  # points, of the first symbol

SHIPPED = (
    "geodesic idpp geodesic-retry neb string gad gad-reactant neural-surrogate neural-action "
    "neural-maxflux neural-residual dmf linear surrogate-spline surrogate-guess "
    "surrogate-maxflux surrogate-residual surrogate-action string-idpp gad-product bent neural "
    "aid-neb fb-enm ase-neb-5 ase-neb-bfgs ase-neb freezing-string oci-neb operator-surrogate "
    "geodesic-dimer mepin growing-string"
).split()


@dataclass(frozen=True)
class Style:
    """How one method is drawn, in every figure."""

    color: str
    linestyle: str | tuple
    marker: str

    @property
    def size(self) -> float:
        """Of the symbol, in points, so that all symbols have about the same ink."""
        return SIZE * MARKERS[self.marker]

    @property
    def line(self) -> dict:
        """Keywords of `Axes.plot`."""
        return {"linestyle": self.linestyle, **self.point}

    @property
    def point(self) -> dict:
        """Keywords of `Axes.plot` for the symbol, which a line may join."""
        return {"color": self.color, "marker": self.marker, "markersize": self.size}


def style(place: int) -> Style:
    """Return the look at one of the `LOOKS` places."""
    return Style(
        COLORS[place % len(COLORS)],
        LINE_STYLES[place % len(LINE_STYLES)],
        list(MARKERS)[place % len(MARKERS)],
    )


def styles(methods: Iterable[str]) -> dict[str, Style]:
    """Return each method's look, no two the same."""
    methods = list(dict.fromkeys(methods))
    free = LOOKS - len(SHIPPED)
    places = {name: SHIPPED.index(name) for name in methods if name in SHIPPED}
    for name in methods:
        if name not in places:
            digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()
            at = int.from_bytes(digest) % free
            while len(SHIPPED) + at in places.values() and len(places) < free:
                at = (at + 1) % free
            places[name] = len(SHIPPED) + at
    return {name: style(places[name]) for name in methods}
