// Figure 1: heads that attend broadly, to the next piece, to separators and to periods, each in a sentence of its own.

import { hasEnd } from "../../arithmetic/exemplars.js";
import { answersOf, claimHref, headAt, headName } from "../../arithmetic/heads.js";
import { shown } from "../../arithmetic/numbers.js";
import { clamp } from "../../arithmetic/scales.js";
import { el } from "../../shared/dom.js";
import { bracketed } from "../error-bars.js";
import { sentenceLines } from "../sentence-lines.js";

/** What a head does, the metric and the label that find it, and the claims whose sentences show it best. */
const BEHAVIOURS = [
  { name: "Attends broadly", metric: "entropy_all", claim: null },
  { name: "To the next piece", metric: "neighbour_attention", at: "next", claim: "next",
    none: "This model does not see the next piece." },
  { name: "To separators", metric: "special_attention", at: "separator", claim: "special_to:separator", isAtEnd: true,
    none: "This run's units have no separators." },
  { name: "To periods and commas", metric: "special_attention", at: "punctuation", claim: "special_to:punctuation" },
];
const NONE = "No head of this run does it.";
const HELP = "The head of this run that does each of these most. Lines lead from a piece on the left to those on the "
  + "right that it attends to; the fuller, the more.";

export function behaviours(found, atlas) {
  const blocks = BEHAVIOURS.map((one) => behaviour(atlas, one));
  found.append(el("p", { class: "help" }, HELP), el("div", { class: "panels four" }, ...blocks));
}

function behaviour(atlas, { name, metric: metricName, at, claim, isAtEnd, none = NONE }) {
  const metric = atlas.byName.get(metricName);
  const label = metric && at ? metric.place(at) : 0;
  const [best] = metric && label >= 0 ? metric.order(label) : [];
  const block = el("div", {}, el("h3", {}, name));
  if (best === undefined || !metric.column(label)[best]) {
    block.append(el("p", { class: "note" }, none));
    return block;
  }
  const [layer, head] = headAt(atlas, best);
  const link = el("a", { href: claimHref(atlas, layer, head, claim) }, headName(atlas, layer, head));
  const [share, interval] = metric.told(best, label);
  const words = [`: ${share}`, ...bracketed(interval), ofEven(metric, label)];
  block.append(el("p", {}, link, ...words), picture(exemplarOf(atlas, best, claim, isAtEnd), isAtEnd));
  return block;
}

/** What even attention would give, where the run says. */
function ofEven(metric, label) {
  const even = metric.chanceOfLayer(0, label);
  return Number.isNaN(even) ? "" : `; even attention ${shown(metric, even)}`;
}

/** The first sentence that shows it and has its rows, and the end of its unit if this is wanted; else undefined. */
function exemplarOf(atlas, place, claim, isAtEnd) {
  const shows = answersOf(atlas, ...headAt(atlas, place), claim)?.list ?? [];
  const every = [...shows, ...atlas.exemplars.of(place), ...atlas.exemplars.typicalOf(place)];
  return every.find((one) => one.row && (!isAtEnd || hasEnd(one)));
}

function picture(exemplar, isAtEnd) {
  if (!exemplar) return el("p", { class: "note" }, "No sentence with its attention is kept that shows it.");
  const width = clamp(innerWidth - 40, 240, 270);
  return el("div", {}, sentenceLines(exemplar, width, isAtEnd), el("p", { class: "source" }, exemplar.source));
}
