// The probability of a dependency by the distance of two pieces.

import { extent, linear, round } from "../arithmetic/scales.js";
import { sheet, svg, text, title } from "../shared/dom.js";
import { uprightError } from "./error-bars.js";
import { valueLines } from "./gridlines.js";

const [LEFT, ABOVE, BOTTOM, HEIGHT] = [42, 10, 168, 206];
const LINE = { fill: "none", stroke: "var(--bar)", "stroke-width": 2 };
/** The distance that holds all beyond it. */
const LAST = 64;
const NUMBERS = [1, 5, 10, 20, 30, 40, 50, LAST];

/** table: by distance, from 0. */
export function probability(table, width) {
  const { values } = table;
  const points = [...values].map((value, distance) => [distance, value]).slice(1);
  const kept = points.filter(([, value]) => !Number.isNaN(value));
  const highest = kept.map(([distance]) => table.bounds(0, distance)[1]);
  const top = extent([0, ...values.slice(1), ...highest])[1] || 1;
  const [x, y] = [linear([1, points.length], [LEFT, width - 10]), linear([0, top], [BOTTOM, ABOVE])];
  const curve = kept.map(([distance, value]) => `${round(x(distance))} ${round(y(value))}`).join("L");
  const attributes = { role: "img", "aria-label": "Probability of a dependency by distance" };
  return sheet(width, HEIGHT, attributes,
    ...valueLines(table, y, top, LEFT, width),
    ...(kept.length ? [svg("path", { d: `M${curve}`, ...LINE })] : []),
    ...kept.flatMap(([distance]) => uprightError(y, x(distance), table.bounds(0, distance))),
    ...kept.map(([distance, value]) => dot(table, distance, x(distance), y(value))),
    ...NUMBERS.map((distance) => distanceNumber(distance, x(distance))),
    text(LEFT + (width - LEFT) / 2, BOTTOM + 34, "distance in pieces", { "text-anchor": "middle" }));
}

/** Whether a value lacks the interval that others of the table have. */
const isOpen = (table, distance) => Boolean(table.sure) && Number.isNaN(table.bounds(0, distance)[0]);

function dot(table, distance, x, y) {
  const words = `distance ${distance}${distance === LAST ? " or more" : ""}: ${table.inWords(0, distance)}`;
  const fill = isOpen(table, distance) ? "var(--page)" : "var(--bar)";
  return svg("circle", { cx: round(x), cy: round(y), r: 3, fill, stroke: "var(--bar)" }, title(words));
}

function distanceNumber(distance, x) {
  const isLast = distance === LAST;
  return text(x, BOTTOM + 16, isLast ? `≥ ${LAST}` : distance, { "text-anchor": isLast ? "end" : "middle" });
}
