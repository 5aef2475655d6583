// The colours of heads on their map, by layer, by cluster or by any metric, and what they mean.

import { scaleOf } from "../arithmetic/colours.js";
import { headAt } from "../arithmetic/heads.js";
import { plain } from "../arithmetic/numbers.js";
import { clamp, NO_EVIDENCE, round } from "../arithmetic/scales.js";
import { CLUSTER, LAYER } from "../arithmetic/similarity.js";
import { headColour, svg, text } from "../shared/dom.js";
import { colourBar, noEvidence } from "./map-parts.js";
import { depthColour } from "./scatter-scene.js";

const BAR = 180;
/** Pixels from a dot to a number beside it. */
const BESIDE = 13;
/** Pixels beneath the map for what its colours mean. */
export const LEGEND = 34;

/** The colour of a head by its place. */
export function painter(atlas, colour) {
  if (colour.by === CLUSTER) return (place) => clusterColour(atlas.similarity.clusterOf(place));
  if (colour.by === LAYER) return (place) => depthColour(atlas, place);
  const { metric, label } = colour;
  const scale = scaleOf(metric, label);
  return (place) => {
    const step = scale.level(metric.at(...headAt(atlas, place), label));
    return step === NO_EVIDENCE ? "var(--no-evidence)" : `var(--${scale.name}${step})`;
  };
}

export const clusterColour = (number) => (Number.isNaN(number) ? "var(--no-evidence)" : headColour(number));

/** What is drawn over and beneath the dots: the numbers of clusters, or a scale. */
export function legend(atlas, colour, layout) {
  const { box, height } = layout;
  if (colour.by === CLUSTER) return clusterNumbers(atlas, layout);
  if (colour.by === LAYER) return [text(box.left, height + 14, "The stronger the colour, the deeper the layer.")];
  const { metric, label } = colour;
  const scale = scaleOf(metric, label);
  const words = scale.low < 0
    ? [plain(metric, scale.low), "0", plain(metric, scale.top)]
    : ["0", metric.unit === "1" ? "" : metric.unit, plain(metric, scale.top)];
  const bar = colourBar(scale.name, { x: box.left, y: height + 6, width: BAR, gap: 21 }, words);
  const isWhole = metric.unknown(label) === 0;
  return isWhole ? bar : [...bar, ...noEvidence(box.left + BAR + 14, height + 6)];
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
