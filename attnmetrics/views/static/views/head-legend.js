// Which colour and dashes are which head's, beneath a picture in its file, where no squares stand above it.

import { headColour, headDash, svg, text } from "../shared/dom.js";

/** Pixels: of a row, of a head in it, of its line, before the first. */
const [ROW, STEP, LINE, LEFT] = [20, 46, 18, 6];

/** A copy of a picture with the heads that it draws; of one head, its title says which. */
export function withHeads(picture, heads) {
  const copy = picture.cloneNode(true);
  if (heads.length < 2) return copy;
  const { width, height } = picture.viewBox.baseVal;
  const across = Math.max(1, Math.floor((width - LEFT) / STEP));
  copy.setAttribute("viewBox", `0 0 ${width} ${height + ROW * Math.ceil(heads.length / across)}`);
  const entry = (head, n) =>
    sample(head, LEFT + STEP * (n % across), height + ROW * (Math.floor(n / across) + 0.5));
  copy.append(...heads.flatMap(entry));
  return copy;
}

function sample(head, x, y) {
  const look = { stroke: headColour(head), "stroke-dasharray": headDash(head), "stroke-width": 3 };
  return [svg("path", { d: `M${x} ${y}h${LINE}`, class: "sample", ...look }), text(x + LINE + 5, y + 4, head)];
}
