// The geometries of a page as numbers and text: what needs no browser, so that Node can test it.
// A scene is what `mepbench.reporting.scene.as_values` writes.
"use strict";
(() => {
  const PHASES = 21; // frames of the animated mode, from one turning point to the other
  const SWING = 0.35; // angstrom, of the atom that moves most
  const FAINT = 0.12; // of the longest arrow: shorter ones are not drawn
  const STRETCHED = 1.75; // of the covalent radii: a changing bond is dashed up to here

  const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));

  // Geometries of a track: an array of frames, each [x, y, z] of every atom in angstrom.
  function frames(track, natoms) {
    const view = new DataView(bytes(track.coordinates).buffer);
    const value = (i) => view.getInt16(2 * i, true) * track.step;
    return Array.from({ length: view.byteLength / (6 * natoms) }, (_, k) =>
      Array.from({ length: natoms }, (_, a) => [0, 1, 2].map((j) => value(3 * (k * natoms + a) + j))));
  }

  const triples = (flat) =>
    Array.from({ length: flat.length / 3 }, (_, a) => flat.slice(3 * a, 3 * a + 3));

  // The saddle moved along its mode, from one turning point to the other; a still one has one frame.
  function swinging(saddle) {
    const positions = triples(saddle.positions);
    if (!saddle.mode) return [positions];
    const mode = triples(saddle.mode);
    const longest = Math.max(...mode.map((v) => Math.hypot(...v)));
    if (!(longest > 0)) return [positions];
    return Array.from({ length: PHASES }, (_, k) => {
      const shift = displacement(k) / longest;
      return positions.map((x, a) => x.map((value, j) => value + shift * mode[a][j]));
    });
  }

  // How far the atom that moves most is from the saddle in a frame of the animated mode, angstrom.
  const displacement = (frame) => SWING * Math.sin((Math.PI * (frame / (PHASES - 1) - 0.5)));

  // Arrows of the mode: from each atom that moves, in angstrom.
  function arrows(saddle, length = 1.0) {
    if (!saddle.mode) return [];
    const positions = triples(saddle.positions);
    const mode = triples(saddle.mode);
    const longest = Math.max(...mode.map((v) => Math.hypot(...v)));
    return mode
      .map((v, a) => ({ atom: a, start: positions[a], by: v.map((c) => (c * length) / longest) }))
      .filter(({ by }) => Math.hypot(...by) > FAINT * length);
  }

  const distance = (a, b) => Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);

  // Bonded pairs of one geometry, by the definition of the whole project.
  function bonds(scene, positions) {
    const found = [];
    for (let i = 0; i < positions.length; i++)
      for (let j = i + 1; j < positions.length; j++)
        if (distance(positions[i], positions[j]) < scene.bond * (scene.radii[i] + scene.radii[j]))
          found.push([i, j]);
    return found;
  }

  // Bonds of the reaction's centre that are stretched in this geometry, neither there nor gone.
  function stretched(scene, positions) {
    return scene.centre.filter(([i, j]) => {
      const relative = distance(positions[i], positions[j]) / (scene.radii[i] + scene.radii[j]);
      return relative >= scene.bond && relative < STRETCHED;
    });
  }

  // The frame of a track whose place on the curve is nearest to an arc length.
  function frameAt(track, arc) {
    let best = 0;
    track.at.forEach((place, k) => {
      if (Math.abs(track.arc[place] - arc) < Math.abs(track.arc[track.at[best]] - arc)) best = k;
    });
    return best;
  }

  // The frame that a reader sees first: the highest one whose energy is known.
  function topFrame(track) {
    let best = Math.floor(track.at.length / 2), height = -Infinity;
    track.at.forEach((place, k) => {
      const energy = track.energies[place];
      if (energy !== null && energy > height) [best, height] = [k, energy];
    });
    return best;
  }

  const signed = (value, digits) => value.toFixed(digits).replace("-", "\u2212");

  const withUnit = (scene, energy) =>
    energy === null ? "energy unknown"
      : `${signed(energy, 3)} eV (${signed(energy * scene.kcal_per_eV, 1)} kcal/mol)`;

  // Where a frame is, in words.
  function reading(scene, track, frame) {
    const place = track.at[frame];
    const mark = track.marks.find(([at]) => at === place);
    return (mark ? `${mark[1]}: ` : "") +
      `${withUnit(scene, track.energies[place])} at ${signed(track.arc[place], 2)} \u00c5`;
  }

  // Text of an extended XYZ file of some frames.
  function xyz(scene, geometries, energies = []) {
    return geometries.map((positions, k) => {
      const energy = energies[k] ?? null;
      const comment = "Properties=species:S:1:pos:R:3" + (scene.info ? ` ${scene.info}` : "") +
        (energy === null ? "" : ` energy_above_reactant_eV=${energy}`);
      const rows = positions.map((x, a) =>
        [scene.symbols[a].padEnd(2), ...x.map((c) => c.toFixed(6).padStart(12))].join(" "));
      return `${positions.length}\n${comment}\n${rows.join("\n")}\n`;
    }).join("");
  }

  const cell = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const csv = (rows) => rows.map((row) => row.map((text) => cell(String(text))).join(",") + "\n").join("");

  // A name that every file system takes: letters, digits, dots, hyphens and underscores.
  const fileName = (...parts) =>
    parts.map((part) => String(part).replace(/[^A-Za-z0-9._-]+/g, "_").slice(0, 80)).join("-");

  const label = (run, runs) =>
    run.seed !== null && runs.some((other) => other.method === run.method && other.seed !== run.seed)
      ? `${run.method}, seed ${run.seed}` : run.method;

  // The furthest that an atom is from the middle, over all frames.
  const radius = (geometries) =>
    Math.max(1, ...geometries.flat().map(([x, y, z]) => Math.hypot(x, y, z)));

  const made = { arrows, bonds, csv, displacement, distance, fileName, frameAt, frames,
    label, radius, reading, signed, stretched, swinging, topFrame, triples, withUnit, xyz };
  globalThis.mepbench = Object.assign(globalThis.mepbench ?? {}, { scene: made });
  if (typeof module === "object") module.exports = made;
})();
