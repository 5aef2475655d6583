// A head's shares, largest first, each beside what even attention would give: bars, and the numbers in columns.

import { placeOf } from "../arithmetic/heads.js";
import { labelName } from "../arithmetic/labels.js";
import { against, percent } from "../arithmetic/numbers.js";
import { linear, round } from "../arithmetic/scales.js";
import { sheet, svg, text, title } from "../shared/dom.js";
import { levelError } from "./error-bars.js";

const [ROW, TOP] = [20, 18];
/** Pixels of a column of numbers, and what stands above each. */
const COLUMN = 46;
const HEADS = ["share", "× even", "mean"];

/** Labels that a head has any share at, the largest first. */
export function labelsOf(metric, layer, head) {
  const share = (label) => metric.at(layer, head, label);
  return metric.present().filter((label) => share(label) > 0).sort((a, b) => share(b) - share(a));
}

/** The picture of the labels given. The number of times even attention is left out where that is not known. */
export function profile(atlas, metric, { layer, head }, labels, width) {
  const names = labels.map((label) => labelName(metric.dim, metric.labels[label]));
  const left = Math.min(118, 16 + 7 * Math.max(3, ...names.map((name) => name.length)));
  const rows = labels.map((label, n) => rowOf(metric, layer, head, label, names[n]));
  const columns = HEADS.filter((name) => name !== "× even" || rows.some(({ told }) => told));
  const end = width - COLUMN * columns.length;
  const place = placeOf(atlas, layer, head);
  const highest = (label) => metric.bounds(place, label)[1] || 0;
  const top = Math.max(...rows.flatMap(({ label, share, line }) => [share, line, highest(label)])) || 1;
  const layout = { x: linear([0, top], [left, end]), left, width, columns, end };
  const drawn = rows.map((row, n) => drawRow(metric, row, place, { ...layout, y: TOP + n * ROW }));
  const attributes = { class: "profile", role: "group", "aria-label": metric.title };
  return sheet(width, TOP + labels.length * ROW + 4, attributes, ...header(layout), ...drawn);
}

/** A label's share, its chance level and the share against it, the mean of all heads, and which of them has a line. */
function rowOf(metric, layer, head, label, name) {
  const [share, mean] = [metric.at(layer, head, label), metric.mean(label)];
  const chance = metric.chanceAt(layer, head, label);
  const told = against(metric, share, chance);
  return { label, name, share, mean, chance, told, line: Number.isNaN(chance) ? mean : chance };
}

/** Where a column of numbers ends. */
const endOf = ({ end }, n) => end + COLUMN * (n + 1);

const header = (layout) => layout.columns.map((name, n) => text(endOf(layout, n), 11, name, { "text-anchor": "end" }));

function drawRow(metric, row, place, layout) {
  const { x, left, width, columns, y } = layout;
  const { label, name, share, mean, told, line } = row;
  const at = round(x(line));
  const written = { share: metric.told(place, label)[0], "× even": told, mean: percent(mean) };
  const cell = (column, n) => text(endOf(layout, n), y + 14, written[column],
    { "text-anchor": "end", fill: column === "share" ? "var(--ink)" : "var(--muted)", class: `of-${column.at(-1)}` });
  return svg("a", { href: metric.href(label) },
    title(`${metric.heading(label)}: ${inWords(metric, row, place)}`),
    svg("rect", { x: 0, y, width, height: ROW, fill: "transparent" }),
    text(left - 8, y + 14, name, { "text-anchor": "end", fill: "var(--link)", "font-size": 12 }),
    svg("rect", { x: left, y: y + 3, width: round(x(share) - left), height: 14, fill: "var(--bar)", rx: 2 }),
    ...levelError(x, y + 10, metric.bounds(place, label)),
    svg("line", { x1: at, x2: at, y1: y + 1, y2: y + 19, stroke: "var(--baseline)", "stroke-width": 2 }),
    ...columns.map(cell));
}

function inWords(metric, { label, mean, chance, told }, place) {
  const standing = metric.standing(place, label);
  const ranked = standing ? `, ${standing}` : "";
  const beside = Number.isNaN(chance) ? "" : `; ${metric.chance.caption} ${percent(chance)}${told && `, ${told}`}`;
  return `${metric.inWords(place, label)}${ranked}${beside}; mean of all heads ${percent(mean)}`;
}
