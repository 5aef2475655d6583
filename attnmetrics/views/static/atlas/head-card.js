// What a head does over the corpus, as a card: its metrics, each among those of all heads.

import { headHref, placeOf } from "../arithmetic/heads.js";
import { startLabel } from "../arithmetic/labels.js";
import { ordinal } from "../arithmetic/numbers.js";
import { el, headColour } from "../shared/dom.js";
import { fromHowMuch } from "./evidence.js";
import { strip } from "./strip.js";

/** Dimensions of which one label tells enough. */
const TELLING = ["offset", "direction"];

/** What tells of a head in short, [metric, label] each. */
export function measuresOf(atlas) {
  const chances = new Set(atlas.metrics.map((metric) => metric.chance));
  const told = atlas.metrics.filter((metric) => isTold(metric) && !chances.has(metric));
  return told.map((metric) => [metric, startLabel(metric)]);
}

/** What draws the card of a head, given by its labels: (layer, head, width of a strip, title). */
export function headCards(atlas) {
  const measures = measuresOf(atlas);
  return (layerLabel, headLabel, width, title = `Layer ${layerLabel}, head ${headLabel}`) => {
    const [layer, head] = [atlas.layers.indexOf(layerLabel), atlas.heads.indexOf(headLabel)];
    const link = el("a", { href: headHref(atlas, layer, head) }, el("i"), title);
    const rows = measures.map(([metric, label]) => measure(atlas, metric, label, { layer, head, width }));
    const digits = String(atlas.layers.length * atlas.heads.length).length;
    const style = `--own:${headColour(headLabel)};--digits:${digits}`;
    return el("section", { class: "over", style, "data-layer": layerLabel, "data-head": headLabel },
      el("h3", {}, link), el("div", { class: "measures" }, ...rows));
  };
}

/** Metrics without labels that are no counts of evidence, and the first by each telling dimension. Chance levels are
    left out: what they are the chance of is told. */
function isTold(metric) {
  return metric.dim === null ? metric.kind !== "count" : metric.isFirst && TELLING.includes(metric.dim);
}

function measure(atlas, metric, label, { layer, head, width }) {
  const place = placeOf(atlas, layer, head);
  const { rank } = metric.rank(place, label);
  const [words, interval] = metric.told(place, label);
  return el("div", { class: "measure", "data-metric": metric.name },
    el("a", { href: metric.href(label) }, bare(metric.heading(label))), strip(metric, label, place, width),
    el("span", { class: "value", title: interval || null }, words, ...fromHowMuch(atlas, metric, place)),
    el("span", { class: "rank", title: metric.standing(place, label) || null }, rank ? ordinal(rank) : ""));
}

/** A title without what all have in common: "Mean attention distance" is "Distance". */
function bare(title) {
  return title.replace(/^(mean )?attention /i, "").replace(/^./, (letter) => letter.toUpperCase());
}
