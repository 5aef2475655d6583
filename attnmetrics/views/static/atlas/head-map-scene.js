// The map of a metric, layers down and heads across, with bars of the layers beside it: what is drawn where.

import { scaleOf } from "../arithmetic/colours.js";
import { placeOf } from "../arithmetic/heads.js";
import { inBrackets } from "../arithmetic/intervals.js";
import { plain } from "../arithmetic/numbers.js";
import { clamp, extent, linear, round } from "../arithmetic/scales.js";
import { sheet, svg, text, title } from "../shared/dom.js";
import { cased } from "./cased.js";
import { levelError } from "./error-bars.js";
import { cells, colourBar, columnNumbers, noEvidence, rowNumbers, stripedCell } from "./map-parts.js";

const [LEFT, ABOVE, BELOW] = [34, 22, 64];
/** Pixels a line of words beneath. */
const LINE = 15;
/** A narrower page has narrower bars. */
const NARROW = 480;
/** Bars on a narrower page, which have no room for more words beneath. */
const NARROW_BARS = 96;
/** Pixels beside the scale for what a cell without evidence means. */
const UNKNOWN = 104;
/** Pixels beside a bar for its number. */
const NUMBER = 56;

/**
 * Pixels: { width, height } of the picture, { left, top, width, height, gap } of cells, { left, width } of bars.
 *
 * lines: of words beneath the picture, but for the first; hasBars: whether bars of the layers stand beside the cells;
 * tall: pixels that cells may take down, if that leaves them large enough to be seen.
 */
export function layoutMap(atlas, available, { lines = 0, hasBars = true, tall = Infinity } = {}) {
  const room = Math.max(280, available || 700);
  const [bars, gap] = barsOf(room, hasBars);
  const width = clamp((room - LEFT - gap - bars) / atlas.heads.length, 10, 46);
  const height = clamp(Math.min(width, tall / atlas.layers.length), 11, 36);
  const box = { left: LEFT, top: ABOVE, width, height, gap: 1.5 };
  const [right, bottom] = [LEFT + atlas.heads.length * width, ABOVE + atlas.layers.length * height];
  const [barsBox, full] = [{ left: right + gap, width: bars }, right + gap + bars];
  return { box, right, bottom, bars: barsBox, width: full, height: bottom + BELOW + LINE * lines };
}

/** Pixels of the bars, and of the gap before them. */
function barsOf(room, hasBars) {
  if (!hasBars) return [0, 2];
  return room < NARROW ? [NARROW_BARS, 10] : [190, 18];
}

/** The picture, and the frame around the cell that is pointed at. */
export function drawMap(atlas, metric, label, layout) {
  const { box, right, bottom } = layout;
  const [rows, columns] = [atlas.layers.length, atlas.heads.length];
  const scale = scaleOf(metric, label);
  const words = `${metric.heading(label)}: layers down, heads across. Arrow keys move, Enter opens a head.`;
  const attributes = { class: "head-map", tabindex: 0, role: "group", "aria-label": words };
  const picture = sheet(layout.width, layout.height, attributes);
  const levelAt = (layer, head) => scale.level(metric.at(layer, head, label));
  const isOff = (layer, head) => metric.isStriped(placeOf(atlas, layer, head), label);
  const hasUnknown = metric.unknown(label);
  const ramp = clamp(Math.min(right - LEFT, layout.width - LEFT - (hasUnknown ? UNKNOWN : 0)), 120, 220);
  picture.append(
    cells(rows, columns, levelAt, { ...box, isOff }, scale.name),
    ...columnNumbers(atlas.heads, box, ABOVE - 6), ...rowNumbers(atlas.layers, box),
    text(LEFT, bottom + 14, "heads across, layers down"),
    ...(layout.bars.width ? layerBars(atlas, metric, label, layout) : []),
    ...colourBar(scale.name, { x: LEFT, y: bottom + 26, width: ramp, gap: 21 }, scaleWords(metric, scale)),
  );
  if (hasUnknown) picture.append(...noEvidence(LEFT + ramp + 14, bottom + 26));
  const isAnyOff = [...metric.column(label).keys()].some((place) => metric.isStriped(place, label));
  picture.append(...usualReach(atlas, metric, label, layout));
  if (isAnyOff) picture.append(...stripedCell(LEFT, bottom + 53, metric.striped));
  const cursor = svg("rect", {
    width: round(box.width - 1.5), height: round(box.height - 1.5), fill: "none", stroke: "var(--ink)",
    "stroke-width": 2, rx: 2, visibility: "hidden", "pointer-events": "none", "data-screen": "",
  });
  picture.append(cursor);
  return { picture, cursor };
}

/** Where a cell begins. */
export const corner = (box, [layer, head]) => [box.left + head * box.width, box.top + layer * box.height];

/** The cell [layer, head] at a point; null outside. */
export function cellAt(atlas, { box }, [x, y]) {
  const head = Math.floor((x - box.left) / box.width);
  const layer = Math.floor((y - box.top) / box.height);
  const isInside = layer >= 0 && layer < atlas.layers.length && head >= 0 && head < atlas.heads.length;
  return isInside ? [layer, head] : null;
}

