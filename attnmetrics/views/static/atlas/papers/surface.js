// Figures 2, 3 and 4: what heads attend to, how much it matters, and how widely, by layer.

import { placeOf } from "../../arithmetic/heads.js";
import { average, clamp } from "../../arithmetic/scales.js";
import { el } from "../../shared/dom.js";
import { withoutInterval } from "../error-bars.js";
import { layerChart } from "../layer-chart.js";
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
const UNMEASURED = "This run has no importance: attnmetrics importance RUN measures it, of a model with a "
  + "language-model head.";
const KINDS = [["first", "first piece"], ["separator", "separators"], ["punctuation", ". and ,"],
  ["other", "other pieces"]];

export const surface = (found, atlas) => panels(found, atlas, help(atlas, SPECIAL), FIGURE_2);

export const entropy = (found, atlas) => panels(found, atlas, help(atlas), FIGURE_4);

const help = (atlas, more = "") => DOTS + (Object.keys(atlas.layer_values).length ? PUBLISHED : "") + more;

/** Charts side by side; those whose table the run has not say so. */
function panels(found, atlas, words, figure) {
  const blocks = sideBySide(found, words, figure.map(({ title }) => title));
  figure.forEach((panel, n) => drawPanel(atlas, blocks[n], panel));
}

/** A block under each title; how wide they are is asked once, while they are empty: the answer lays out the page. */
function sideBySide(found, words, titles) {
  const blocks = titles.map((title) => el("div", {}, el("h3", {}, title)));
  found.append(el("p", { class: "help" }, words), el("div", { class: "panels" }, ...blocks));
  const width = clamp(blocks[0].clientWidth || 320, 260, 420);
  for (const block of blocks) block.dataset.width = width;
  return blocks;
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
  const picture = layerChart(atlas, metric, series, { width: Number(block.dataset.width), name: title });
  Object.assign(block.dataset, { title, definition: metric.formula });
  block.append(picture, tools(() => picture, () => rowsOf(atlas, series), title));
}

/** The series of a label; none where no head has evidence, or the text has no such pieces. */
function seriesOf(atlas, metric, label, name) {
  const place = label ? metric.place(label) : 0;
  if (place < 0 || !metric.order(place).length || metric.chanceOfLayer(0, place) === 0) return [];
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
export function gradients(found, atlas) {
  const metric = atlas.byName.get("importance");
  if (!metric) {
    found.append(el("p", { class: "note" }, UNMEASURED));
    return;
  }
  found.append(...withoutInterval(atlas, metric));
  const words = `${metric.help} A dot is a head, the line the mean of a layer's heads.`;
  const blocks = sideBySide(found, words, FIGURE_3.map(([, title]) => title));
  FIGURE_3.forEach(([kind, title], n) => {
    const series = KINDS.flatMap(([piece, name]) => ofKind(atlas, metric, `${piece}, ${kind}`, name));
    drawChart(atlas, blocks[n], { metric, series, title });
  });
}

function ofKind(atlas, metric, label, name) {
  const place = metric.place(label);
  if (place < 0 || !metric.order(place).length) return [];
  const at = (layer, head) => metric.at(layer, head, place);
  const ofLayer = (layer) => average(atlas.heads.map((_, head) => at(layer, head)));
  const told = (layer, head) => metric.inWords(placeOf(atlas, layer, head), place);
  return [{ name, at, told, ofLayer, bounds: () => [NaN, NaN], published: null, even: NaN }];
}
