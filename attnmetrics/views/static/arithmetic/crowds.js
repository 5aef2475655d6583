// Ticks on a short line: those that fall together are one, the darker the more they are.

import { round } from "./scales.js";

/** Pixels that a tick takes. */
export const TICK = 1.5;
/** How opaque a tick is that stands alone, and the one of most. */
const [ALONE, MOST] = [0.4, 1];

/** Of the places of all in pixels: [[opacity, places], …], from those that stand alone to those of most. */
export function crowds(all) {
  const counts = new Map();
  for (const at of all.map((x) => TICK * Math.round(x / TICK))) counts.set(at, (counts.get(at) ?? 0) + 1);
  const sizes = [...new Set(counts.values())].sort((a, b) => a - b);
  const most = Math.max(2, ...sizes);
  const opacity = (size) => round(ALONE + ((MOST - ALONE) * (size - 1)) / (most - 1));
  const places = (size) => [...counts].filter(([, count]) => count === size).map(([at]) => round(at));
  return sizes.map((size) => [opacity(size), places(size)]);
}
