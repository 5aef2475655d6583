// Maps of layer × head, with the layers beside them; and the map of relations by layer.

import { el, round, svg, tooltip } from "./shared.js";
import { number, ordinal, percent, shown } from "./numbers.js";
import { headName, placeOf } from "./tables.js";

const LEVELS = 64;

export const text = (x, y, content, attributes = {}) => {
  const node = svg("text", { x: round(x), y: round(y), "font-size": 11, fill: "var(--muted)", ...attributes });
  node.textContent = content;
  return node;
};

/** Colour of a value on a scale from 0 to top; grey without evidence. */
const level = (value, top) => (Number.isNaN(value) ? -1 : Math.max(0, Math.min(LEVELS - 1, Math.floor((value / (top || 1)) * LEVELS))));
const colour = (step, scale = "share") => (step < 0 ? "var(--no-evidence)" : `var(--${scale}${step})`);

/** Squares [row, column], all of one colour in one path; those without evidence are crossed out. */
function cells(rows, columns, of, box, scale = "share") {
  const paths = new Map();
  const strokes = [];
  for (let row = 0; row < rows; row += 1) for (let column = 0; column < columns; column += 1) {
    const step = of(row, column);
    if (!paths.has(step)) paths.set(step, []);
    const [x, y, width, height] = [box.left + column * box.width, box.top + row * box.height, box.width - box.gap, box.height - box.gap].map(round);
    paths.get(step).push(`M${x} ${y}h${width}v${height}h${-width}z`);
    if (step < 0) strokes.push(`M${x} ${round(y + height)}l${width} ${-height}`);
  }
  const group = svg("g");
  for (const [step, list] of paths) group.append(svg("path", { d: list.join(""), fill: colour(step, scale), "data-level": step }));
  if (strokes.length) group.append(svg("path", { d: strokes.join(""), stroke: "var(--muted)", "stroke-width": 1 }));
  return group;
}

/** A small map without words, for links. */
export function thumbnail(atlas, metric, label, width) {
  const [rows, columns] = [atlas.layers.length, atlas.heads.length];
  const size = Math.min(width / columns, 24);
  const height = Math.min(size, 240 / rows);
  const top = metric.top(label);
  const box = { left: 0, top: 0, width: size, height, gap: size > 5 ? 1 : 0 };
  const picture = svg("svg", { viewBox: `0 0 ${round(columns * size)} ${round(rows * height)}`, width: round(columns * size), height: round(rows * height), "aria-hidden": "true" });
  picture.append(cells(rows, columns, (layer, head) => level(metric.at(layer, head, label), top), box));
  return picture;
}

/** A card that leads to a metric, with its small map. */
export function card(atlas, metric, label, title = metric.heading(label)) {
  const top = metric.top(label);
  const note = Number.isNaN(top) ? "no evidence" : `up to ${shown(metric, top)}`;
  return el("a", { class: "map-card", href: metric.href(label) }, el("b", {}, title), thumbnail(atlas, metric, label, 168), el("span", { class: "note" }, note));
}

/**
 * The map of a metric at a label: values on hover, a click leads to the head, bars of the layers beside it.
 *
 * choose(layer, head): what a click or Enter does; marked: [layer, head] with a frame.
 */
