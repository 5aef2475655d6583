// The way of an arc over a sentence.

import { round } from "./scales.js";

/** Pixels between two places that are on other lines of a sentence. */
const LINE = 12;
/** Height and width of a stub. */
const STUB = 9;

/**
 * An SVG path from the upper edge of one piece to that of another, `rise` high; where they are on other lines, a stub
 * at either end, towards the other, since an arc would strike through the words between.
 */
export function arcPath([x0, y0], [x1, y1], rise) {
  const [a, b, from, to] = [x0, x1, y0, y1].map(round);
  if (Math.abs(y1 - y0) < LINE) return `M${a} ${from}C${a} ${round(y0 - rise)} ${b} ${round(y1 - rise)} ${b} ${to}`;
  const out = y1 > y0 ? STUB : -STUB;
  return `M${a} ${from}q0 ${-STUB} ${out} ${-STUB}M${round(x1 - out)} ${round(y1 - STUB)}q${out} 0 ${out} ${STUB}`;
}
