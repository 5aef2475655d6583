// The page of one metric: its map, its layers, its heads in order; or all of its labels side by side.

import { byHref } from "../arithmetic/by.js";
import { headRows, labelRows, layerRows } from "../arithmetic/csv.js";
import { explainLabel } from "../arithmetic/glossary.js";
import { claimHref, headAt, headName, uncapital } from "../arithmetic/heads.js";
import { labelName } from "../arithmetic/labels.js";
import { against, shown } from "../arithmetic/numbers.js";
import { choice } from "../shared/controls.js";
import { el } from "../shared/dom.js";
import { card } from "./cards.js";
import { bracketed, withoutInterval } from "./error-bars.js";
import { evidenceNote, fromHowMuch } from "./evidence.js";
import { headMap } from "./head-map.js";
import { crumbs, OVERVIEW, place, section } from "./parts.js";
import { relationMap } from "./relation-map.js";
import { heldOutNote } from "./relations.js";
import { tools } from "./tools.js";

/** Heads listed at either end. */
const MOST = 8;
const ROUNDED = "In order before rounding: a value is written with as many digits as its interval bears.";
const DEPTH_HELP = "Purple layers look at a relation more than layers do on average, orange ones less; from low layers "
  + "to deep ones.";

export function drawMetricPage(root, atlas, [name, wanted], go) {
  const metric = atlas.byName.get(name);
  if (!metric) return `expected a metric of this run, found ${name}`;
  const isAll = metric.dim !== null && wanted === undefined;
  const label = isAll ? null : metric.place(wanted);
  if (label === -1) return `expected a label of ${name}, found ${wanted}`;
  const title = metric.heading(label);
  const above = metric.dim && !isAll ? [[metric.href(), metric.title]] : [];
  root.append(crumbs([OVERVIEW, ["#/metrics", "Metrics"], ...above], title), el("h1", {}, title), about(metric));
  if (metric.dim) root.append(labelChoice(metric, label, go));
  if (!isAll) root.append(...meaning(atlas, metric, label), ...countNote(atlas, metric, label));
  root.append(...heldOut(atlas, metric, label), evidenceNote(atlas), ...withoutInterval(atlas, metric));
  const choose = (layer, head, one) => go(claimHref(atlas, layer, head, metric.claims[one]));
  if (isAll) allLabels(root, atlas, metric, choose);
  else oneLabel(root, atlas, metric, label, (layer, head) => choose(layer, head, label));
  return null;
}

export function about(metric) {
  const { help, formula, source, chance } = metric;
  const note = (words) => el("span", { class: "note" }, words);
  const level = chance ? [note(` Chance: ${uncapital(chance.title)}.`)] : [];
  const exact = el("details", { class: "definition" }, el("summary", {}, "Definition"),
    el("span", { class: "formula" }, formula), note(` ${source}`));
  return el("div", { class: "about-metric" }, help, ...level, exact);
}

/** What the label is, where it is a relation that is explained. */
function meaning(atlas, metric, label) {
  const words = explainLabel(atlas, metric, label);
  return words ? [el("p", { class: "note" }, `${metric.labels[label].split(", ").at(-1)} is ${words}.`)] : [];
}

/** Of one relation what its best head finds held out; of all of them, where that stands. */
function heldOut(atlas, { name, labels }, label) {
  if (name !== "relation_accuracy" || !atlas.relations.length) return [];
  if (label !== null) return heldOutNote(atlas, ...labels[label].split(", "));
  const link = el("a", { href: "#/relation" }, "the best head of each relation");
  return [el("p", { class: "note held-out" }, "Held out: ", link)];
}

/** How many things the shares at a label are of, and why they may be so few. */
function countNote(atlas, metric, label) {
  const told = metric.countTold(label);
  if (!told) return [];
  const few = "With so few, heads differ by chance, and the best of them is luck.";
  const why = atlas.isCausal ? ` ${metric.counts.help}` : "";
  const isFew = metric.isOfFew(label);
  const words = `Shares of ${shown(metric.counts, metric.count(label))}. ${isFew ? few : ""}${why}`;
  return [el("p", { class: isFew ? "missing" : "note" }, words.replace("  ", " "))];
}

export function labelChoice(metric, label, go) {
  const words = (one) => (metric.isOfFew(one) ? ` (${metric.countTold(one)})` : "");
  const named = (one) => [String(one), labelName(metric.dim, metric.labels[one]) + words(one)];
  const options = [["", "all"], ...metric.present().map(named)];
  const change = (value) => go(metric.href(value === "" ? null : Number(value)));
  return el("div", { class: "controls" }, choice(metric.dimTitle, options, label ?? "", change));
}

// ---- one label

function oneLabel(root, atlas, metric, label, choose) {
  const { host, status, say } = place();
  const heads = el("div", { class: `ranked${metric.isOfFew(label) ? " few" : ""}` });
  root.append(el("div", { class: "metric-page" }, el("div", {}, host, status), heads));
  const picture = headMap(host, atlas, { metric, label }, { say, choose });
  host.after(tools(() => picture, () => headRows(atlas, metric, label), metric.heading(label)));
  heads.append(...ranked(atlas, metric, label));
}

