// Values over the runs as lines: a large chart of a few lines with their intervals, and a small one a head.

import { mark } from "../arithmetic/numbers.js";
import { clamp, extent, linear, round, ticks } from "../arithmetic/scales.js";
import { fit } from "../shared/font.js";
import { sheet, svg, text, title } from "../shared/dom.js";

const [LEFT, ABOVE, HEIGHT, BELOW] = [56, 10, 210, 40];
/** Pixels for names at the ends of lines, and the least between two of them. */
const [NAMES, APART] = [84, 14];
/** Pixels that a number or a name below the axis needs. */
const NEED = 46;
/** Of more runs, the dots are smaller. */
const MANY = 20;

/** Where runs stand across: by number where the points of the axis are numbers that rise, else evenly. */
function pointsOf({ runs, axis }) {
  const points = axis?.points ?? [];
  const isRising = points.every((one, n) => typeof one === "number" && (n === 0 || one > points[n - 1]));
  return points.length && isRising ? points : runs.map((_, run) => run);
}

/** What stands below each run. */
export const pointNames = ({ runs, axis }) => (axis ? axis.points.map(String) : runs.map(({ name }) => name));

/**
 * The picture of lines { name, colour, value(run), bounds(run), words(run), href }.
 *
 * metric: says how values are written; options: width, and name of the picture.
 */
export function trendLines(comparison, metric, lines, { width, name }) {
  const at = pointsOf(comparison);
  const values = lines.flatMap((line) => at.flatMap((_, run) => [line.value(run), ...line.bounds(run)]));
  const [low, high] = extent([0, ...values]);
  const x = linear([at[0], at.at(-1)], [LEFT + 8, width - NAMES]);
  const y = linear([low, high || 1], [ABOVE + HEIGHT, ABOVE]);
  const words = `${name}, over ${comparison.axis?.name ?? "the runs"}`;
  return sheet(width, ABOVE + HEIGHT + BELOW, { class: "trend-lines", role: "img", "aria-label": words },
    ...ticks([low, high || 1]).flatMap((value) => gridLine(metric, value, y(value), width)),
    ...axisBelow(comparison, at.map(x), width), ...lines.flatMap((line) => drawLine(line, at, x, y)),
    ...endNames(lines, y, at.length - 1, width));
}

const gridLine = (metric, value, y, width) => [
  svg("line", { x1: LEFT, x2: width - NAMES + 6, y1: round(y), y2: round(y), stroke: "var(--line)" }),
  text(LEFT - 6, y + 4, mark(metric, value), { "text-anchor": "end" }),
];

/** Names of the runs where there is room, and of the axis. */
function axisBelow(comparison, xs, width) {
  const names = pointNames(comparison);
  const bottom = ABOVE + HEIGHT;
  let last = -Infinity;
  const shown = xs.flatMap((x, run) => {
    if (x - last < NEED) return [];
    last = x;
    return [text(x, bottom + 16, fit(names[run], NEED + 20, 11), { "text-anchor": "middle" })];
  });
  const middle = (LEFT + width - NAMES) / 2;
  const axis = text(middle, bottom + 34, comparison.axis?.name ?? "run", { "text-anchor": "middle" });
  return [...shown, axis];
}

/** Its band of intervals, the line, and a dot a run. */
function drawLine({ colour, value, bounds, words, href }, at, x, y) {
  const known = at.map((_, run) => run).filter((run) => !Number.isNaN(value(run)));
  const point = (run, height) => `${round(x(at[run]))} ${round(y(height))}`;
  const path = known.map((run, n) => `${n ? "L" : "M"}${point(run, value(run))}`).join("");
  const sure = known.filter((run) => !bounds(run).some(Number.isNaN));
  const edge = (runs, side) => runs.map((run) => point(run, bounds(run)[side]));
  const d = `M${[...edge(sure, 0), ...edge(sure.toReversed(), 1)].join("L")}z`;
  const band = sure.length > 1 ? [svg("path", { d, fill: colour, "fill-opacity": 0.18, class: "band" })] : [];
  const r = at.length > MANY ? 1.8 : 3;
  const place = (run) => ({ cx: round(x(at[run])), cy: round(y(value(run))), r, fill: colour });
  const dot = (run) => svg("circle", { ...place(run), "data-run": run }, title(words(run)));
  const line = svg("path", { d: path, fill: "none", stroke: colour, "stroke-width": 2, "stroke-linejoin": "round" });
  return [...band, svg("a", href ? { href } : {}, line, ...known.map(dot))];
}

/** Names beside the last run, moved apart where they would touch: down, and up again from the lower end. */
function endNames(lines, y, last, width) {
  const wanted = lines.map((line) => ({ line, at: y(line.value(last)) })).filter(({ at }) => !Number.isNaN(at));
  const sorted = wanted.sort((a, b) => a.at - b.at);
  sorted.forEach((one, n) => { if (n) one.at = Math.max(one.at, sorted[n - 1].at + APART); });
  let ceiling = ABOVE + HEIGHT;
  for (const one of sorted.toReversed()) {
    one.at = Math.min(one.at, ceiling);
    ceiling = one.at - APART;
  }
  return sorted.map(({ line, at }) =>
    text(width - NAMES + 12, at + 4, fit(line.name, NAMES - 14, 12), { fill: line.colour, "font-size": 12 }));
}

/** A line without words, { width, height }, on a scale [low, high]; a dot at the last run. */
export function sparkline(values, { width, height, scale, colour }) {
  const x = linear([0, Math.max(1, values.length - 1)], [2, width - 4]);
  const y = linear(scale, [height - 3, 3]);
  const known = [...values.entries()].filter(([, value]) => !Number.isNaN(value));
  const path = known.map(([run, value], n) => `${n ? "L" : "M"}${round(x(run))} ${round(y(value))}`).join("");
  const end = known.at(-1);
  const radius = clamp(height / 12, 1.4, 2.4);
  const dot = end ? [svg("circle", { cx: round(x(end[0])), cy: round(y(end[1])), r: radius, fill: colour })] : [];
  const look = { fill: "none", stroke: colour, "stroke-width": 1.3, "stroke-linejoin": "round" };
  return [svg("path", { d: path, ...look }), ...dot];
}
