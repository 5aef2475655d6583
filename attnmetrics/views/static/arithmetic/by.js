// A result of heads by the values of a field: addresses, order, rows of a file.

import { valueCells, valueColumns } from "./csv.js";
import { extent } from "./scales.js";

/** The address of a metric by a field. */
export function byHref(field, metric, label = null) {
  const parts = [field, metric.name, ...(metric.dim && label !== null ? [metric.labels[label]] : [])];
  return `#/by/${parts.map(encodeURIComponent).join("/")}`;
}

/** Places of the heads with evidence at two values or more, the largest difference of two values first. */
export function farthestApart({ atlases, name, label }) {
  const columns = atlases.map(({ byName }) => byName.get(name).column(label));
  const range = (place) => {
    const [low, high] = extent(columns.map((column) => column[place]));
    return high - low;
  };
  const known = (place) => columns.filter((column) => !Number.isNaN(column[place])).length > 1;
  const places = [...columns[0].keys()].filter(known).map((place) => ({ place, range: range(place) }));
  return places.sort((a, b) => b.range - a.range || a.place - b.place).map(({ place }) => place);
}

/** Numbers travel in four bytes: no more digits than these bear. */
const exact = (value) => Number(value.toPrecision(7));

/** (layer, head, value, bounds and chance level at each value of the field) of all heads. */
export function byRows({ atlases, name, label }) {
  const [{ layers, heads }] = atlases;
  const tables = atlases.map(({ byName }) => byName.get(name));
  const cells = (table, place) => valueCells(table, place, label);
  const row = (_, place) => [layers[Math.floor(place / heads.length)], heads[place % heads.length],
    ...tables.flatMap((table) => cells(table, place)).map(exact)];
  const columns = atlases.flatMap(({ name: value }, n) => valueColumns(tables[n], label, value));
  return [["layer", "head", ...columns], ...Array.from(tables[0].column(label), row)];
}
