// A head's shares in two runs: a pair of bars a label with their intervals, and the difference beside them.

import { labelName } from "../arithmetic/labels.js";
import { extent, linear, round } from "../arithmetic/scales.js";
import { levelError } from "../atlas/error-bars.js";
import { sheet, svg, text, title } from "../shared/dom.js";
import { fit, textWidth } from "../shared/font.js";
import { tellOf } from "./parts.js";
import { FIRST, OTHER } from "./run-choice.js";

const [ROW, TOP, BAR] = [26, 20, 8];
/** Pixels of the difference's column, and the most of a name's. */
const [COLUMN, NAME] = [58, 118];

/** Labels with the largest share in either run, the largest first. */
export function profiledLabels(comparison, name, place, most) {
  const [, ...runs] = comparison.tables(name);
  const share = (label) => Math.max(...runs.map((one) => one.column(label)[place] || 0));
  const labels = [...runs[0].labels.keys()].filter((label) => share(label) > 0);
  return labels.sort((a, b) => share(b) - share(a) || a - b).slice(0, most);
}

export function pairProfile(comparison, name, labels, place, width) {
  const [metric, ...runs] = comparison.tables(name);
  const names = labels.map((label) => labelName(metric.dim, metric.labels[label]));
  const left = Math.min(NAME, 16 + Math.max(24, ...names.map((one) => textWidth(one, 12))));
  const endsOf = (one, label) => [one.column(label)[place], ...one.bounds(place, label)];
  const ends = labels.flatMap((label) => runs.flatMap((one) => endsOf(one, label)));
  const x = linear([0, extent(ends)[1] || 1], [left, width - COLUMN]);
  const tell = labels.map((label) => tellOf(comparison, name, label)(place).words);
  const rows = labels.map((label, n) => drawRow({ metric, runs, label, place },
    { x, left, width, y: TOP + n * ROW, name: names[n], words: tell[n] }));
  const words = `${metric.title} in ${comparison.names.join(" and in ")}`;
  return sheet(width, TOP + labels.length * ROW + 4, { class: "pair-profile", role: "group", "aria-label": words },
    text(width, 11, "difference", { "text-anchor": "end" }), ...rows);
}

function drawRow({ metric, runs, label, place }, { x, left, width, y, name, words }) {
  const [difference] = metric.told(place, label);
  const isClear = metric.isClear(place, label);
  const look = isClear ? { fill: "var(--ink)", "font-weight": 600 } : { fill: "var(--muted)", class: "unclear" };
  const bars = runs.flatMap((one, n) =>
    bar(one, { label, place }, { x, left, y: y + 3 + n * (BAR + 1), fill: [FIRST, OTHER][n] }));
  return svg("a", { href: metric.href(label) }, title(words),
    svg("rect", { x: 0, y, width, height: ROW, fill: "transparent" }),
    text(left - 8, y + 15, fit(name, left - 10, 12), { "text-anchor": "end", fill: "var(--link)", "font-size": 12 }),
    ...bars,
    text(width, y + 15, difference.replace(" points", ""), { "text-anchor": "end", ...look }));
}

function bar(one, { label, place }, { x, left, y, fill }) {
  const value = one.column(label)[place];
  const width = Number.isNaN(value) ? 0 : round(x(value) - left);
  return [svg("rect", { x: left, y, width, height: BAR, fill, rx: 1.5, class: "share-bar" }),
    ...levelError(x, y + BAR / 2, one.bounds(place, label))];
}
