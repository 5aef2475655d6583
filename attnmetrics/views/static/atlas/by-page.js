// A result by the values of a field of documents: their maps on one scale, their layers, the heads farthest apart.

import { byHref, byRows, farthestApart } from "../arithmetic/by.js";
import { headAt, headHref, headName } from "../arithmetic/heads.js";
import { labelName, startLabel } from "../arithmetic/labels.js";
import { counted } from "../arithmetic/numbers.js";
import { clamp } from "../arithmetic/scales.js";
import { shelves } from "../arithmetic/shelves.js";
import { choice } from "../shared/controls.js";
import { el } from "../shared/dom.js";
import { bracketed } from "./error-bars.js";
import { headMap } from "./head-map.js";
import { layerChart } from "./layer-chart.js";
import { about } from "./metric-page.js";
import { crumbs, OVERVIEW, place, section, table } from "./parts.js";
import { tools } from "./tools.js";

/** Heads that are listed, and pixels that the cells of a map may take down. */
const [LISTED, TALL] = [12, 420];
const HELP = "The numbers of a value are those of the documents that have it; their intervals come from the shards "
  + "that hold such documents. Sentences, pieces and roles of heads are those of all documents.";
const MAPS_HELP = "All maps have one scale. Layers go down, heads across; a click opens the head.";
const LAYERS_HELP = "A line is the same formula over a layer's heads together, with its interval; a dot is a head.";
const APART_HELP = "By the largest difference of two values. Intervals that do not touch leave little doubt; those "
  + "that do may still hide a difference.";

export function drawBy(root, atlas, [name, metricName, wanted], go) {
  const one = name === undefined ? atlas.by[0] : atlas.by.find(({ field }) => field === name);
  if (!one) return atlas.by.length ? `expected a field that the run is split by, found ${name}` : NOT_SPLIT;
  const metrics = one.atlases[0].byName;
  const metric = metricName === undefined ? one.atlases[0].metrics[0] : metrics.get(metricName);
  if (!metric) return `expected a metric by ${one.field}, found ${metricName}`;
  const label = wanted === undefined ? startLabel(metric) : metric.place(wanted);
  if (label === -1) return `expected a label of ${metricName}, found ${wanted}`;
  const shown = { ...one, name: metric.name, label, title: metric.heading(label) };
  root.append(crumbs([OVERVIEW], `By ${one.field}`), el("h1", {}, `${shown.title}, by ${one.field}`), about(metric),
    el("p", { class: "help" }, HELP), ...howToCompare(one), valueTable(atlas, one),
    ...withoutIntervals(one), menus(atlas, shown, metric, go),
    ...one.cut.map((words) => el("p", { class: "note" }, `Not all labels are in this page: ${words}.`)));
  drawMaps(root, shown, go);
  drawLayers(root, shown);
  root.append(apart(shown));
  return null;
}

const NOT_SPLIT = "expected a run that is split by a field of its documents: attnmetrics run --by FIELD splits one";

/** Intervals of single values say little of differences of documents that lie in the same shards. */
function howToCompare({ field, values }) {
  if (values.length < 2) return [];
  const command = el("code", {}, `attnmetrics compare RUN --by ${field}`);
  return [el("p", { class: "note" }, "Which differences are more than noise: ", command,
    " tests every head, draws the same shards for all values, and makes a page of differences.")];
}

/** How much there is of each value. */
function valueTable(atlas, { field, values }) {
  const all = [["documents", "documents"], ["shards", "shards"], ["sentences", `${atlas.unit}s`], ["pieces", "pieces"]];
  const kept = all.filter(([name]) => values.some((value) => (value[name] ?? null) !== null));
  const cell = (value) => el("td", { class: "value" }, Number.isInteger(value) ? counted(value) : "–");
  const row = (value) => [el("th", { scope: "row" }, el("bdi", {}, value.name)),
    ...kept.map(([name]) => cell(value[name]))];
  const header = [field, ...kept.map(([, words]) => words)];
  return el("div", { class: "scroll" }, table("metrics by-values", header, values.map(row)));
}

/** Which values have too few shards for intervals. */
function withoutIntervals({ values, least_shards: least }) {
  const few = values.filter(({ shards }) => shards < least).map(({ name }) => name);
  const words = `No intervals of ${few.join(", ")}: they come from differences between ${least} shards or more.`;
  return few.length ? [el("p", { class: "note unsure" }, words)] : [];
}

