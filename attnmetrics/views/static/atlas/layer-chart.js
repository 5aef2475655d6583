// Values by layer: a dot a head, a line for the layer, thin lines for what was published and for even attention.

import { headHref, headName } from "../arithmetic/heads.js";
import { mark, powerOfTen } from "../arithmetic/numbers.js";
import { extent, linear, round, spacing, ticks } from "../arithmetic/scales.js";
import { sheet, svg, text, title } from "../shared/dom.js";
import { uprightError } from "./error-bars.js";

const [LEFT, RIGHT, ABOVE, HEIGHT, BELOW] = [46, 8, 10, 190, 36];
/** Pixels between the dots of two series in a layer, and between two rows of names. */
const [ASIDE, ROW] = [4, 16];
/** Pixels that a letter of a name takes, and a name's mark. */
const [LETTER, MARK] = [6.3, 32];
/** Dots of more heads are drawn in one stroke, and lead nowhere. */
const MOST_DOTS = 600;
const RADIUS = 2.6;

/**
 * The picture of series { name, at(layer, head), told(layer, head), ofLayer(layer), bounds(layer), published, even }:
 * `told` is a value and its interval in words, `published` a value a layer or null, `even` a value or NaN.
 *
 * metric: says how values are written; name: what the picture is called; isClose: whether the axis ends where values
 * do, and shares have no axis up to 1. A series may have a `colour` of its own.
 */
export function layerChart(atlas, metric, series, { width, name, isClose = false }) {
  const layout = layoutChart(atlas, metric, series, { width, isClose });
  const words = `${name}, by layer. ${series.map((one) => one.name).join(", ")}`;
  const picture = sheet(width, layout.height, { class: "layer-chart", role: "group", "aria-label": words });
  picture.append(
    ...axes(atlas, metric, layout),
    ...series.flatMap((one, n) => drawSeries(atlas, metric, one, { ...layout, ...placeOf(n, series, layout) })),
    ...names(series, layout),
  );
  return picture;
}

const colourOf = (one, n) => one.colour ?? `var(--head-${n % 8})`;

/** The colour of the n-th series, and how far aside its dots are. */
function placeOf(n, series, { step }) {
  return { colour: colourOf(series[n], n), aside: Math.min(ASIDE, step / 4) * (n - (series.length - 1) / 2) };
}

function layoutChart(atlas, metric, series, { width, isClose }) {
  const bounds = (one) => atlas.layers.flatMap((_, layer) => one.bounds(layer));
  const known = series.flatMap((one) => [...valuesOf(atlas, one), ...bounds(one), ...(one.published ?? []), one.even]);
  const [low, most] = extent([0, ...known]);
  const top = metric.kind === "share" && !isClose ? 1 : most || 1;
  const step = (width - LEFT - RIGHT) / atlas.layers.length;
  const rows = rowsOf(series, width);
  const bottom = ABOVE + HEIGHT;
  return {
    width, low, top, step, rows, bottom, height: bottom + BELOW + ROW * rows.length,
    x: (layer) => LEFT + (layer + 0.5) * step, y: linear([low, top], [bottom, ABOVE]),
  };
}

/** A value of each head, layer by layer. */
const valuesOf = (atlas, { at }) =>
  atlas.layers.flatMap((_, layer) => atlas.heads.map((__, head) => at(layer, head)));

function axes(atlas, metric, { width, low, top, step, bottom, x, y }) {
  const every = spacing(step, 17);
  const power = metric.kind === "share" || top >= 1e-3 ? 0 : Math.floor(Math.log10(top));
  const label = (value) => mark(metric, Number((value / 10 ** power).toPrecision(12)));
  const line = (value) => [
    svg("line", { x1: LEFT, x2: width - RIGHT, y1: round(y(value)), y2: round(y(value)), stroke: "var(--line)" }),
    text(LEFT - 6, y(value) + 4, label(value), { "text-anchor": "end" }),
  ];
  const number = (layer, n) => text(x(n), bottom + 15, layer, { "text-anchor": "middle" });
  const units = [power ? powerOfTen(power) : "", metric.unit === "1" ? "" : metric.unit].filter(Boolean).join(" ");
  const unit = units ? `layer; values in ${units}` : "layer";
  return [
    ...ticks([low, top]).flatMap(line),
    ...atlas.layers.map(number).filter((_, n) => n % every === 0),
    text((LEFT + width - RIGHT) / 2, bottom + 30, unit, { "text-anchor": "middle" }),
  ];
}