export function headMap(host, atlas, metric, label, { say, choose, marked = null } = {}) {
  const [rows, columns] = [atlas.layers.length, atlas.heads.length];
  const room = Math.max(280, host.clientWidth || 700);
  const bars = room < 480 ? 96 : 190;
  const [left, above, gap] = [34, 22, room < 480 ? 10 : 18];
  const size = Math.max(11, Math.min(46, (room - left - gap - bars) / columns));
  const height = Math.max(11, Math.min(size, 36));
  const box = { left, top: above, width: size, height, gap: 1.5 };
  const [right, below] = [left + columns * size, above + rows * height];
  const width = right + gap + bars;
  const top = metric.top(label);
  const picture = svg("svg", { viewBox: `0 0 ${round(width)} ${round(below + 64)}`, width: round(width), height: round(below + 64), class: "head-map", tabindex: 0, role: "group", "aria-label": `${metric.heading(label)}: layers down, heads across. Arrow keys move, Enter opens a head.` });
  picture.append(cells(rows, columns, (layer, head) => level(metric.at(layer, head, label), top), box));
  axes(picture, atlas, box, right);
  layerBars(picture, atlas, metric, label, { left: right + gap, top: above, width: bars, height, below });
  legend(picture, metric, top, left, below + 26, Math.max(150, Math.min(220, right - left)), metric.order(label).length < rows * columns);
  const cursor = svg("rect", { width: round(size - 1.5), height: round(height - 1.5), fill: "none", stroke: "var(--ink)", "stroke-width": 2, rx: 2, visibility: "hidden", "pointer-events": "none", "data-screen": "" });
  picture.append(cursor);
  host.replaceChildren(picture);
  if (marked) picture.append(frame(box, marked));
  const tip = tooltip(host);
  let at = marked ?? [0, 0];

  const describe = ([layer, head]) => {
    const value = metric.at(layer, head, label);
    const place = metric.order(label).indexOf(placeOf(atlas, layer, head));
    return [headName(atlas, layer, head), shown(metric, value), place < 0 ? "no evidence" : `${ordinal(place + 1)} of ${metric.order(label).length}`];
  };

  function point([layer, head]) {
    at = [layer, head];
    cursor.setAttribute("x", round(box.left + head * size));
    cursor.setAttribute("y", round(box.top + layer * height));
    cursor.setAttribute("visibility", "visible");
    const [name, value, place] = describe(at);
    say?.(`${name}: ${value} (${place})`);
  }

  function find(event) {
    const bounds = picture.getBoundingClientRect();
    const scale = width / bounds.width;
    const head = Math.floor(((event.clientX - bounds.left) * scale - left) / size);
    const layer = Math.floor(((event.clientY - bounds.top) * scale - above) / height);
    return layer >= 0 && layer < rows && head >= 0 && head < columns ? [layer, head] : null;
  }

  function leave() {
    cursor.setAttribute("visibility", "hidden");
    tip.hide();
    say?.("");
  }

  picture.addEventListener("pointermove", (event) => {
    const found = find(event);
    if (!found) return leave();
    point(found);
    const [name, value, place] = describe(found);
    tip.show(event, name, [[value, place]]);
    picture.style.cursor = "pointer";
  });
  picture.addEventListener("pointerleave", leave);
  picture.addEventListener("click", (event) => { const found = find(event); if (found) choose(...found); });
  picture.addEventListener("focus", () => { if (picture.matches(":focus-visible")) point(at); });
  picture.addEventListener("blur", leave);
  picture.addEventListener("keydown", (event) => {
    const [down, across] = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key] ?? [];
    if (event.key === "Enter") choose(...at);
    else if (down === undefined) return;
    else point([Math.max(0, Math.min(rows - 1, at[0] + down)), Math.max(0, Math.min(columns - 1, at[1] + across))]);
    event.preventDefault();
  });
  return picture;
}

const frame = (box, [layer, head]) => svg("rect", { x: round(box.left + head * box.width - 1), y: round(box.top + layer * box.height - 1), width: round(box.width + 0.5), height: round(box.height + 0.5), fill: "none", stroke: "var(--baseline)", "stroke-width": 2, rx: 2, "pointer-events": "none" });

/** Numbers of layers and heads, as many as there is room for. */
function axes(picture, atlas, box, right) {
  const every = (room, need) => [1, 2, 5, 10, 20].find((step) => step * room >= need) ?? 50;
  const [across, down] = [every(box.width, 17), every(box.height, 13)];
  atlas.heads.forEach((head, n) => { if (n % across === 0) picture.append(text(box.left + (n + 0.5) * box.width, box.top - 6, head, { "text-anchor": "middle" })); });
  atlas.layers.forEach((layer, n) => { if (n % down === 0) picture.append(text(box.left - 7, box.top + (n + 0.5) * box.height + 3.5, layer, { "text-anchor": "end" })); });
  const bottom = box.top + atlas.layers.length * box.height + 14;
  picture.append(text(box.left, bottom, "heads across, layers down"));
}