/** The heads with the highest and the lowest values. */
function ranked(atlas, metric, label) {
  const order = metric.order(label);
  if (!order.length) return [el("p", { class: "note" }, "No head has evidence.")];
  const beyond = metric.excess ? ` ${metric.excess.caption}` : "";
  const few = metric.isOfFew(label) ? ` (${metric.countTold(label)})` : "";
  const most = Math.min(MOST, Math.ceil(order.length / 2));
  const item = (at) => rankedHead(atlas, metric, label, at);
  const list = (places) => el("ol", { class: "heads-list" }, ...places.map(item));
  const query = new URLSearchParams({ y: metric.name, ...(metric.dim ? { yl: metric.labels[label] } : {}) });
  return [
    ...(metric.sure ? [el("p", { class: "note" }, ROUNDED)] : []),
    el("h2", {}, `${beyond ? `Most${beyond}` : "Highest"}${few}`), list(order.slice(0, most)),
    el("h2", {}, beyond ? `Least${beyond}` : "Lowest"), list(order.slice(-most).reverse()),
    ...unranked(atlas, metric, item), el("a", { href: `#/find?${query}` }, "against another metric"),
    ...byField(atlas, metric, label),
  ];
}

/** The way to the metric by fields that the run is split by. */
function byField({ by }, metric, label) {
  const name = metric.dim && metric.labels[label];
  const known = by.map(({ field, atlases: [first] }) => ({ field, table: first.byName.get(metric.name) }));
  const found = known.map(({ field, table }) => ({ field, table, place: table?.place(name) ?? -1 }));
  return found.filter(({ place: at }) => at >= 0).flatMap(({ field, table, place: at }) =>
    [" · ", el("a", { href: byHref(field, table, at) }, `by ${field}`)]);
}

/** The heads that are nearly switched off, folded. */
function unranked(atlas, metric, item) {
  const places = metric.hasNull ? [] : atlas.evidence.off;
  if (!places.length) return [];
  const name = el("summary", {}, `${places.length} nearly switched off: no rank`);
  return [el("details", {}, name, el("ul", { class: "heads-list" }, ...places.map(item)))];
}

/** A head with its value, beside it what chance alone would give, and the value against that. */
function rankedHead(atlas, metric, label, at) {
  const [layer, head] = headAt(atlas, at);
  const chance = metric.chanceAt(layer, head, label);
  const link = el("a", { href: claimHref(atlas, layer, head, metric.claims[label]) }, headName(atlas, layer, head));
  const [text, interval] = metric.told(at, label);
  const told = against(metric, metric.at(layer, head, label), chance);
  const words = `${metric.chance?.caption} ${shown(metric, chance)}${told && `, ${told}`}`;
  const beside = Number.isNaN(chance) ? [] : [el("div", { class: "chance" }, words)];
  const number = el("span", { class: "number" }, text, ...bracketed(interval));
  const open = metric.ranks(at, label);
  const standing = open ? [el("div", { class: "chance standing" }, metric.standing(at, label))] : [];
  return el("li", {}, link, number, ...standing, ...beside, ...fromHowMuch(atlas, metric, at));
}

// ---- all labels

function allLabels(root, atlas, metric, choose) {
  if (metric.dim === "direction") directions(root, atlas, metric, choose);
  else labelCards(root, atlas, metric);
}

/** Few labels: their maps in full. */
function directions(root, atlas, metric, choose) {
  const grid = el("div", { class: "maps-grid" });
  root.append(grid);
  const sections = metric.present().map((label) => [label, section(labelName(metric.dim, metric.labels[label]))]);
  grid.append(...sections.map(([, found]) => found)); // all of them, before any asks how wide it is
  for (const [label, found] of sections) {
    const { host, status, say } = place();
    found.append(host, status);
    const picture = headMap(host, atlas, { metric, label }, { say, choose: (...head) => choose(...head, label) });
    found.append(tools(() => picture, () => labelRows(atlas, metric), metric.heading(label)));
  }
}

/** Many labels: a small map of each; of relations, all of them by depth first. */
function labelCards(root, atlas, metric) {
  if (metric.dim === "rel") depths(root, atlas, metric);
  const help = "Each map has its own scale, from 0 to its largest value.";
  const every = section(metric.dim === "rel" ? "Every relation" : "Every map", help);
  const name = (label) => labelName(metric.dim, metric.labels[label]);
  const cards = metric.present().map((label) => card(atlas, metric, label, name(label)));
  every.append(el("div", { class: "cards" }, ...cards), tools(null, () => labelRows(atlas, metric), metric.title));
  root.append(every);
}

function depths(root, atlas, metric) {
  const { host, status, say } = place();
  const found = section("By depth", DEPTH_HELP);
  found.append(host, status);
  root.append(found);
  if (!metric.byDepth().length) return;
  const picture = relationMap(host, atlas, metric, { say });
  const rows = () => layerRows(atlas, metric, metric.byDepth(), "relation");
  found.append(tools(() => picture, rows, "relations by layer"));
}
