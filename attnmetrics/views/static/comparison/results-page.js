// The differences of all results as small maps, under the titles of their families.

import { labelName } from "../arithmetic/labels.js";
import { shelves } from "../arithmetic/shelves.js";
import { card } from "../atlas/cards.js";
import { crumbs, OVERVIEW, section } from "../atlas/parts.js";
import { el } from "../shared/dom.js";
import { countTold, colourNote } from "./parts.js";
import { runChoice } from "./run-choice.js";

/** Maps of a result with many labels. */
const MOST = 5;
const HELP = "Layers go down, heads across. A click opens both maps, the difference, and the heads that differ.";

export function drawResults(root, comparison, _, go) {
  const title = el("h1", {}, "Every result, every head");
  const families = shelves({ metrics: [...comparison.difference.values()] });
  root.append(crumbs([OVERVIEW], "Results"), title, ...runChoice(comparison, go), el("p", { class: "help" }, HELP),
    colourNote(comparison), ...families.map((one) => drawFamily(comparison, one)));
  return null;
}

function drawFamily(comparison, { title, metrics }) {
  const found = section(title);
  const single = metrics.filter((metric) => !metric.dim).map((metric) => differenceCard(comparison, metric, 0));
  if (single.length) found.append(el("div", { class: "cards" }, ...single));
  for (const metric of metrics.filter((one) => one.dim)) found.append(...drawLabels(comparison, metric));
  return found;
}

/** The labels of a result at which most heads differ, and the way to all of them. */
function drawLabels(comparison, metric) {
  const labels = byChange(metric).slice(0, MOST);
  const more = metric.labels.length > labels.length ? `all ${metric.labels.length}` : "all on one page";
  return [
    el("h3", {}, metric.title),
    el("div", { class: "cards" }, ...labels.map((label) => labelCard(comparison, metric, label))),
    el("a", { href: metric.href() }, more),
  ];
}

/** Labels, those first at which most heads differ clearly, of equals those with the largest difference. */
export function byChange(metric) {
  const counts = metric.labels.map((_, label) => metric.count(label).clear);
  return [...metric.labels.keys()].sort((a, b) => counts[b] - counts[a] || metric.top(b) - metric.top(a));
}

export const labelCard = (comparison, metric, label) =>
  differenceCard(comparison, metric, label, labelName(metric.dim, metric.labels[label]));

function differenceCard(comparison, metric, label, title) {
  const note = `${countTold(metric.count(label))} differ clearly`;
  return card(comparison, metric, label, title ?? metric.heading(label), note);
}
