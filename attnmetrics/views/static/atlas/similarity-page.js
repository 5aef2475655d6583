// Which heads attend alike: all heads on a map, coloured by layer, cluster or any metric; layers beside it.

import { valueCells, valueColumns } from "../arithmetic/csv.js";
import { LAYER } from "../arithmetic/head-colour.js";
import { headShort } from "../arithmetic/head-numbers.js";
import { headAt, headHref, headName } from "../arithmetic/heads.js";
import { labelName, startLabel } from "../arithmetic/labels.js";
import { number, percent } from "../arithmetic/numbers.js";
import { shelves } from "../arithmetic/shelves.js";
import { CLUSTER, readSimilarityColour, writeSimilarityColour } from "../arithmetic/similarity.js";
import { choice } from "../shared/controls.js";
import { el } from "../shared/dom.js";
import { evidenceNote } from "./evidence.js";
import { layerMap } from "./layer-map.js";
import { crumbs, OVERVIEW, place, section } from "./parts.js";
import { familySection } from "./role-lists.js";
import { clusterColour } from "./similarity-colours.js";
import { similarityMap } from "./similarity-map.js";
import { tools } from "./tools.js";

const TITLE = "Which heads attend alike";
const HELP = "A dot is a head; heads that spread their attention alike lie close together. Only distances mean "
  + "something here: the axes and their directions do not. Distances of heads have no intervals; those of layers do: "
  + "point at one. A click opens a head.";
const LAYERS_HELP = "The less a colour stands out from the page, the more alike two layers attend. On the diagonal, "
  + "which is not 0: how far apart the different heads of one layer are.";
const CLUSTERS_HELP = "As many as set the heads apart best, named by the role that most of their heads have; by "
  + "a number alone where most share none. A cluster of one is a head like no other; one of nearly all says that the "
  + "heads form no groups. How sure a cluster is, is not known.";
/** Heads of a cluster listed at first. */
const FIRST = 24;

export function drawSimilarity(root, atlas, _, go, query) {
  if (!atlas.similarity) return "expected a run that has compared its heads, found one without evidence for it";
  root.append(crumbs([OVERVIEW], "Similarity"), el("h1", {}, TITLE), el("p", { class: "help" }, HELP),
    ...byChance(atlas), held(atlas));
  new SimilarityPage(root, atlas, go, readSimilarityColour(atlas, query)).draw();
  return null;
}

/** What distance two heads have that nothing connects but the run. */
function byChance({ similarity: { usual, unit } }) {
  if (!usual.length) return [];
  const [low, middle, high] = usual.map(number);
  const words = `Two heads drawn at random are ${middle} ${unit} apart (median; half of all pairs ${low} to ${high}); `
    + "0 is the same attention, 0.693 none to the same piece. How far one head would be from itself on other text, the "
    + "run does not say.";
  return [el("p", { class: "note by-chance" }, words)];
}

/** How much of it the map can show, and from what it is. */
function held({ similarity: { shares, rows } }) {
  const axes = shares.length ? `The two axes hold ${shares.map(percent).join(" and ")} of all distances; ` : "";
  return el("p", { class: "note" }, `${axes}${axes ? "heads" : "Heads"} are compared in ${number(rows)} rows.`);
}

class SimilarityPage {
  constructor(root, atlas, go, colour) {
    Object.assign(this, { atlas, go, colour, plot: place() });
    this.controls = el("div", { class: "controls finder" });
    this.saved = el("div");
    const beside = el("div");
    root.append(this.controls, evidenceNote(atlas),
      el("div", { class: "metric-page wider" }, el("div", {}, this.plot.host, this.plot.status, this.saved), beside));
    drawLayers(beside, atlas);
    root.append(clusterSection(atlas), ...(atlas.roles ? [familySection(atlas)] : []));
  }

  draw() {
    const { atlas, colour, plot, saved, go } = this;
    this.#drawControls();
    history.replaceState(null, "", atlas.evidence.written(writeSimilarityColour(colour)));
    const picture = similarityMap(plot, atlas, colour, (layer, head) => go(headHref(atlas, layer, head)));
    Object.assign(saved.dataset, { title: TITLE, legend: HELP });
    saved.replaceChildren(tools(() => picture, () => mapRows(atlas, colour), "map of heads"));
  }