/** Bars by layer: the ratio of sums over the layer's heads; for alignment, the share of all pairs as a line. */
function layerBars(picture, atlas, metric, label, box) {
  const sizes = atlas.layers.map((_, layer) => metric.ofLayer(layer, label));
  const baseline = metric.baseline?.[label ?? 0];
  const top = Math.max(...sizes.filter((size) => !Number.isNaN(size)), baseline ?? 0, 0) || 1;
  const room = box.width - 46;
  const length = (size) => (Number.isNaN(size) ? 0 : (room * size) / top);
  sizes.forEach((size, n) => picture.append(svg("rect", { x: box.left, y: round(box.top + (n + 0.14) * box.height), width: round(length(size)), height: round(box.height * 0.68), fill: "var(--bar)", class: "layer-bar", "data-layer": n })));
  if (baseline != null) {
    const x = round(box.left + (room * baseline) / top);
    picture.append(svg("line", { x1: x, x2: x, y1: box.top - 2, y2: box.below, stroke: "var(--baseline)", "stroke-width": 2, class: "baseline" }));
    picture.append(text(box.left + box.width, box.below + 60, `line: share of all pairs, ${percent(baseline)}`, { fill: "var(--baseline)", "text-anchor": "end" }));
  }
  if (box.height >= 11) sizes.forEach((size, n) => picture.append(text(box.left + length(size) + 5, box.top + (n + 0.5) * box.height + 3, shown({ ...metric, unit: "1" }, size), { "font-size": Math.min(11, box.height - 0.5), class: "layer-value", stroke: "var(--page)", "stroke-width": 3, "paint-order": "stroke" })));
  picture.append(text(box.left, box.below + 14, "by layer"));
}

/** What the colours mean. */
function legend(picture, metric, top, x, y, width, gaps) {
  for (let step = 0; step < LEVELS; step += 1) picture.append(svg("rect", { x: round(x + (width * step) / LEVELS), y, width: round(width - (width * step) / LEVELS), height: 8, fill: colour(step) }));
  const name = metric.share ? "share of attention" : metric.unit === "1" ? "" : metric.unit;
  picture.append(text(x, y + 21, "0"), text(x + width / 2, y + 21, name, { "text-anchor": "middle" }), text(x + width, y + 21, Number.isNaN(top) ? "–" : metric.share ? percent(top) : number(top), { "text-anchor": "end" }));
  if (gaps) picture.append(svg("rect", { x: x + width + 14, y, width: 8, height: 8, fill: "var(--no-evidence)" }), svg("path", { d: `M${x + width + 14} ${y + 8}l8 -8`, stroke: "var(--muted)" }), text(x + width + 27, y + 8, "no evidence"));
}

