// Parts of maps: cells, the numbers of layers and heads, the meaning of the colours.

import { LEVELS, NO_EVIDENCE, round, spacing } from "../arithmetic/scales.js";
import { svg, text } from "../shared/dom.js";

/** Pixels left of what stands beneath a picture in its file. */
const MARGIN = 6;

/** The colour of a step of a scale; grey without evidence. */
const colour = (step, scale) => (step === NO_EVIDENCE ? "var(--no-evidence)" : `var(--${scale}${step})`);

/**
 * Rectangles [row, column], all of one colour in one path; those without evidence are crossed out.
 *
 * rows, columns: how many; levelAt(row, column): of a cell; box: { left, top, width, height, gap } of cells in pixels,
 * and isOff(row, column), where some are faded and striped.
 */
export function cells(rows, columns, levelAt, box, scale = "share") {
  const paths = new Map();
  const [strokes, faded] = [[], []];
  const [width, height] = [round(box.width - box.gap), round(box.height - box.gap)];
  const draw = (row, column) => {
    const step = levelAt(row, column);
    const [x, y] = [round(box.left + column * box.width), round(box.top + row * box.height)];
    if (!paths.has(step)) paths.set(step, []);
    paths.get(step).push(`M${x} ${y}h${width}v${height}h${-width}z`);
    if (step === NO_EVIDENCE) strokes.push(`M${x} ${round(y + height)}l${width} ${-height}`);
    else if (box.isOff?.(row, column)) faded.push([x, y]);
  };
  for (let row = 0; row < rows; row += 1) for (let column = 0; column < columns; column += 1) draw(row, column);
  const path = ([step, list]) => svg("path", { d: list.join(""), fill: colour(step, scale), "data-level": step });
  const group = svg("g", {}, ...[...paths].map(path));
  if (faded.length) group.append(...stripes(faded, width, height));
  if (strokes.length) group.append(svg("path", { d: strokes.join(""), stroke: "var(--muted)", "stroke-width": 1 }));
  return group;
}

/** Cells [x, y] faded, and striped from their upper left to their lower right. */
function stripes(places, width, height) {
  const veil = places.map(([x, y]) => `M${x} ${y}h${width}v${height}h${-width}z`).join("");
  const half = ([x, y]) => `M${x} ${round(y + height / 2)}l${round(width / 2)} ${round(height / 2)}`
    + `M${round(x + width / 2)} ${y}l${round(width / 2)} ${round(height / 2)}M${x} ${y}l${width} ${height}`;
  const lines = { stroke: "var(--muted)", "stroke-width": width > 6 ? 1 : 0.6, fill: "none" };
  return [
    svg("path", { d: veil, fill: "var(--page)", "fill-opacity": 0.6, class: "off-veil" }),
    svg("path", { d: places.map(half).join(""), ...lines, class: "off-stripes" }),
  ];
}

/** What a striped cell means. */
export function stripedCell(x, y, words) {
  return [
    svg("rect", { x, y, width: 8, height: 8, fill: "var(--share20)" }), ...stripes([[x, y]], 8, 8),
    text(x + 13, y + 8, words),
  ];
}

/** Numbers across, as many as there is room for. */
export function columnNumbers(labels, box, y) {
  const every = spacing(box.width, 17);
  const number = (label, n) => text(box.left + (n + 0.5) * box.width, y, label, { "text-anchor": "middle" });
  return labels.map(number).filter((_, n) => n % every === 0);
}

/** Numbers down, as many as there is room for. */
export function rowNumbers(labels, box) {
  const every = spacing(box.height, 13);
  const number = (label, n) =>
    text(box.left - 7, box.top + (n + 0.5) * box.height + 3.5, label, { "text-anchor": "end" });
  return labels.map(number).filter((_, n) => n % every === 0);
}

/** A scale from left to right; `words` are beneath its start, its middle and its end. */
export function colourBar(scale, { x, y, width, gap }, words) {
  const step = (n) => {
    const from = (width * n) / LEVELS;
    return svg("rect", { x: round(x + from), y, width: round(width - from), height: 8, fill: colour(n, scale) });
  };
  const [start, middle, end] = words;
  return [
    ...Array.from({ length: LEVELS }, (_, n) => step(n)),
    text(x, y + gap, start),
    text(x + width / 2, y + gap, middle, { "text-anchor": "middle" }),
    text(x + width, y + gap, end, { "text-anchor": "end" }),
  ];
}

/** A copy of a picture with another one beneath it. */
export function withBeneath(picture, other) {
  const [above, below] = [picture, other].map((one) => one.viewBox.baseVal);
  const [width, height] = [Math.max(above.width, below.width + MARGIN), above.height + below.height];
  const copy = picture.cloneNode(true);
  copy.setAttribute("viewBox", `0 0 ${width} ${height}`);
  other.setAttribute("x", MARGIN);
  other.setAttribute("y", above.height);
  copy.append(other);
  return copy;
}

/** What a crossed-out cell means. */
export function noEvidence(x, y) {
  return [
    svg("rect", { x, y, width: 8, height: 8, fill: "var(--no-evidence)" }),
    svg("path", { d: `M${x} ${y + 8}l8 -8`, stroke: "var(--muted)" }),
    text(x + 13, y + 8, "no evidence"),
  ];
}
