// What the finder is asked, as its address says it: two axes { metric, label }, an order, a range of layers.

import { headAt } from "./heads.js";
import { startLabel } from "./labels.js";

/** The question of an address; what it does not say, or says wrong, is the usual. */
export function readQuestion(atlas, query) {
  const last = atlas.layers.length - 1;
  return {
    x: readAxis(atlas, query, "x", "distance"),
    y: readAxis(atlas, query, "y", "entropy"),
    order: query.get("order") === "lowest" ? "lowest" : "highest",
    from: readLayer(atlas, query.get("from"), 0),
    to: readLayer(atlas, query.get("to"), last),
  };
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
export function writeQuestion(atlas, { x, y, order, from, to }) {
  const query = new URLSearchParams({ y: y.metric.name });
  if (y.metric.dim) query.set("yl", y.metric.labels[y.label]);
  query.set("x", x.metric.name);
  if (x.metric.dim) query.set("xl", x.metric.labels[x.label]);
  if (order !== "highest") query.set("order", order);
  if (from > 0) query.set("from", atlas.layers[from]);
  if (to < atlas.layers.length - 1) query.set("to", atlas.layers[to]);
  return `#/find?${query}`;
}

/** The heads of the layers asked for, by place. */
export function headsAsked(atlas, { y, from, to }) {
  const layerOf = (place) => headAt(atlas, place)[0];
  return [...y.metric.column(y.label).keys()].filter((place) => layerOf(place) >= from && layerOf(place) <= to);
}

/** Those that compete on the first axis, in the order asked for. */
export function ordered({ y, order }, places) {
  const wanted = new Set(places);
  const found = y.metric.order(y.label).filter((place) => wanted.has(place));
  return order === "lowest" ? found.reverse() : found;
}

/** [x, y] of the heads given, those without evidence left out. */
export function pairs({ x, y }, places) {
  const [xs, ys] = [x.metric.column(x.label), y.metric.column(y.label)];
  return places.map((place) => [xs[place], ys[place]]).filter((pair) => !pair.some(Number.isNaN));
}

/** Questions that people ask first: [name, axes { y, yl, x, xl } as in an address], of metrics that the run has. */
export function presets(atlas) {
  const has = (metric, label) => atlas.byName.has(metric) && atlas.byName.get(metric).place(label) >= 0;
  return PRESETS.filter(([, { y, yl, x, xl }]) => has(y, yl) && has(x, xl));
}

const PRESETS = [
  ["Who follows syntax?",
    { y: "dependency_alignment", yl: "either", x: "dependency_expected", xl: "either" }],
  ["Who looks at neighbours?", { y: "attention_at_offset", yl: "1", x: "distance" }],
  ["Who copies?", { y: "induction_attention", x: "repeat_attention" }],
  ["Who is switched off?", { y: "null_attention", x: "distance" }],
];
