// What the methods' cells of the list of reactions show: evaluations, or barriers.
"use strict";
(() => {
  const { element, island, tables } = globalThis.mepbench;
  const listing = tables.reactions;
  const costs = listing.rows;
  const barriers = island("barriers");
  if (!costs.length) return;
  const first = costs[0].length - barriers[0].length;
  const select = element("select", {}, element("option", {}, "evaluations to the saddle"),
    element("option", {}, "barrier, eV (kcal/mol)"));
  select.addEventListener("change", () => listing.replace(select.selectedIndex
    ? costs.map((row, at) => [...row.slice(0, first), ...barriers[at]]) : costs));
  listing.bar.insertBefore(element("label", {}, "Methods' columns show", select), listing.count);
})();
