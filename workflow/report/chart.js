// One look for the interactive figures, drawn by Plotly. A method has the colour, dash and symbol
// of the printed figures; dark pages have lighter colours of the same hues.
"use strict";
(() => {
  const LIGHT = ["#000000", "#E69F00", "#0072B2", "#56B4E9", "#882255", "#009E73", "#332288",
    "#CC79A7", "#D55E00", "#999933"];
  const DARK = ["#F2F2F2", "#E69F00", "#4FA8DC", "#8CCBF0", "#D47FA6", "#3FBF97", "#A79BEB",
    "#E3A3C8", "#F08A4B", "#C2C25E"];
  const DASHES = ["solid", "dash", "dashdot", "dot", "12px,3px", "6px,3px,2px,3px",
    "9px,3px,2px,3px,2px,3px"];
  const SYMBOLS = ["circle", "square", "triangle-up", "diamond", "triangle-down", "cross", "x",
    "triangle-left", "triangle-right", "star", "hexagon"];

  // How the method at this place of the configuration is drawn.
  function methodStyle(index, dark) {
    const colors = dark ? DARK : LIGHT;
    return {
      color: colors[index % colors.length],
      dash: DASHES[index % DASHES.length],
      symbol: SYMBOLS[index % SYMBOLS.length],
    };
  }

  // Text for Plotly, which reads a few tags and all entities of HTML in whatever it is given.
  const plain = (text) =>
    String(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

  function escaped(value) {
    if (typeof value === "string") return plain(value);
    return Array.isArray(value) ? value.map(escaped) : value;
  }

  // A trace of ours for Plotly: names and texts are escaped, `method` becomes its style.
  function dressed(trace, dark) {
    const { method, ...given } = trace;
    for (const key of ["name", "text", "customdata", "hovertext"])
      if (key in given) given[key] = escaped(given[key]);
    if (method === undefined) return given;
    const look = methodStyle(method, dark);
    return {
      ...given,
      line: { color: look.color, dash: look.dash, width: 2, ...given.line },
      marker: { color: look.color, symbol: look.symbol, size: 7, ...given.marker },
    };
  }

  function houseLayout(style, layout, dark) {
    const ink = style.getPropertyValue("--ink").trim();
    const line = style.getPropertyValue("--line").trim();
    const axis = { gridcolor: line, linecolor: ink, zeroline: false, automargin: true,
      ticks: "outside", tickcolor: line };
    return {
      ...layout,
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: style.getPropertyValue("--sans"), size: 13, color: ink },
      margin: { l: 10, r: 10, t: 10, b: 10, ...layout.margin },
      xaxis: { ...axis, ...layout.xaxis },
      yaxis: { ...axis, ...layout.yaxis },
      legend: { bgcolor: "rgba(0,0,0,0)", ...layout.legend },
      hoverlabel: { bgcolor: dark ? "#1c2127" : "#ffffff", bordercolor: line,
        font: { color: ink }, namelength: 40 },
    };
  }

  const drawn = new WeakMap();

  // Draw traces into an element, and anew when the reader's colour scheme changes; called again, the
  // element shows the new ones. Further events are the element's own, as Plotly documents them:
  // element.on("plotly_hover", ...).
  function chart(element, traces, layout = {}, config = {}) {
    const scheme = globalThis.matchMedia("(prefers-color-scheme: dark)");
    const draw = () => {
      const [shown, around, how] = drawn.get(element);
      const dark = scheme.matches;
      const style = getComputedStyle(document.documentElement);
      return globalThis.Plotly.react(element, shown.map((trace) => dressed(trace, dark)),
        houseLayout(style, around, dark),
        { displaylogo: false, responsive: true, displayModeBar: false, ...how });
    };
    if (!drawn.has(element)) scheme.addEventListener("change", draw);
    drawn.set(element, [traces, layout, config]);
    return draw();
  }

  // What the page's island of this name holds.
  const island = (name) => JSON.parse(document.getElementById(name).textContent);

  const made = { chart, dressed, island, methodStyle, plain };
  globalThis.mepbench = Object.assign(globalThis.mepbench ?? {}, made);
  if (typeof module === "object") module.exports = made;
})();
