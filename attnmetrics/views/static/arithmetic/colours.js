// Which step of which colour scale a value has.

import { level, levelAround } from "./scales.js";

/**
 * The colour scale of a metric at a label: { name, level(value), low, top }.
 *
 * Values go from 0 to the largest on the scale `share`; where some are negative, from the largest size below 0 to the
 * same above on the scale `ratio`, orange below and purple above, or on another that the metric names.
 */
export function scaleOf(metric, label) {
  const [low, top] = [metric.bottom(label), metric.top(label)];
  if (!(low < 0)) return { name: "share", level: (value) => level(value, top), low: 0, top };
  const size = Math.max(-low, top);
  const name = metric.diverging ?? "ratio";
  return { name, level: (value) => levelAround(value, 0, size, -size), low: -size, top: size };
}
