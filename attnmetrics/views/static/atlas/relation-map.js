// Attention to labels by layer, each relative to its mean over layers, from low layers to deep ones (Fig. 9).

import { explainLabel } from "../arithmetic/glossary.js";
import { labelName } from "../arithmetic/labels.js";
import { inBrackets } from "../arithmetic/intervals.js";
import { number, percent } from "../arithmetic/numbers.js";
import { average, clamp, extent, levelAround, round } from "../arithmetic/scales.js";
import { pointIn, sheet, svg, text, title } from "../shared/dom.js";
import { tallEnough } from "../shared/touch.js";
import { tooltip } from "../shared/tooltip.js";
import { cells, colourBar, columnNumbers } from "./map-parts.js";

const ABOVE = 22;
/** Pixels of a row, whose name is a link. */
const ROW = 17;
const GAP = 18;
const LEGEND = 180;
/** Pixels beside a bar for its number. */
const NUMBER = 46;
const NARROW = 480;
const TITLE = "Attention to each relation by layer, relative to the relation's mean";

/** Fill host with the map; `say` writes the status line. */
export function relationMap(host, atlas, metric, { say }) {
  const scene = { atlas, metric, ...ratios(atlas, metric) };
  scene.layout = layoutRelations(scene, host.clientWidth);
  const picture = drawRelations(scene);
  host.replaceChildren(picture);
  listen(picture, scene, { say, tip: tooltip(host) });
  return picture;
}

/** The rows, each a label with its mean over layers and its ratios to it; and the largest ratio, 2 at least. */
function ratios(atlas, metric) {
  const rows = metric.byDepth().map((label) => {
    const values = atlas.layers.map((_, layer) => metric.ofLayer(layer, label));
    const mean = average(values);
    return { label, mean, values, ratios: values.map((value) => value / mean) };
  });
  return { rows, top: extent([2, ...rows.flatMap((row) => row.ratios)])[1] };
}

function layoutRelations({ atlas, metric, rows }, available) {
  const room = Math.max(280, available || 700);
  const bars = room < NARROW ? 80 : 170;
  const longest = Math.max(...rows.map(({ label }) => labelName(metric.dim, metric.labels[label]).length), 4);
  const left = Math.min(130, 24 + 6.4 * longest);
  const width = clamp((room - left - GAP - bars) / atlas.layers.length, 9, 34);
  const height = tallEnough(ROW);
  const box = { left, top: ABOVE, width, height, gap: 1.5 };
  const [right, bottom] = [left + atlas.layers.length * width, ABOVE + rows.length * height];
  return { room, bars, box, right, bottom };
}

function drawRelations(scene) {
  const { atlas, rows, top, layout: { room, bars, box, right, bottom } } = scene;
  const attributes = { class: "relation-map", role: "group", "aria-label": TITLE };
  const picture = sheet(right + GAP + bars, bottom + 58, attributes);
  const levelAt = (row, layer) => levelAround(rows[row].ratios[layer], 1, top);
  const scale = { x: box.left, y: bottom + 24, width: LEGEND, gap: 21 };
  picture.append(
    cells(rows.length, atlas.layers.length, levelAt, box, "ratio"),
    ...columnNumbers(atlas.layers, box, 16),
    ...rows.flatMap((row, n) => drawRow(scene, row, n)),
    text(box.left, bottom + 14, "layers across"),
    text(right + GAP, bottom + 14, room < NARROW ? "mean share" : "mean share of attention"),
    ...colourBar("ratio", scale, ["0", "its mean", `${number(top)} ×`]),
  );
  return picture;
}

/** A row's name and its bar. */
function drawRow({ atlas, metric, rows, layout: { bars, box, right } }, { label, mean }, n) {
  const top = box.top + n * box.height;
  const y = top + (box.height - ROW) / 2;
  const words = { "text-anchor": "end", fill: "var(--link)" };
  const name = text(box.left - 7, y + 12, labelName(metric.dim, metric.labels[label]), words);
  const told = title(explainLabel(atlas, metric, label));
  const length = ((bars - NUMBER) * mean) / Math.max(...rows.map((row) => row.mean));
  const bar = svg("rect", { x: right + GAP, y: y + 2, width: round(length), height: 12, fill: "var(--bar)" });
  const ground = svg("rect", { x: 0, y: top, width: box.left, height: box.height, fill: "transparent" });
  const link = svg("a", { href: metric.href(label) }, told, ground, name);
  return [link, bar, text(right + GAP + 5 + length, y + 12, percent(mean))];
}

function listen(picture, scene, { say, tip }) {
  const leave = () => { tip.hide(); say(""); };
  picture.addEventListener("pointerleave", leave);
  picture.addEventListener("pointermove", (event) => {
    const told = describe(scene, pointIn(picture, event));
    if (!told) { leave(); return; }
    tip.show(event, told.name, [[told.value, told.ratio]]);
    say(`${told.name}: ${told.value}`);
  });
}

/** What is told of the cell at a point; null outside. */
function describe({ atlas, metric, rows, layout: { box } }, [x, y]) {
  const layer = Math.floor((x - box.left) / box.width);
  const row = rows[Math.floor((y - box.top) / box.height)];
  if (!row || layer < 0 || layer >= atlas.layers.length) return null;
  const value = row.values[layer];
  const ratio = Number.isNaN(value) ? "no evidence" : `${number(row.ratios[layer])} × its mean`;
  const name = `${labelName(metric.dim, metric.labels[row.label])}, layer ${atlas.layers[layer]}`;
  return { name, value: inBrackets(metric.toldOfLayer(layer, row.label)), ratio };
}
