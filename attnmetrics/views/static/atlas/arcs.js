// Arcs over a sentence, from the attending piece to the attended ones.

import { arcPath } from "../arithmetic/arcs.js";
import { round } from "../arithmetic/scales.js";
import { svg } from "../shared/dom.js";

/**
 * Fill `arcs`, an SVG over the sentence. spans: element of each piece that is shown; weights: [[piece, weight], …].
 */
export function drawArcs(arcs, sentence, spans, { attending, weights }) {
  const bounds = sentence.getBoundingClientRect();
  const from = spans.get(attending)?.getBoundingClientRect();
  arcs.replaceChildren();
  if (!from || !bounds.width) return;
  arcs.setAttribute("viewBox", `0 0 ${bounds.width} ${bounds.height}`);
  arcs.setAttribute("width", bounds.width);
  arcs.setAttribute("height", bounds.height);
  const shown = weights.filter(([place]) => spans.has(place));
  const isLeftward = getComputedStyle(sentence).direction === "rtl";
  const edges = isLeftward ? [bounds.width, 0] : [0, bounds.width];
  arcs.append(...shown.map(([place, share]) => {
    const to = spans.get(place).getBoundingClientRect();
    return arc(top(from, bounds), top(to, bounds), { place, share, edges, isOwn: place === attending });
  }));
}

/** The middle of a piece's upper edge, within the sentence. */
const top = (box, bounds) => [box.left + box.width / 2 - bounds.left, box.top - bounds.top + 3];

function arc([x0, y0], [x1, y1], { place, share, edges, isOwn }) {
  const rise = isOwn ? 9 : Math.min(15, 7 + Math.abs(x1 - x0) / 12);
  const aside = isOwn ? 4 : 0;
  return svg("path", {
    d: arcPath([x0 - aside, y0], [x1 + aside, y1], rise, edges), "stroke-opacity": round(0.15 + 0.85 * share),
    "stroke-width": round(1 + 1.2 * share), "data-to": place,
  });
}
