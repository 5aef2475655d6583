// The roles of a head with the scores that give them, and what its sentence tells of besides: each beside its chance.

import { explain } from "../arithmetic/glossary.js";
import { action } from "../shared/controls.js";
import { el } from "../shared/dom.js";
import { bracketed } from "./error-bars.js";
import { simpler, table } from "./parts.js";

/** Rows shown at first, and misses. */
const [FIRST, MISSES] = [3, 1];

const HEADER = ["what is said of it", "score", "chance level or simpler rule"];

/** Of a score that is held against a limit alone. */
const NO_LEVEL = "none: its rule asks for a fixed limit";

const BELOW = "told in its sentence, but below the rule of the role";

/**
 * [the table, what is just missed], where there is more to tell with a button for it; nothing without either. What is
 * below its rule is behind the button.
 */
export function roleScores(atlas, place) {
  if (!atlas.roles) return [];
  const { roles } = atlas;
  const [held, besides] = [roles.scoresOf(place), roles.besidesOf(place)].map((told) => told.map(row(atlas)));
  const found = table("role-scores", HEADER, held.slice(0, FIRST));
  found.hidden = !held.length;
  const more = moreRows(found, held.slice(FIRST), besides);
  return [...(held.length || besides.length ? [found, ...more] : []), ...missed(atlas, place)];
}

/** The button that adds the other roles, then, under a heading, what is below its rule; nothing without either. */
function moreRows(found, held, besides) {
  const short = `${besides.length} ${besides.length === 1 ? "score below its rule" : "scores below their rules"}`;
  const counts = [held.length && `${held.length} more`, besides.length && short];
  const words = counts.filter(Boolean).join(", ");
  const heading = el("th", { colspan: HEADER.length, scope: "colgroup", class: "note" }, BELOW);
  const rows = [...held, ...(besides.length ? [[heading]] : []), ...besides].map((cells) => el("tr", {}, ...cells));
  const add = (event) => { found.tBodies[0].append(...rows); found.hidden = false; event.target.remove(); };
  return words ? [action(words, add)] : [];
}

const row = (atlas) => ([role, score, interval, level, chance, cases, nearest, remark, label, mark = ""]) => [
  el("th", { scope: "row", title: explain(atlas, label) }, role, ...faint([mark, remark])),
  el("td", { class: "value" }, score, ...bracketed(interval), ...ofCases(cases)),
  el("td", {}, level ? `${level} ${chance}` : NO_LEVEL, ...bySimplerRule(nearest)),
];

const bySimplerRule = (words) => (words ? [el("div", { class: "nearest" }, simpler(words))] : []);

const ofCases = (words) => (words ? [el("div", { class: "cases" }, words)] : []);

/** What is remarked on a role, where there is something. */
function faint(remarks) {
  const words = remarks.filter(Boolean).join("; ");
  return words ? [el("span", { class: "note" }, ` ${words}`)] : [];
}

/** The rules that a head only just misses, and by how much. */
function missed(atlas, place) {
  const found = atlas.roles.missedBy(place).slice(0, MISSES);
  const words = found.map(([role, reached]) => `${role}, ${reached}`);
  return words.length ? [el("p", { class: "missed" }, el("b", {}, "Not quite: "), `${words.join(". And ")}.`)] : [];
}
