// Published numbers beside this run's.

import { el } from "../../shared/dom.js";
import { section, table } from "../parts.js";
import { tools } from "../tools.js";

/** A table of all claims; those of a paper with figures under each in which they stand. */
export function numbers(atlas, { conditions, rows, summed_up: summary }) {
  const found = section("Numbers", `Published for ${conditions} Another model, corpus or pipeline need not agree.`);
  found.append(replication(summary, rows), el("div", { class: "scroll" }, compared(atlas, rows)));
  return found;
}

/** How many published numbers lie within this run's intervals, and what saves them all. */
export function replication(summary, rows) {
  const save = tools(null, () => savedRows(rows), "published numbers");
  return el("div", {}, el("p", { class: "replication" }, summary), save);
}

function savedRows(rows) {
  const columns = ["where", "claim", "unit", "published", "released", "found", "interval", "verdict"];
  return [columns, ...rows.map((row) => columns.map((name) => row[name]))];
}

/** The rows of one figure or table as a table of their own. */
export function compared(atlas, rows) {
  const hasReleased = rows.some(({ released }) => released);
  const published = hasReleased ? ["paper", "released"] : ["paper"];
  const header = ["claim", "unit", ...published, "this run", "published in its interval"];
  return table("comparison", header, rows.map((row) => cellsOf(atlas, row, hasReleased)));
}

function cellsOf(atlas, { claim, unit, published, released, told, given, note, result, verdict }, hasReleased) {
  const metric = atlas.byName.get(result);
  const name = metric ? el("a", { href: metric.href() }, claim) : claim;
  const remark = note ? [el("div", { class: "note" }, note)] : [];
  return [
    el("td", {}, name, ...remark), el("td", { class: "note" }, unit), el("td", {}, published),
    ...(hasReleased ? [el("td", {}, released)] : []),
    el("td", { class: given ? "" : "note" }, told),
    el("td", { class: verdict === "within" ? "verdict" : "verdict note" }, verdict),
  ];
}