function drawSeries(atlas, metric, one, { x, y, width, colour, aside }) {
  const all = atlas.layers.map((_, layer) => [x(layer), one.ofLayer(layer)]);
  const thin = { stroke: colour, fill: "none", "stroke-width": 1.2 };
  const found = [];
  if (!Number.isNaN(one.even)) {
    const d = `M${LEFT} ${round(y(one.even))}H${width - RIGHT}`;
    found.push(svg("path", { ...thin, d, "stroke-dasharray": "1 4", class: "even" }));
  }
  if (one.published) {
    const points = one.published.map((value, layer) => [x(layer), value]);
    found.push(svg("path", { ...thin, d: curve(points, y), "stroke-dasharray": "6 3", class: "published" }));
  }
  const isFew = atlas.layers.length * atlas.heads.length <= MOST_DOTS;
  found.push(...(isFew ? dots : stroke)(atlas, one, { x, y, colour, aside }));
  const look = { stroke: colour, "stroke-width": 1.6 };
  const errors = atlas.layers.flatMap((_, layer) => uprightError(y, x(layer) + aside, one.bounds(layer), look));
  return [...found, svg("path", { ...thin, d: curve(all, y), "stroke-width": 2.4, class: "of-layer" }), ...errors];
}

/** A line through the points [x, value] that have a value. */
function curve(points, y) {
  const kept = points.filter(([, value]) => !Number.isNaN(value));
  return kept.map(([x, value], n) => `${n ? "L" : "M"}${round(x)} ${round(y(value))}`).join("");
}

/** All dots in one path. */
function stroke(atlas, one, { x, y, colour, aside }) {
  const dot = (value, n) => {
    const layer = Math.floor(n / atlas.heads.length);
    return Number.isNaN(value) ? "" : `M${round(x(layer) + aside)} ${round(y(value))}h0`;
  };
  const look = { stroke: colour, "stroke-width": 2 * RADIUS, "stroke-linecap": "round", "stroke-opacity": 0.5 };
  return [svg("path", { ...look, d: valuesOf(atlas, one).map(dot).join(""), class: "of-heads" })];
}

/** A dot a head; one that is pointed at becomes a link to its head that says what it is. */
function dots(atlas, { name, at, told }, { x, y, colour, aside }) {
  const group = svg("g", { class: "dots", fill: colour, "fill-opacity": 0.5 });
  atlas.layers.forEach((_, layer) => atlas.heads.forEach((__, head) => {
    const value = at(layer, head);
    if (Number.isNaN(value)) return;
    const dot = svg("circle", { cx: round(x(layer) + aside), cy: round(y(value)), r: RADIUS });
    dot.addEventListener("pointerover", () => {
      const words = title(`${headName(atlas, layer, head)}: ${name} ${told(layer, head)}`);
      const link = svg("a", { href: headHref(atlas, layer, head) });
      dot.replaceWith(link);
      link.append(dot);
      dot.append(words);
    }, { once: true });
    group.append(dot);
  }));
  return [group];
}

// ---- names of the series

/** The series' places in rows that they fit in: [[n, …], …]. */
function rowsOf(series, width) {
  const rows = [[]];
  let used = LEFT;
  series.forEach(({ name }, n) => {
    const room = MARK + LETTER * name.length;
    if (used + room > width && rows.at(-1).length) { rows.push([]); used = LEFT; }
    rows.at(-1).push([n, used]);
    used += room;
  });
  return rows;
}

function names(series, { rows, bottom }) {
  const colours = series.map(colourOf);
  return rows.flatMap((row, line) => row.flatMap(([n, left]) => {
    const y = bottom + BELOW + ROW * (line + 0.6);
    return [
      svg("line", { x1: left, x2: left + 14, y1: y - 4, y2: y - 4, stroke: colours[n], "stroke-width": 2.4 }),
      text(left + 19, y, series[n].name, { fill: "var(--ink)" }),
    ];
  }));
}
