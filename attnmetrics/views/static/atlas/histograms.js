// In how many sentences a head's weights are how large.

import { profileRows } from "../arithmetic/csv.js";
import { clamp } from "../arithmetic/scales.js";
import { el } from "../shared/dom.js";
import { afterFirst } from "../shared/seen.js";
import { bars } from "./bars.js";
import { section } from "./parts.js";
import { tools } from "./tools.js";

const DIM = "weight_bin";
const HELP = "Bars are this head, the line is the mean of all heads. A histogram counts what was seen: it has no "
  + "intervals.";
/** Bins from one number below the axis to the next. */
const EVERY = 10;

/** A section of all histograms; nothing where the run has none. */
export function histogramSection(atlas, one) {
  const metrics = atlas.metrics.filter(({ dim }) => dim === DIM);
  if (!metrics.length) return [];
  const found = section("How much, and how often", HELP);
  found.append(el("div", { class: "histograms" }, ...metrics.map((metric) => histogram(metric, one))));
  return [found];
}

/** At the end of a head's page. */
function histogram(metric, one) {
  const about = { "data-definition": metric.formula, "data-legend": HELP };
  const found = el("section", about, el("h3", {}, metric.title), el("p", { class: "help" }, metric.help));
  return afterFirst(found, () => found.append(...drawn(metric, one)));
}

/** The picture, and what saves it. */
function drawn(metric, one) {
  const width = clamp(document.documentElement.clientWidth - 60, 280, 540);
  const labels = [...metric.labels.keys()];
  const marks = [...labels, labels.length].filter((n) => n % EVERY === 0).map((n) => edge(n, labels.length));
  const words = `${metric.title}: bars are this head, the line is the mean of all heads`;
  const axis = metric.dimTitle.toLowerCase();
  const picture = bars(metric, one, { labels, marks, name: "histogram", title: words, axis }, width);
  const rows = () => profileRows(metric, one.layer, one.head, one.name);
  return [picture, tools(() => picture, rows, `${one.name} ${metric.name}`)];
}

/** The number at the left of a bin, or at the end. */
const edge = (n, bins) => ({ at: n, words: String(n / bins), anchor: n === bins ? "end" : "middle" });
