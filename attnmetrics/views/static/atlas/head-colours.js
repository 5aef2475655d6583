// The colours of heads by the depth of their layer, by their role, by a metric, and what these mean.

import { scaleOf } from "../arithmetic/colours.js";
import { LAYER, ROLE } from "../arithmetic/head-colour.js";
import { headAt } from "../arithmetic/heads.js";
import { NO_EVIDENCE } from "../arithmetic/scales.js";
import { text } from "../shared/dom.js";
import { scaleWords } from "./head-map-scene.js";
import { colourBar, noEvidence } from "./map-parts.js";
import { depthColour } from "./scatter-scene.js";

const BAR = 180;
/** Pixels beneath a picture for what its colours mean. */
export const LEGEND = 34;

/** The colour of a head by its place. */
export function headPainter(atlas, { by, metric, label }) {
  if (by === LAYER) return (place) => depthColour(atlas, place);
  if (by === ROLE) return (place) => atlas.roles.first(place).colour;
  const scale = scaleOf(metric, label);
  return (place) => {
    const step = scale.level(metric.at(...headAt(atlas, place), label));
    return step === NO_EVIDENCE ? "var(--no-evidence)" : `var(--${scale.name}${step})`;
  };
}

/** What the colours mean, beneath a picture. */
export function colourLegend({ by, metric, label }, { box, height }) {
  if (by === LAYER) return [text(box.left, height + 14, "The stronger the colour, the deeper the layer.")];
  if (by === ROLE) return [text(box.left, height + 14, "Colours are first roles, as on the overview.")];
  const scale = scaleOf(metric, label);
  const bar = colourBar(scale.name, { x: box.left, y: height + 6, width: BAR, gap: 21 }, scaleWords(metric, scale));
  const name = text(box.left + BAR + 14, height + 14, metric.heading(label));
  return metric.unknown(label) ? [...bar, name, ...noEvidence(box.left + BAR + 14, height + 20)] : [...bar, name];
}
