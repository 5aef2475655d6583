// A result in two runs: both maps and their difference, one run against the other, layers, all heads, all runs.

import { differenceRows } from "../arithmetic/comparison-csv.js";
import { headHref, placeOf } from "../arithmetic/heads.js";
import { headMap } from "../atlas/head-map.js";
import { about, labelChoice } from "../atlas/metric-page.js";
import { crumbs, OVERVIEW, place, section } from "../atlas/parts.js";
import { tools } from "../atlas/tools.js";
import { el } from "../shared/dom.js";
import { against } from "./against.js";
import { headTable } from "./head-table.js";
import { layerSection } from "./layers.js";
import { colourNote, colourWords, countTold, tellOf, titlesOf } from "./parts.js";
import { correlationTold } from "./result-table.js";
import { byChange, labelCard } from "./results-page.js";
import { runChoice, runName } from "./run-choice.js";
import { trendSection } from "./trends.js";

/** Pixels that the cells of a map may take down. */
const TALL = 560;
const MAPS_HELP = "Both maps have one scale. Layers go down, heads across; a click opens the head in both runs.";

export function drawResultPage(root, comparison, [name, wanted], go) {
  const metric = comparison.difference.get(name);
  if (!metric) return `expected a result of this comparison, found ${name}`;
  const isAll = metric.dim !== null && wanted === undefined;
  const label = isAll ? null : metric.place(wanted);
  if (label === -1) return `expected a label of ${name}, found ${wanted}`;
  const title = metric.heading(label);
  const above = metric.dim && !isAll ? [[metric.href(), metric.title]] : [];
  root.append(crumbs([OVERVIEW, ["#/metrics", "Results"], ...above], title), el("h1", {}, title), about(metric),
    ...runChoice(comparison, go));
  if (metric.dim) root.append(labelChoice(metric, label, go));
  if (isAll) root.append(colourNote(comparison), allLabels(comparison, metric));
  else oneLabel(root, comparison, { metric, label, title }, go);
  return null;
}

/** A small map of the difference at every label. */
function allLabels(comparison, metric) {
  const help = "Those at which most heads differ clearly come first; each map has its own scale.";
  const cards = byChange(metric).map((label) => labelCard(comparison, metric, label));
  const found = section("Every label", help);
  found.append(el("div", { class: "cards" }, ...cards));
  return found;
}

function oneLabel(root, comparison, one, go) {
  root.append(el("p", { class: "note" }, inShort(comparison, one)), colourNote(comparison));
  const choose = (layer, head) => go(headHref(comparison, layer, head));
  drawMaps(root, comparison, one, choose);
  against(root, comparison, one, choose);
  layerSection(root, comparison, one);
  if (comparison.runs.length > 2) trendSection(root, comparison, one, choose);
  root.append(headTable(comparison, one));
}

function inShort({ names }, { metric, label }) {
  const r = metric.correlations[label] ?? null;
  const alike = r === null ? "" : ` Over all heads, the two maps have r = ${correlationTold(r)}.`;
  return `${countTold(metric.count(label))} heads differ clearly between ${names[0]} and ${names[1]}.${alike}`;
}

/** The result in the first run, in the other, and the difference. */
function drawMaps(root, comparison, { metric, label, title }, choose) {
  const found = section("Both maps, and the difference", MAPS_HELP);
  const grid = el("div", { class: "three-maps" });
  found.append(grid);
  root.append(found);
  const [difference, ...runs] = comparison.tables(metric.name);
  const named = [runName(comparison, true), runName(comparison, false), "difference"];
  const blocks = named.map((name) => el("div", {}, el("h3", {}, name)));
  const drawn = [[runs[0], comparison.first], [runs[1], comparison.other], [difference, comparison]];
  grid.append(...blocks); // all of them, before any asks how wide it is
  const tellAt = tellOf(comparison, metric.name, label);
  const tell = ([layer, head]) => tellAt(placeOf(comparison, layer, head));
  const look = { tell, hasBars: false, tall: TALL };
  drawn.forEach(([table, atlas], n) => {
    const { host, status, say } = place();
    blocks[n].append(host, status);
    const picture = headMap(host, atlas, { metric: table, label }, { say, choose }, look);
    const words = n < 2
      ? titlesOf(comparison, title, metric, "", comparison.sourceOf(n === 0))
      : titlesOf(comparison, `${title}: difference`, metric, colourWords(comparison));
    const rows = () => differenceRows(comparison, metric.name, label);
    host.after(tools(() => picture, rows, `${title} ${["", "", "difference "][n]}${comparison.named(n)}`, words));
  });
}
