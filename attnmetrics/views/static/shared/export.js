// Drawings and tables as files.

import { el, svg } from "./dom.js";
import { FONT } from "./font.js";

/** Longest side of a saved picture in pixels; larger ones are not sharpened. */
const LONGEST = 16_000;
const SHARP = 2;
/** A file's address is kept for so long. */
const KEPT_MILLISECONDS = 10_000;

/** An SVG that needs no style sheet: the page's colours are written into it. */
function standalone(picture) {
  const style = getComputedStyle(document.documentElement);
  const copy = picture.cloneNode(true);
  copy.querySelectorAll("[data-screen], [visibility=hidden]").forEach((node) => node.remove());
  const { width, height } = picture.viewBox.baseVal;
  copy.setAttribute("width", width);
  copy.setAttribute("height", height);
  copy.setAttribute("font-family", FONT);
  copy.prepend(svg("rect", { width, height, fill: "var(--page)" }));
  const drawn = new XMLSerializer().serializeToString(copy);
  return drawn.replace(/var\((--[\w-]+)\)/g, (_, name) => style.getPropertyValue(name).trim());
}

export function save(blob, name) {
  const link = el("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), KEPT_MILLISECONDS);
}

export function saveSvg(picture, name) {
  save(new Blob([standalone(picture)], { type: "image/svg+xml" }), `${name}.svg`);
}

export function savePng(picture, name) {
  const { width, height } = picture.viewBox.baseVal;
  const scale = Math.min(SHARP, LONGEST / Math.max(width, height));
  const image = new Image();
  image.onload = () => {
    const sheet = el("canvas", { width: Math.round(width * scale), height: Math.round(height * scale) });
    sheet.getContext("2d").drawImage(image, 0, 0, sheet.width, sheet.height);
    sheet.toBlob((blob) => save(blob, `${name}.png`), "image/png");
  };
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(standalone(picture))}`;
}
