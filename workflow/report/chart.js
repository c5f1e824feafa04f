// One look for the interactive figures, drawn by Plotly. A method has the colour, dash and symbol
// of the printed figures; dark pages have lighter colours of the same hues.
"use strict";
(() => {
  // What a colour of the printed figures is on a dark page.
  const ON_DARK = {
    "#000000": "#F2F2F2", "#0072B2": "#4FA8DC", "#56B4E9": "#8CCBF0", "#882255": "#D47FA6",
    "#009E73": "#3FBF97", "#332288": "#A79BEB", "#CC79A7": "#E3A3C8", "#D55E00": "#F08A4B",
    "#999933": "#C2C25E", "#661100": "#C98B6B",
  };

  // A method's look (reporting/looks.py) in the reader's colour scheme.
  const shaded = (look, dark) =>
    (dark ? { ...look, color: ON_DARK[look.color] ?? look.color } : look);

  // Text for Plotly, which reads a few tags and all entities of HTML in whatever it is given.
  const plain = (text) =>
    String(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

  function escaped(value) {
    if (typeof value === "string") return plain(value);
    return Array.isArray(value) ? value.map(escaped) : value;
  }

  // A trace of ours for Plotly: names and texts are escaped, `look` becomes line and symbol.
  function dressed(trace, dark) {
    const { look, ...given } = trace;
    for (const key of ["name", "text", "customdata", "hovertext"])
      if (key in given) given[key] = escaped(given[key]);
    if (!look) return given;
    const { color, dash, symbol } = shaded(look, dark);
    return {
      ...given,
      line: { color, dash, width: 2, ...given.line },
      marker: { color, symbol, size: 7, ...given.marker },
    };
  }

  const NARROW = "(max-width: 40rem)";

  // On a narrow screen the legend stands below, in a chart that is higher by its rows.
  function legendBelow(element, traces, layout, narrow) {
    const shown = traces.filter((trace) => trace.showlegend !== false && trace.name);
    const below = narrow && layout.showlegend !== false && shown.length > 1;
    if (layout.height === undefined && !element.style.height) {
      element.style.minHeight = below ? `${20 + 0.75 * shown.length}rem` : "";
    }
    if (!below) return layout;
    const legend = { orientation: "h", x: 0, xref: "container", yref: "container", y: 0,
      yanchor: "bottom", font: { size: 11 }, entrywidth: 0.46, entrywidthmode: "fraction" };
    return { ...layout, legend: { ...layout.legend, ...legend } };
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
    const narrow = globalThis.matchMedia(NARROW);
    const draw = () => {
      const [shown, around, how] = drawn.get(element);
      const dark = scheme.matches;
      const style = getComputedStyle(document.documentElement);
      return globalThis.Plotly.react(element, shown.map((trace) => dressed(trace, dark)),
        houseLayout(style, legendBelow(element, shown, around, narrow.matches), dark),
        { displaylogo: false, responsive: true, displayModeBar: false, ...how });
    };
    if (!drawn.has(element)) {
      for (const query of [scheme, narrow]) query.addEventListener("change", draw);
    }
    drawn.set(element, [traces, layout, config]);
    return draw();
  }

  // What the page's island of this name holds.
  const island = (name) => JSON.parse(document.getElementById(name).textContent);

  const made = { ON_DARK, chart, dressed, island, plain, shaded };
  globalThis.mepbench = Object.assign(globalThis.mepbench ?? {}, made);
  if (typeof module === "object") module.exports = made;
})();
