// One token's attention as it comes about: query, keys, products, scores and softmax, what is drawn where.

import { largest, scaleName, signedLevel } from "../arithmetic/neuron-scores.js";
import { signed, weight } from "../arithmetic/numbers.js";
import { round } from "../arithmetic/scales.js";
import { sheet, svg, text } from "../shared/dom.js";
import { fit, textWidth } from "../shared/font.js";
import { PLUS } from "./plus.js";

export const ROW = 24;
export const TOP = 46;
/** Height of a strip of cells. */
const STRIP = 13;
/** Steps of a cell's strength in either direction. */
const LEVELS = 12;
const GAP = 16;
/** Width of the columns of scores and of shares. */
const NUMBERS = 92;
const NOTES = ["of this token", "of each token", "element by element", "sum, scaled", "attention"];

const strength = (level) => ((Math.abs(level) / LEVELS) ** 0.7).toFixed(3);
const colourOf = (value) => (value < 0 ? "var(--negative)" : "var(--positive)");
const ink = (x, y, content, more = {}) => text(x, y, content, { "font-size": 13, fill: "var(--ink)", ...more });

/**
 * Pixels: full width, height, width of a label, of one cell (unit) and of a strip; places: where the five columns
 * begin; y of a token.
 */
export function layoutNeuron(rows, columns, dims, width) {
  const count = Math.max(rows.length, columns.length);
  const widest = Math.max(40, ...[...rows, ...columns].map((token) => textWidth(token.text)));
  const label = Math.min(widest + 14, width < 600 ? 84 : 150);
  const room = width - PLUS - 2 * label - 2 * NUMBERS - 5 * GAP;
  const fits = Math.floor((room / 3 / dims) * 2) / 2;
  const unit = Math.max(dims > 48 ? 1.5 : 2.5, Math.min(5, fits));
  const strip = unit * dims;
  const widths = [strip, strip, strip, NUMBERS, NUMBERS];
  const start = PLUS + label + 8;
  const ends = widths.reduce((found, wide) => [...found, found.at(-1) + wide + GAP], [start]);
  const y = (place) => TOP + ROW * (place + 0.5);
  const height = TOP + ROW * count + 34;
  return { full: ends[5] + label, height, count, label, unit, strip, dims, widths, places: ends.slice(0, 5), y };
}

/**
 * The picture of a token: { picture, band, cursors }, the band behind the row that is pointed at, and the frames around
 * the dimension that is pointed at.
 *
 * rows and columns: tokens attending and attended; token: the place of one of the rows; found: { query, keys, products,
 * scores, softmax } of it, for the columns that it may attend to; scaling: of scores; reach: how many pieces it may
 * attend to; plus(place, y): draws the button of a row; scrub(place) hears which row's label is pointed at.
 */
export function drawNeuronScene({ rows, columns }, token, found, scene) {
  const { layout, scaling, hideNull, plus, reach, scrub } = scene;
  const { full, height, label, count, y } = layout;
  const attributes = { class: "neurons", role: "group", "aria-label": `Attention from ${rows[token].text}` };
  const picture = sheet(full, height, attributes);
  const band = svg("rect", {
    x: 0, width: full, height: ROW, rx: 5, fill: "var(--card)", visibility: "hidden", "data-screen": "",
  });
  const [top, fill] = [y(token) - ROW / 2 + 1, "var(--chosen)"];
  const chosen = svg("rect", { x: PLUS, y: top, width: label + 4, height: ROW - 2, rx: 5, fill });
  picture.append(band, chosen, ...header(layout, scaling), ...strips(token, found, layout));
  const widest = largest([found.scores]);
  rows.forEach((one, i) => {
    const isFuture = one.pieces[0] >= reach;
    const words = labelOf(one, { x: PLUS + label - 2, y: y(i) + 4.5, "text-anchor": "end" }, label, isFuture);
    if (i === token) words.setAttribute("font-weight", 650);
    picture.append(words, scrubber(i, layout, scrub), plus(i, y(i)));
  });
  columns.forEach((one, j) => {
    const isFuture = j >= found.scores.length;
    picture.append(labelOf(one, { x: full - label + 2, y: y(j) + 4.5 }, label, isFuture));
    if (isFuture) return;
    picture.append(...scoreOf(found.scores[j], j, widest, layout));
    picture.append(...shareOf(found.softmax[j], j, hideNull && one.isNull, layout));
  });
  const cursors = layout.places.slice(0, 3).map(() => cursor(layout, found.scores.length));
  picture.append(...legend(y(count) + 8), ...cursors);
  return { picture, band, cursors };
}

