// What a head has along an axis as bars, and the mean of all heads as a line.

import { shown } from "../arithmetic/numbers.js";
import { linear, round } from "../arithmetic/scales.js";
import { sheet, svg, text, title } from "../shared/dom.js";
import { cased } from "./cased.js";
import { uprightError } from "./error-bars.js";
import { valueLines } from "./gridlines.js";

const [LEFT, ABOVE, BOTTOM, HEIGHT] = [38, 10, 132, 168];
const LINE = { fill: "none", stroke: "var(--baseline)", "stroke-width": 2, "stroke-linejoin": "round" };

/**
 * The picture of a metric's labels for one head.
 *
 * labels: their places, in order; marks: { place, at, words, anchor } of what stands below the axis, `at` counted in
 * bars from the left; name: of the drawing; axis: what the axis stands for.
 */
export function bars(metric, { layer, head }, { labels, marks, name, title: words, axis }, width) {
  const place = layer * metric.heads + head;
  const all = labels.map((label) => ({
    label, own: metric.at(layer, head, label), mean: metric.mean(label), words: metric.inWords(place, label),
    bounds: metric.bounds(place, label),
  }));
  const step = (width - LEFT - 6) / all.length;
  const top = Math.max(...all.flatMap(({ own, mean, bounds }) => [own || 0, mean || 0, bounds[1] || 0])) || 1;
  const [x, y] = [(n) => LEFT + n * step, linear([0, top], [BOTTOM, ABOVE])];
  const line = all.map(({ mean }, n) => `${round(x(n + 0.5))} ${round(y(mean || 0))}`).join("L");
  return sheet(width, HEIGHT, { class: name, role: "img", "aria-label": words },
    ...valueLines(metric, y, top, LEFT, width),
    ...all.map((bar, n) => drawBar(metric, bar, x(n), step, y(bar.own || 0))),
    ...all.flatMap(({ bounds }, n) => uprightError(y, x(n + 0.5), bounds)),
    ...marks.map((mark) => text(x(mark.at), BOTTOM + 15, mark.words, { "text-anchor": mark.anchor })),
    ...cased("path", { d: `M${line}`, ...LINE }),
    text(LEFT + (width - LEFT) / 2, BOTTOM + 32, axis, { "text-anchor": "middle" }));
}

function drawBar(metric, { label, mean, words: own }, x, step, y) {
  const words = `${own}; mean of all heads ${shown(metric, mean)}`;
  const box = { x: round(x + step * 0.12), y: round(y), width: round(step * 0.76), height: round(BOTTOM - y) };
  return svg("rect", { ...box, fill: "var(--bar)" }, title(`${metric.heading(label)}: ${words}`));
}
