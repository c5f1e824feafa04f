// Sorting and filtering of the report's tables, without a browser.
"use strict";
const assert = require("node:assert/strict");
const path = require("node:path");
const test = require("node:test");

const report = path.join(__dirname, "..", "..", "workflow", "report");
const { choices, filtered, matches, sorted } = require(path.join(report, "table.js"));

const ROWS = [
  [["b"], ["12", 12]],
  [["a10"], ["\u2013"]],
  [["a2"], ["> budget", 1e300]],
  [["<img src=x onerror=alert(1)>"], ["3", 3]],
];
const names = (rows) => rows.map((row) => row[0][0]);

test("numbers are sorted as numbers, a failed one behind all, a missing one last", () => {
  assert.deepEqual(names(sorted(ROWS, 1)), [ROWS[3][0][0], "b", "a2", "a10"]);
  assert.deepEqual(names(sorted(ROWS, 1, true)), ["a2", "b", ROWS[3][0][0], "a10"]);
});

test("names are sorted with their numbers as numbers, and equal ones keep their order", () => {
  assert.deepEqual(names(sorted(ROWS, 0)).slice(1), ["a2", "a10", "b"]);
  const alike = [[["x"], ["1", 1]], [["y"], ["1", 1]]];
  assert.deepEqual(names(sorted(alike, 1)), ["x", "y"]);
});

test("sorting leaves the given rows as they are", () => {
  sorted(ROWS, 0, true);
  assert.equal(ROWS[0][0][0], "b");
});

test("a filter holds for text in any case, a value, and a range of numbers", () => {
  assert.deepEqual(names(filtered(ROWS, { 0: { contain: "A" } })).length, 3);
  assert.deepEqual(names(filtered(ROWS, { 0: { choice: "b" } })), ["b"]);
  assert.deepEqual(names(filtered(ROWS, { 1: { low: 4 } })), ["b", "a2"]);
  assert.deepEqual(names(filtered(ROWS, { 1: { low: 4, high: 20 } })), ["b"]);
  assert.equal(filtered(ROWS, {}).length, ROWS.length);
  assert.equal(matches(["\u2013"], { high: 5 }), false);
});

test("the values to choose among stand once each, in order", () => {
  assert.deepEqual(choices([[["b"]], [["a"]], [["b"]]], 0), ["a", "b"]);
});
