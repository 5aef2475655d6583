// A head's shares as times what even attention would give: bars from 1, and the numbers in columns.

import { explainLabel } from "../arithmetic/glossary.js";
import { placeOf } from "../arithmetic/heads.js";
import { labelName } from "../arithmetic/labels.js";
import { against, percent } from "../arithmetic/numbers.js";
import { clamp, extent, linear, round } from "../arithmetic/scales.js";
import { sheet, svg, text, title } from "../shared/dom.js";
import { tallEnough } from "../shared/touch.js";
import { levelError } from "./error-bars.js";

const TOP = 18;
/** Pixels of a row, of which each is a link. */
const ROW = 20;
/** Pixels of a column of numbers, and what stands above each. */
const COLUMN = 46;
const HEADS = ["share", "× even", "mean"];
/** Bars end at so many doublings, and reach at least one in both directions. */
const MOST = 6;

/** Labels that a head has any share at, the largest first. */
export function labelsOf(metric, layer, head) {
  const share = (label) => metric.at(layer, head, label);
  return metric.present().filter((label) => share(label) > 0).sort((a, b) => share(b) - share(a));
}

/**
 * The picture of the labels given, those far above even attention first. Where that is not known, the mean of all heads
 * stands for it, and the number of times is left out.
 */
export function profile(atlas, metric, one, labels, width) {
  const rows = labels.map((label) => rowOf(atlas, metric, one, label)).sort((a, b) => b.doublings - a.doublings);
  const left = Math.min(118, 16 + 7 * Math.max(3, ...rows.map(({ name }) => name.length)));
  const columns = HEADS.filter((name) => name !== "× even" || rows.some(({ told }) => told));
  const end = width - COLUMN * columns.length;
  const place = placeOf(atlas, one.layer, one.head);
  const x = linear(domainOf(metric, place, rows), [left, end]);
  const layout = { x, left, width, columns, end };
  const tall = tallEnough(ROW);
  const drawn = rows.map((row, n) => drawRow(metric, row, place, { ...layout, tall, y: TOP + n * tall }));
  const height = TOP + labels.length * tall + 4;
  const attributes = { class: "profile", role: "group", "aria-label": metric.title };
  return sheet(width, height, attributes, ...header(layout), ...drawn, once(x, height));
}

/** Doublings that bars and their intervals take up; an interval that goes down to nothing is cut. */
function domainOf(metric, place, rows) {
  const all = rows.map((row) => row.doublings);
  const ends = rows.flatMap(({ label, usual }) => metric.bounds(place, label).map((one) => doublings(one, usual)));
  const [low, high] = extent([-1, 1, ...all, ...ends]);
  return [Math.max(low, Math.min(-1, ...all) - 1), high];
}

/** A label's share, its chance level, the mean of all heads, and how often the share doubles its usual. */
function rowOf(atlas, metric, { layer, head }, label) {
  const [share, mean] = [metric.at(layer, head, label), metric.mean(label)];
  const chance = metric.chanceAt(layer, head, label);
  const usual = Number.isNaN(chance) ? mean : chance;
  const name = labelName(metric.dim, metric.labels[label]);
  return {
    label, name, share, mean, chance, usual, told: against(metric, share, chance), doublings: doublings(share, usual),
    explained: explainLabel(atlas, metric, label),
  };
}

/** `doublings(0.4, 0.1)` is 2; the fewest of nothing at all, NaN of what is not known. */
const doublings = (share, usual) => (share <= 0 ? -MOST : clamp(Math.log2(share / usual), -MOST, MOST));

/** Where a column of numbers ends. */
const endOf = ({ end }, n) => end + COLUMN * (n + 1);

const header = (layout) => [
  text(layout.x(0), 11, "×1", { "text-anchor": "middle" }), text(4, 11, "log scale"),
  ...layout.columns.map((name, n) => text(endOf(layout, n), 11, name, { "text-anchor": "end" })),
];

/** The line that bars begin at. */
function once(x, height) {
  const at = round(x(0));
  return svg("line", { x1: at, x2: at, y1: TOP - 3, y2: height, stroke: "var(--baseline)", "stroke-width": 2 });
}

function drawRow(metric, row, place, layout) {
  const { x, left, width, columns, end, tall } = layout;
  const y = layout.y + (tall - ROW) / 2;
  const { label, name, share, mean, told, usual, explained } = row;
  const [from, to] = [x(0), x(row.doublings)].sort((a, b) => a - b);
  const written = { share: metric.told(place, label)[0], "× even": told, mean: percent(mean) };
  const cell = (column, n) => text(endOf(layout, n), y + 14, written[column],
    { "text-anchor": "end", fill: column === "mean" ? "var(--muted)" : "var(--ink)", class: `of-${column.at(-1)}` });
  const colour = share < usual ? "var(--negative)" : "var(--bar)";
  const bar = { x: round(from), y: y + 3, width: round(to - from), height: 14, fill: colour, rx: 2, class: "times" };
  const bounds = metric.bounds(place, label).map((one) => clamp(x(doublings(one, usual)), left, end));
  return svg("a", { href: metric.href(label) },
    title([`${metric.heading(label)}: ${inWords(metric, row, place)}`, explained].filter(Boolean).join("\n")),
    svg("rect", { x: 0, y: layout.y, width, height: tall, fill: "transparent" }),
    text(left - 8, y + 14, name, { "text-anchor": "end", fill: "var(--link)", "font-size": 12 }),
    svg("rect", bar), ...levelError((at) => at, y + 10, bounds), ...columns.map(cell));
}

function inWords(metric, { label, mean, chance, told }, place) {
  const standing = metric.standing(place, label);
  const ranked = standing ? `, ${standing}` : "";
  const beside = Number.isNaN(chance) ? "" : `; ${metric.chance.caption} ${percent(chance)}${told && `, ${told}`}`;
  return `${metric.inWords(place, label)}${ranked}${beside}; mean of all heads ${percent(mean)}`;
}
