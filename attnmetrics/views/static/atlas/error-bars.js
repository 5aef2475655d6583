// Lines from the lowest to the highest that a value may be, and what is said of intervals.

import { round } from "../arithmetic/scales.js";
import { el, svg } from "../shared/dom.js";

const LINE = { stroke: "var(--ink)", "stroke-width": 1.3, class: "error", "pointer-events": "none" };

/** A level line at y from low to high, given the scale of values; nothing where there is no interval. */
export function levelError(x, y, [low, high], look = {}) {
  if (Number.isNaN(low) || Number.isNaN(high)) return [];
  return [svg("line", { ...LINE, ...look, x1: round(x(low)), x2: round(x(high)), y1: round(y), y2: round(y) })];
}

/** An upright one at x. */
export function uprightError(y, x, [low, high], look = {}) {
  if (Number.isNaN(low) || Number.isNaN(high)) return [];
  return [svg("line", { ...LINE, ...look, x1: round(x), x2: round(x), y1: round(y(low)), y2: round(y(high)) })];
}

/** An interval in brackets after a value; nothing for "". */
export const bracketed = (interval) => (interval ? [" ", el("span", { class: "interval" }, `[${interval}]`)] : []);

/** The interval of a value as a line of what is told beside a pointer; none for "". */
export const intervalLine = (atlas, interval) => (interval ? [[atlas.interval_title, interval]] : []);

/** What thin lines at bars and dots are; "" in a run without intervals. */
export const errorsTold = ({ interval_title: title }) => (title ? `Thin lines: the ${title}.` : "");

/** Why a table has no intervals in a run that has some; nothing where it has, or is a count. */
export function withoutInterval(atlas, metric) {
  if (!atlas.interval_title || metric.sure || metric.kind === "count") return [];
  return [el("p", { class: "note unsure" }, atlas.without_intervals)];
}
