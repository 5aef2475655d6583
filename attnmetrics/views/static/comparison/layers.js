// A result by layer in both runs.

import { inBrackets } from "../arithmetic/intervals.js";
import { clamp } from "../arithmetic/scales.js";
import { layerChart } from "../atlas/layer-chart.js";
import { section, table } from "../atlas/parts.js";
import { tools } from "../atlas/tools.js";
import { el } from "../shared/dom.js";
import { titlesOf } from "./parts.js";
import { FIRST, OTHER } from "./run-choice.js";

const HELP = "A line is the same formula over a layer's heads together, with its interval; a dot is a head.";

/** Nothing of a result that has no values by layer. */
export function layerSection(root, comparison, { metric, label, title }) {
  const [difference, ...runs] = comparison.tables(metric.name);
  if (runs.every(({ byLayer }) => byLayer.every(Number.isNaN))) return;
  const found = section("By layer", HELP);
  root.append(found);
  const look = (n) => ({ name: comparison.names[n], colour: [FIRST, OTHER][n] });
  const series = runs.map((one, n) => ({ ...seriesOf(one, label), ...look(n) }));
  const width = clamp(found.clientWidth || 700, 280, 900);
  const picture = layerChart(comparison, runs[0], series, { width, name: title, isClose: true });
  const rows = () => layerRows(comparison, [...runs, difference], label);
  const titles = titlesOf(comparison, `${title}, by layer`, difference, HELP);
  found.append(picture, tools(() => picture, rows, `${title} layers`, titles),
    layerTable(comparison, [...runs, difference], label));
}

const seriesOf = (one, label) => ({
  at: (layer, head) => one.at(layer, head, label),
  told: (layer, head) => one.inWords(layer * one.heads + head, label),
  ofLayer: (layer) => one.ofLayer(layer, label), bounds: (layer) => one.boundsOfLayer(layer, label),
  published: null, even: NaN,
});

/** The numbers of the layers, folded. */
function layerTable({ layers, names }, tables, label) {
  const cell = (one, layer) => el("td", { class: "value" }, inBrackets(one.toldOfLayer(layer, label)));
  const row = (name, layer) => [el("th", { scope: "row" }, String(name)), ...tables.map((one) => cell(one, layer))];
  const rows = layers.map(row);
  const whole = el("div", { class: "scroll" }, table("metrics", ["layer", ...names, "difference"], rows));
  return el("details", {}, el("summary", {}, "numbers"), whole);
}

function layerRows({ layers, names }, [first, other, difference], label) {
  const exact = (value) => Number(value.toPrecision(7));
  const of = (one, layer, factor = 1) =>
    [one.ofLayer(layer, label), ...one.boundsOfLayer(layer, label)].map((value) => exact(value / factor));
  const rows = layers.map((name, layer) => [
    name, ...of(first, layer), ...of(other, layer), ...of(difference, layer, difference.factor),
    exact(difference.qOfLayers[layer * difference.width + label]),
  ]);
  const columns = (name) => ["", "_low", "_high"].map((end) => `${name}${end}`);
  return [["layer", ...[...names, "difference"].flatMap(columns), "q"], ...rows];
}
