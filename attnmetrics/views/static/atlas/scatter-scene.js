// One metric against another, a dot a head, which stands out the more the deeper it is: what is drawn where.

import { headShort } from "../arithmetic/head-numbers.js";
import { headAt } from "../arithmetic/heads.js";
import { mark } from "../arithmetic/numbers.js";
import { outliers } from "../arithmetic/outliers.js";
import { clamp, extent, linear, padded, round, ticks } from "../arithmetic/scales.js";
import { sheet, svg, text, title } from "../shared/dom.js";
import { fit, textWidth, wrapped } from "../shared/font.js";
import { levelError, uprightError } from "./error-bars.js";

/** Dots are smaller where there are more. */
const MANY = 500;
/** Every dot has a cross of its intervals where there are no more, unless a drawing has room for more; with more, the
    one that is pointed at has. */
const FEW = 48;
/** Pixels of the letters that name an axis, and of those of a long name. */
const [AXIS, SMALLEST] = [12, 9];
/** Pixels that the name of a head takes beside its dot. */
const NAME = 40;
const KEYS = "Arrow keys move from head to head, Enter opens one.";

/** What an axis is called. */
export const axisName = ({ metric, label, name }) => name ?? metric.heading(label);

/**
 * Pixels: width and height, box of the plot, x and y of values; and the heads with evidence as points
 * { place, a, b }: a head's values on the two axes. below: pixels to leave free beneath; isMap: whether a pixel is
 * worth the same on both axes; isSame: whether both have the same range; isOff(place): whether a head is nearly
 * switched off: it is hollow, and makes no range; isHollow(place): whether it is hollow.
 */
export function layoutScatter(x, y, places, available, look = {}) {
  const { below = 0, isMap = false, isSame = false, isOff = () => false, isHollow = isOff } = look;
  const width = clamp(available || 600, 280, 640);
  const height = Math.round(Math.min(width * 0.8, 440));
  const box = { left: 62, right: width - 12, top: 12, bottom: height - 46 };
  const [across, up] = [x.metric.column(x.label), y.metric.column(y.label)];
  const all = places.map((place) => ({ place, a: across[place], b: up[place] }));
  const points = all.filter(({ a, b }) => !Number.isNaN(a) && !Number.isNaN(b));
  const on = points.filter(({ place }) => isMap || !isOff(place));
  const ranges = [padded(on.map(({ a }) => a)), padded(on.map(({ b }) => b))];
  const [xs, ys] = rangesOf(ranges, box, { isMap, isSame });
  return {
    width, height, below, box, points, xs, ys, isHollow, isMap, radius: places.length > MANY ? 3 : 4.5,
    x: within(linear(xs, [box.left, box.right]), xs), y: within(linear(ys, [box.bottom, box.top]), ys),
  };
}

function rangesOf(ranges, box, { isMap, isSame }) {
  if (isMap) return ofOneScale(ranges, box);
  const both = extent(ranges.flat());
  return isSame ? [both, both] : ranges;
}

/** What lies beyond a range stands at its border. */
const within = (scale, [low, high]) => (value) => scale(clamp(value, low, high));

/** Two ranges, the one widened that has more pixels for its values. */
function ofOneScale(ranges, { left, right, top, bottom }) {
  const rooms = [right - left, bottom - top];
  const worth = Math.max(...ranges.map(([low, high], side) => (high - low) / rooms[side]));
  return ranges.map(([low, high], side) => {
    const [middle, half] = [(low + high) / 2, (worth * rooms[side]) / 2];
    return [middle - half, middle + half];
  });
}

/** The more it stands out from the page, the deeper the head. */
export function depthColour(atlas, place) {
  const depth = headAt(atlas, place)[0] / Math.max(1, atlas.layers.length - 1);
  return `var(--share${Math.round(14 + 46 * depth)})`;
}

/**
 * The picture, the ring around the dot that is pointed at, and the place of its intervals.
 *
 * paint(place): the colour of a head, by depth unless it is given; extra(layout): what else is drawn; size(place): of
 * its dot, 1 for the usual; named: how many of those farthest from the others are named; crosses: how many heads may
 * have one of their intervals.
 */
export function drawScatter(atlas, x, y, layout, look = {}) {
  const { paint, extra, size = () => 1, named = 0, crosses: most = FEW } = look;
  const { width, height, below, points } = layout;
  const words = `${axisName(x)} against ${axisName(y)}. ${KEYS}`;
  const attributes = { class: "scatter", role: "group", tabindex: 0, "aria-label": words };
  const picture = sheet(width, height + below, attributes, ...drawAxes(x, y, layout));
  const colour = paint ?? ((place) => depthColour(atlas, place));
  const crosses = svg("g", { class: "crosses" });
  if (points.length <= most && !layout.isMap) crosses.append(...points.flatMap((one) => cross(x, y, layout, one)));
  const stroke = paint ? "var(--muted)" : "var(--page)";
  picture.append(crosses, ...points.map((point) => dot(point, layout, { paint: colour, stroke, size })));
  const isOn = ({ place }) => !layout.isHollow(place);
  picture.append(...names(atlas, outliers(points.filter(isOn), named), layout));
  picture.append(...(extra ? extra(layout) : []));
  const ring = svg("circle", {
    r: 8, fill: "none", stroke: "var(--baseline)", "stroke-width": 2, visibility: "hidden", "data-screen": "",
  });
  const own = svg("g", { "data-screen": "" });
  picture.append(own, ring);
  return { picture, ring, own };
}

