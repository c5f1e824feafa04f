"""How a method is drawn by the interactive figures: as by the printed ones, in Plotly's words."""

DASHES = {"-": "solid", "--": "dash", "-.": "dashdot", ":": "dot"}
SYMBOLS = {
    "o": "circle",
    "s": "square",
    "^": "triangle-up",
    "D": "diamond",
    "v": "triangle-down",
    "P": "cross",
    "X": "x",
    "<": "triangle-left",
    ">": "triangle-right",
    "*": "star",
    "d": "diamond-tall",
    "p": "pentagon",
    "h": "hexagon",
}


def look(style) -> dict[str, str]:
    """Return colour, dash and symbol of a method, whose printed style is `Results.style(method)`.

    `chart.js` takes it as a trace's `look`, and knows the colour's lighter sibling for dark pages.
    """
    dash = style.linestyle
    if not isinstance(dash, str):
        _, lengths = dash  # offset and lengths in points
        dash = ",".join(f"{2 * length:g}px" for length in lengths)
    return {
        "color": style.color,
        "dash": DASHES.get(dash, dash),
        "symbol": SYMBOLS.get(style.marker, "circle"),
    }
