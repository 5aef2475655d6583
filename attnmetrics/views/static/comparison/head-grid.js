// A small line over all runs for every head, layers down and heads across, read by pointer and keys.

import { headName, placeOf } from "../arithmetic/heads.js";
import { plain } from "../arithmetic/numbers.js";
import { clamp, extent, round } from "../arithmetic/scales.js";
import { MapReader } from "../atlas/head-map.js";
import { columnNumbers, rowNumbers } from "../atlas/map-parts.js";
import { place } from "../atlas/parts.js";
import { sheet, svg, text } from "../shared/dom.js";
import { tooltip } from "../shared/tooltip.js";
import { sparkline } from "./trend-lines.js";

const [LEFT, ABOVE, BELOW] = [34, 22, 22];

/** { picture, nodes }: the drawing, and what holds it and its status line. */
export function headGrid(comparison, { name, label, title }, width, choose) {
  const { host, status, say } = place();
  const tables = comparison.atlases.map((atlas) => atlas.byName.get(name));
  const layout = { box: boxOf(comparison, width) };
  const scene = draw(comparison, { tables, label, title }, layout.box);
  host.append(scene.picture);
  const tell = ([layer, head]) => told(comparison, tables, label, [layer, head]);
  new MapReader(scene, layout, { atlas: comparison, tell, say, choose, tip: tooltip(host) }).listen();
  return { picture: scene.picture, nodes: [host, status] };
}

function boxOf({ layers, heads }, width) {
  const wide = clamp((width - LEFT) / heads.length, 18, 90);
  return { left: LEFT, top: ABOVE, width: wide, height: clamp(wide * 0.6, 16, 560 / layers.length + 16), gap: 2 };
}

function draw(comparison, { tables, label, title }, box) {
  const { layers, heads } = comparison;
  const columns = tables.map((table) => table.column(label));
  const scale = scaleOf(columns);
  const [right, bottom] = [LEFT + heads.length * box.width, ABOVE + layers.length * box.height];
  const words = `${title} over the runs: layers down, heads across. Arrow keys move, Enter opens a head.`;
  const attributes = { class: "head-map head-grid", tabindex: 0, role: "group", "aria-label": words };
  const ends = `every square goes from ${plain(tables[0], scale[0])} to ${plain(tables[0], scale[1])}`;
  const picture = sheet(Math.max(right + 2, 250), bottom + BELOW, attributes,
    ...columnNumbers(heads, box, ABOVE - 6), ...rowNumbers(layers, box), text(LEFT, bottom + 15, ends));
  layers.forEach((_, layer) => heads.forEach((__, head) => {
    const values = columns.map((column) => column[placeOf(comparison, layer, head)]);
    picture.append(cell(values, layer, head, { box, scale }));
  }));
  const cursor = svg("rect", {
    width: round(box.width - box.gap), height: round(box.height - box.gap), fill: "none", stroke: "var(--ink)",
    "stroke-width": 2, rx: 2, visibility: "hidden", "pointer-events": "none", "data-screen": "",
  });
  picture.append(cursor);
  return { picture, cursor };
}

/** One scale for all heads, with 0 in it. */
function scaleOf(columns) {
  const [low, high] = extent([0, ...columns.flatMap((column) => [...column])]);
  return [low, high || 1];
}

function cell(values, layer, head, { box, scale }) {
  const [width, height] = [box.width - box.gap, box.height - box.gap];
  const at = `translate(${round(box.left + head * box.width)} ${round(box.top + layer * box.height)})`;
  return svg("g", { transform: at, "data-place": `${layer}.${head}` },
    svg("rect", { width: round(width), height: round(height), fill: "var(--card)" }),
    ...sparkline(values, { width, height, scale, colour: "var(--link)" }));
}

/** A head's value in the first run, in the one that is compared with it, and in the last. */
function told(comparison, tables, label, [layer, head]) {
  const [at, last] = [placeOf(comparison, layer, head), tables.length - 1];
  const runs = [...new Set([0, comparison.chosen, last])];
  const lines = runs.map((run) => [comparison.runs[run].name, tables[run].inWords(at, label)]);
  const name = headName(comparison, layer, head);
  return { name, lines, words: `${name}: ${lines.map((line) => line.join(" ")).join(", ")}` };
}

