// Lines across a chart with the share that each stands for.

import { percent } from "../arithmetic/numbers.js";
import { svg, text } from "../shared/dom.js";

/** At 0, half of the top and the top; `y` gives the height of a share. */
export function shareLines(y, top, left, width) {
  return [0, top / 2, top].flatMap((share) => [
    svg("line", { x1: left, x2: width, y1: y(share), y2: y(share), stroke: "var(--line)" }),
    text(left - 6, y(share) + 4, percent(share), { "text-anchor": "end" }),
  ]);
}
