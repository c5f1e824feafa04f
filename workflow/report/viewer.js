// The viewer of a page: the energy profiles, the molecule at one place of one of them, and the
// controls, which show the same run, curve and frame at every moment. The molecule is drawn by
// 3Dmol.js (Rego, Koes, Bioinformatics 31, 1322 (2015), doi:10.1093/bioinformatics/btu829).
"use strict";
(() => {
  const { chart, island, plain, shaded, scene: make } = globalThis.mepbench;
  const NAMES = { path: "Path", trajectory: "Trajectory", irc: "IRC", chain: "Chain of steps",
    saddle: "Saddle and its mode" };
  const PACE = { saddle: 45, curve: 110 }; // milliseconds a frame
  const TURN = 12; // degrees a key
  const CHANGING = "#e08214";
  const ARROW = "#c51b7d";
  const REFERENCE = "#8b949e";

  const root = document.getElementById("viewer");
  if (!root) return;
  const scene = island("scene");
  const at = (name) => root.querySelector(`[data-part="${name}"]`);
  const dark = globalThis.matchMedia("(prefers-color-scheme: dark)");
  const still = globalThis.matchMedia("(prefers-reduced-motion: reduce)");
  const natoms = scene.symbols.length;
  const shown = scene.runs.filter((run) => run.tracks.length || run.saddle);
  const now = { run: null, track: null, frame: 0, geometries: [], timer: null };

  const element = (name, properties = {}, ...inner) => {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...inner);
    return made;
  };

  // ---- what can be chosen ----

  function kinds(run) {
    const found = run.tracks.map((track) => track.kind);
    if (run.saddle) found.splice(found.includes("path") || found.includes("trajectory") ? 1 : 0, 0, "saddle");
    return found;
  }

  const trackOf = (run, kind) => run.tracks.find((track) => track.kind === kind) ?? null;

  function geometriesOf(run, kind) {
    return kind === "saddle" ? make.swinging(run.saddle) : make.frames(trackOf(run, kind), natoms);
  }

  function firstFrame(run, kind) {
    return kind === "saddle" ? Math.floor(now.geometries.length / 2) : make.topFrame(trackOf(run, kind));
  }

  function choose(run, kind, frame = null) {
    const offered = kinds(run);
    const chosen = offered.includes(kind) ? kind : offered[0];
    const changed = run !== now.run || chosen !== now.track;
    if (changed) {
      const redraw = run !== now.run;
      Object.assign(now, { run, track: chosen });
      now.geometries = geometriesOf(run, chosen);
      if (redraw) offer(offered);
      root.querySelectorAll("[data-run]").forEach((input) => {
        input.checked = Number(input.dataset.run) === shown.indexOf(run);
      });
      root.querySelectorAll("[data-kind]").forEach((input) => {
        input.checked = input.dataset.kind === chosen;
      });
      at("slider").max = now.geometries.length - 1;
      at("slider").disabled = now.geometries.length < 2;
      at("play").disabled = now.geometries.length < 2;
      if (chosen !== "saddle") stop();
    }
    now.frame = frame ?? (changed ? firstFrame(run, chosen) : now.frame);
    if (changed) {
      drawProfile();
      molecule.fit();
    }
    show();
  }

  function show() {
    const { run, track, frame } = now;
    at("slider").value = frame;
    const what = track === "saddle" ? saddleReading(run.saddle, frame)
      : make.reading(scene, trackOf(run, track), frame);
    at("slider").setAttribute("aria-valuetext", what);
    at("reading").textContent = `${frame + 1}/${now.geometries.length}   ${what}`;
    molecule.draw();
    markProfile();
  }

  function saddleReading(saddle, frame) {
    const wave = saddle.frequency === null ? "" : `, ${saddle.frequency.toFixed(0)}i / cm`;
    const moved = now.geometries.length < 2 ? 0 : make.displacement(frame);
    return `${make.withUnit(scene, saddle.energy)}${wave}, moved ${make.signed(moved, 2)} \u00c5`;
  }

  // ---- controls ----

  function offer(offered) {
    at("tracks").replaceChildren(...offered.map((kind) => {
        const input = element("input", { type: "radio", name: "track" });
        input.dataset.kind = kind;
        input.addEventListener("change", () => choose(now.run, kind));
        return element("label", { className: "chip" }, input, NAMES[kind] ?? kind);
    }));
  }

  function swatch(run) {
    const canvas = element("canvas", { width: 52, height: 16, className: "swatch" });
    canvas.setAttribute("aria-hidden", "true");
    const draw = () => {
      const look = lookOf(run);
      const pen = canvas.getContext("2d");
      pen.clearRect(0, 0, 52, 16);
      pen.strokeStyle = look.color;
      pen.lineWidth = run.look ? 4 : 8;
      pen.setLineDash(dashes(look.dash));
      pen.beginPath();
      pen.moveTo(0, 8);
      pen.lineTo(52, 8);
      pen.stroke();
    };
    dark.addEventListener("change", draw);
    draw();
    return canvas;
  }

  const dashes = (name) => ({ solid: [], dash: [14, 7], dashdot: [14, 5, 4, 5], dot: [4, 5] })[name] ??
    name.split(",").map((part) => 2 * parseFloat(part));

  function offerRuns() {
    at("runs").append(...shown.map((run, k) => {
      const input = element("input", { type: "radio", name: "run" });
      input.dataset.run = k;
      input.addEventListener("change", () => choose(run, now.track));
      const text = make.label(run, scene.runs);
      const said = run.look ? run.verdict : "";
      return element("label", { className: "chip" }, input, swatch(run),
        element("span", {}, text, said && said !== "intended"
          ? element("small", { textContent: ` ${said}` }) : ""));
    }));
  }

  function stop() {
    cancelAnimationFrame(now.timer);
    now.timer = null;
    at("play").textContent = "Play";
    at("play").setAttribute("aria-pressed", "false");
  }

  function play() {
    if (now.timer) return stop();
    let step = 1, last = 0;
    at("play").textContent = "Stop";
    at("play").setAttribute("aria-pressed", "true");
    const tick = (time) => {
      now.timer = requestAnimationFrame(tick);
      if (time - last < (now.track === "saddle" ? PACE.saddle : PACE.curve)) return;
      last = time;
      const end = now.geometries.length - 1;
      if (now.frame + step > end || now.frame + step < 0) step = -step;
      now.frame += step;
      show();
    };
    now.timer = requestAnimationFrame(tick);
  }

  // ---- profile ----

  const lookOf = (run) =>
    run.look ? shaded(run.look, dark.matches) : { color: REFERENCE, dash: "solid", symbol: "circle" };

  const isCurve = (track) => track.energies.filter((energy) => energy !== null).length > 2;

  // The curves of a run that are drawn: the chosen one, and of several runs each one's first.
  function drawn(run) {
    if (scene.runs.length === 1) return run.tracks.filter(isCurve);
    const chosen = run === now.run && now.track !== "saddle" ? trackOf(run, now.track) : null;
    const first = run.tracks.find((track) => track.kind !== "irc" && isCurve(track));
    return [chosen && isCurve(chosen) ? chosen : first ?? run.tracks.find(isCurve)].filter(Boolean);
  }

  let traces = [], tracesOf = [];
  const here = element("span", { className: "here" });
  at("profile").after(here);

  function lineOf(run, track, chosen) {
    const known = track.arc.map((_, k) => k).filter((k) => track.energies[k] !== null);
    const look = lookOf(run);
    const broad = !run.look || (scene.runs.length === 1 && track.kind === "irc");
    return {
      type: "scatter",
      mode: "lines",
      x: known.map((k) => track.arc[k]),
      y: known.map((k) => track.energies[k]),
      name: make.label(run, scene.runs) + (scene.runs.length === 1 ? `: ${NAMES[track.kind]}` : ""),
      opacity: chosen ? 1 : 0.55,
      line: broad ? { color: REFERENCE, width: 5 } : { color: look.color, dash: look.dash, width: chosen ? 3.5 : 1.6 },
      customdata: known.map((k) => make.signed(track.energies[k] * scene.kcal_per_eV, 1)),
      hovertemplate: "%{y:.3f} eV (%{customdata} kcal/mol)<br>%{x:.2f} \u00c5",
    };
  }

  function pointOf(run, chosen) {
    const look = lookOf(run);
    const full = run.verdict === "intended" || !run.look;
    return {
      type: "scatter", mode: "markers", x: [0], y: [run.saddle.energy],
      name: `${make.label(run, scene.runs)}: refined saddle`,
      opacity: chosen ? 1 : 0.55,
      marker: { color: look.color, symbol: full ? look.symbol : `${look.symbol}-open`,
        size: chosen ? 11 : 7, line: { width: full ? 0 : 2, color: look.color } },
      hovertemplate: "%{y:.3f} eV",
    };
  }

  function drawProfile() {
    traces = [];
    tracesOf = [];
    const order = [...shown.filter((run) => run !== now.run), now.run];
    for (const run of order) {
      for (const track of drawn(run)) {
        traces.push(lineOf(run, track, run === now.run));
        tracesOf.push(run);
      }
      if (run.saddle && run.saddle.energy !== null) {
        traces.push(pointOf(run, run === now.run));
        tracesOf.push(run);
      }
    }
    const track = now.track === "saddle" ? null : trackOf(now.run, now.track);
    const marks = track ? marksOf(track) : [];
    chart(at("profile"), traces, {
      showlegend: false,
      hovermode: "closest",
      hoverdistance: -1,
      annotations: marks,
      xaxis: { title: { text: at("profile").dataset.abscissa } },
      yaxis: { title: { text: "energy above the reactant (eV)" } },
    });
  }

  // Names of minima below the curve, of saddles above it, one over the other where they are near.
  function marksOf(track) {
    const near = 0.07 * (track.arc.at(-1) - track.arc[0]);
    const last = { up: [-Infinity, 0], down: [-Infinity, 0] };
    return track.marks.filter(([place]) => track.energies[place] !== null).map(([place, text]) => {
      const side = text.startsWith("TS") ? "up" : "down", x = track.arc[place];
      const row = x - last[side][0] < near ? last[side][1] + 1 : 0;
      last[side] = [x, row];
      return { x, y: track.energies[place], text: plain(text), showarrow: false,
        yshift: (side === "up" ? 1 : -1) * (15 + 14 * row) };
    });
  }

  function pick(event, clicked) {
    const run = tracesOf[event.points[0].curveNumber];
    const arc = event.xvals?.[0] ?? event.points[0].x;
    if (clicked && run && run !== now.run) choose(run, now.track === "saddle" ? null : now.track);
    if (now.track === "saddle") {
      if (!clicked) return;
      choose(now.run, (now.run.tracks.find(isCurve) ?? now.run.tracks[0])?.kind);
    }
    const track = trackOf(now.run, now.track);
    if (!track) return;
    if (now.timer) stop();
    now.frame = make.frameAt(track, arc);
    show();
  }

  function markProfile() {
    const { run, track, frame } = now;
    let x = 0, y = run.saddle ? run.saddle.energy : null;
    if (track !== "saddle") {
      const curve = trackOf(run, track);
      const place = curve.at[frame];
      [x, y] = [curve.arc[place], curve.energies[place] ?? between(curve, place)];
    }
    Object.assign(here.dataset, { x, y: y ?? "" });
    placeMark();
  }

  // The mark lies over the plot, since Plotly would draw all curves anew for each of its places.
  function placeMark() {
    const { xaxis, yaxis } = at("profile")._fullLayout;
    here.hidden = here.dataset.y === "";
    here.style.left = `${xaxis._offset + xaxis.c2p(Number(here.dataset.x))}px`;
    here.style.top = `${yaxis._offset + yaxis.c2p(Number(here.dataset.y))}px`;
  }

  // The energy that the drawn line has at a place where none is known.
  function between(track, place) {
    const known = track.arc.map((_, k) => k).filter((k) => track.energies[k] !== null);
    const left = known.filter((k) => k < place).at(-1), right = known.find((k) => k > place);
    if (left === undefined || right === undefined) return null;
    const part = (track.arc[place] - track.arc[left]) / (track.arc[right] - track.arc[left] || 1);
    return track.energies[left] + part * (track.energies[right] - track.energies[left]);
  }

  // ---- molecule ----

  const molecule = (() => {
    const box = at("molecule");
    let viewer = null, extent = 0;

    function start() {
      try {
        const probe = document.createElement("canvas");
        if (!(probe.getContext("webgl2") ?? probe.getContext("webgl"))) throw new Error("no WebGL");
        viewer = globalThis.$3Dmol.createViewer(box, { backgroundAlpha: 0, antialias: true });
        viewer.setBackgroundColor(0xffffff, 0);
      } catch {
        viewer = null;
        box.replaceChildren(element("p", { className: "soft",
          textContent: "This browser has no WebGL, which the molecule needs to be drawn; profile, table and downloads work without." }));
        box.classList.add("empty");
      }
    }

    function atomsOf(positions) {
      const atoms = positions.map(([x, y, z], index) =>
        ({ elem: scene.symbols[index], x, y, z, index, serial: index, bonds: [], bondOrder: [] }));
      for (const [i, j] of make.bonds(scene, positions)) {
        atoms[i].bonds.push(j);
        atoms[i].bondOrder.push(1);
        atoms[j].bonds.push(i);
        atoms[j].bondOrder.push(1);
      }
      return atoms;
    }

    const point = ([x, y, z]) => ({ x, y, z });

    function draw() {
      if (!viewer) return;
      const positions = now.geometries[now.frame];
      viewer.removeAllModels();
      viewer.removeAllShapes();
      viewer.removeAllLabels();
      viewer.addModel().addAtoms(atomsOf(positions));
      viewer.setStyle({}, { stick: { radius: 0.11, colorscheme: "Jmol" },
        sphere: { scale: 0.24, colorscheme: "Jmol" } });
      for (const [i, j] of make.stretched(scene, positions))
        viewer.addCylinder({ start: point(positions[i]), end: point(positions[j]), radius: 0.05,
          dashed: true, dashLength: 0.14, gapLength: 0.12, color: CHANGING });
      if (now.track === "saddle" && at("arrows").checked)
        for (const { start, by } of make.arrows(now.run.saddle))
          viewer.addArrow({ start: point(start), end: point(start.map((c, j) => c + by[j])),
            radius: 0.06, radiusRatio: 2.2, mid: 0.72, color: ARROW });
      if (at("numbers").checked) number(positions);
      viewer.render();
    }

    function number(positions) {
      const ink = getComputedStyle(document.documentElement).getPropertyValue("--ink").trim();
      positions.forEach((position, index) => viewer.addLabel(String(index + 1), {
        position: point(position), fontSize: 14, fontColor: ink, showBackground: false, inFront: true,
        alignment: "center" }));
    }

    // Show as much as the curve needs, and keep how the reader has turned it.
    function fit() {
      if (!viewer) return;
      const needed = make.radius(now.geometries);
      if (extent === 0) {
        const corners = [-1, 1].flatMap((s) => [0, 1, 2].map((j) => [0, 0, 0].map((_, k) => (k === j ? s * needed : 0))));
        viewer.addModel().addAtoms(corners.map(([x, y, z], index) =>
          ({ elem: "H", x, y, z, index, serial: index, bonds: [], bondOrder: [] })));
        viewer.zoomTo();
        viewer.zoom(1.5);
      } else viewer.zoom(extent / needed);
      extent = needed;
    }

    const keys = { ArrowLeft: ["y", -TURN], ArrowRight: ["y", TURN], ArrowUp: ["x", -TURN], ArrowDown: ["x", TURN] };
    box.addEventListener("keydown", (event) => {
      if (!viewer || event.ctrlKey || event.metaKey || event.altKey) return;
      if (keys[event.key]) viewer.rotate(keys[event.key][1], keys[event.key][0]);
      else if (event.key === "+" || event.key === "=") viewer.zoom(1.15);
      else if (event.key === "-") viewer.zoom(1 / 1.15);
      else return;
      event.preventDefault();
      viewer.render();
    });
    start();
    return { draw, fit };
  })();

  // ---- downloads ----

  function save(name, text) {
    const link = element("a", { download: name,
      href: URL.createObjectURL(new Blob([text], { type: "text/plain;charset=utf-8" })) });
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }

  function download(what) {
    const { run } = now;
    const name = [scene.file, make.label(run, scene.runs)];
    if (what === "saddle" && run.saddle)
      return save(`${make.fileName(...name, what)}.xyz`,
        make.xyz(scene, [make.triples(run.saddle.positions)], [run.saddle.energy]));
    if (what === "row" && run.row.length)
      return save(`${make.fileName(...name)}.csv`, make.csv([scene.columns, run.row]));
    const track = trackOf(run, what) ?? (what === "path" ? trackOf(run, "trajectory") : null);
    if (track)
      save(`${make.fileName(...name, track.kind)}.xyz`,
        make.xyz(scene, make.frames(track, natoms), track.at.map((place) => track.energies[place])));
  }

  function offerDownloads() {
    const has = {
      saddle: now.run.saddle, row: now.run.row.length, irc: trackOf(now.run, "irc"),
      path: trackOf(now.run, "path") ?? trackOf(now.run, "trajectory"), chain: trackOf(now.run, "chain"),
    };
    root.querySelectorAll("[data-save]").forEach((button) => {
      button.disabled = !has[button.dataset.save];
    });
  }

  // ---- start ----

  if (!shown.length) return;
  root.hidden = false;
  offerRuns();
  at("slider").addEventListener("input", (event) => {
    if (now.timer) stop();
    now.frame = Number(event.target.value);
    show();
  });
  at("play").addEventListener("click", play);
  for (const name of ["arrows", "numbers"]) at(name).addEventListener("change", () => molecule.draw());
  root.querySelectorAll("[data-save]").forEach((button) =>
    button.addEventListener("click", () => download(button.dataset.save)));
  root.addEventListener("change", offerDownloads);
  document.querySelectorAll("[data-show]").forEach((button) => {
    const run = shown.find((one) => `${one.method} ${one.seed}` === button.dataset.show);
    button.disabled = !run;
    button.addEventListener("click", () => {
      choose(run, now.track);
      offerDownloads();
      root.scrollIntoView({ behavior: still.matches ? "auto" : "smooth", block: "start" });
    });
  });
  dark.addEventListener("change", () => { drawProfile(); molecule.draw(); });
  const first = shown.includes(scene.runs[scene.first]) ? scene.runs[scene.first] : shown[0];
  const best = first.tracks.find((track) => track.kind === "chain") ?? first.tracks.find(isCurve);
  choose(first, best ? best.kind : kinds(first)[0]);
  at("profile").on("plotly_afterplot", placeMark);
  at("profile").on("plotly_hover", (event) => pick(event, false));
  at("profile").on("plotly_click", (event) => pick(event, true));
  offerDownloads();
})();