function menus(atlas, { field, atlases, label }, metric, go) {
  const [first] = atlases;
  const fields = atlas.by.map((one) => [one.field, one.field]);
  const options = shelves(first).map(({ title, metrics }) =>
    ({ title, options: metrics.map((one) => [one.name, one.title]) }));
  const found = [choice("Metric", options, metric.name, (name) => go(byHref(field, first.byName.get(name))))];
  if (fields.length > 1) found.unshift(choice("By", fields, field, (other) => go(byHref(other, metric, label))));
  if (metric.dim) {
    const labels = metric.labels.map((one, at) => [String(at), labelName(metric.dim, one)]);
    found.push(choice(metric.dimTitle, labels, label, (at) => go(byHref(field, metric, Number(at)))));
  }
  return el("div", { class: "controls finder" }, ...found);
}

function drawMaps(root, { atlases, name, label, title, field }, go) {
  const found = section("Maps", MAPS_HELP);
  const grid = el("div", { class: "maps-grid values" });
  found.append(grid);
  root.append(found);
  const blocks = atlases.map((one) => el("div", {}, el("h3", {}, el("bdi", {}, one.name))));
  grid.append(...blocks); // all of them, before any asks how wide it is
  atlases.forEach((one, n) => {
    const { host, status, say } = place();
    blocks[n].append(host, status);
    const choose = (layer, head) => go(headHref(one, layer, head));
    const picture = headMap(host, one, { metric: one.byName.get(name), label }, { say, choose },
      { hasBars: false, tall: TALL });
    const titles = [`${title}, ${field}: ${one.name}`, one.source];
    host.after(tools(() => picture, () => byRows({ atlases, name, label }), titles[0], titles));
  });
}

function drawLayers(root, { atlases, name, label, title, field }) {
  const tables = atlases.map(({ byName }) => byName.get(name));
  if (tables.every(({ byLayer }) => byLayer.every(Number.isNaN))) return;
  const found = section("By layer", LAYERS_HELP);
  root.append(found);
  const series = tables.map((one, n) => seriesOf(one, label, atlases[n].name));
  const width = clamp(found.clientWidth || 700, 280, 900);
  const words = `${title}, by ${field}`;
  const picture = layerChart(atlases[0], tables[0], series, { width, name: words, isClose: true });
  const rows = () => layerRows(atlases, tables, label);
  found.append(picture, tools(() => picture, rows, `${words} layers`, [`${words}, by layer`, atlases[0].source]));
}

const seriesOf = (one, label, name) => ({
  name, at: (layer, head) => one.at(layer, head, label),
  told: (layer, head) => one.inWords(layer * one.heads + head, label),
  ofLayer: (layer) => one.ofLayer(layer, label), bounds: (layer) => one.boundsOfLayer(layer, label),
  published: null, even: NaN,
});

function layerRows(atlases, tables, label) {
  const exact = (value) => Number(value.toPrecision(7));
  const cells = (one, layer) => [one.ofLayer(layer, label), ...one.boundsOfLayer(layer, label)].map(exact);
  const columns = atlases.flatMap(({ name }) => ["", "_low", "_high"].map((end) => `${name}${end}`));
  return [["layer", ...columns],
    ...atlases[0].layers.map((name, layer) => [name, ...tables.flatMap((one) => cells(one, layer))])];
}

/** The heads whose values are farthest apart. */
function apart(shown) {
  const { atlases, name, label, title, field } = shown;
  const found = section("Heads that are farthest apart", APART_HELP);
  const tables = atlases.map(({ byName }) => byName.get(name));
  const row = (at) => {
    const [layer, head] = headAt(atlases[0], at);
    const called = headName(atlases[0], layer, head);
    const link = el("a", { class: "head-link", href: headHref(atlases[0], layer, head) }, called);
    const cell = (one) => {
      const [value, interval] = one.told(at, label);
      return el("td", { class: "value" }, value, ...bracketed(interval === "–" ? "" : interval));
    };
    return [el("th", { scope: "row" }, link), ...tables.map(cell)];
  };
  const header = ["head", ...atlases.map((one) => one.name)];
  const rows = farthestApart(shown).slice(0, LISTED).map(row);
  found.append(el("div", { class: "scroll" }, table("metrics differences", header, rows)),
    tools(null, () => byRows(shown), `${title} by ${field}`));
  return found;
}