function header({ places, widths, dims }, scaling) {
  const names = ["Query q", "Key k", "q × k", scaleName(scaling, dims), "softmax"];
  return names.flatMap((name, place) => {
    const x = places[place];
    const nodes = [ink(x, 18, name, { "font-weight": 650, "font-size": 12 })];
    const isRoomy = textWidth(NOTES[place], 11) < widths[place] + 8;
    if (isRoomy) nodes.push(text(x, 33, NOTES[place]));
    if (place < 3) nodes.push(svg("path", { d: `M${x},${TOP - 4}h${widths[place]}`, stroke: "var(--line)" }));
    return nodes;
  });
}

/** Query, keys and products as cells, each column to its own largest size. */
function strips(token, { query, keys, products }, layout) {
  return [[query], keys, products].map((rows, place) => {
    const first = place === 0 ? token : 0;
    const top = (j) => layout.y(first + j) - STRIP / 2;
    return cells(rows, top, layout.places[place], layout);
  });
}

/** Cells whose colour is their sign and whose strength is their size: one path for all of about one size. */
function cells(rows, top, start, { unit, strip }) {
  const most = largest(rows);
  const paths = new Map();
  rows.forEach((row, j) => row.forEach((value, d) => {
    const level = signedLevel(value, most, LEVELS);
    if (!level) return;
    if (!paths.has(level)) paths.set(level, []);
    paths.get(level).push(`M${start + unit * d},${top(j)}h${unit}v${STRIP}h${-unit}z`);
  }));
  const ground = (_, j) => svg("rect", { x: start, y: top(j), width: strip, height: STRIP, fill: "var(--card)" });
  const group = svg("g", { "shape-rendering": "crispEdges" }, ...rows.map(ground));
  for (const [level, list] of paths) {
    group.append(svg("path", { d: list.join(""), fill: colourOf(level), "fill-opacity": strength(level) }));
  }
  return group;
}

/** A token's text at an end of its row; pale where it lies in the future. */
function labelOf(token, place, label, isFuture) {
  return ink(place.x, place.y, fit(token.text, label - 8), {
    ...place, fill: isFuture || token.isNull ? "var(--muted)" : "var(--ink)", opacity: isFuture ? 0.4 : null,
    "font-style": token.generated ? "italic" : null, "unicode-bidi": "plaintext",
  });
}

/** Takes the pointer over a row's label. */
function scrubber(place, { label, y }, scrub) {
  const shape = svg("rect", {
    x: PLUS, y: y(place) - ROW / 2, width: label + 4, height: ROW, fill: "transparent", class: "scrub",
    "data-place": place, "data-screen": "",
  });
  shape.addEventListener("pointerenter", () => scrub(place));
  return shape;
}

const numberOf = (x, y, content, name, j) =>
  ink(x, y, content, { "font-size": 11, "text-anchor": "end", class: name, "data-place": j });

/** A score as a bar to the left or to the right, and its number. */
function scoreOf(score, j, widest, { places, y }) {
  const [middle, length] = [places[3] + 66, (24 * Math.abs(score)) / widest];
  const bar = svg("rect", {
    x: round(score < 0 ? middle - length : middle), y: y(j) - 5, width: round(length), height: 10, rx: 2,
    fill: colourOf(score),
  });
  return [bar, numberOf(places[3] + 38, y(j) + 4, signed(score), "score", j)];
}

/** A share of attention as a bar, unless that is hidden, and its number. */
function shareOf(share, j, isHidden, { places, y }) {
  const width = Math.max(0.5, round(48 * share));
  const bar = svg("rect", { x: places[4] + 44, y: y(j) - 5, width, height: 10, rx: 2, fill: "var(--bar)" });
  return [...(isHidden ? [] : [bar]), numberOf(places[4] + 40, y(j) + 4, weight(share), "share", j)];
}

function cursor({ unit }, reach) {
  return svg("rect", {
    y: TOP - 2, width: unit, height: ROW * reach + 2, fill: "none", stroke: "var(--ink)", "stroke-width": 1,
    visibility: "hidden", "data-screen": "", "pointer-events": "none",
  });
}

/** What the colours of cells mean. */
function legend(y) {
  const start = PLUS + 64;
  const levels = Array.from({ length: LEVELS + 1 }, (_, n) => 2 * n - LEVELS);
  const cell = (level) => svg("rect", {
    x: start + 4 * (level + LEVELS), y, width: 8, height: 10, fill: colourOf(level), "fill-opacity": strength(level),
  });
  const words = "positive; each column to its own largest size";
  return [text(PLUS + 12, y + 9, "negative"), ...levels.map(cell), text(start + 8 * LEVELS + 14, y + 9, words)];
}

/** Where a pointer is: the row of a token and the dimension, each null outside. */
export function placeAt([x, y], { places, strip, unit }, reach) {
  const row = Math.floor((y - TOP) / ROW);
  if (row < 0 || row >= reach) return { row: null, dimension: null };
  const start = places.slice(0, 3).find((from) => x >= from && x < from + strip);
  return { row, dimension: start === undefined ? null : Math.floor((x - start) / unit) };
}
