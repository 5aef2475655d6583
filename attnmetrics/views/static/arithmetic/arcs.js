// The way of an arc over a sentence.

import { round } from "./scales.js";

/** Pixels between two places that are on other lines of a sentence. */
const LINE = 12;
/** Height of the way to the edge, and width of its bends. */
const BEND = 9;
/** Of the mark at an edge. */
const TIP = 3;

/**
 * An SVG path from the upper edge of one piece to that of another, `rise` high; where they are on other lines, out over
 * the edge that the text goes on from, and in again over the other edge, with a tip at either: an arc would strike
 * through the words between. [begin, end] are the edges where lines of the text begin and end.
 */
export function arcPath([x0, y0], [x1, y1], rise, [begin, end]) {
  const [a, b, from, to] = [x0, x1, y0, y1].map(round);
  if (Math.abs(y1 - y0) < LINE) return `M${a} ${from}C${a} ${round(y0 - rise)} ${b} ${round(y1 - rise)} ${b} ${to}`;
  const [out, back] = y1 > y0 ? [end, begin] : [begin, end];
  const way = out > back ? 1 : -1;
  const [bend, mark, over] = [way * BEND, tip(way), round(y1 - BEND)];
  return `M${a} ${from}q0 ${-BEND} ${bend} ${-BEND}H${round(out)}${mark}`
    + `M${round(back)} ${over}H${round(back + way * TIP)}${mark}H${round(x1 - bend)}q${bend} 0 ${bend} ${BEND}`;
}

/** A tip that points the way along a line, from its point and back to it. */
const tip = (way) => `l${-way * TIP} ${-TIP}m${way * TIP} ${TIP}l${-way * TIP} ${TIP}m${way * TIP} ${-TIP}`;
