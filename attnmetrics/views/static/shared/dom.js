// Elements made in a line.

import { round } from "../arithmetic/scales.js";

/** An HTML element; attributes that begin with "on" are listeners, true and false switch, null is left out. */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

/** An SVG element; attributes that are null are left out. */
export function svg(tag, attributes = {}, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

/** A picture of a size in pixels. */
export function sheet(width, height, attributes = {}, ...children) {
  const [wide, tall] = [round(width), round(height)];
  return svg("svg", { viewBox: `0 0 ${wide} ${tall}`, width: wide, height: tall, ...attributes }, ...children);
}

/** A word in a picture. */
export function text(x, y, content, attributes = {}) {
  const node = svg("text", { x: round(x), y: round(y), "font-size": 11, fill: "var(--muted)", ...attributes });
  node.textContent = content;
  return node;
}

/** What a browser tells of a shape that is pointed at. */
export function title(content) {
  const node = svg("title");
  node.textContent = content;
  return node;
}

/** Where a pointer is in a picture, in the picture's own pixels. */
export function pointIn(picture, event) {
  const bounds = picture.getBoundingClientRect();
  const scale = picture.viewBox.baseVal.width / bounds.width;
  return [(event.clientX - bounds.left) * scale, (event.clientY - bounds.top) * scale];
}

/** The colour of a head, the same wherever it is drawn. */
export const headColour = (head) => `var(--head-${head % 8})`;

/** The dashes of a head's lines, which tell apart heads of one colour; null for whole lines. */
export const headDash = (head) => [null, "7 3", "2 3", "9 3 2 3"][Math.floor(head / 8) % 4];
