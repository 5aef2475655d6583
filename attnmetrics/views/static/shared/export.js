// Drawings and tables as files.

import { el, svg, text } from "./dom.js";
import { FONT, textWidth, wrapped } from "./font.js";

/** Longest side of a saved picture in pixels; larger ones are not sharpened. */
const LONGEST = 16_000;
const SHARP = 2;
/** A file's address is kept for so long. */
const KEPT_MILLISECONDS = 10_000;

/** Pixels of a line above a drawing, of its letters, and of those that lines have at least, however narrow it is. */
const [LINE, LETTERS, NARROWEST] = [19, 13, 460];
/** What a drawing on the screen says of its keys. */
const KEYS = / Arrow keys .*$/;
/** How much wider a title is for being bold, at most. */
const BOLD = 1.14;

/** An SVG that needs no style sheet, with lines of words above it: the page's colours on paper are written into it. */
function standalone(picture, titles) {
  const copy = picture.cloneNode(true);
  copy.querySelectorAll("[data-screen], [visibility=hidden]").forEach((node) => node.remove());
  const { lines, box: [x, y, width, height] } = layout(picture, titles);
  copy.setAttribute("aria-label", copy.ariaLabel?.replace(KEYS, "") ?? "");
  copy.removeAttribute("tabindex");
  copy.setAttribute("viewBox", `${x} ${y} ${width} ${height}`);
  copy.setAttribute("width", width);
  copy.setAttribute("height", height);
  copy.setAttribute("font-family", FONT);
  copy.prepend(svg("rect", { x, y, width, height, fill: "var(--page)" }), ...lines.map(titleLine(y)));
  return onPaper(new XMLSerializer().serializeToString(copy));
}

/** With the colours of the light theme, whatever the page's is. */
function onPaper(drawn) {
  const { dataset } = document.documentElement;
  const { theme } = dataset;
  dataset.theme = "light";
  const style = getComputedStyle(document.documentElement);
  const coloured = drawn.replace(/var\((--[\w-]+)\)/g, (_, name) => style.getPropertyValue(name).trim());
  if (theme === undefined) delete dataset.theme;
  else dataset.theme = theme;
  return coloured;
}

/** The lines above a drawing, [words, whether they are of the first title], and the [x, y, width, height] of all. */
function layout(picture, titles) {
  const { width, height } = picture.viewBox.baseVal;
  const room = Math.max(width, NARROWEST) - 12;
  const linesOf = (words, isFirst) =>
    wrapped(words, isFirst ? room / BOLD : room, LETTERS).map((line) => [line, isFirst]);
  const lines = titles.flatMap((words, n) => linesOf(words, n === 0));
  const above = lines.length ? LINE * lines.length + 6 : 0;
  const wide = Math.max(width, ...lines.map(widthOf));
  return { lines, box: [0, -above, wide, height + above] };
}

const widthOf = ([words, isFirst]) => Math.ceil(textWidth(words, LETTERS) * (isFirst ? BOLD : 1)) + 12;

const titleLine = (y) => ([words, isFirst], n) => text(6, y + LINE * (n + 0.8), words,
  { "font-size": LETTERS, "font-weight": isFirst ? 600 : "normal", fill: "var(--ink)" });

export function save(blob, name) {
  const link = el("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), KEPT_MILLISECONDS);
}

export function saveSvg(picture, name, titles = []) {
  save(new Blob([standalone(picture, titles)], { type: "image/svg+xml" }), `${name}.svg`);
}

export function savePng(picture, name, titles = []) {
  const { box: [, , width, height] } = layout(picture, titles);
  const scale = Math.min(SHARP, LONGEST / Math.max(width, height));
  const image = new Image();
  image.onload = () => {
    const sheet = el("canvas", { width: Math.round(width * scale), height: Math.round(height * scale) });
    sheet.getContext("2d").drawImage(image, 0, 0, sheet.width, sheet.height);
    sheet.toBlob((blob) => save(blob, `${name}.png`), "image/png");
  };
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(standalone(picture, titles))}`;
}
