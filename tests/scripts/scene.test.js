// What the viewer computes from a page's scene, against values known by hand.
"use strict";
const assert = require("node:assert/strict");
const test = require("node:test");
const make = require("../../workflow/report/scene.js");

const scene = {
  symbols: ["H", "C", "N"], radii: [0.31, 0.76, 0.71], bond: 1.3, kcal_per_eV: 23.0605,
  centre: [[0, 1], [0, 2]], info: "reaction=hcn charge=0",
};

// Integers of 16 bits, as the page holds them.
const packed = (values, step = 0.001) => ({
  step, coordinates: Buffer.from(Int16Array.from(values).buffer).toString("base64") });

const curve = { arc: [-1, -0.5, 0, 0.5, 1], energies: [0, null, 2, 1, -0.25], at: [0, 2, 4],
  marks: [[2, "TS1"]] };

test("frames are the integers times their step, atom by atom", () => {
  const values = [1000, -2000, 3, 0, 0, 0, 1, 2, 3, -1000, 0, 0, 0, 0, 32767, -32768, 1, 1];
  const frames = make.frames(packed(values), 3);
  assert.equal(frames.length, 2);
  assert.deepEqual(frames[0], [[1, -2, 0.003], [0, 0, 0], [0.001, 0.002, 0.003]]);
  assert.deepEqual(frames[1][2], [-32.768, 0.001, 0.001]);
});

test("bonds are pairs nearer than 1.3 times their radii; a changing one beyond is stretched", () => {
  const positions = [[-1.07, 0, 0], [0, 0, 0], [1.15, 0, 0]];
  assert.deepEqual(make.bonds(scene, positions), [[0, 1], [1, 2]]);
  assert.deepEqual(make.stretched(scene, positions), []);
  const bent = [[0.5, 1.45, 0], [0, 0, 0], [1.15, 0, 0]];
  assert.deepEqual(make.stretched(scene, bent), [[0, 1], [0, 2]]);
  assert.deepEqual(make.stretched(scene, [[0, 5, 0], [0, 0, 0], [1.15, 0, 0]]), []);
});

test("the frame at an arc length is the nearest one that has a geometry", () => {
  assert.equal(make.frameAt(curve, -9), 0);
  assert.equal(make.frameAt(curve, -0.4), 1);
  assert.equal(make.frameAt(curve, 0.6), 2);
});

test("a reader begins at the highest frame of which the energy is known", () => {
  assert.equal(make.topFrame(curve), 1);
  assert.equal(make.topFrame({ ...curve, energies: [null, null, null, null, null] }), 1);
});

test("energies are said in both units with a true minus, unknown ones are said to be", () => {
  assert.equal(make.withUnit(scene, -0.25), "\u22120.250 eV (\u22125.8 kcal/mol)");
  assert.equal(make.withUnit(scene, null), "energy unknown");
  assert.equal(make.reading(scene, curve, 1), "TS1: 2.000 eV (46.1 kcal/mol) at 0.00 \u00c5");
});

test("the mode swings the atom that moves most by equal amounts to both sides of the saddle", () => {
  const saddle = { positions: [0, 0, 0, 1, 0, 0, 2, 0, 0], mode: [0, 0.8, 0, 0, -0.1, 0, 0, 0, 0] };
  const frames = make.swinging(saddle);
  const middle = (frames.length - 1) / 2;
  assert.deepEqual(frames[middle], make.triples(saddle.positions));
  const [first, last] = [frames[0][0][1], frames.at(-1)[0][1]];
  assert.ok(Math.abs(first + last) < 1e-12 && last > 0.3);
  assert.ok(Math.abs(frames.at(-1)[1][1] / last + 0.125) < 1e-12);
  assert.equal(make.swinging({ ...saddle, mode: null }).length, 1);
  assert.equal(make.swinging({ ...saddle, mode: saddle.mode.map(() => 0) }).length, 1);
});

test("arrows show what moves: the longest is as long as asked for, faint ones are left out", () => {
  const saddle = { positions: [0, 0, 0, 1, 0, 0, 2, 0, 0], mode: [0, 0.5, 0, 0.25, 0, 0, 0.01, 0, 0] };
  const arrows = make.arrows(saddle, 1.2);
  assert.deepEqual(arrows.map(({ atom }) => atom), [0, 1]);
  assert.ok(Math.abs(arrows[0].by[1] - 1.2) < 1e-12);
  assert.deepEqual(arrows[1].start, [1, 0, 0]);
});

test("an XYZ file has a frame after the other, with the comment of the scene", () => {
  const positions = [[0, 0, 0], [1, -2.5, 0], [0, 0, 1e-7]];
  const lines = make.xyz(scene, [positions, positions], [0.5, null]).split("\n");
  assert.equal(lines.length, 11);
  assert.equal(lines[0], "3");
  assert.equal(lines[1],
    "Properties=species:S:1:pos:R:3 reaction=hcn charge=0 energy_above_reactant_eV=0.5");
  assert.deepEqual(lines[3].trim().split(/\s+/), ["C", "1.000000", "-2.500000", "0.000000"]);
  assert.equal(lines[6], "Properties=species:S:1:pos:R:3 reaction=hcn charge=0");
});

test("a row with commas, quotes and line ends is one row of a CSV file", () => {
  assert.equal(make.csv([["a", "b"], ['x,"y"', "one\ntwo"]]), 'a,b\n"x,""y""","one\ntwo"\n');
});

test("a file's name has no character that a file system or a shell would mind", () => {
  assert.equal(make.fileName("../../evil", '<img "x">', "neb, seed 1"), ".._.._evil-_img_x_-neb_seed_1");
  assert.ok(make.fileName("x".repeat(500), "saddle").length < 120);
});

test("a seed is named only where a method has several", () => {
  const runs = [{ method: "neb", seed: 0 }, { method: "neb", seed: 1 }, { method: "gad", seed: 0 }];
  assert.deepEqual(runs.map((run) => make.label(run, runs)), ["neb, seed 0", "neb, seed 1", "gad"]);
  assert.equal(make.label({ method: "reference", seed: null }, runs), "reference");
});

test("the radius is that of the widest frame, and never nothing", () => {
  assert.equal(make.radius([[[0, 0, 0]], [[3, 4, 0]]]), 5);
  assert.equal(make.radius([[[0, 0, 0]]]), 1);
});
