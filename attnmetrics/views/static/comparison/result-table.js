// Results by how many heads differ clearly in them, the largest difference, and how alike the maps are.

import { labelName } from "../arithmetic/labels.js";
import { linear, round } from "../arithmetic/scales.js";
import { table } from "../atlas/parts.js";
import { tools } from "../atlas/tools.js";
import { action } from "../shared/controls.js";
import { el, sheet, svg } from "../shared/dom.js";
import { countTold, headLink, parted, shortHeading } from "./parts.js";

/** A result with more labels is one row; labels are on its own page. */
const FEW = 4;
const HEADER = ["result", "heads that differ clearly", "", "largest clear difference", "of", "r"];

/** The table, `most` rows at first, and buttons: the others, and all as CSV. */
export function resultTable(comparison, most) {
  const all = rowsOf(comparison);
  const body = el("div", { class: "scroll" });
  const draw = (some) =>
    body.replaceChildren(table("metrics results-table", HEADER, some.map((one) => drawRow(comparison, one))));
  draw(all.slice(0, most));
  const buttons = tools(null, () => csvRows(comparison, all), `results ${comparison.name}`);
  if (all.length > most) {
    buttons.append(action(`all ${all.length}`, (event) => { draw(all); event.target.remove(); }));
  }
  return [body, buttons];
}

/** [{ metric, label, clear, of, largest, r }]; label is null of a result with many. */
function rowsOf({ told }) {
  const found = told.flatMap((metric) => {
    if (metric.labels.length > FEW) {
      return [{ metric, label: null, ...metric.countAll(), largest: metric.largest(), r: null }];
    }
    return Array.from({ length: metric.width }, (_, label) => rowAt(metric, label));
  });
  const share = ({ clear, of }) => clear / Math.max(1, of);
  return found.sort((a, b) => share(b) - share(a));
}

function rowAt(metric, label) {
  const [[place]] = metric.changed(label);
  const largest = place === undefined ? null : { place, label };
  return { metric, label, ...metric.count(label), largest, r: metric.correlations[label] ?? null };
}

function drawRow(comparison, { metric, label, clear, of, largest, r }) {
  const name = label === null ? `${metric.title}, ${metric.labels.length} labels` : shortHeading(metric, label);
  return [
    el("th", { scope: "row" }, el("a", { href: metric.href(label) }, name)),
    el("td", { class: "value" }, countTold({ clear, of })),
    el("td", { class: "strip-cell" }, bar(clear / Math.max(1, of))),
    el("td", { class: "value" }, ...(largest ? parted(metric.told(largest.place, largest.label)) : ["–"])),
    el("td", {}, ...(largest ? whose(comparison, metric, label, largest) : [])),
    el("td", { class: "rank" }, correlationTold(r)),
  ];
}

/** The head with the largest difference, and the label of that, unless the row is of one. */
function whose(comparison, metric, label, largest) {
  const link = headLink(comparison, largest.place);
  if (label !== null) return [link];
  const name = labelName(metric.dim, metric.labels[largest.label]);
  return [link, ", ", el("a", { href: metric.href(largest.label) }, name)];
}

export const correlationTold = (r) => (r === null ? "" : r.toFixed(3).replace("-", "−"));

/** A share as a bar. */
export function bar(share, width = 90) {
  const x = linear([0, 1], [0, width]);
  return sheet(width, 12, { "aria-hidden": "true" },
    svg("rect", { x: 0, y: 2, width, height: 8, fill: "var(--card)" }),
    svg("rect", { x: 0, y: 2, width: round(x(share)), height: 8, fill: "var(--bar)" }));
}

function csvRows({ names }, all) {
  const row = ({ metric, label, clear, of, r }) =>
    [metric.name, label === null || !metric.dim ? "" : metric.labels[label], clear, of, r ?? ""];
  return [["result", "label", `differ clearly, ${names.join(" and ")}`, "of", "correlation"], ...all.map(row)];
}
