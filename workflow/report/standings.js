// The leader board for a choice of reactions: sums up the runs of the page's island by the rules of
// statistics/censored.py, in which a failed run is worse than any other.
"use strict";
(() => {
  const BEYOND = 1e300; // sorts behind every number
  const DASH = "\u2013";

  // A quantile of ascending numbers, some of them infinite: interpolated, between a finite and an
  // infinite one infinite; NaN of none.
  function quantile(ascending, q) {
    if (!ascending.length) return Number.NaN;
    const place = q * (ascending.length - 1);
    const low = Math.floor(place);
    const below = ascending[low];
    const above = ascending[Math.min(low + 1, ascending.length - 1)];
    if (place === low || below === above) return below;
    return below + (above - below) * (place - low);
  }

  // Fixed digits; where it is a half, to the even neighbour, as Python does.
  function fixed(value, digits) {
    const scaled = value * 10 ** digits;
    const floor = Math.floor(scaled);
    if (scaled - floor !== 0.5) return value.toFixed(digits);
    return ((floor % 2 === 0 ? floor : floor + 1) / 10 ** digits).toFixed(digits);
  }

  function number(value, digits, beyond = "failed") {
    if (Number.isNaN(value)) return [DASH];
    if (value === Infinity) return [beyond, BEYOND];
    return [fixed(value, digits), value];
  }

  // Places of the reactions that are of the chosen set and class, charge, and number of atoms.
  function chosen(reactions, wanted) {
    const coded = (column) => (wanted[column] === undefined ? undefined
      : reactions[column].names.indexOf(wanted[column]));
    const set = coded("set");
    const kind = coded("class");
    return reactions.natoms.map((natoms, at) =>
      (set === undefined || reactions.set.codes[at] === set)
      && (kind === undefined || reactions.class.codes[at] === kind)
      && (wanted.charge === undefined || reactions.charge[at] === wanted.charge)
      && (wanted.low === undefined || natoms >= wanted.low)
      && (wanted.high === undefined || natoms <= wanted.high));
  }

  // The runs of one method on the reactions kept: how many, and their values, of which a failed one
  // is infinite.
  function summed(data, of, keep) {
    const sum = { runs: 0, solved: 0, installed: 0, cost: [], error: [], potential: [], own: [] };
    let reaction = 0;
    of.reaction.forEach((step, at) => {
      reaction += step;
      if (!keep[reaction]) return;
      sum.runs += 1;
      sum.solved += of.cost[at] >= 0;
      sum.installed += of.cost[at] !== data.missing;
      for (const name of ["cost", "error", "potential", "own"]) {
        const value = of[name][at];
        if (value !== null) sum[name].push(value < 0 ? Infinity : value);
      }
    });
    return sum;
  }

  // Rows of the leader board, as reporting/standings.py makes them, of the reactions kept.
  function standings(data, keep, links = {}) {
    return data.methods.flatMap((method, at) => {
      const sum = summed(data, data.runs[at], keep);
      if (!sum.runs) return [];
      const ascending = (name) => sum[name].sort((a, b) => a - b);
      const share = sum.installed ? sum.solved / sum.runs : Number.NaN;
      const [low, middle, high] = [0.25, 0.5, 0.75].map((q) => quantile(ascending("cost"), q));
      const spread = Number.isFinite(low)
        ? `${number(low, 0)[0]} to ${number(high, 0, "> budget")[0]}` : DASH;
      return [[
        [method, null, "", links[method] ?? ""],
        [`${sum.solved}/${sum.runs}`, share],
        Number.isNaN(share) ? [DASH] : [`${fixed(100 * share, 0)}%`, share],
        number(middle, 0, "> budget"),
        [spread],
        number(quantile(ascending("error"), 0.5), 1),
        number(quantile(ascending("potential"), 0.5), 2),
        number(quantile(ascending("own"), 0.5), 2),
      ]];
    });
  }

  // The controls above the board; `listing` is its table.
  function board(listing, data) {
    const { element } = globalThis.mepbench;
    const links = Object.fromEntries(listing.rows.map((row) => [row[0][0], row[0][3]]));
    const whole = listing.rows;
    const wanted = {};
    const count = element("output", { "aria-live": "polite" });

    const told = () => {
      const keep = chosen(data.reactions, wanted);
      const kept = keep.filter(Boolean).length;
      const all = Object.values(wanted).every((value) => value === undefined);
      listing.replace(all ? whole : standings(data, keep, links));
      count.textContent = all ? `all ${keep.length} reactions` : `${kept} of ${keep.length} reactions`;
    };
    const select = (label, name, values) => {
      if (values.length < 2) return;
      const control = element("select", {}, element("option", { value: "" }, "all"));
      values.forEach(([text], at) => control.append(element("option", { value: at }, text)));
      control.addEventListener("change", () => {
        wanted[name] = control.value === "" ? undefined : values[Number(control.value)][1];
        told();
      });
      bar.append(element("label", {}, label, control));
    };
    const bound = (label, name) => {
      const control = element("input", { type: "number", min: "1" });
      control.addEventListener("input", () => {
        wanted[name] = control.value === "" ? undefined : Number(control.value);
        told();
      });
      bar.append(element("label", {}, label, control));
    };

    const bar = document.createDocumentFragment();
    const { set, class: kind, charge, natoms } = data.reactions;
    const named = (column) => column.names.map((name) => [name || "none", name])
      .sort((a, b) => a[0].localeCompare(b[0], "en"));
    select("Set", "set", named(set));
    select("Class of reaction", "class", named(kind));
    if (new Set(natoms).size > 1) {
      bound("Atoms from", "low");
      bound("to", "high");
    }
    const charges = [...new Set(charge)].filter((q) => q !== null).sort((a, b) => a - b);
    select("Charge", "charge", charges.map((q) => [q > 0 ? `+${q}` : `${q}`.replace("-", "\u2212"), q]));
    if (!bar.children.length) return;
    listing.bar.prepend(bar);
    listing.bar.append(count);
    told();
  }

  const made = { chosen, fixed, quantile, standings };
  globalThis.mepbench = Object.assign(globalThis.mepbench ?? {}, made);
  if (typeof module === "object") module.exports = made;
  else board(globalThis.mepbench.tables.standings, globalThis.mepbench.island("runs"));
})();
