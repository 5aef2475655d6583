// All metrics, under the titles of their families: their maps, and the largest of those with many labels.

import { labelName } from "../arithmetic/labels.js";
import { shelves } from "../arithmetic/shelves.js";
import { el } from "../shared/dom.js";
import { card } from "./cards.js";
import { evidenceNote } from "./evidence.js";
import { crumbs, OVERVIEW, section } from "./parts.js";

/** Maps of a metric with many labels. */
const MOST = 5;
const HELP = "Layers go down, heads across; the more a colour stands out from the page, the larger the value. Of many "
  + "labels those that are largest on average. A click opens the map.";

export function drawMetrics(root, atlas) {
  const title = el("h1", {}, "Every metric, every head");
  root.append(crumbs([OVERVIEW], "Metrics"), title, el("p", { class: "help" }, HELP), evidenceNote(atlas));
  root.append(...shelves(atlas).map((shelf) => drawShelf(atlas, shelf)));
  return null;
}

function drawShelf(atlas, { title, metrics }) {
  const found = section(title);
  const single = metrics.filter((metric) => !metric.dim).map((metric) => card(atlas, metric, 0));
  if (single.length) found.append(el("div", { class: "cards" }, ...single));
  for (const metric of metrics.filter((one) => one.dim)) found.append(...drawLabels(atlas, metric));
  return found;
}

/** A metric's largest labels, and the way to all of them. */
function drawLabels(atlas, metric) {
  const present = metric.present();
  const labels = metric.dim === "direction" ? present : metric.byMean().slice(0, MOST);
  const cards = labels.map((label) => card(atlas, metric, label, labelName(metric.dim, metric.labels[label])));
  const more = present.length > labels.length ? `all ${present.length}` : "all on one page";
  return [
    el("h3", {}, metric.title), el("p", { class: "help" }, metric.help),
    el("div", { class: "cards" }, ...cards), el("a", { href: metric.href() }, more),
  ];
}
