// Tables as CSV, and the tables that the atlas' pages save.

import { headAt, placeOf } from "./heads.js";

/** Numbers in full; text that no spreadsheet takes for a formula, quoted where it must be (RFC 4180). */
export function csv(rows) {
  return rows.map((row) => `${row.map(cell).join(",")}\n`).join("");
}

/** Places where a spreadsheet would begin a formula: at the start, but for negative whole numbers, or after a break. */
const FORMULA = /(?:^(?!-\d+$)|(?<=[;\t\r\n]))(?=\s*[=+\-@＝＋－＠]|[\t\r\n])/g;

function cell(value) {
  const text = typeof value === "string" ? value.replace(FORMULA, "'") : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** What a column of a metric is called. */
export const columnName = (metric, label) => (metric.dim ? `${metric.name} ${metric.labels[label]}` : metric.name);

const named = (atlas, place) => {
  const [layer, head] = headAt(atlas, place);
  return [atlas.layers[layer], atlas.heads[head]];
};

/** (layer, head, value) of all heads. */
export function headRows(atlas, metric, label) {
  const rows = [...metric.column(label)].map((value, place) => [...named(atlas, place), value]);
  return [["layer", "head", columnName(metric, label)], ...rows];
}

/** (layer, head, value at every label) of all heads. */
export function labelRows(atlas, metric) {
  const values = (place) => metric.labels.map((_, label) => metric.column(label)[place]);
  const rows = [...metric.column(0).keys()].map((place) => [...named(atlas, place), ...values(place)]);
  return [["layer", "head", ...metric.labels], ...rows];
}

/** (label, value of every layer), the labels given. */
export function layerRows(atlas, metric, labels, name) {
  const values = (label) => atlas.layers.map((_, layer) => metric.ofLayer(layer, label));
  const rows = labels.map((label) => [metric.labels[label], ...values(label)]);
  return [[name, ...atlas.layers.map((layer) => `layer ${layer}`)], ...rows];
}

/** (label, value of a head, mean of all heads). */
export function profileRows(metric, layer, head, name) {
  const rows = metric.labels.map((label, n) => [label, metric.at(layer, head, n), metric.mean(n)]);
  return [[metric.dim, name, "mean of all heads"], ...rows];
}

/** Every value of a head with its rank. */
export function metricRows(atlas, layer, head) {
  const place = placeOf(atlas, layer, head);
  const row = (metric, label) => {
    const { rank, of } = metric.rank(place, label);
    const name = metric.dim ? metric.labels[label] : "";
    return [metric.name, name, metric.at(layer, head, label), rank || "", of, metric.unit];
  };
  const labels = (metric) => (metric.dim ? [...metric.labels.keys()] : [0]);
  const rows = atlas.metrics.flatMap((metric) => labels(metric).map((label) => row(metric, label)));
  return [["metric", "label", "value", "rank", "of", "unit"], ...rows];
}

/** (layer, head, y, x) of the heads given; `y` and `x` are { metric, label }. */
export function pairRows(atlas, y, x, places) {
  const value = (axis, place) => axis.metric.column(axis.label)[place];
  const rows = places.map((place) => [...named(atlas, place), value(y, place), value(x, place)]);
  return [["layer", "head", columnName(y.metric, y.label), columnName(x.metric, x.label)], ...rows];
}