/** The intervals of a head on both axes, within the plot. */
export function cross(x, y, layout, { place, a, b }, look = { "stroke-opacity": 0.45 }) {
  const [across, up] = [x, y].map(({ metric, label }) => metric.bounds(place, label));
  return [...levelError(layout.x, layout.y(b), across, look), ...uprightError(layout.y, layout.x(a), up, look)];
}

/** The names of heads, but for those too near to one before. */
function names(atlas, points, layout) {
  const { x, y } = layout;
  const isNear = (one, other) => Math.abs(x(one.a) - x(other.a)) < 64 && Math.abs(y(one.b) - y(other.b)) < 14;
  const apart = points.filter((point, n) => !points.slice(0, n).some((before) => isNear(point, before)));
  return apart.map((point) => nameOf(atlas, point, layout));
}

/** A head's numbers beside its dot, on the first side that has room: right, left, above. */
function nameOf(atlas, { place, a, b }, { points, x, y, box }) {
  const [px, py] = [x(a), y(b)];
  const isOn = ([left, right], middle) => points.some((other) => other.place !== place
    && x(other.a) > left - 4 && x(other.a) < right + 4 && Math.abs(y(other.b) - middle) < 9);
  const isFree = ({ span, dy }) => span[0] >= box.left && span[1] <= box.right && !isOn(span, py + dy);
  const sides = [
    { dx: 8, dy: 0, anchor: "start", span: [px + 5, px + NAME] },
    { dx: -8, dy: 0, anchor: "end", span: [px - NAME, px - 5] },
    { dx: 0, dy: -13, anchor: "middle", span: [px - NAME / 2, px + NAME / 2] },
  ];
  const { dx, dy, anchor } = sides.find(isFree) ?? sides[px > box.right - NAME ? 1 : 0];
  const halo = { stroke: "var(--page)", "stroke-width": 3, "paint-order": "stroke", "pointer-events": "none" };
  const words = { "text-anchor": anchor, fill: "var(--ink)", class: "dot-name", ...halo };
  return text(px + dx, py + dy + 4, headShort(atlas, place), words);
}

function dot({ place, a, b }, { x, y, radius, isHollow }, { paint, stroke, size }) {
  const look = isHollow(place)
    ? { fill: "var(--page)", "fill-opacity": 0.4, stroke: paint(place), "stroke-width": 1.6, class: "hollow" }
    : { fill: paint(place), stroke, "stroke-width": 0.8 };
  const circle = { cx: round(x(a)), cy: round(y(b)), r: round(radius * size(place)) };
  return svg("circle", { ...circle, ...look, "data-place": place });
}

function drawAxes(x, y, layout) {
  const { width, height, box } = layout;
  const named = (axis) => `${axisName(axis)}${axis.metric.unit === "1" ? "" : `, ${axis.metric.unit}`}`;
  const [across, down] = [(box.left + box.right) / 2, (box.top + box.bottom) / 2];
  const upright = { transform: `translate(12 ${down}) rotate(-90)` };
  return [
    ...ticks(layout.xs).flatMap((value) => drawTick(layout.x(value), null, mark(x.metric, value), box)),
    ...ticks(layout.ys).flatMap((value) => drawTick(null, layout.y(value), mark(y.metric, value), box)),
    ...axisWords([across, height - 8], named(x), 2 * Math.min(across, width - across)),
    ...axisWords([0, 0], named(y), 2 * Math.min(down, height - down), upright),
  ];
}

/** What an axis is called, in its middle; smaller or in two lines where it lacks room; all where it is pointed at. */
function axisWords([x, y], words, room, turned = {}) {
  const size = clamp((AXIS * room) / textWidth(words, AXIS), SMALLEST, AXIS);
  const [first, ...rest] = wrapped(words, room, size);
  const lines = rest.length ? [first, fit(rest.join(" "), room, size)] : [first];
  const look = { "text-anchor": "middle", "font-size": round(size), ...turned };
  return lines.map((line, n) => {
    const found = text(x, y + (n - (lines.length - 1) / 2) * (SMALLEST + 1), line, look);
    found.append(title(words));
    return found;
  });
}

/** A line across the plot with its number, upright at x or level at y. */
function drawTick(x, y, number, { left, right, top, bottom }) {
  const line = { x1: x ?? left, x2: x ?? right, y1: y ?? top, y2: y ?? bottom, stroke: "var(--line)" };
  const words = x === null
    ? text(left - 6, y + 4, number, { "text-anchor": "end" })
    : text(x, bottom + 16, number, { "text-anchor": "middle" });
  return [svg("line", line), words];
}

/** The point nearest to a place in the picture, with its distance; undefined without any. */
export function nearest({ points, x, y }, [px, py]) {
  const near = points.map((point) => ({ point, gap: Math.hypot(x(point.a) - px, y(point.b) - py) }));
  return near.sort((a, b) => a.gap - b.gap)[0];
}
