// A head's attention by offset as bars, the mean of all heads as a line.

import { LAST_OFFSET } from "../arithmetic/labels.js";
import { shown } from "../arithmetic/numbers.js";
import { linear, round } from "../arithmetic/scales.js";
import { sheet, svg, text, title } from "../shared/dom.js";
import { shareLines } from "./gridlines.js";

const [LEFT, ABOVE, BOTTOM, HEIGHT] = [38, 10, 132, 168];
const LINE = { fill: "none", stroke: "var(--baseline)", "stroke-width": 2, "stroke-linejoin": "round" };
const TITLE = "Attention by offset: bars are this head, the line is the mean of all heads";

export function offsets(atlas, metric, { layer, head }, width) {
  const bars = barsOf(atlas, metric, layer, head);
  const step = (width - LEFT - 6) / bars.length;
  const top = Math.max(...bars.flatMap(({ own, mean }) => [own || 0, mean || 0])) || 1;
  const [x, y] = [(n) => LEFT + n * step, linear([0, top], [BOTTOM, ABOVE])];
  const every = atlas.isCausal ? 4 : 8;
  const line = bars.map(({ mean }, n) => `${round(x(n + 0.5))} ${round(y(mean || 0))}`).join("L");
  return sheet(width, HEIGHT, { class: "offsets", role: "img", "aria-label": TITLE },
    ...shareLines(y, top, LEFT, width),
    ...bars.flatMap((bar, n) => {
      const number = bar.offset % every === 0 ? [offsetNumber(bar.offset, x(n + 0.5))] : [];
      return [drawBar(metric, bar, x(n), step, y(bar.own || 0)), ...number];
    }),
    svg("path", { d: `M${line}`, ...LINE }),
    text(LEFT + (width - LEFT) / 2, BOTTOM + 32, "attending − attended piece", { "text-anchor": "middle" }));
}

/** { label, offset, own, mean } of the offsets that the model can look at. */
function barsOf(atlas, metric, layer, head) {
  const labels = [...metric.labels.keys()].filter((label) => !atlas.isCausal || Number(metric.labels[label]) >= 0);
  return labels.map((label) => ({
    label, offset: Number(metric.labels[label]), own: metric.at(layer, head, label), mean: metric.mean(label),
  }));
}

function drawBar(metric, { label, own, mean }, x, step, y) {
  const words = `${shown(metric, own)}; mean of all heads ${shown(metric, mean)}`;
  const box = { x: round(x + step * 0.12), y: round(y), width: round(step * 0.76), height: round(BOTTOM - y) };
  return svg("rect", { ...box, fill: "var(--bar)" }, title(`${metric.heading(label)}: ${words}`));
}

/** The ends hold all beyond them, and their numbers stay within the picture. */
function offsetNumber(offset, x) {
  const ends = { [LAST_OFFSET]: ["≥ 32", "end"], [-LAST_OFFSET]: ["≤ −32", "start"] };
  const [words, anchor] = ends[offset] ?? [String(offset).replace("-", "−"), "middle"];
  return text(x, BOTTOM + 15, words, { "text-anchor": anchor });
}
