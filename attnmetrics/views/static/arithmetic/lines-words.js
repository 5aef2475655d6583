// What the status line says of lines.

import { MOST_LINES, opposite, weightsAt } from "./lines.js";
import { counted, weight } from "./numbers.js";
import { nameOf } from "./tokens.js";

/** Lines that are named, strongest first. */
const NAMED = 3;
const LEAST = 0.005;

/** scene: { rows, columns, series, note }; end: { side, place } or null; drawn: number of lines that are drawn. */
export function sentence(scene, end, drawn) {
  if (!scene.series.length) return "No head is chosen. Choose one of the squares above.";
  return end ? ofToken(scene, end) : ofAll(scene, drawn);
}

function ofAll({ rows, columns, series, note }, drawn) {
  const possible = series.length * rows.length * columns.length;
  const [most, all] = [MOST_LINES, possible].map(counted);
  const cut = drawn >= MOST_LINES ? `The strongest ${most} of ${all} lines. ` : "";
  return `${cut}${note ?? ""}Point at a token for its weights, click to hold it.`;
}

function ofToken(scene, end) {
  const ends = { left: scene.rows, right: scene.columns };
  const others = ends[opposite(end.side)];
  const best = weightsAt(scene, end).sort((a, b) => b.value - a.value).slice(0, NAMED);
  const named = best.filter((one) => one.value >= LEAST)
    .map(({ head, place, value }) => `${nameOf(others, place)} ${weight(value)} (head ${head})`);
  const arrow = end.side === "left" ? "→" : "←";
  const means = scene.series.length > 1 ? ` Numbers: mean of ${scene.series.length} heads.` : "";
  return `${nameOf(ends[end.side], end.place)} ${arrow} ${named.join(", ") || "nothing above 0.005"}.${means}`;
}
