// The leader board of some of the reactions: the same rules as statistics/censored.py.
"use strict";
const assert = require("node:assert/strict");
const path = require("node:path");
const test = require("node:test");

const report = path.join(__dirname, "..", "..", "workflow", "report");
const { chosen, fixed, quantile, standings } = require(path.join(report, "standings.js"));

const DATA = {
  methods: ["neb", "gad"],
  failed: -1,
  missing: -2,
  reactions: {
    set: { names: ["s"], codes: [0, 0, 0] },
    class: { names: ["sn2", ""], codes: [0, 1, 0] },
    natoms: [3, 9, 6],
    charge: [0, -1, 0],
  },
  runs: [
    { reaction: [0, 1, 1], cost: [10, 15, -1], error: [1, 2, -1], potential: [0.5, 0.5, 0.5],
      own: [0.1, 0.1, 0.1] },
    { reaction: [0, 1, 1], cost: [-1, -1, -1], error: [null, null, null], potential: [1, 1, 1],
      own: [0.2, 0.2, 0.2] },
  ],
};

test("a quantile is interpolated, and infinite where a failed run takes part", () => {
  assert.equal(quantile([1, 2, 3, 4], 0.5), 2.5);
  assert.equal(quantile([1, 2, Infinity], 0.5), 2);
  assert.equal(quantile([1, Infinity], 0.5), Infinity);
  assert.equal(quantile([Infinity, Infinity], 0.25), Infinity);
  assert.ok(Number.isNaN(quantile([], 0.5)));
});

test("halves are rounded to the even neighbour, as Python rounds them", () => {
  assert.deepEqual([12.5, 13.5, 0.5].map((value) => fixed(value, 0)), ["12", "14", "0"]);
  assert.equal(fixed(0.125, 2), "0.12");
  assert.equal(fixed(2.675, 1), "2.7");
});

test("all reactions give shares, medians and quartiles with failures inside", () => {
  const [neb, gad] = standings(DATA, [true, true, true], { neb: "methods/neb.html" });
  assert.deepEqual(neb[0], ["neb", null, "", "methods/neb.html"]);
  assert.deepEqual(neb[1], ["2/3", 2 / 3]);
  assert.deepEqual(neb.slice(2).map((cell) => cell[0]),
    ["67%", "15", "12 to > budget", "2.0", "0.50", "0.10"]);
  assert.deepEqual(gad.slice(1).map((cell) => cell[0]),
    ["0/3", "0%", "> budget", "\u2013", "\u2013", "1.00", "0.20"]);
});

test("a choice by class, charge and size keeps the reactions that are all of these", () => {
  assert.deepEqual(chosen(DATA.reactions, {}), [true, true, true]);
  assert.deepEqual(chosen(DATA.reactions, { class: "sn2" }), [true, false, true]);
  assert.deepEqual(chosen(DATA.reactions, { class: "" }), [false, true, false]);
  assert.deepEqual(chosen(DATA.reactions, { charge: -1 }), [false, true, false]);
  assert.deepEqual(chosen(DATA.reactions, { class: "sn2", low: 4, high: 8 }), [false, false, true]);
  const [neb] = standings(DATA, chosen(DATA.reactions, { high: 3 }));
  assert.equal(neb[1][0], "1/1");
});

test("a method that was not installed has no share; where it was for some runs, the others failed", () => {
  const missing = { ...DATA.runs[0], cost: [-2, -2, 12] };
  const data = { ...DATA, methods: ["neb"], runs: [missing] };
  assert.equal(standings(data, [true, true, false])[0][2][0], "\u2013");
  assert.equal(standings(data, [true, true, true])[0][2][0], "33%");
});

test("a method without a run among those chosen has no row", () => {
  assert.deepEqual(standings(DATA, [false, false, false]), []);
});
