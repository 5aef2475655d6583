// The page of one head: its sentences, its metrics with their rank, its profile, its attention by offset.

import { profileRows } from "../arithmetic/csv.js";
import { capital, headHref, headName, placeOf, standoutsOf } from "../arithmetic/heads.js";
import { percent } from "../arithmetic/numbers.js";
import { clamp } from "../arithmetic/scales.js";
import { action } from "../shared/controls.js";
import { el } from "../shared/dom.js";
import { headMap } from "./head-map.js";
import { metricSection } from "./head-metrics.js";
import { pieceSection } from "./head-pieces.js";
import { answerSection, sentenceSection } from "./head-sentences.js";
import { similarSection } from "./head-similar.js";
import { histogramSection } from "./histograms.js";
import { offsets } from "./offsets.js";
import { crumbs, OVERVIEW, place, section } from "./parts.js";
import { labelsOf, profile } from "./profile.js";
import { nearSection } from "./role-lists.js";
import { tools } from "./tools.js";

/** Labels of a profile shown at first. */
const FIRST = 10;
/** What the profiles of well-known metrics are called; others have the metric's title. */
const PROFILES = { pos_to: "Looks at", pos_from: "Looks from", dependency_type_to: "Looks at words that are" };
const PROFILE_HELP = "Bars are this head, the orange line even attention, or the mean of all heads where that is not "
  + "known. Beside them: the head's share, how many times even attention that is, and the mean of all heads.";
const OFFSET_HELP = "0 is the piece itself, 1 the previous one. Bars are this head, the line is the mean of all heads.";

export function drawHeadPage(root, atlas, [layerName, headLabel, rank], go, query) {
  const layer = atlas.layers.findIndex((one) => String(one) === layerName);
  const head = atlas.heads.findIndex((one) => String(one) === headLabel);
  if (layer < 0 || head < 0) {
    const all = `${atlas.layers.length} layers and ${atlas.heads.length} heads`;
    return `expected a head of ${all}, found layer ${layerName} head ${headLabel}`;
  }
  const one = { layer, head, name: headName(atlas, layer, head) };
  root.append(...top(atlas, one), ...answerSection(atlas, one, query.get("claim")));
  root.append(sentenceSection(atlas, one, Number(rank ?? 0), query.get("sentences")));
  root.append(...pieceSection(atlas, one), metricSection(atlas, one));
  root.append(...nearSection(atlas, one), ...similarSection(atlas, one));
  drawProfiles(root, atlas, one);
  if (atlas.offset) drawOffsets(root, atlas, one);
  root.append(...histogramSection(atlas, one));
  drawWhere(root, atlas, one, go);
  return null;
}

// ---- what it is

function top(atlas, one) {
  const title = capital(one.name);
  const [layer, head] = [atlas.layers[one.layer], atlas.heads[one.head]];
  const heading = el("div", { class: "page-top" }, el("h1", {}, title), headSteps(atlas, one));
  const found = [crumbs([OVERVIEW], title), heading];
  found.push(...does(atlas, one));
  const query = new URLSearchParams({ view: "head", layer, head });
  const link = el("a", { href: `#/try?${query}` }, "See it in a sentence of your own");
  if (atlas.served) found.push(el("p", {}, link));
  found.push(howMuch(atlas, placeOf(atlas, one.layer, one.head)));
  const roles = standoutsOf(atlas).filter((role) => role.layer === layer && role.head === head);
  const named = (role) => [role.title, role.place].filter(Boolean).join(": ");
  const tags = roles.map((role) => el("span", { class: "role-tag" }, named(role)));
  if (tags.length) found.push(el("p", { class: "roles" }, "Of all heads: ", ...tags));
  return found;
}

/** What it does in one sentence, and its roles. */
function does(atlas, { layer, head }) {
  const at = placeOf(atlas, layer, head);
  if (!atlas.roles) return [];
  const tags = atlas.roles.inWords(at).map((words) => el("span", { class: "role-tag" }, words));
  const colour = `--own:${atlas.roles.first(at).colour}`;
  const sentence = el("p", { class: "does", style: colour }, atlas.roles.sentence(at));
  const scores = atlas.roles.sure?.[at];
  return [
    sentence, ...(tags.length ? [el("p", { class: "roles" }, "Roles: ", ...tags)] : []),
    ...(scores ? [el("p", { class: "note scores" }, `Scores: ${scores}.`)] : []),
  ];
}

