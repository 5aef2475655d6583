// The page of one metric: its map, its layers, its heads in order; or all of its labels side by side.

import { choice, el } from "./shared.js";
import { byDepth, card, headMap, relationMap } from "./maps.js";
import { shown } from "./numbers.js";
import { headAt, headHref, headName } from "./tables.js";
import { crumbs, section, tools } from "./parts.js";

export function drawMetricPage(root, atlas, [name, labelName], go) {
  const metric = atlas.byName.get(name);
  if (!metric) return `expected a metric of this run, found ${name}`;
  const label = metric.dim ? (labelName === undefined ? null : metric.labels.indexOf(labelName)) : 0;
  if (label === -1) return `expected a label of ${name}, found ${labelName}`;
  const way = [["#/", "Overview"], ["#/metrics", "Metrics"]];
  if (metric.dim && label != null) way.push([metric.href(), metric.title]);
  const title = metric.heading(label);
  root.append(crumbs(way, title), el("h1", {}, title), about(metric));
  if (metric.dim) root.append(labelChoice(metric, label, go));
  if (label == null) allLabels(root, atlas, metric, go);
  else oneMap(root, atlas, metric, label, go);
  return null;
}

const about = (metric) => el("p", { class: "about-metric" }, metric.help, " ", el("span", { class: "formula" }, metric.formula), el("span", { class: "note" }, ` ${metric.source}`));

function labelChoice(metric, label, go) {
  const options = [["", "all"], ...metric.present().map((one) => [String(one), metric.labels[one]])];
  const name = { pos: "Part of speech", rel: "Relation", direction: "Direction", offset: "Offset" }[metric.dim];
  return el("div", { class: "controls" }, choice(name, options, label == null ? "" : String(label), (value) => go(metric.href(value === "" ? null : Number(value)))));
}

function oneMap(root, atlas, metric, label, go) {
  const host = el("div", { class: "map-host" });
  const status = el("p", { class: "status-line", role: "status" });
  const heads = el("div", { class: "ranked" });
  root.append(el("div", { class: "metric-page" }, el("div", {}, host, status), heads));
  const picture = headMap(host, atlas, metric, label, { say: (text) => { status.textContent = text; }, choose: (layer, head) => go(headHref(atlas, layer, head)) });
  const rows = () => [["layer", "head", metric.dim ? `${metric.name} ${metric.labels[label]}` : metric.name], ...[...metric.column(label)].map((value, place) => {
    const [layer, head] = headAt(atlas, place);
    return [atlas.layers[layer], atlas.heads[head], value];
  })];
  host.after(tools(() => picture, rows, metric.heading(metric.dim ? label : null)));
  ranked(heads, atlas, metric, label);
}

/** The heads with the highest and the lowest values. */
function ranked(host, atlas, metric, label) {
  const order = metric.order(label);
  const column = metric.column(label);
  const list = (places) => el("ol", { class: "heads-list" }, ...places.map((place) => {
    const [layer, head] = headAt(atlas, place);
    return el("li", {}, el("a", { href: headHref(atlas, layer, head) }, headName(atlas, layer, head)), el("span", { class: "number" }, shown(metric, column[place])));
  }));
  if (!order.length) return host.append(el("p", { class: "note" }, "No head has evidence."));
  const most = Math.min(8, Math.ceil(order.length / 2));
  host.append(el("h2", {}, "Highest"), list(order.slice(0, most)), el("h2", {}, "Lowest"), list(order.slice(-most).reverse()),
    el("a", { href: `#/find?${new URLSearchParams({ y: metric.name, ...(metric.dim ? { yl: metric.labels[label] } : {}) })}` }, "against another metric"));
  return null;
}

function allLabels(root, atlas, metric, go) {
  const status = el("p", { class: "status-line", role: "status" });
  const say = (text) => { status.textContent = text; };
  if (metric.dim === "direction") {
    const grid = el("div", { class: "maps-grid" });
    root.append(grid);
    for (const label of metric.present()) {
      const found = section(metric.heading(label));
      const host = el("div", { class: "map-host" });
      const line = el("p", { class: "status-line", role: "status" });
      found.append(host, line);
      grid.append(found);
      const picture = headMap(host, atlas, metric, label, { say: (text) => { line.textContent = text; }, choose: (layer, head) => go(headHref(atlas, layer, head)) });
      found.append(tools(() => picture, () => table(atlas, metric), metric.heading(label)));
    }
    return;
  }
  if (metric.dim === "rel") {
    const found = section("By depth", "Purple layers look at a relation more than layers do on average, orange ones less; from low layers to deep ones.");
    const host = el("div", { class: "map-host" });
    found.append(host, status);
    root.append(found);
    if (byDepth(atlas, metric).length) {
      const picture = relationMap(host, atlas, metric, { say });
      const rows = () => [["relation", ...atlas.layers.map((layer) => `layer ${layer}`)], ...byDepth(atlas, metric).map((label) => [metric.labels[label], ...atlas.layers.map((_, layer) => metric.ofLayer(layer, label))])];
      found.append(tools(() => picture, rows, "relations by layer"));
    }
  }
  const every = section(metric.dim === "rel" ? "Every relation" : "Every map", "Each map has its own scale, from 0 to its largest value.");
  every.append(el("div", { class: "cards" }, ...metric.present().map((label) => card(atlas, metric, label, metric.labels[label]))), tools(null, () => table(atlas, metric), metric.title));
  root.append(every);
}

const table = (atlas, metric) => [["layer", "head", ...metric.labels], ...[...metric.column(0).keys()].map((place) => {
  const [layer, head] = headAt(atlas, place);
  return [atlas.layers[layer], atlas.heads[head], ...metric.labels.map((_, label) => metric.at(layer, head, label))];
})];

/** All metrics: their maps, and the largest of those with many labels. */
export function drawMetrics(root, atlas) {
  root.append(crumbs([["#/", "Overview"]], "Metrics"), el("h1", {}, "Every metric, every head"), el("p", { class: "help" }, "Layers go down, heads across; the stronger the colour, the larger the value. A click opens the map."));
  root.append(el("div", { class: "cards" }, ...atlas.metrics.filter((metric) => !metric.dim).map((metric) => card(atlas, metric, 0))));
  for (const metric of atlas.metrics.filter((one) => one.dim)) {
    const found = section(metric.title, metric.help);
    const labels = metric.present();
    const shownLabels = metric.dim === "direction" ? labels : [...labels].sort((a, b) => metric.mean(b) - metric.mean(a)).slice(0, 5);
    const more = labels.length > shownLabels.length ? [el("a", { href: metric.href() }, `all ${labels.length}`)] : [el("a", { href: metric.href() }, "all on one page")];
    found.append(el("div", { class: "cards" }, ...shownLabels.map((label) => card(atlas, metric, label, metric.dim === "direction" ? metric.heading(label) : metric.labels[label]))), ...more);
    root.append(found);
  }
  return null;
}