  /** The menus again, the focus where it was. */
  #drawControls() {
    const { atlas, controls, colour: { by, metric, label } } = this;
    const focused = controls.contains(document.activeElement) ? document.activeElement : null;
    const own = { title: "Of this map", options: [[LAYER, "layer"], [CLUSTER, "cluster"]] };
    const metrics = shelves(atlas).map((shelf) =>
      ({ title: shelf.title, options: shelf.metrics.map((one) => [one.name, one.title]) }));
    const menus = [choice("Colour by", [own, ...metrics], by, (value) => this.#colourBy(value))];
    if (metric?.dim) {
      const labels = metric.present().map((at) => [String(at), labelName(metric.dim, metric.labels[at])]);
      menus.push(choice("Label", labels, label, (value) => this.#set({ by, metric, label: Number(value) })));
    }
    controls.replaceChildren(...menus);
    if (focused) controls.querySelector(`[aria-label="${focused.getAttribute("aria-label")}"]`)?.focus();
  }

  #colourBy(by) {
    const metric = this.atlas.byName.get(by);
    this.#set(metric ? { by, metric, label: startLabel(metric) } : { by });
  }

  #set(colour) {
    this.colour = colour;
    this.draw();
  }
}

/** (layer, head, axes, cluster, and the value that colours) of all heads. */
function mapRows(atlas, { metric, label }) {
  const { axes, cluster } = atlas.similarity;
  const own = (at) => (metric ? valueCells(metric, at, label) : []);
  const row = (_, at) => {
    const [layer, head] = headAt(atlas, at);
    const values = [axes.column(0)[at], axes.column(1)[at], cluster[at], ...own(at)];
    return [atlas.layers[layer], atlas.heads[head], ...values];
  };
  const header = ["layer", "head", "axis 0", "axis 1", "cluster", ...(metric ? valueColumns(metric, label) : [])];
  return [header, ...Array.from(cluster, row)];
}

// ---- layers

function drawLayers(beside, atlas) {
  const { host, status, say } = place();
  beside.append(el("h2", {}, "Layers"), el("p", { class: "help" }, LAYERS_HELP), host, status);
  Object.assign(beside.dataset, { title: "Layers", legend: LAYERS_HELP });
  const picture = layerMap(host, atlas, { say });
  beside.append(tools(() => picture, () => distanceRows(atlas), "distance of layers"));
}

/** (layer, distance to every layer, with its bounds where they are known). */
function distanceRows({ layers, similarity }) {
  const cellsOf = (a) => layers.flatMap((_, b) => similarity.cellsOfLayers(a, b));
  const header = layers.flatMap((layer) => (similarity.bounds ? [layer, `${layer}_low`, `${layer}_high`] : [layer]));
  return [["layer", ...header], ...layers.map((layer, a) => [layer, ...cellsOf(a)])];
}

// ---- clusters

function clusterSection(atlas) {
  const found = section("Clusters", CLUSTERS_HELP);
  const clusters = atlas.similarity.clusters();
  const none = el("p", { class: "note" }, "No clusters: they take three heads with evidence.");
  const items = clusters.map((one) => clusterItem(atlas, one));
  found.append(clusters.length ? el("ul", { class: "clusters" }, ...items) : none);
  return found;
}

/** A cluster's heads, each a link; those beyond the first are folded. */
function clusterItem(atlas, { number: name, places }) {
  const mark = el("i", { class: "dot", style: `background:${clusterColour(name)}` });
  const shared = atlas.roles?.sharedBy(places);
  const most = shared ? `, most of them with the role ${shared}` : "";
  const title = `Cluster ${name}: ${places.length} head${places.length === 1 ? "" : "s"}${most}`;
  const links = places.map((at) => headLink(atlas, at));
  const rest = links.slice(FIRST);
  const more = rest.length ? [el("details", {}, el("summary", {}, `${rest.length} more`), ...rest)] : [];
  return el("li", {}, mark, el("b", {}, title), el("div", { class: "members" }, ...links.slice(0, FIRST), ...more));
}

function headLink(atlas, at) {
  const [layer, head] = headAt(atlas, at);
  const name = headName(atlas, layer, head);
  return el("a", { href: headHref(atlas, layer, head), title: name, "aria-label": name }, headShort(atlas, at));
}
