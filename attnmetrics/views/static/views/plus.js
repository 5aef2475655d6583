// The round button beside a token that shows how its attention comes about.

import { svg } from "../shared/dom.js";

/** Pixels that the button takes at the left. */
export const PLUS = 26;
const HEIGHT = 24;

/** place: of the token; y: its middle; isOpen: whether it is shown; isFirst: whether Tab comes here. */
export function drawPlus(name, { place, y, isOpen, isFirst }) {
  return svg("g", {
    class: "plus", role: "button", tabindex: isFirst ? 0 : -1, "aria-label": `${isOpen ? "Close" : "Expand"} ${name}`,
    "aria-expanded": String(isOpen), "data-place": place, "data-screen": "", transform: `translate(12 ${y})`,
  },
  svg("rect", { x: -12, y: -HEIGHT / 2, width: PLUS, height: HEIGHT, fill: "transparent" }),
  svg("circle", { r: 9 }),
  svg("path", { d: isOpen ? "M-4,0H4" : "M-4,0H4M0,-4V4" }));
}
