// Draws what the island "charts" holds into the elements that are named for it.
"use strict";
(() => {
  const { chart, island } = globalThis.mepbench;
  const charts = island("charts");
  for (const element of document.querySelectorAll("[data-chart]")) {
    const { traces, layout } = charts[element.dataset.chart];
    chart(element, traces, layout);
  }
})();