/** From how much of its attention a head's numbers are. */
function howMuch({ evidence }, at) {
  const words = evidence.fromHowMuch(at);
  if (words) {
    const said = `Nearly switched off on this text: what follows is ${words}, and says little.`;
    return el("p", { class: "missing" }, said);
  }
  return el("p", { class: "note" }, `${percent(evidence.share(at))} of its attention is off null pieces.`);
}

/** The heads around it. */
export function headSteps(atlas, { layer, head }) {
  const to = (name, sign, key, a, b) => {
    const exists = atlas.layers[a] !== undefined && atlas.heads[b] !== undefined;
    if (!exists) return el("span", { class: "tool off", "aria-hidden": "true" }, sign);
    const href = headHref(atlas, a, b);
    return el("a", { class: "tool", href, "aria-label": name, title: name, "data-key": key }, sign);
  };
  return el("div", { class: "tools" },
    to("Head before", "←", "ArrowLeft", layer, head - 1), to("Next head", "→", "ArrowRight", layer, head + 1),
    to("Same head, layer above", "↑", "ArrowUp", layer - 1, head),
    to("Same head, layer below", "↓", "ArrowDown", layer + 1, head));
}

// ---- what it looks at

/** Shares over the labels of one dimension, of which a table would be long; not those that others have as chance. */
function profiled(atlas) {
  const chances = new Set(atlas.metrics.map((metric) => metric.chance));
  const isLong = (metric) => metric.labels.length > 4 || Object.hasOwn(PROFILES, metric.name);
  const isOfOne = ({ dim }) => dim !== null && dim !== "offset" && !dim.includes(", ");
  const isShares = (metric) => metric.kind === "share" && isOfOne(metric);
  return atlas.metrics.filter((metric) => isShares(metric) && isLong(metric) && !chances.has(metric));
}

function drawProfiles(root, atlas, one) {
  const found = section("What it looks at", PROFILE_HELP);
  const grid = el("div", { class: "profiles" });
  found.append(grid);
  root.append(found);
  const metrics = profiled(atlas);
  const blocks = metrics.map((metric) => el("div", {}, el("h3", {}, PROFILES[metric.name] ?? metric.title)));
  grid.append(...blocks); // all of them, before any asks how wide it is
  metrics.forEach((metric, n) => drawProfile(blocks[n], atlas, metric, one));
}

/** The largest shares; a button shows all. */
function drawProfile(block, atlas, metric, one) {
  const all = labelsOf(metric, one.layer, one.head);
  if (!all.length) {
    block.append(el("p", { class: "note" }, "no evidence"));
    return;
  }
  const width = clamp(block.clientWidth || 300, 250, 380);
  let picture = profile(atlas, metric, one, all.slice(0, FIRST), width);
  const rows = () => profileRows(metric, one.layer, one.head, one.name);
  const save = tools(() => picture, rows, `${one.name} ${metric.name}`);
  block.append(picture, save);
  if (all.length <= FIRST) return;
  save.append(action(`all ${all.length}`, (event) => {
    const whole = profile(atlas, metric, one, all, width);
    picture.replaceWith(whole);
    picture = whole;
    event.target.remove();
  }));
}

function drawOffsets(root, atlas, one) {
  const found = section("Attention by offset", OFFSET_HELP);
  root.append(found);
  const picture = offsets(atlas, atlas.offset, one, clamp(found.clientWidth || 700, 280, 760));
  const rows = () => profileRows(atlas.offset, one.layer, one.head, one.name);
  found.append(picture, tools(() => picture, rows, `${one.name} offsets`));
}

// ---- where it is

function drawWhere(root, atlas, { layer, head }, go) {
  const found = section("Where it is", "Null attention of all heads; the frame marks this one.");
  const { host, status, say } = place();
  found.append(host, status);
  root.append(found);
  const choose = (a, b) => go(headHref(atlas, a, b));
  const metric = atlas.byName.get("null_attention") ?? atlas.metrics[0];
  headMap(host, atlas, { metric, label: 0 }, { say, choose, marked: [layer, head] });
}
