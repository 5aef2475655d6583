// Lines across a chart with the value that each stands for.

import { percent, plain } from "../arithmetic/numbers.js";
import { svg, text } from "../shared/dom.js";

/** At 0, half of the top and the top; `y` gives the height of a share. */
export const shareLines = (y, top, left, width) => linesOf(percent, y, top, left, width);

/** The same of a table's values. */
export const valueLines = (metric, ...rest) => linesOf((value) => plain(metric, value), ...rest);

function linesOf(written, y, top, left, width) {
  return [0, top / 2, top].flatMap((value) => [
    svg("line", { x1: left, x2: width, y1: y(value), y2: y(value), stroke: "var(--line)" }),
    text(left - 6, y(value) + 4, written(value), { "text-anchor": "end" }),
  ]);
}
