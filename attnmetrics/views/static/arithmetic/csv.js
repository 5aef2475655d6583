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

/**
 * The rows with one more column, which says in the first row what all are of: a line above the header would be one that
 * programs take for the header.
 */
export const withAbout = ([header, ...rows], about) =>
  (about ? [[...header, "about"], ...rows.map((row, n) => [...row, n ? "" : about])] : [header, ...rows]);

/** What a column of a metric is called. */
export const columnName = (metric, label) => (metric.dim ? `${metric.name} ${metric.labels[label]}` : metric.name);

const named = (atlas, place) => {
  const [layer, head] = headAt(atlas, place);
  return [atlas.layers[layer], atlas.heads[head]];
};

const [BOUNDS, CHANCE] = [["_low", "_high"], ["_chance"]];
const ends = (metric, isSure) => ["", ...(isSure ? BOUNDS : []), ...(metric.chance ? CHANCE : [])];

/** The columns of a value: where its table has intervals and a chance level, those of its bounds and of that too. */
export const valueColumns = (metric, label, name = columnName(metric, label)) =>
  ends(metric, metric.sure?.own).map((end) => `${name}${end}`);

/** A value, its bounds and chance level likewise. */
export function valueCells(metric, place, label = 0) {
  const bounds = metric.sure?.own ? metric.bounds(place, label) : [];
  const [layer, head] = [Math.floor(place / metric.heads), place % metric.heads];
  const chance = metric.chance ? [metric.chanceAt(layer, head, label)] : [];
  return [metric.values[place * metric.width + label], ...bounds, ...chance];
}

/** (layer, head, value) of all heads. */
export function headRows(atlas, metric, label) {
  const places = [...metric.column(label).keys()];
  const rows = places.map((place) => [...named(atlas, place), ...valueCells(metric, place, label)]);
  return [["layer", "head", ...valueColumns(metric, label)], ...rows];
}

/** (layer, head, value at every label) of all heads. */
export function labelRows(atlas, metric) {
  const values = (place) => metric.labels.flatMap((_, label) => valueCells(metric, place, label));
  const rows = [...metric.column(0).keys()].map((place) => [...named(atlas, place), ...values(place)]);
  return [["layer", "head", ...metric.labels.flatMap((name, label) => valueColumns(metric, label, name))], ...rows];
}

/** (label, value of every layer), the labels given. */
export function layerRows(atlas, metric, labels, name) {
  const isSure = metric.sure?.ofLayers;
  const bounds = (layer, label) => (isSure ? metric.boundsOfLayer(layer, label) : []);
  const chance = (layer, label) => (metric.chance ? [metric.chanceOfLayer(layer, label)] : []);
  const cells = (layer, label) => [metric.ofLayer(layer, label), ...bounds(layer, label), ...chance(layer, label)];
  const values = (label) => atlas.layers.flatMap((_, layer) => cells(layer, label));
  const columns = (layer) => ends(metric, isSure).map((end) => `layer ${layer}${end}`);
  const rows = labels.map((label) => [metric.labels[label], ...values(label)]);
  return [[name, ...atlas.layers.flatMap(columns)], ...rows];
}

/** (label, value of a head, mean of all heads); where chance is known, the value as times its level too. */
export function profileRows(metric, layer, head, name) {
  const place = layer * metric.heads + head;
  const times = (label) => (metric.chance ? [metric.at(layer, head, label) / metric.chanceAt(layer, head, label)] : []);
  const row = (label, n) => [label, ...valueCells(metric, place, n), metric.mean(n), ...times(n)];
  const columns = ["mean of all heads", ...(metric.chance ? [`times ${metric.chance.caption || "chance"}`] : [])];
  return [[metric.dim, ...valueColumns(metric, null, name), ...columns], ...metric.labels.map(row)];
}

/** Every value of a head with its rank. */
export function metricRows(atlas, layer, head) {
  const place = placeOf(atlas, layer, head);
  const more = (cells) => (atlas.interval_title ? cells : []);
  const row = (metric, label) => {
    const { rank, of } = metric.rank(place, label);
    const name = metric.dim ? metric.labels[label] : "";
    const open = metric.ranks(place, label) ?? ["", ""];
    const known = (value) => (Number.isNaN(value) ? "" : value);
    const level = known(metric.chanceAt(layer, head, label));
    const sure = [...more(metric.bounds(place, label).map(known)), level, ...more(open)];
    return [metric.name, name, metric.at(layer, head, label), rank || "", of, metric.unit, ...sure];
  };
  const labels = (metric) => (metric.dim ? [...metric.labels.keys()] : [0]);
  const rows = atlas.metrics.flatMap((metric) => labels(metric).map((label) => row(metric, label)));
  const columns = [...more(["low", "high"]), "chance", ...more(["rank_first", "rank_last"])];
  return [["metric", "label", "value", "rank", "of", "unit", ...columns], ...rows];
}

/** (layer, head, y, x) of the heads given; `y` and `x` are { metric, label }. */
export function pairRows(atlas, y, x, places) {
  const value = ({ metric, label }, place) => valueCells(metric, place, label);
  const rows = places.map((place) => [...named(atlas, place), ...value(y, place), ...value(x, place)]);
  const columns = [y, x].flatMap(({ metric, label }) => valueColumns(metric, label));
  return [["layer", "head", ...columns], ...rows];
}
