// A head's attention by offset.

import { LAST_OFFSET } from "../arithmetic/labels.js";
import { bars } from "./bars.js";

const TITLE = "Attention by offset: bars are this head, the line is the mean of all heads";
/** Pixels that a number below the axis needs. */
const NEED = 50;
const AXIS = "attending − attended piece";

/** Of the offsets that the model can look at. */
export function offsets(atlas, metric, one, width) {
  const labels = [...metric.labels.keys()].filter((label) => !atlas.isCausal || Number(metric.labels[label]) >= 0);
  const every = [4, 8, 16].find((step) => (step * width) / labels.length >= NEED) ?? 32;
  const marks = labels.map((label, n) => mark(Number(metric.labels[label]), n + 0.5));
  const kept = marks.filter(({ offset }) => offset % every === 0);
  return bars(metric, one, { labels, marks: kept, name: "offsets", title: TITLE, axis: AXIS }, width);
}

/** The ends hold all beyond them, and their numbers stay within the picture. */
function mark(offset, at) {
  const ends = { [LAST_OFFSET]: ["≥ 32", "end"], [-LAST_OFFSET]: ["≤ −32", "start"] };
  const [words, anchor] = ends[offset] ?? [String(offset).replace("-", "−"), "middle"];
  return { offset, at, words, anchor };
}
