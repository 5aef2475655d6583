// Lines between two columns of tokens: which are drawn, where they run, which is near a point.

import { strongest, strongestPairs } from "./tokens.js";

export const MOST_LINES = 2000;
/** Lines below this weight could not be seen. */
const SEEN = 0.005;
/** Pixels between the lines of one token's heads, and for all of them together. */
const SPREAD = 3;
const SPREAD_OF_ALL = 16;
/** Pixels around a line that count as pointing at it. */
const GAP = 5;

/** y of a line at share u of its way; as a path it is one Bézier curve. */
const bend = (y0, y1, u) => y0 + (y1 - y0) * u * u * (3 - 2 * u);

/** The other end's side. */
export const opposite = (side) => (side === "left" ? "right" : "left");

/** The pair [i, j] of the token at an end and a token at `place` on the other side. */
export const pairOf = (end, place) => (end.side === "left" ? [end.place, place] : [place, end.place]);

/**
 * The strongest lines of a token, those of its heads side by side at the other end; of all tokens where `end` is null.
 *
 * scene: { rows, columns, series [{ head, at(i, j) }] }; y: of a place; end: { side, place } or null.
 * Returns lines { head, i, j, weight, start, stop }, weakest first; start and stop are pixels.
 */
export function linesOf({ rows, columns, series }, y, end) {
  if (!end) return linesOfAll({ rows, columns, series }, y);
  const others = [...(end.side === "left" ? columns : rows).keys()];
  const spread = Math.min(SPREAD, SPREAD_OF_ALL / series.length);
  const all = series.flatMap(({ head, at }, order) => {
    const shift = spread * (order - (series.length - 1) / 2);
    const [left, right] = end.side === "right" ? [shift, 0] : [0, shift];
    const line = (i, j) => ({ head, i, j, weight: at(i, j), start: y(i) + left, stop: y(j) + right });
    return others.map((place) => line(...pairOf(end, place)));
  });
  return strongest(all, MOST_LINES).sort((a, b) => a.weight - b.weight);
}

function linesOfAll({ rows, columns, series }, y) {
  const all = series.flatMap(({ head, at }) => strongestPairs(at, rows.length, columns.length, MOST_LINES, SEEN)
    .map(({ i, j, weight }) => ({ head, i, j, weight, start: y(i), stop: y(j) })));
  return strongest(all, MOST_LINES, SEEN).sort((a, b) => a.weight - b.weight);
}

/** The line at a point, `u` of the way from left to right at height `y`; of several the strongest; else undefined. */
export function lineAt(lines, u, y) {
  if (u < 0 || u > 1) return undefined;
  const gaps = lines.map((line) => ({ line, gap: Math.abs(bend(line.start, line.stop, u) - y) }));
  const near = gaps.filter((one) => one.gap < GAP);
  return near.sort((a, b) => b.line.weight - a.line.weight || a.gap - b.gap)[0]?.line;
}

/** The mean over heads of the weight between an end and each token of the other side, as [place, mean]. */
export function meansOf({ rows, columns, series }, end) {
  const others = end.side === "left" ? columns : rows;
  const mean = (pair) => series.reduce((sum, { at }) => sum + at(...pair), 0) / Math.max(1, series.length);
  return others.map((_, place) => [place, mean(pairOf(end, place))]);
}

/** The weights between an end and the other side, of every head: { head, place, value }. */
export function weightsAt({ rows, columns, series }, end) {
  const others = [...(end.side === "left" ? columns : rows).keys()];
  return series.flatMap(({ head, at }) => others.map((place) => ({ head, place, value: at(...pairOf(end, place)) })));
}
