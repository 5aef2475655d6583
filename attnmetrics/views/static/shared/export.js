// Drawings and tables as files.

import { el, svg, text } from "./dom.js";
import { FONT, textWidth } from "./font.js";

/** Longest side of a saved picture in pixels; larger ones are not sharpened. */
const LONGEST = 16_000;
const SHARP = 2;
/** A file's address is kept for so long. */
const KEPT_MILLISECONDS = 10_000;

/** Pixels of a line above a drawing, and of its letters. */
const [LINE, LETTERS] = [19, 13];

/** An SVG that needs no style sheet, with lines of words above it: the page's colours are written into it. */
function standalone(picture, titles) {
  const style = getComputedStyle(document.documentElement);
  const copy = picture.cloneNode(true);
  copy.querySelectorAll("[data-screen], [visibility=hidden]").forEach((node) => node.remove());
  const [x, y, width, height] = boxOf(picture, titles);
  copy.setAttribute("viewBox", `${x} ${y} ${width} ${height}`);
  copy.setAttribute("width", width);
  copy.setAttribute("height", height);
  copy.setAttribute("font-family", FONT);
  copy.prepend(svg("rect", { x, y, width, height, fill: "var(--page)" }), ...titles.map(titleLine(y)));
  const drawn = new XMLSerializer().serializeToString(copy);
  return drawn.replace(/var\((--[\w-]+)\)/g, (_, name) => style.getPropertyValue(name).trim());
}

/** [x, y, width, height] of a drawing and the lines above it. */
function boxOf(picture, titles) {
  const { width, height } = picture.viewBox.baseVal;
  const above = titles.length ? LINE * titles.length + 6 : 0;
  const wide = Math.max(width, ...titles.map((words) => Math.ceil(textWidth(words, LETTERS)) + 12));
  return [0, -above, wide, height + above];
}

const titleLine = (y) => (words, n) => text(6, y + LINE * (n + 0.8), words,
  { "font-size": LETTERS, "font-weight": n ? "normal" : 600, fill: "var(--ink)" });

export function save(blob, name) {
  const link = el("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), KEPT_MILLISECONDS);
}

export function saveSvg(picture, name, titles = []) {
  save(new Blob([standalone(picture, titles)], { type: "image/svg+xml" }), `${name}.svg`);
}

export function savePng(picture, name, titles = []) {
  const [, , width, height] = boxOf(picture, titles);
  const scale = Math.min(SHARP, LONGEST / Math.max(width, height));
  const image = new Image();
  image.onload = () => {
    const sheet = el("canvas", { width: Math.round(width * scale), height: Math.round(height * scale) });
    sheet.getContext("2d").drawImage(image, 0, 0, sheet.width, sheet.height);
    sheet.toBlob((blob) => save(blob, `${name}.png`), "image/png");
  };
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(standalone(picture, titles))}`;
}
