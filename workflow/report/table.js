// Tables that are sorted by a click on a heading, filtered, and shown a page at a time. A cell is
// [text, value, look, link] as reporting/listing.py packs it; without a value it is sorted by text.
"use strict";
(() => {
  const EMPTY = ["", "\u2013"];
  const words = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
  const normal = (text) => text.normalize("NFKC").toLowerCase();
  const isEmpty = (cell) => EMPTY.includes(cell[0]) && typeof cell[1] !== "number";

  function compare(a, b) {
    const numbers = [a[1], b[1]].map((value) => typeof value === "number");
    if (numbers[0] && numbers[1]) return a[1] - b[1];
    if (numbers[0] !== numbers[1]) return numbers[0] ? -1 : 1;
    return words.compare(a[0], b[0]);
  }

  // Rows in the order of a column; those without a value are last in either direction.
  function sorted(rows, column, descending = false) {
    const full = rows.filter((row) => !isEmpty(row[column]));
    const empty = rows.filter((row) => isEmpty(row[column]));
    const sign = descending ? -1 : 1;
    return [...full.sort((a, b) => sign * compare(a[column], b[column])), ...empty];
  }

  // Does a cell match what was chosen: a value of {choice}, {contain}, or {low, high}?
  function matches(cell, wanted) {
    if (wanted.choice !== undefined && cell[0] !== wanted.choice) return false;
    if (wanted.contain && !normal(cell[0]).includes(normal(wanted.contain))) return false;
    const value = typeof cell[1] === "number" ? cell[1] : Number.NaN;
    if (wanted.low !== undefined && !(value >= wanted.low)) return false;
    return wanted.high === undefined || value <= wanted.high;
  }

  const filtered = (rows, chosen) => rows.filter((row) =>
    Object.entries(chosen).every(([column, wanted]) => matches(row[column], wanted)));

  // Values of a column, each once, in order.
  const choices = (rows, column) =>
    [...new Set(rows.map((row) => row[column][0]))].sort(words.compare);

  function element(tag, attributes = {}, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.append(...children);
    return made;
  }

  function cellElement(cell, column, first) {
    const [text, value, look, link] = cell;
    const attributes = { class: [column.kind, look].filter(Boolean).join(" ") };
    if (["number", "share"].includes(column.kind)) attributes["data-label"] = column.label;
    const made = element(first ? "th" : "td", first ? { scope: "row", ...attributes } : attributes);
    if (column.kind === "share") {
      const bar = element("span", { class: "bar", "aria-hidden": "true" }, element("span"));
      bar.firstChild.style.width = `${100 * (value ?? 0)}%`;
      made.append(bar);
    }
    made.append(link ? element("a", { href: link }, text) : text);
    return made;
  }

  // A labelled control; `changed` is called with what was chosen, or with undefined.
  function choiceControl(label, values, changed) {
    const select = element("select", {}, element("option", { value: "" }, "all"));
    values.forEach((value, at) => select.append(element("option", { value: at }, value || "none")));
    select.addEventListener("change", () =>
      changed(select.value === "" ? undefined : { choice: values[Number(select.value)] }));
    return element("label", {}, label, select);
  }

  function containControl(label, changed) {
    const input = element("input", { type: "search", autocomplete: "off", spellcheck: "false" });
    input.addEventListener("input", () =>
      changed(input.value ? { contain: input.value } : undefined));
    return element("label", {}, `${label} contains`, input);
  }

  function rangeControl(label, changed) {
    const wanted = {};
    const inputs = ["low", "high"].map((end) => {
      const input = element("input", { type: "number", min: "0", step: "any" });
      input.addEventListener("input", () => {
        wanted[end] = input.value === "" ? undefined : Number(input.value);
        const none = wanted.low === undefined && wanted.high === undefined;
        changed(none ? undefined : { ...wanted });
      });
      return element("label", {}, `${label} ${end === "low" ? "from" : "to"}`, input);
    });
    return inputs;
  }

  // The controls of columns that can be chosen by; a single value leaves nothing to choose.
  function controls(columns, rows, changed) {
    return columns.flatMap((column, at) => {
      const tell = (wanted) => changed(at, wanted);
      if (column.choose === "contain") return [containControl(column.label, tell)];
      const values = column.choose ? choices(rows, at) : [];
      if (values.length < 2) return [];
      return column.choose === "choice"
        ? [choiceControl(column.label, values, tell)] : rangeControl(column.label, tell);
    });
  }

  class Listing {
    constructor(host, spec) {
      Object.assign(this, { host, spec, rows: spec.rows, chosen: {}, by: null, descending: false });
      this.page = 0;
      this.body = host.querySelector("tbody");
      this.headings = [...host.querySelectorAll("thead th")];
      this.headings.forEach((heading, at) => this.sortable(heading, at));
      const found = controls(spec.columns, spec.rows, (at, wanted) => this.choose(at, wanted));
      this.count = element("output", { "aria-live": "polite" });
      this.bar = element("div", { class: "controls" }, ...found, this.count);
      host.prepend(this.bar);
      this.pager = element("div", { class: "controls pager" });
      host.append(this.pager);
      this.bar.hidden = !found.length && spec.rows.length <= spec.page;
      this.told();
    }

    sortable(heading, at) {
      const button = element("button", { type: "button" }, heading.textContent);
      heading.replaceChildren(button);
      button.addEventListener("click", () => this.sort(at));
    }

    // Numbers begin with the largest where they are shares, else with the smallest.
    sort(at) {
      const again = this.by === at;
      this.descending = again ? !this.descending : this.spec.columns[at].kind === "share";
      this.by = at;
      this.headings.forEach((heading) => heading.removeAttribute("aria-sort"));
      this.headings[at].setAttribute("aria-sort", this.descending ? "descending" : "ascending");
      this.show();
    }

    choose(at, wanted) {
      if (wanted) this.chosen[at] = wanted;
      else delete this.chosen[at];
      this.show();
    }

    // Other rows of the same columns.
    replace(rows) {
      this.rows = rows;
      this.show();
    }

    show(page = 0) {
      const found = filtered(this.rows, this.chosen);
      this.found = this.by === null ? found : sorted(found, this.by, this.descending);
      this.page = page;
      const from = page * this.spec.page;
      this.body.replaceChildren(...this.found.slice(from, from + this.spec.page).map((row) =>
        element("tr", {}, ...row.map((cell, at) =>
          cellElement(cell, this.spec.columns[at], at === 0)))));
      this.told();
    }

    told() {
      const found = this.found ?? this.rows;
      const all = this.rows.length;
      const { noun: nouns, page: size } = this.spec;
      const noun = all === 1 ? nouns.replace(/s$/, "") : nouns;
      this.count.textContent =
        found.length === all ? `${all} ${noun}` : `${found.length} of ${all} ${noun}`;
      const pages = Math.ceil(found.length / size);
      this.pager.hidden = pages < 2;
      if (pages < 2) return;
      const step = (label, to) => {
        const button = element("button", { type: "button" }, label);
        button.disabled = to < 0 || to >= pages;
        button.addEventListener("click", () => {
          this.show(to);
          this.pager.querySelector("button:not([disabled])")?.focus();
        });
        return button;
      };
      const last = Math.min(found.length, (this.page + 1) * size);
      this.pager.replaceChildren(step("Previous", this.page - 1),
        element("span", {}, `${this.page * size + 1} to ${last} of ${found.length}`),
        step("Next", this.page + 1));
    }
  }

  // Take over every table of the page that has an island; return them by name.
  function listings(page) {
    const found = [...page.querySelectorAll("[data-listing]")].map((host) => {
      const name = host.dataset.listing;
      return [name, new Listing(host, JSON.parse(document.getElementById(`rows-${name}`).textContent))];
    });
    return Object.fromEntries(found);
  }

  const made = { choices, element, filtered, listings, matches, sorted };
  globalThis.mepbench = Object.assign(globalThis.mepbench ?? {}, made);
  if (typeof module === "object") module.exports = made;
  else globalThis.mepbench.tables = listings(document);
})();
