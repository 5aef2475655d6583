// What a head looks at: its shares by label, a tab a metric, each as times what even attention would give.

import { profileRows } from "../arithmetic/csv.js";
import { clamp } from "../arithmetic/scales.js";
import { action } from "../shared/controls.js";
import { el } from "../shared/dom.js";
import { tabs } from "../shared/tabs.js";
import { errorsTold } from "./error-bars.js";
import { remember } from "./head-address.js";
import { section } from "./parts.js";
import { labelsOf, profile } from "./profile.js";
import { tools } from "./tools.js";

/** Labels of a profile shown at first: those with the largest shares. */
const FIRST = 10;
/** What the profiles of well-known metrics are called; others have the metric's title. */
const TITLES = {
  pos_to: "Looks at", pos_from: "Looks from", dependency_type_to: "At words that are",
  dependency_type_from: "From words that are",
};
const HELP = "Bars: times what even attention gives, ×1 at the line, on a log scale.";

const COLUMNS = "share: of what the head leaves off null pieces; × even: share ÷ what even attention would give; mean: "
  + "share over all heads.";

/** How many labels a picture shows, where it does not show all. */
const whichOf = (most, all) => (all.length > most ? [`The ${most} largest of ${all.length}.`] : []);

/** The section, at the end of root, whose width it takes; nothing where the run has no such table. */
export function drawProfiles(root, atlas, one, query) {
  const metrics = profiled(atlas);
  if (!metrics.length) return;
  const found = section("What it looks at", HELP);
  found.classList.add("profiles");
  root.append(found);
  const choices = metrics.map((metric) => ({
    key: metric.name, title: TITLES[metric.name] ?? metric.title, draw: () => profileOf(atlas, metric, one, found),
  }));
  const chosen = (key) => remember(atlas, one, { labels: key === metrics[0].name ? null : key });
  found.append(...tabs("Labels", choices, query.get("labels"), chosen));
}

/** Shares over the labels of one dimension, of which a table would be long; not those that others have as chance. */
function profiled(atlas) {
  const chances = new Set(atlas.metrics.map((metric) => metric.chance));
  const isLong = (metric) => metric.labels.length > 4 || Object.hasOwn(TITLES, metric.name);
  const isOfOne = ({ dim }) => dim !== null && dim !== "offset" && !dim.includes(", ");
  const isShares = (metric) => metric.kind === "share" && isOfOne(metric);
  return atlas.metrics.filter((metric) => isShares(metric) && isLong(metric) && !chances.has(metric));
}

/** The largest shares; a button shows all. */
function profileOf(atlas, metric, one, host) {
  const all = labelsOf(metric, one.layer, one.head);
  Object.assign(host.dataset, { title: metric.title, definition: metric.formula });
  if (!all.length) return [el("p", { class: "note" }, "no evidence")];
  const width = clamp(host.clientWidth || 300, 250, 460);
  let picture = profile(atlas, metric, one, all.slice(0, FIRST), width);
  const tell = (most) => { host.dataset.legend = [HELP, COLUMNS, errorsTold(atlas), ...whichOf(most, all)].join(" "); };
  tell(FIRST);
  const rows = () => profileRows(metric, one.layer, one.head, one.name);
  const save = tools(() => picture, rows, `${one.name} ${metric.name}`);
  if (all.length > FIRST) {
    save.append(action(`all ${all.length}`, (event) => {
      const whole = profile(atlas, metric, one, all, width);
      picture.replaceWith(whole);
      picture = whole;
      tell(all.length);
      event.target.remove();
    }));
  }
  return [picture, save];
}
