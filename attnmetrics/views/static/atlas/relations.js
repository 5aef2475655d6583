// Relations of a run and the heads that find them: what Table 1, the pages of relations and of coreference share.

import { explain } from "../arithmetic/glossary.js";
import { headHref, headName, placeOf } from "../arithmetic/heads.js";
import { bear, inBrackets } from "../arithmetic/intervals.js";
import { labelName } from "../arithmetic/labels.js";
import { counted, percent } from "../arithmetic/numbers.js";
import { FEW } from "../arithmetic/table.js";
import { el } from "../shared/dom.js";
import { simpler, table } from "./parts.js";

/** How the best heads are told without luck. */
export const HALVES = "Each half of the documents chooses its best head, which is scored on the other half (held out)";
/** What a head is held against, chosen on one half of the documents and scored on the other. */
const LEVELS = ["best word offset", "nearest of a class"];
const NONE = "This run has no relations: it has no annotation that names heads of words.";

export const ruleName = (rule) => labelName("rule", rule);
export const written = (value) => (value === null || Number.isNaN(value) ? "–" : percent(value));
export const relationHref = (rel) => `#/relation/${encodeURIComponent(rel)}`;
const signed = (offset) => (offset > 0 ? `+${offset}` : String(offset).replace("-", "−"));

/** The way to a head by its numbers in the model; where there is little room, in two lines. */
export function headLink(atlas, layer, head) {
  const [a, b] = [atlas.layers.indexOf(layer), atlas.heads.indexOf(head)];
  const from = atlas.evidence.fromHowMuch(placeOf(atlas, a, b));
  const [first, rest] = headName(atlas, a, b).split(" head ");
  const whole = (words) => el("span", { class: "whole" }, words);
  return el("a", { href: headHref(atlas, a, b) }, whole(first), " ", whole(`head ${rest}`), from && `, ${from}`);
}

/** Of a relation under several rules the one that finds most edges. */
const bestRule = (rules) => rules.reduce((a, b) => (hits(b) > hits(a) ? b : a));
const hits = ({ accuracy, attainable }) => accuracy * attainable;

/** A row a relation, with what was published of it where anything was; `isSure`: of those alone that are held out. */
export function relationTable(atlas, isSure = false) {
  if (!atlas.relations.length) return el("p", { class: "note" }, NONE);
  const has = Object.keys(atlas.published_relations).length > 0;
  const header = ["relation", "edges", "rule", "best head", "accuracy", "held out", ...LEVELS,
    ...(has ? ["published, of Stanford relations"] : [])];
  const best = atlas.relations.map(bestRule).filter(({ held_out: share }) => !isSure || share !== null);
  const rows = best.map((one) => relationRow(atlas, one, has));
  return el("div", { class: "scroll" }, table("results", header, rows));
}

function relationRow(atlas, one, hasPublished) {
  const published = (atlas.published_relations[one.rel] ?? []).map((words) => el("div", {}, words));
  return [
    el("td", {}, el("a", { href: relationHref(one.rel), title: explain(atlas, one.rel) }, ...parted(one.rel))),
    number(counted(one.edges)), el("td", {}, ruleName(one.rule)), ...found(atlas, one),
    ...(hasPublished ? [el("td", { class: "note" }, ...published)] : []),
  ];
}

/** A name that a narrow column may break after its colon. */
const parted = (rel) => rel.split(/(?<=:)/).flatMap((part) => [part, el("wbr")]);

export const number = (content) => el("td", { class: "value" }, ...[content].flat());

/** A cell of a share of this name, to the digit that its interval bears, and beneath it the interval. */
export const sure = (one, name) => withInterval(one[name], [one[`${name}_low`], one[`${name}_high`]]);

/** The same of a share and its bounds; null stands for none. */
export function withInterval(value, [low, high]) {
  const [told, interval] = borne(value, low, high);
  return number([told, ...(interval === "–" ? [] : [el("div", { class: "interval" }, `[${interval}]`)])]);
}

const borne = (...numbers) => bear({ kind: "share" }, ...numbers.map((one) => one ?? NaN));

/** A share in a line: "85% [80 to 89%]". */
function inLine(one, name) {
  const [told, interval] = borne(one[name], one[`${name}_low`], one[`${name}_high`]);
  return inBrackets([told, interval === "–" ? "" : interval]);
}

/** What the best head of a rule and a relation finds of documents that did not choose it, for the map of all heads. */
export function heldOutNote(atlas, rule, rel) {
  const one = atlas.relations.find(([{ rel: name }]) => name === rel)?.find((each) => each.rule === rule);
  if (!one) return [];
  const best = one.held_out === null ? "too few edges in a half" : inLine(one, "held_out");
  const offset = one.baseline === null ? "" : `; best word offset, held out: ${inLine(one, "baseline")}`;
  const nearest = one.at_nearest === null ? "" : `; ${simpler(`nearest ${one.nearest}: ${inLine(one, "at_nearest")}`)}`;
  const words = `${HALVES}: ${best}${offset}${nearest}. `;
  return [el("p", { class: "note held-out" }, words, el("a", { href: relationHref(rel) }, `Which heads find ${rel}`))];
}

/** Beside a relation's accuracy at a label, such as "row, obj": what the nearest word of a class finds; else "". */
export function nearestTold(atlas, { name, labels }, label) {
  if (name !== "relation_accuracy") return "";
  const [rule, rel] = labels[label].split(", ");
  const one = atlas.relations.flat().find((each) => each.rule === rule && each.rel === rel);
  return (one?.at_nearest ?? null) === null ? "" : simpler(`nearest ${one.nearest} ${written(one.at_nearest)}`);
}

/** Cells of the best head, of the best word offset and of the nearest word of a class, both held out. */
function found(atlas, one) {
  return [
    el("td", {}, headLink(atlas, one.layer, one.head)), sure(one, "accuracy"), sure(one, "held_out"),
    guess(one, "baseline", signed(one.offset)), guess(one, "at_nearest", one.nearest),
  ];
}

/** The cell of what a guess without a head finds, and in words which guess it is. */
function guess(one, name, words) {
  const cell = sure(one, name);
  if (words) cell.append(el("div", { class: "note" }, words));
  return cell;
}

const fewNote = ({ attainable }) => (attainable < FEW ? [el("div", { class: "note" }, "few")] : []);

/** A relation under every rule that can find it. */
export function ruleTable(atlas, rules) {
  const header = ["rule", "edges it can find", "best head", "accuracy", "held out", ...LEVELS];
  const row = (one) => [
    el("td", {}, el("b", {}, ruleName(one.rule)), el("div", { class: "note" }, atlas.rule_words[one.rule] ?? "")),
    number([`${counted(one.attainable)} of ${counted(one.edges)}`, ...fewNote(one)]),
    ...found(atlas, one),
  ];
  return el("div", { class: "scroll" }, table("results", header, rules.map(row)));
}