/** Fig. 9: relations by layer, each relative to its mean over layers, sorted from low layers to deep ones. */
export function relationMap(host, atlas, metric, { say }) {
  const rows = byDepth(atlas, metric);
  const columns = atlas.layers.length;
  const room = Math.max(280, host.clientWidth || 700);
  const left = Math.min(130, 24 + 6.4 * Math.max(...rows.map((label) => metric.labels[label].length), 4));
  const bars = room < 480 ? 80 : 170;
  const size = Math.max(9, Math.min(34, (room - left - 18 - bars) / columns));
  const box = { left, top: 22, width: size, height: 17, gap: 1.5 };
  const [right, below] = [left + columns * size, box.top + rows.length * box.height];
  const [width, height] = [right + 18 + bars, below + 58];
  const means = rows.map((label) => average(atlas.layers.map((_, layer) => metric.ofLayer(layer, label))));
  const ratio = (row, layer) => metric.ofLayer(layer, rows[row]) / means[row];
  const top = Math.max(2, ...rows.flatMap((_, row) => atlas.layers.map((__, layer) => ratio(row, layer))).filter((value) => !Number.isNaN(value)));
  const step = (value) => (Number.isNaN(value) ? -1 : Math.max(0, Math.min(63, Math.floor(value <= 1 ? value * 32 : 32 + ((value - 1) / (top - 1)) * 32))));
  const picture = svg("svg", { viewBox: `0 0 ${round(width)} ${height}`, width: round(width), height, class: "relation-map", role: "group", "aria-label": "Attention to each relation by layer, relative to the relation's mean" });
  picture.append(cells(rows.length, columns, (row, layer) => step(ratio(row, layer)), box, "ratio"));
  const every = [1, 2, 5, 10].find((each) => each * size >= 17) ?? 20;
  atlas.layers.forEach((layer, n) => { if (n % every === 0) picture.append(text(left + (n + 0.5) * size, 16, layer, { "text-anchor": "middle" })); });
  rows.forEach((label, row) => {
    const y = box.top + row * box.height;
    const link = svg("a", { href: metric.href(label) });
    link.append(text(left - 7, y + 12, metric.labels[label], { "text-anchor": "end", fill: "var(--link)" }));
    const length = ((bars - 46) * means[row]) / Math.max(...means);
    picture.append(link, svg("rect", { x: right + 18, y: y + 2, width: round(length), height: 12, fill: "var(--bar)" }), text(right + 23 + length, y + 12, percent(means[row])));
  });
  picture.append(text(left, below + 14, "layers across"), text(right + 18, below + 14, room < 480 ? "mean share" : "mean share of attention"));
  for (let n = 0; n < LEVELS; n += 1) picture.append(svg("rect", { x: round(left + (180 * n) / LEVELS), y: below + 24, width: round(180 - (180 * n) / LEVELS), height: 8, fill: colour(n, "ratio") }));
  picture.append(text(left, below + 45, "0"), text(left + 90, below + 45, "its mean", { "text-anchor": "middle" }), text(left + 180, below + 45, `${number(top)} ×`, { "text-anchor": "end" }));
  host.replaceChildren(picture);
  const tip = tooltip(host);
  picture.addEventListener("pointermove", (event) => {
    const bounds = picture.getBoundingClientRect();
    const layer = Math.floor((((event.clientX - bounds.left) * width) / bounds.width - left) / size);
    const row = Math.floor((((event.clientY - bounds.top) * width) / bounds.width - box.top) / box.height);
    if (layer < 0 || layer >= columns || row < 0 || row >= rows.length) { tip.hide(); return say(""); }
    const value = shown(metric, metric.ofLayer(layer, rows[row]));
    tip.show(event, `${metric.labels[rows[row]]}, layer ${atlas.layers[layer]}`, [[value, value === "–" ? "no evidence" : `${number(ratio(row, layer))} × its mean`]]);
    say(`${metric.labels[rows[row]]}, layer ${atlas.layers[layer]}: ${value}`);
  });
  picture.addEventListener("pointerleave", () => { tip.hide(); say(""); });
  return picture;
}

const average = (list) => {
  const kept = list.filter((value) => !Number.isNaN(value));
  return kept.reduce((sum, value) => sum + value, 0) / Math.max(1, kept.length);
};

/** Labels with any attention, by the mean depth of the attention to them. */
export function byDepth(atlas, metric) {
  const filled = (layer, label) => metric.ofLayer(layer, label) || 0;
  const mass = metric.labels.map((_, label) => atlas.layers.reduce((sum, _layer, layer) => sum + filled(layer, label), 0));
  const centre = metric.labels.map((_, label) => atlas.layers.reduce((sum, _layer, layer) => sum + layer * filled(layer, label), 0) / (mass[label] || 1));
  return metric.labels.map((_, label) => label).filter((label) => mass[label] > 0).sort((a, b) => centre[a] - centre[b] || a - b);
}
