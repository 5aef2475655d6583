// Tables of a comparison's pages as rows of a CSV file; numbers as the page has them.

import { columnName } from "./csv.js";
import { headAt } from "./heads.js";

/** Numbers travel in four bytes: no more digits than these bear. */
const exact = (value) => Number(value.toPrecision(7));

/** (layer, head, value and bounds in each run, difference and bounds, q) of all heads. */
export function differenceRows(comparison, name, label) {
  const [metric, ...runs] = comparison.tables(name);
  const column = columnName(runs[0], label);
  const of = (table, place) => [table.column(label)[place], ...table.bounds(place, label)].map(exact);
  const rows = [...metric.column(label).keys()].map((place) => [
    ...named(comparison, place), ...runs.flatMap((table) => of(table, place)),
    ...[metric.raw(place, label), ...metric.rawBounds(place, label), metric.qAt(place, label)].map(exact),
  ]);
  const ofRun = (run) => ["", "_low", "_high"].map((end) => `${column} ${run}${end}`);
  return [["layer", "head", ...comparison.names.flatMap(ofRun), "difference", "difference_low", "difference_high", "q"],
    ...rows];
}

/** (result, label, value in each run, difference and bounds, q) of a head. */
export function headRows(comparison, place) {
  const row = ({ metric, label }) => {
    const [, ...runs] = comparison.tables(metric.name);
    const values = runs.map((table) => table.column(label)[place]);
    const change = [metric.raw(place, label), ...metric.rawBounds(place, label), metric.qAt(place, label)];
    return [metric.name, metric.dim ? metric.labels[label] : "", ...[...values, ...change].map(exact)];
  };
  return [["result", "label", ...comparison.names, "difference", "difference_low", "difference_high", "q"],
    ...comparison.ofHead(place).map(row)];
}

/** (run, point, layer, head, value, low, high) of a result at a label in all runs. */
export function trendRows(comparison, name, label, places) {
  const rows = comparison.atlases.flatMap((atlas, run) => places.map((place) => {
    const table = atlas.byName.get(name);
    const numbers = [table.column(label)[place], ...table.bounds(place, label)].map(exact);
    return [atlas.name, comparison.axis?.points[run] ?? "", ...named(comparison, place), ...numbers];
  }));
  const column = columnName(comparison.first.byName.get(name), label);
  return [["run", comparison.axis?.name ?? "point", "layer", "head", column, "low", "high"], ...rows];
}

function named(comparison, place) {
  const [layer, head] = headAt(comparison, place);
  return [comparison.layers[layer], comparison.heads[head]];
}
