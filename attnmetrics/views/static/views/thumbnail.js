// One head at a glance: its stronger lines, without words.

import { clamp, round } from "../arithmetic/scales.js";
import { strongestPairs, weightsOf } from "../arithmetic/tokens.js";
import { el, headColour, sheet, svg, text } from "../shared/dom.js";

const MOST_LINES = 400;
const LEAST = 0.02;
/** Lines of about one weight are one path; so many paths at most. */
const LEVELS = 8;
/** Pixels between thumbnails. */
const GAP = 6;
const NOTE = 34;

/** Width and height of a thumbnail in pixels, where `width` is there for all heads of a layer. */
export function thumbnailSize(width, heads, { rows, columns }) {
  const fits = (width - NOTE) / heads - GAP;
  const tall = Math.max(rows.length, columns.length) * 4;
  return { width: Math.round(clamp(fits, 40, 150)), height: Math.round(clamp(tall, 44, 110)) };
}

/** The lines of one head as few paths. `tokens`: { map, rows, columns }; layer and head are places. */
export function drawThumbnail(data, tokens, { layer, head, hideNull }, size) {
  const { rows, columns } = tokens;
  const at = weightsOf(data, tokens, layer, head, hideNull);
  const paths = Array.from({ length: LEVELS }, () => []);
  const y = (place, count) => round(3 + (size.height - 6) * (count > 1 ? place / (count - 1) : 0.5));
  for (const { i, j, weight } of strongestPairs(at, rows.length, columns.length, MOST_LINES, LEAST)) {
    const level = Math.min(LEVELS - 1, Math.floor(weight * LEVELS));
    paths[level].push(`M4,${y(i, rows.length)}L${round(size.width - 4)},${y(j, columns.length)}`);
  }
  const group = svg("g", { fill: "none", stroke: headColour(data.heads[head]), "stroke-width": 1.25 });
  paths.forEach((list, level) => {
    if (list.length) group.append(svg("path", { d: list.join(""), "stroke-opacity": (level + 0.5) / LEVELS }));
  });
  return group;
}

/** All heads as one picture; `thumbnail(layer, head)` draws one. */
export function drawSheet(data, size, thumbnail) {
  const [stepX, stepY] = [size.width + GAP, size.height + GAP];
  const picture = sheet(NOTE + stepX * data.heads.length, 24 + stepY * data.layers.length);
  const note = (x, y, label) => text(x, y, label, { "text-anchor": "middle" });
  const ground = () => svg("rect", { width: size.width, height: size.height, rx: 5, fill: "var(--card)" });
  const cell = (layer, head) => svg("g", { transform: `translate(${28 + stepX * head} ${22 + stepY * layer})` },
    ground(), thumbnail(layer, head));
  data.heads.forEach((head, place) => picture.append(note(28 + stepX * place + size.width / 2, 14, head)));
  data.layers.forEach((layer, row) => {
    picture.append(note(14, 22 + stepY * row + size.height / 2 + 4, layer));
    picture.append(...data.heads.map((_, head) => cell(row, head)));
  });
  return picture;
}

/** The table of all heads: rows of buttons, with the numbers of layers and heads. */
export function drawGrid(data, size, cells) {
  const style = `grid-template-columns:28px repeat(${data.heads.length}, ${size.width}px)`;
  const grid = el("div", { class: "grid", role: "group", "aria-label": "Heads by layer", style });
  const columns = data.heads.map((head) => el("span", { class: "column" }, String(head)));
  grid.append(el("span", { class: "corner" }), ...columns);
  cells.forEach((row, layer) => grid.append(el("span", { class: "row" }, String(data.layers[layer])), ...row));
  return grid;
}
