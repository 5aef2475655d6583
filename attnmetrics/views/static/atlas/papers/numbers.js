// Published numbers beside this run's.

import { el } from "../../shared/dom.js";
import { section, table } from "../parts.js";

/** A table of all claims; those of a paper with figures under each in which they stand. */
export function numbers(atlas, { conditions, rows }) {
  const found = section("Numbers", `Published for ${conditions} Another model, corpus or pipeline need not agree.`);
  found.append(el("div", { class: "scroll" }, compared(atlas, rows)));
  return found;
}

/** The rows of one figure or table as a table of their own. */
export function compared(atlas, rows) {
  const hasReleased = rows.some(({ released }) => released);
  const header = ["claim", "unit", "paper", ...(hasReleased ? ["released"] : []), "this run"];
  return table("comparison", header, rows.map((row) => cellsOf(atlas, row, hasReleased)));
}

function cellsOf(atlas, { claim, unit, published, released, found, given, note, result }, hasReleased) {
  const metric = atlas.byName.get(result);
  const name = metric ? el("a", { href: metric.href() }, claim) : claim;
  const remark = note ? [el("div", { class: "note" }, note)] : [];
  return [
    el("td", {}, name, ...remark), el("td", { class: "note" }, unit), el("td", {}, published),
    ...(hasReleased ? [el("td", {}, released)] : []), el("td", { class: given ? "" : "note" }, found),
  ];
}
