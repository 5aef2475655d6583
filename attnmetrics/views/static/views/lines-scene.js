// Two columns of tokens and the attention between them: what is drawn where.

import { meansOf, opposite, weightsAt } from "../arithmetic/lines.js";
import { round } from "../arithmetic/scales.js";
import { headColour, headDash, sheet, svg } from "../shared/dom.js";
import { fit, textWidth } from "../shared/font.js";

const ROW = 24;
const TOP = 14;
const SIZE = 13;
/** Shares below these get no box, and no number. */
const LEAST_BOX = 0.001;
const LEAST_NUMBER = 0.005;

/** Pixels: width and height of the picture, width of a label, x0 and x1 where lines begin and end, y of a token. */
export function layoutLines({ rows, columns, inset = 0 }, width) {
  const widest = Math.max(28, ...[...rows, ...columns].map((token) => textWidth(token.text, SIZE)));
  const label = Math.min(widest + 22, Math.floor(width * 0.36));
  const height = TOP * 2 + ROW * Math.max(rows.length, columns.length, 1);
  const y = (place) => TOP + ROW * (place + 0.5);
  return { width, height, label, inset, x0: inset + label, x1: width - label, y };
}

/** The picture, its layers, still empty, and its tokens: { picture, boxes, whole, lines, numbers, groups, tokens }. */
export function drawScene(scene, layout) {
  const attributes = { class: "lines", role: "group", "aria-label": scene.label };
  const picture = sheet(layout.width, layout.height, attributes);
  const boxes = svg("g");
  const lines = svg("g", { fill: "none", "stroke-linecap": "round", class: "few" });
  const whole = svg("g", { fill: "none", "stroke-linecap": "round", class: "whole" });
  const style = "font-variant-numeric:tabular-nums";
  const numbers = svg("g", { "font-size": 11, style, "pointer-events": "none" });
  const groups = { left: svg("g"), right: svg("g") };
  const column = (side, list) => list.map((token, place) => drawToken(token, { side, place }, layout));
  const tokens = { left: column("left", scene.rows), right: column("right", scene.columns) };
  for (const side of ["left", "right"]) groups[side].append(...tokens[side].flatMap(({ hit, text }) => [hit, text]));
  picture.append(boxes, whole, lines, numbers, groups.left, groups.right);
  return { picture, boxes, whole, lines, numbers, groups, tokens };
}

/** A token's text, and the rectangle that takes the pointer. */
function drawToken(token, end, layout) {
  return { text: drawText(token, end, layout), hit: drawHit(token, end, layout) };
}

function drawText(token, { side, place }, { x0, x1, y, label }) {
  const [x, anchor] = side === "left" ? [x0 - 11, "end"] : [x1 + 11, "start"];
  const generated = token.generated ? { "font-style": "italic", "text-decoration": "underline" } : {};
  const text = svg("text", {
    x, y: y(place) + 4.5, "font-size": SIZE, "text-anchor": anchor, fill: token.isNull ? "var(--muted)" : "var(--ink)",
    ...generated, "pointer-events": "none", direction: "ltr", "unicode-bidi": "plaintext",
  });
  text.textContent = fit(token.text, label - 22, SIZE);
  return text;
}

function drawHit(token, { side, place }, { x1, y, label, inset }) {
  const isLeft = side === "left";
  const marks = [token.isNull && ", null", token.generated && ", generated"].filter(Boolean).join("");
  return svg("rect", {
    x: isLeft ? inset : x1 + 2, y: y(place) - ROW / 2, width: label - 2, height: ROW, rx: 5, fill: "transparent",
    class: "token", tabindex: place || !isLeft ? -1 : 0, role: "button", "aria-pressed": "false", "data-side": side,
    "data-place": place, "data-screen": "", "aria-label": `${isLeft ? "from" : "to"} ${token.text}${marks}`,
  });
}

/** A line, as strong as its weight. */
export function drawLine({ x0, x1 }, { head, i, j, weight, start, stop }) {
  const [a, b, third] = [round(start), round(stop), (x1 - x0) / 3];
  return svg("path", {
    d: `M${x0},${a}C${round(x0 + third)},${a} ${round(x1 - third)},${b} ${x1},${b}`, stroke: headColour(head),
    "stroke-width": 1.75, "stroke-dasharray": headDash(head), "stroke-opacity": Math.min(1, weight).toFixed(4),
    "data-head": head, "data-i": i, "data-j": j,
  });
}

/** A box for each head beside the tokens of the other side, and a frame around the token at the end. */
export function drawBoxes(scene, { x1, y, label, inset }, end) {
  const toRight = end.side === "left";
  const [start, span] = [toRight ? x1 + 2 : inset, label - 2];
  const step = span / Math.max(1, scene.series.length);
  const order = new Map(scene.series.map(({ head }, place) => [head, place]));
  const shares = weightsAt(scene, end).filter(({ value }) => value >= LEAST_BOX).sort((a, b) => a.place - b.place);
  const box = ({ head, place, value }) => svg("rect", {
    x: round(start + step * order.get(head)), y: y(place) - ROW / 2 + 1, width: round(step), height: ROW - 2,
    fill: headColour(head), "fill-opacity": (0.8 * Math.min(1, value)).toFixed(4), "data-head": head,
    "data-place": place, class: "box",
  });
  const x = toRight ? inset + 1 : x1 + 2;
  const own = { x, y: y(end.place) - ROW / 2 + 1, width: label - 4, height: ROW - 2, rx: 5, fill: "var(--chosen)" };
  return [...shares.map(box), svg("rect", own)];
}

/** The weight to or from each token of the other side: of the head, or the mean of several. */
export function drawNumbers(scene, { x0, x1, y }, end) {
  const isRight = opposite(end.side) === "right";
  return meansOf(scene, end).filter(([, mean]) => mean >= LEAST_NUMBER).map(([place, mean]) => {
    const number = svg("text", {
      x: isRight ? x1 - 7 : x0 + 7, y: y(place) + 4, "text-anchor": isRight ? "end" : "start", fill: "var(--ink)",
      stroke: "var(--page)", "stroke-width": 4, "paint-order": "stroke", "stroke-linejoin": "round",
      "data-place": place,
    });
    number.textContent = mean.toFixed(3);
    return number;
  });
}

/** Show a token as chosen, or no more. */
export function emphasise({ text, hit }, isChosen, isHeld) {
  text.setAttribute("font-weight", isChosen ? 650 : 400);
  text.setAttribute("fill-opacity", isChosen ? 1 : "inherit");
  hit.setAttribute("aria-pressed", String(isChosen && isHeld));
}
