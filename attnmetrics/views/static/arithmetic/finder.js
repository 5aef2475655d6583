// What the finder is asked, as its address says it: two axes { metric, label }, an order, a range of layers, a colour,
// a part of the plot, two heads to be seen side by side.

import { colourQuery, readColour, ROLE } from "./head-colour.js";
import { readHeads, writeHeads } from "./head-numbers.js";
import { headAt } from "./heads.js";
import { startLabel } from "./labels.js";

/** The order in which heads answer a question of the rules. */
export const BY_RULE = "rule";

/** Those that may be asked for, the usual one first. */
const ordersOf = (asked) => [...(asked ? [BY_RULE] : []), "highest", "lowest"];

/** The metric that an address asks for and the run does not have; undefined where there is none. */
export const unknownMetric = ({ byName }, query) =>
  ["y", "x"].flatMap((side) => query.getAll(side)).find((name) => !byName.has(name));

/** The question of an address; what it does not say, or says wrong, is the usual. */
export function readQuestion(atlas, query) {
  const last = atlas.layers.length - 1;
  const asked = atlas.roles?.question(query.get("q")) ?? null;
  const axes = asked?.axes && !query.has("y") ? axesOf(atlas, asked) : {
    x: readAxis(atlas, query, "x", "distance"), y: readAxis(atlas, query, "y", "entropy"),
  };
  const orders = ordersOf(asked);
  return {
    ...axes, asked,
    order: orders.includes(query.get("order")) ? query.get("order") : orders[0],
    from: readLayer(atlas, query.get("from"), 0),
    to: readLayer(atlas, query.get("to"), last),
    colour: readColour(atlas, query, atlas.roles ? [ROLE] : [], "cl"),
    brush: readBrush(query.get("in")),
    pair: readHeads(atlas, query.get("pair")).slice(0, 2),
  };
}

/** A part of the plot, [from, to] of the first axis and of the second, "1,2,0.5,0.7"; null for all. */
function readBrush(text) {
  const ends = (text ?? "").split(",").map(Number);
  if (!text || ends.length !== 4 || ends.some(Number.isNaN)) return null;
  return { x: [ends[0], ends[1]], y: [ends[2], ends[3]] };
}

/** The axes that show best who answers a question of the rules. */
export function axesOf(atlas, { axes }) {
  const axis = ({ metric: name, label }) => {
    const metric = atlas.byName.get(name);
    return { metric, label: Math.max(0, metric.place(label)) };
  };
  return { x: axis(axes.x), y: axis(axes.y) };
}

function readAxis(atlas, query, side, usual) {
  const metric = atlas.byName.get(query.get(side)) ?? atlas.byName.get(usual) ?? atlas.metrics[0];
  const label = metric.labels.indexOf(query.get(`${side}l`));
  return { metric, label: label >= 0 ? label : startLabel(metric) };
}

function readLayer(atlas, name, usual) {
  const found = atlas.layers.findIndex((layer) => String(layer) === name);
  return found >= 0 ? found : usual;
}

/** The address of a question; the usual goes unsaid. */
export function writeQuestion(atlas, { x, y, order, from, to, asked, colour, brush, pair }) {
  const query = new URLSearchParams({ ...(asked && { q: asked.key }), y: y.metric.name });
  if (y.metric.dim) query.set("yl", y.metric.labels[y.label]);
  query.set("x", x.metric.name);
  if (x.metric.dim) query.set("xl", x.metric.labels[x.label]);
  if (order !== ordersOf(asked)[0]) query.set("order", order);
  if (from > 0) query.set("from", atlas.layers[from]);
  if (to < atlas.layers.length - 1) query.set("to", atlas.layers[to]);
  for (const [name, value] of colourQuery(colour, "cl")) query.set(name, value);
  if (brush) query.set("in", [...brush.x, ...brush.y].map((end) => Number(end.toPrecision(4))).join(","));
  if (pair.length) query.set("pair", writeHeads(atlas, pair));
  return `#/find?${query}`;
}

/** The heads of the layers asked for, by place; of a question of the rules, those that answer it. */
export function headsAsked(atlas, { y, from, to, asked }) {
  const layerOf = (place) => headAt(atlas, place)[0];
  const wanted = asked ? new Set(asked.places) : null;
  const isAsked = (place) => layerOf(place) >= from && layerOf(place) <= to && (!wanted || wanted.has(place));
  return [...y.metric.column(y.label).keys()].filter(isAsked);
}

/** Those that compete on the first axis in the order asked for; or those that answer a question, the clearest first. */
export function ordered({ y, order, asked }, places) {
  const wanted = new Set(places);
  if (order === BY_RULE) return asked.places.filter((place) => wanted.has(place));
  const found = y.metric.order(y.label).filter((place) => wanted.has(place));
  return order === "lowest" ? found.reverse() : found;
}

/** [x, y] of the heads given, those without evidence left out. */
export function pairs({ x, y }, places) {
  const [xs, ys] = [x.metric.column(x.label), y.metric.column(y.label)];
  return places.map((place) => [xs[place], ys[place]]).filter((pair) => !pair.some(Number.isNaN));
}
