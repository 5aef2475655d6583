// The colours of heads on their map: by cluster, besides those of head-colours.js.

import { clamp, round } from "../arithmetic/scales.js";
import { CLUSTER } from "../arithmetic/similarity.js";
import { headColour, svg, text } from "../shared/dom.js";
import { colourLegend, headPainter } from "./head-colours.js";

/** Pixels from a dot to a number beside it. */
const BESIDE = 13;

/** The colour of a head by its place. */
export function painter(atlas, colour) {
  if (colour.by === CLUSTER) return (place) => clusterColour(atlas.similarity.clusterOf(place));
  return headPainter(atlas, colour);
}

export const clusterColour = (number) => (Number.isNaN(number) ? "var(--no-evidence)" : headColour(number));

/** What is drawn over and beneath the dots: the numbers of clusters, or a scale. */
export function legend(atlas, colour, layout) {
  return colour.by === CLUSTER ? clusterNumbers(atlas, layout) : colourLegend(colour, layout);
}

/** Each cluster's number in the middle of its heads; beside the one head of a cluster that has no more. */
function clusterNumbers(atlas, { x, y, points, box, height }) {
  const at = new Map(points.map((point) => [point.place, point]));
  const middle = (places, side) => places.reduce((sum, place) => sum + at.get(place)[side], 0) / places.length;
  const number = ({ number: name, places }) => {
    const known = places.filter((place) => at.has(place));
    const beside = known.length === 1 ? BESIDE : 0;
    return known.length ? badge(name, x(middle(known, "a")) + beside, y(middle(known, "b")), box) : "";
  };
  const badges = atlas.similarity.clusters().map(number).filter(Boolean);
  return [...badges, text(box.left, height + 14, "A number stands in the middle of its cluster.")];
}

/** A number that can be read over dots. */
function badge(number, left, top, box) {
  const x = round(clamp(left, box.left + 8, box.right - 4));
  const halo = { stroke: "var(--page)", "stroke-width": 4, "paint-order": "stroke" };
  const words = { "text-anchor": "middle", "font-size": 15, "font-weight": 700, fill: "var(--ink)", ...halo };
  return svg("g", { class: "cluster-number", "pointer-events": "none" }, text(x, top + 5, String(number), words));
}
