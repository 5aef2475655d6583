// Lines across a chart with the value that each stands for.

import { mark } from "../arithmetic/numbers.js";
import { round, ticks } from "../arithmetic/scales.js";
import { svg, text } from "../shared/dom.js";

/** At round numbers from 0 to the top; `y` gives the height of a value. */
export function valueLines(metric, y, top, left, width) {
  return ticks([0, top]).flatMap((value) => [
    svg("line", { x1: left, x2: width, y1: round(y(value)), y2: round(y(value)), stroke: "var(--line)" }),
    text(left - 6, y(value) + 4, mark(metric, value), { "text-anchor": "end" }),
  ]);
}
