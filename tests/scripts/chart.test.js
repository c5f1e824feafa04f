// What is handed to Plotly: names are text, methods have their looks, dark pages lighter colours.
"use strict";
const assert = require("node:assert/strict");
const path = require("node:path");
const test = require("node:test");

const report = path.join(__dirname, "..", "..", "workflow", "report");
const { ON_DARK, dressed, plain, shaded } = require(path.join(report, "chart.js"));

const LOOK = { color: "#000000", dash: "dot", symbol: "star" };

function luminance(color) {
  const [r, g, b] = [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16) / 255)
    .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

test("tags and entities in names are shown as they stand", () => {
  assert.equal(plain("<b>&lt;"), "&lt;b&gt;&amp;lt;");
  const trace = dressed({ name: "<a href=x>", text: ["<i>"], customdata: [["<u>", 3]] }, false);
  assert.equal(trace.name, "&lt;a href=x&gt;");
  assert.deepEqual(trace.text, ["&lt;i&gt;"]);
  assert.deepEqual(trace.customdata, [["&lt;u&gt;", 3]]);
});

test("a look becomes line and symbol, and what is given beside it stays", () => {
  const trace = dressed({ name: "neb", look: LOOK, line: { shape: "hv" } }, false);
  assert.deepEqual(trace.line, { color: "#000000", dash: "dot", width: 2, shape: "hv" });
  assert.equal(trace.marker.symbol, "star");
  assert.equal("look" in trace, false);
});

test("on a dark page every colour stands out by 3 to 1 at least (WCAG 1.4.11)", () => {
  assert.equal(shaded(LOOK, true).color, ON_DARK["#000000"]);
  const paper = luminance("#14171b");
  for (const color of Object.values(ON_DARK))
    assert.ok((luminance(color) + 0.05) / (paper + 0.05) > 3, color);
});
