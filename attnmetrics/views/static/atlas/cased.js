// Lines that cross bars: the page's colour on either side keeps the two apart.

import { svg } from "../shared/dom.js";

/** Pixels of the page's colour on either side. */
const SIDE = 1.5;

/** A line or path of a width, and beneath it what keeps it apart. */
export function cased(tag, attributes) {
  const under = { stroke: "var(--page)", "stroke-width": attributes["stroke-width"] + 2 * SIDE, class: "casing" };
  return [svg(tag, { ...attributes, ...under, "stroke-dasharray": null }), svg(tag, attributes)];
}
