// Figures 2, 3 and 4: what heads attend to, how much it matters, and how widely, by layer.

import { placeOf } from "../../arithmetic/heads.js";
import { average, clamp } from "../../arithmetic/scales.js";
import { el } from "../../shared/dom.js";
import { withoutInterval } from "../error-bars.js";
import { layerChart } from "../layer-chart.js";
import { section } from "../parts.js";
import { tools } from "../tools.js";

const DOTS = "A dot is a head, a click opens it; the line is the layer as a whole; dotted, what even attention would "
  + "give.";
const SPECIAL = " In BERT the first piece is [CLS], and separators are [SEP].";
const PUBLISHED = " Dashed: BERT-base, as published.";

const FIGURE_2 = [
  { title: "To special pieces", metric: "special_attention",
    labels: [["first", "first piece"], ["separator", "separators"], ["punctuation", ". and ,"]] },
  { title: "To separators", metric: "separator_attention",
    labels: [["separator", "from separators"], ["other", "from others"]] },
  { title: "To neighbours", metric: "neighbour_attention",
    labels: [["previous", "previous"], ["current", "the piece itself"], ["next", "next"]] },
];
const FIGURE_4 = [
  { title: "From all pieces", metric: "entropy_all", labels: [["", "entropy"]] },
  { title: "From the first piece, or the last of a causal model", metric: "entropy_summary",
    labels: [["", "entropy"]] },
];
const FIGURE_3 = [["raw", "Raw, as in the paper"], ["centred", "Centred"], ["weighted", "Weighted"]];
const KINDS = [["first", "first piece"], ["separator", "separators"], ["punctuation", ". and ,"],
  ["other", "other pieces"]];

export const figure2 = (atlas, host) =>
  panels(atlas, host, section("Figure 2: attention to special pieces and neighbours", help(atlas, SPECIAL)), FIGURE_2);

export const figure4 = (atlas, host) =>
  panels(atlas, host, section("Figure 4: entropy of attention", help(atlas)), FIGURE_4);

const help = (atlas, more = "") => DOTS + (Object.keys(atlas.layer_values).length ? PUBLISHED : "") + more;

/** Charts side by side; those whose table the run has not say so. */
function panels(atlas, host, found, figure) {
  const grid = el("div", { class: "panels" });
  found.append(grid);
  host.append(found);
  const blocks = figure.map((panel) => el("div", {}, el("h3", {}, panel.title)));
  grid.append(...blocks); // all of them, before any asks how wide it is
  figure.forEach((panel, n) => drawPanel(atlas, blocks[n], panel));
}

function drawPanel(atlas, block, { title, metric: name, labels }) {
  const metric = atlas.byName.get(name);
  const series = metric ? labels.flatMap(([label, words]) => seriesOf(atlas, metric, label, words)) : [];
  if (!series.length) {
    block.append(el("p", { class: "note" }, metric ? "No head has evidence." : `The run has no ${name}.`));
    return;
  }
  drawChart(atlas, block, { metric, series, title });
}

function drawChart(atlas, block, { metric, series, title }) {
  const picture = layerChart(atlas, metric, series, { width: clamp(block.clientWidth || 320, 260, 420), name: title });
  block.append(picture, tools(() => picture, () => rowsOf(atlas, series), title));
}

/** The series of a label; none where no head has evidence. */
function seriesOf(atlas, metric, label, name) {
  const place = label ? metric.place(label) : 0;
  if (place < 0 || !metric.order(place).length) return [];
  return [{
    name,
    at: (layer, head) => metric.at(layer, head, place),
    told: (layer, head) => metric.inWords(placeOf(atlas, layer, head), place),
    ofLayer: (layer) => metric.ofLayer(layer, place),
    bounds: (layer) => metric.boundsOfLayer(layer, place),
    published: atlas.layer_values[label ? `${metric.name} ${label}` : metric.name] ?? null,
    even: metric.chanceOfLayer(0, place),
  }];
}

function rowsOf(atlas, series) {
  const isSure = series.some(({ bounds }) => atlas.layers.some((_, n) => !Number.isNaN(bounds(n)[0])));
  const more = (values) => (isSure ? values : []);
  const row = (layer, n) => [layer, ...series.flatMap((one) => [one.ofLayer(n), ...more(one.bounds(n))])];
  const header = series.flatMap(({ name }) => [name, ...more([`${name}_low`, `${name}_high`])]);
  return [["layer", ...header], ...atlas.layers.map(row)];
}

/** Figure 3: importance has no table by layer; its line is the mean of heads. */
export function figure3(atlas, host) {
  const metric = atlas.byName.get("importance");
  const name = "Figure 3: how much attention to special pieces matters";
  if (!metric) {
    const words = "This run has no importance yet: attnmetrics importance RUN measures it.";
    const found = section(name);
    found.append(el("p", { class: "note" }, words));
    host.append(found);
    return;
  }
  const found = section(name, `${metric.help} A dot is a head, the line the mean of a layer's heads.`);
  found.append(...withoutInterval(atlas, metric));
  const grid = el("div", { class: "panels" });
  found.append(grid);
  host.append(found);
  const blocks = FIGURE_3.map(([, title]) => el("div", {}, el("h3", {}, title)));
  grid.append(...blocks); // all of them, before any asks how wide it is
  FIGURE_3.forEach(([kind, title], n) => {
    const series = KINDS.flatMap(([piece, words]) => gradients(atlas, metric, `${piece}, ${kind}`, words));
    drawChart(atlas, blocks[n], { metric, series, title });
  });
}

function gradients(atlas, metric, label, name) {
  const place = metric.place(label);
  if (place < 0 || !metric.order(place).length) return [];
  const at = (layer, head) => metric.at(layer, head, place);
  const ofLayer = (layer) => average(atlas.heads.map((_, head) => at(layer, head)));
  const told = (layer, head) => metric.inWords(placeOf(atlas, layer, head), place);
  return [{ name, at, told, ofLayer, bounds: () => [NaN, NaN], published: null, even: NaN }];
}
