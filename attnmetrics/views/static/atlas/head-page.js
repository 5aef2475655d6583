// The page of one head: what it does, its sentences, its profiles and offsets on one screen; beneath, all else.

import { profileRows } from "../arithmetic/csv.js";
import { allHeads, capital, headHref, headName, placeOf, placeTold, standoutsOf } from "../arithmetic/heads.js";
import { percent, shown } from "../arithmetic/numbers.js";
import { clamp } from "../arithmetic/scales.js";
import { el } from "../shared/dom.js";
import { metricSection } from "./head-metrics.js";
import { pieceSection } from "./head-pieces.js";
import { errorsTold } from "./error-bars.js";
import { drawProfiles } from "./head-profiles.js";
import { sentenceSection } from "./head-sentences.js";
import { similarSection } from "./head-similar.js";
import { whereFigure } from "./head-where.js";
import { whatItDoes } from "./headlines.js";
import { histogramSection } from "./histograms.js";
import { offsets } from "./offsets.js";
import { crumbs, OVERVIEW, section } from "./parts.js";
import { LUCK, nearSection } from "./role-lists.js";
import { roleScores } from "./role-scores.js";
import { tools } from "./tools.js";

const OFFSET_HELP = "Bars are this head, the line is the mean of all heads; 0 is the piece itself, 1 the previous one.";

export function drawHeadPage(root, atlas, [layerName, headLabel, rank], go, query) {
  const layer = atlas.layers.findIndex((one) => String(one) === layerName);
  const head = atlas.heads.findIndex((one) => String(one) === headLabel);
  if (layer < 0 || head < 0) return `expected a head of ${allHeads(atlas)}, found layer ${layerName} head ${headLabel}`;
  const one = { layer, head, name: headName(atlas, layer, head) };
  const beside = el("div", { class: "head-beside" }, whereFigure(atlas, one, go));
  const text = el("div", {}, ...top(atlas, one), ...does(atlas, one), ...howSure(atlas, one),
    sentenceSection(atlas, one, Number(rank ?? 0), query));
  root.append(el("div", { class: "head-screen" }, text, beside));
  drawProfiles(beside, atlas, one, query);
  if (atlas.offset) drawOffsets(beside, atlas, one);
  root.append(...pieceSection(atlas, one), metricSection(atlas, one));
  root.append(el("div", { class: "maps-grid" }, ...nearSection(atlas, one), ...similarSection(atlas, one)));
  root.append(...histogramSection(atlas, one));
  return null;
}

// ---- what it is

function top(atlas, one) {
  const title = capital(one.name);
  const heading = el("div", { class: "page-top" }, el("h1", {}, title), headSteps(atlas, one));
  return [crumbs([OVERVIEW], title), heading];
}

/** What it does in a few words and in one sentence, what it has the most of, and its roles. */
function does(atlas, { layer, head }) {
  const at = placeOf(atlas, layer, head);
  const isOwn = (one) => one.layer === atlas.layers[layer] && one.head === atlas.heads[head];
  const named = (one) => [one.title, placeTold(atlas, one)].filter(Boolean).join(": ");
  const most = tags("Of all heads: ", standoutsOf(atlas).filter(isOwn).map(named));
  const [said, scores] = atlas.roles ? [whatItDoes(atlas, at), roleScores(atlas, at)] : [[], []];
  return [...said, ...ofWhat(atlas, at), ...(most.length ? [el("p", { class: "roles" }, ...most)] : []), ...scores];
}

const tags = (before, words) =>
  (words.length ? [before, ...words.map((one) => el("span", { class: "role-tag" }, one))] : []);

/** What its sentence calls "it" in shares "of it"; nothing of a head that is nearly switched off. */
function ofWhat({ evidence }, at) {
  if (evidence.fromHowMuch(at)) return [];
  const share = percent(evidence.share(at));
  const words = `${share} of its attention is off null pieces, over all rows; shares “of it” are of that ${share}.`;
  return [el("p", { class: "note of-what" }, words)];
}

/** Where its numbers are of little or of other rows, of how many tries they are, and the way to an own sentence. */
function howSure(atlas, { layer, head }) {
  const at = placeOf(atlas, layer, head);
  const { evidence } = atlas;
  const off = evidence.fromHowMuch(at);
  const said = `Nearly switched off on this text: what follows is ${off}, and says little.`;
  const linked = off ? [] : ofLinked(atlas, at, evidence.share(at));
  const query = new URLSearchParams({ view: "head", layer: atlas.layers[layer], head: atlas.heads[head] });
  const link = atlas.served ? [" ", el("a", { href: `#/try?${query}` }, "See it in a sentence of your own")] : [];
  const notes = [...linked, ...luck(atlas, at), ...link];
  return [
    ...(off ? [el("p", { class: "missing" }, said)] : []),
    ...(notes.length ? [el("p", { class: "note" }, ...notes)] : []),
  ];
}

/** How scores of a role go with what is off null pieces: those of linked pieces are of some rows alone. */
function ofLinked(atlas, at, share) {
  const tables = (atlas.roles?.scores[at] ?? []).map(({ metric }) => atlas.byName.get(metric));
  const table = tables.find((one) => one?.isChanceOffNull && one.chance && !one.dim);
  if (!table) return [];
  const own = `“${table.title}” is over the rows alone that have one: these may leave more off null pieces than all.`;
  const level = `${shown(table, table.chance.at(0, 0))} of what is off null pieces, here ${percent(share)}`;
  return [`${own} Its ${table.chance.caption} is ${level}.`];
}

/** Of how many tries its roles are the best; nothing without a role. */
function luck({ roles }, at) {
  if (!roles?.ofHead[at].length) return [];
  return [` ${roles.triesTold()}, and some may hold by luck: `, el("a", { href: LUCK }, "what guards against it"), "."];
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

// ---- where it looks

function drawOffsets(root, atlas, one) {
  const found = section("Attention by offset", OFFSET_HELP);
  Object.assign(found.dataset, { definition: atlas.offset.formula, legend: `${OFFSET_HELP} ${errorsTold(atlas)}` });
  root.append(found);
  const picture = offsets(atlas, atlas.offset, one, clamp(found.clientWidth || 700, 280, 460));
  const rows = () => profileRows(atlas.offset, one.layer, one.head, one.name);
  found.append(picture, tools(() => picture, rows, `${one.name} offsets`));
}