/** What stands beneath the start, the middle and the end of the colours. */
export function scaleWords(metric, scale) {
  const top = plain(metric, scale.top);
  const unit = metric.unit === "1" ? "" : metric.unit;
  if (scale.low < 0) return [plain(metric, scale.low), `0 ${unit}`.trim(), `+${top}`];
  return ["0", metric.kind === "share" ? "share" : unit, top];
}

/** Words beneath the picture: one line, or one for each thing that is drawn across the bars, and one of intervals. */
export const linesBelow = (metric, label) => metric.besideAt(label).length + (metric.usualReach(label) ? 1 : 0);

/** How wide the intervals of heads are, on the last line; nothing without them. */
function usualReach({ interval_title: named }, metric, label, layout) {
  const reach = metric.usualReach(label);
  return reach ? [text(LEFT, layout.height - 4, `${named}: ${reach}`)] : [];
}

/** Bars by layer, the same formula over a layer's heads together; the orange line is the chance level. */
function layerBars(atlas, metric, label, { box, bars, bottom }) {
  const sizes = atlas.layers.map((_, layer) => metric.ofLayer(layer, label));
  const chances = atlas.layers.map((_, layer) => metric.chanceOfLayer(layer, label));
  const beside = metric.besideAt(label);
  const bounds = atlas.layers.map((_, layer) => metric.boundsOfLayer(layer, label));
  const [low, high] = extent([0, ...sizes, ...chances, ...bounds.flat(), ...beside.map(([, value]) => value)]);
  const x = linear([low, high || (low < 0 ? 0 : 1)], [bars.left, bars.left + bars.width - NUMBER]);
  const [zero, ends] = [x(0), sizes.map((size) => x(Number.isNaN(size) ? 0 : size))];
  const told = atlas.layers.map((_, layer) => metric.toldOfLayer(layer, label));
  const bar = (end, n) => svg("rect", {
    x: round(Math.min(zero, end)), y: round(box.top + (n + 0.14) * box.height), width: round(Math.abs(end - zero)),
    height: round(box.height * 0.68), fill: "var(--bar)", class: "layer-bar", "data-layer": n,
  }, title(`layer ${atlas.layers[n]}: ${inBrackets(told[n])}`));
  const errors = bounds.flatMap((one, n) => levelError(x, box.top + (n + 0.5) * box.height - 1, one));
  const outlined = { stroke: "var(--page)", "stroke-width": 3, "paint-order": "stroke" };
  const words = { "font-size": Math.min(11, box.height - 0.5), class: "layer-value", ...outlined };
  const beyond = bars.left + bars.width - NUMBER + 5; // a column of their own, so that no line strikes them through
  const value = (_, n) => text(beyond, box.top + (n + 0.5) * box.height + 3, unitless(metric, told[n]), words);
  const caption = text(bars.left, bottom + 14, bars.width > NARROW_BARS ? "by layer: its heads together" : "by layer");
  const lines = linesBeside(metric, beside, x, { box, bars, bottom });
  const chance = chanceLine(metric, chances, x, { box, bars, bottom });
  return [...ends.map(bar), ...lines, ...chance, ...errors, ...sizes.map(value), caption];
}

/** A value in words without its unit. */
const unitless = ({ kind, unit }, [words]) => (kind === "share" ? words : words.replace(` ${unit}`, ""));

/** What else is drawn across the bars: in the order in which it is named, dashed and dotted. */
function linesBeside(metric, beside, x, { box, bars, bottom }) {
  const looks = [["dashed", "5 3"], ["dotted", "1.5 3"]];
  return beside.flatMap(([caption, value], n) => {
    const [look, dashes] = looks[n % looks.length];
    const at = round(x(value));
    const line = { x1: at, x2: at, y1: round(box.top - 2), y2: round(bottom), "stroke-dasharray": dashes };
    const words = `${look}: ${caption}, ${plain(metric, value)}`;
    return [
      ...cased("line", { ...line, stroke: "var(--ink)", "stroke-width": 1.6, class: "beside-line" }),
      text(bars.left + bars.width, bottom + 60 + LINE * (n + 1), words, { "text-anchor": "end" }),
    ];
  });
}

/** The chance level: one line where it is the corpus', a stroke a layer where it is each layer's own. */
function chanceLine(metric, chances, x, { box, bars, bottom }) {
  if (chances.every(Number.isNaN)) return [];
  const line = (value, from, to) => {
    const at = round(x(value));
    const ends = { x1: at, x2: at, y1: round(from), y2: round(to) };
    return cased("line", { ...ends, stroke: "var(--baseline)", "stroke-width": 2, class: "baseline" });
  };
  const caption = (words) =>
    text(bars.left + bars.width, bottom + 60, words, { fill: "var(--baseline-words)", "text-anchor": "end" });
  const name = metric.chance.caption;
  if (metric.hasOneChance) {
    const [chance] = chances;
    return [...line(chance, box.top - 2, bottom), caption(`line: ${name}, ${plain(metric, chance)}`)];
  }
  const known = [...chances.entries()].filter(([, chance]) => !Number.isNaN(chance));
  const y = (layer) => box.top + layer * box.height;
  const strokes = known.flatMap(([layer, chance]) => line(chance, y(layer), y(layer + 1) - box.gap));
  return [...strokes, caption(`lines: ${name}`)];
}
