// The colours of heads by the depth of their layer, by their role, by a metric, and what these mean.

import { scaleOf } from "../arithmetic/colours.js";
import { LAYER, ROLE } from "../arithmetic/head-colour.js";
import { headAt } from "../arithmetic/heads.js";
import { NO_EVIDENCE } from "../arithmetic/scales.js";
import { text } from "../shared/dom.js";
import { fit } from "../shared/font.js";
import { scaleWords } from "./head-map-scene.js";
import { colourBar, noEvidence } from "./map-parts.js";
import { depthColour } from "./scatter-scene.js";

/** Pixels of a scale, and of the letters beside it. */
const [BAR, LETTERS] = [180, 11];
/** Pixels beneath a picture for what its colours mean. */
export const LEGEND = 34;

const OF_LAYERS = "Deeper layers stand out more from the page.";

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
  if (by === LAYER) return [text(box.left, height + 14, OF_LAYERS)];
  if (by === ROLE) return [text(box.left, height + 14, "Colours are first roles, as on the overview.")];
  const scale = scaleOf(metric, label);
  const width = Math.min(BAR, (box.right - box.left) / 2);
  const beside = box.left + width + 14;
  const bar = colourBar(scale.name, { x: box.left, y: height + 6, width, gap: 21 }, scaleWords(metric, scale));
  const name = text(beside, height + 14, fit(metric.heading(label), box.right - beside, LETTERS));
  return metric.unknown(label) ? [...bar, name, ...noEvidence(beside, height + 20)] : [...bar, name];
}
