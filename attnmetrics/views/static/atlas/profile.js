// A head's shares, largest first, each beside the mean of all heads.

import { placeOf } from "../arithmetic/heads.js";
import { ordinal, percent } from "../arithmetic/numbers.js";
import { linear, round } from "../arithmetic/scales.js";
import { sheet, svg, text, title } from "../shared/dom.js";

const ROW = 20;
/** Pixels beside a bar for its number. */
const NUMBER = 52;

/** Labels that a head has any share at, the largest first. */
export function labelsOf(metric, layer, head) {
  const share = (label) => metric.at(layer, head, label);
  return metric.present().filter((label) => share(label) > 0).sort((a, b) => share(b) - share(a));
}

/** The picture of the labels given. */
export function profile(atlas, metric, { layer, head }, labels, width) {
  const longest = Math.max(3, ...labels.map((label) => metric.labels[label].length));
  const left = Math.min(118, 16 + 7 * longest);
  const rows = labels.map((label) => ({ label, share: metric.at(layer, head, label), mean: metric.mean(label) }));
  const top = Math.max(...rows.flatMap(({ share, mean }) => [share, mean])) || 1;
  const x = linear([0, top], [left, width - NUMBER]);
  const attributes = { class: "profile", role: "group", "aria-label": metric.title };
  const drawn = rows.map((row, n) => drawRow(metric, row, placeOf(atlas, layer, head), { x, left, width, y: n * ROW }));
  return sheet(width, labels.length * ROW + 4, attributes, ...drawn);
}

function drawRow(metric, { label, share, mean }, place, { x, left, width, y }) {
  const { rank, of } = metric.rank(place, label);
  const words = `${percent(share)}, ${ordinal(rank)} of ${of}; mean of all heads ${percent(mean)}`;
  const name = { "text-anchor": "end", fill: "var(--link)", "font-size": 12 };
  const at = round(x(mean));
  return svg("a", { href: metric.href(label) },
    title(`${metric.heading(label)}: ${words}`),
    svg("rect", { x: 0, y, width, height: ROW, fill: "transparent" }),
    text(left - 8, y + 14, metric.labels[label], name),
    svg("rect", { x: left, y: y + 3, width: round(x(share) - left), height: 14, fill: "var(--bar)", rx: 2 }),
    svg("line", { x1: at, x2: at, y1: y + 1, y2: y + 19, stroke: "var(--baseline)", "stroke-width": 2 }),
    text(Math.max(x(share), x(mean)) + 6, y + 14, percent(share), { fill: "var(--ink)" }));
}
